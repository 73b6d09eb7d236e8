"""How often one viewer's packets of exact sound repeat earlier chunks. Pure: no clock of its own.

Four chunks in each packet heal a burst of four lost ones within nine chunks, and cost three times the sound itself. On
a narrow path that loses nothing they are what makes sound wait and pictures few: there the chunk before is enough, and
what is lost all the same comes by the repair channel. With the first loss all four are back.
"""

from typing import Final

LOSS_FROM: Final = 0.005
"""Mean of the last reports; a single packet that a full queue dropped is less."""
QUIET_S: Final = 10.0
NARROW_STEP: Final = 2
"""Video has 150 kbit/s or less: there is no room."""
WIDE_STEP: Final = 5
"""From 500 kbit/s on there is room for all."""
LITTLE_CHUNKS: Final = 2
LITTLE_SHARE: Final = 0.6
"""Of the full packets, what is around them counted."""


class SoundRepeats:
    """Feed `watch` once a second; read `little`."""

    def __init__(self, now_s: float) -> None:
        self._lost_s = now_s
        self.little = False
        """A packet shall have `LITTLE_CHUNKS` chunks, not all."""

    def watch(self, now_s: float, loss: float, video_step: int) -> None:
        """What the page said of the path.

        Args:
            loss: share of packets lost, 0-1.
            video_step: of the rate controller, -1 where no picture is sent.
        """
        if loss > LOSS_FROM:
            self._lost_s = now_s
        quiet = now_s - self._lost_s >= QUIET_S
        self.little = quiet and (video_step <= NARROW_STEP or (self.little and video_step < WIDE_STEP))
