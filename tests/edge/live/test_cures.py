"""The cures still reach the parts of aiortc that they change."""

import importlib.metadata

from aiortc.codecs import vpx

from carebag_edge.live.cures import VIDEO_FLOOR_BPS, VIDEO_START_BPS, apply_cures


def test_vp8_starts_low_and_yields() -> None:
    apply_cures()
    encoder = vpx.Vp8Encoder()
    assert encoder.target_bitrate == VIDEO_START_BPS
    encoder.target_bitrate = 1
    assert encoder.target_bitrate == VIDEO_FLOOR_BPS


def test_the_version_that_was_looked_at() -> None:
    assert importlib.metadata.version("aiortc").startswith("1.16.")
