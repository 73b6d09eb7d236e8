"""Changes to aiortc's own modules, in one place. `tests/edge/live/test_cures.py` fails when what they touch changes."""

from typing import Final

from aiortc.codecs import vpx

VIDEO_START_BPS: Final = 300_000
VIDEO_FLOOR_BPS: Final = 60_000
"""aiortc starts at 500 kbit/s and never goes below 250, which is no picture at all on a 500 kbit/s uplink."""


def apply_cures() -> None:
    """Make VP8 start low and yield; may be called again."""
    vpx.DEFAULT_BITRATE = VIDEO_START_BPS
    vpx.MIN_BITRATE = VIDEO_FLOOR_BPS
