"""One clock: which RTP time of a track stands for which time of the kit's monotonic clock.

The page reads a picture's RTP time (`requestVideoFrameCallback`) and a sound's sample number; with these words it puts
both on the kit's clock, without comparing clocks of two machines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

_WRAP = 1 << 32


@dataclass(frozen=True)
class ClockPoint:
    """RTP time `rtp` of the track `mid` is the kit's monotonic time `t_us`, microseconds."""

    mid: str
    track: Literal["camera", "exact", "monitor", "talk"]
    rtp: int
    rate_hz: int
    t_us: int

    def message(self) -> dict[str, Any]:
        """As it goes to the page on the `live` channel."""
        return {"type": "clock", **self.__dict__}


class RtpClock:
    """The random offset that a sender adds to our own time stamps, found by watching it."""

    def __init__(self, rate_hz: int, sent_rtp: Callable[[], int]) -> None:
        """`sent_rtp` reads the RTP time of the packet sent last."""
        self.rate_hz = rate_hz
        self._sent_rtp = sent_rtp
        self._offset: int | None = None

    def sent(self, stamp: int | None) -> None:
        """The packet sent last carried our time stamp `stamp` (ticks of `rate_hz`); None: nothing was sent yet."""
        if stamp is not None and self._offset is None:
            self._offset = (self._sent_rtp() - stamp) % _WRAP

    def point(self, mid: str, track: Literal["camera", "exact", "monitor", "talk"], t_us: int) -> ClockPoint | None:
        """What stands for the kit's time `t_us`; None before anything was sent."""
        if self._offset is None:
            return None
        ticks = t_us * self.rate_hz // 1_000_000
        # the time of that very tick, so that rounding is not seen as an error
        return ClockPoint(mid, track, (self._offset + ticks) % _WRAP, self.rate_hz, ticks * 1_000_000 // self.rate_hz)


def picture_times(ticks: Sequence[int]) -> dict[str, Any] | None:
    """The times (90 kHz, strictly rising) of the last pictures that went to an SFU, as a message; None for none.

    An SFU gives each viewer RTP times of its own; by the distances of pictures a page finds its place among these.
    """
    if not ticks:
        return None
    after = [later - earlier for earlier, later in pairwise(ticks)]
    return {"type": "picture_times", "rate_hz": 90_000, "first": ticks[0], "after": after}


class SampleClock:
    """When each sample of a stream was heard, by the kit's clock: radio delays come late, never early.

    The line through the earliest arrivals is taken. A device whose crystal is a little fast or slow is followed: the
    line is let go by `FORGET_PPM`.
    """

    FORGET_PPM = 200.0

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._zero_us: float | None = None
        self._at_us = 0.0

    def arrived(self, next_sample: int, t_us: int) -> None:
        """All samples below `next_sample` were there at `t_us`."""
        zero_us = t_us - next_sample * 1_000_000 / self.rate_hz
        if self._zero_us is None:
            self._zero_us = zero_us
        else:
            forgotten = max(0.0, t_us - self._at_us) * self.FORGET_PPM / 1_000_000
            self._zero_us = min(self._zero_us + forgotten, zero_us)
        self._at_us = t_us

    def time_of(self, sample: int) -> int | None:
        """Kit time of a sample, microseconds; None before any came."""
        return None if self._zero_us is None else round(self._zero_us + sample * 1_000_000 / self.rate_hz)
