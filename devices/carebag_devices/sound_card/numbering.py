"""Counts a sound input's samples, and what was lost between them. Pure.

Nothing on a sound card numbers its samples. What our own queue had to drop is known exactly; what the sound system
dropped (an overflow) is only known to be something: how much is estimated by its time stamps, and never less than one
sample, so that the record has a gap where one is.
"""

from dataclasses import dataclass

LONGEST_GAP_S = 10.0
"""A longer one is a wrong time stamp: a stream that silent would have been ended."""


@dataclass
class Numbering:
    """One stream. `estimated_gaps` were guessed by time stamps, `estimated_samples` long in all."""

    rate_hz: int
    next_sample: int = 0
    estimated_gaps: int = 0
    estimated_samples: int = 0
    _next_s: float | None = None

    def place(self, count: int, captured_s: float, *, overflowed: bool, dropped: int = 0) -> int:
        """First sample of a block of `count`.

        `captured_s`: when its first sample was taken, by the sound system's clock. `overflowed`: the sound system
        lost something before it. `dropped`: so many samples before it were lost on our side.
        """
        first = self.next_sample + dropped
        if overflowed:
            lost = self._lost(captured_s, dropped)
            self.estimated_gaps += 1
            self.estimated_samples += lost
            first += lost
        self.next_sample = first + count
        self._next_s = captured_s + count / self.rate_hz
        return first

    def _lost(self, captured_s: float, dropped: int) -> int:
        if self._next_s is None:
            return 1
        lost_s = captured_s - self._next_s - dropped / self.rate_hz
        return max(1, round(lost_s * self.rate_hz)) if lost_s <= LONGEST_GAP_S else 1
