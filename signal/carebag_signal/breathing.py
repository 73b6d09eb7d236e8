"""Breathing as it is heard: how many breaths a minute, and when in and out begin, or why that is not shown.

Decision support, not a diagnosis. Every two seconds the last thirty are looked at, always cut at the same places: the
same for any chunking. A rate is shown only where the period is sure enough; silence is never called an apnoea.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from carebag_signal.breath_frames import BANDS_HZ, FRAMES_PER_SECOND, BreathFrames, frame_start
from carebag_signal.breath_period import HIGHEST_PER_MIN, LOWEST_PER_MIN, Chooser, period_of
from carebag_signal.breath_phase import Phase, bursts, phases

BreathWhyNot = Literal["assessing", "weak", "unsure", "out_of_range"]

WINDOW_FRAMES = 30 * FRAMES_PER_SECOND
FIRST_FRAMES = 12 * FRAMES_PER_SECOND
EVERY_FRAMES = 2 * FRAMES_PER_SECOND
_FINAL_FRAMES = 3 * FRAMES_PER_SECOND
"""A mark is given when it is this old."""
SURE_LOG_ODDS = 1.0
"""Above it a rate is shown: see the model card for what that means."""
_STILL = 0.05
"""Loudness (natural logarithm) that never moves this far is no sound of a body."""


@dataclass(frozen=True, slots=True)
class BreathRate:
    """Breaths per minute (6-60) over the last half minute, or the code of why none is shown."""

    at_sample: int
    per_min: float | None
    why_not: BreathWhyNot | None
    guess_per_min: float | None = None
    """The likeliest rate, shown or not; for studies, never for a display."""
    log_odds: float | None = None
    """How sure the guess is."""


@dataclass(frozen=True, slots=True)
class BreathMark:
    """Breathing in or out begins here. Final."""

    sample: int
    phase: Phase


BreathFinding = BreathRate | BreathMark


class BreathingMonitor:
    """Listens to one place on the chest.

    Samples are counted from the first one fed, gaps included. The findings are the same however the samples are cut;
    after a gap everything starts anew. Memory does not grow.
    """

    def __init__(self, rate_hz: int, *, chooser: Chooser | None = None) -> None:
        """Raises: ValueError unless 2000 <= rate_hz <= 96000."""
        self._rate_hz = rate_hz
        self._chooser = chooser
        self._fed = 0
        self._begin()

    def _begin(self) -> None:
        self._base = self._fed
        self._frames = BreathFrames(self._rate_hz)
        self.rows = np.zeros((0, len(BANDS_HZ)))
        """Loudness of the last half minute, as in `BreathFrames`."""
        self.seen = 0
        """Frames since the last gap."""
        self.period_s: float | None = None
        """Of a breath, while a rate is shown."""
        self._looked = 0
        self._marked = 0

    def feed(self, samples: NDArray[np.int16]) -> list[BreathFinding]:
        """Findings that became known with these samples.

        Raises: ValueError unless the samples are one channel of int16.
        """
        rows = self._frames.feed(samples)
        self._fed += samples.size
        found: list[BreathFinding] = []
        at = 0
        while at < len(rows):
            take = min(len(rows) - at, EVERY_FRAMES - self.seen % EVERY_FRAMES)
            self.rows = np.concatenate((self.rows, rows[at : at + take]))[-WINDOW_FRAMES:]
            self.seen, at = self.seen + take, at + take
            if self.seen % EVERY_FRAMES == 0:
                found += self._look(self.seen - _FINAL_FRAMES)
        return found

    def gap(self, n_samples: int) -> list[BreathFinding]:
        """Samples that were lost: what was still open is closed, and listening starts anew behind the hole.

        Raises: ValueError if `n_samples` is negative.
        """
        if n_samples < 0:
            raise ValueError("n_samples must not be negative")
        if n_samples == 0:
            return []
        found = self.finish() if self._looked != self.seen else []
        self._fed += n_samples
        self._begin()
        return found

    def finish(self) -> list[BreathFinding]:
        """A last look up to where the sound ended."""
        if self.seen < FIRST_FRAMES or self._looked == self.seen:
            return []
        return self._look(self.seen)

    def _look(self, final: int) -> list[BreathFinding]:
        self._looked = self.seen
        self.period_s = None
        now = self._base + frame_start(self.seen, self._rate_hz)
        if self.seen < FIRST_FRAMES:
            return [BreathRate(now, None, "assessing")] if self.seen == EVERY_FRAMES else []
        low, high = np.percentile(self.rows[:, 1], [5, 95])
        if high - low < _STILL:
            self._marked = max(final, 0)
            return [BreathRate(now, None, "weak")]
        period_s, odds = period_of(self.rows, self._chooser)
        if not np.isfinite(odds) or odds < SURE_LOG_ODDS:
            self._marked = max(final, 0)
            guess = (60 / period_s, odds) if np.isfinite(odds) else (None, None)
            return [BreathRate(now, None, "unsure", *guess)]
        per_min = 60 / period_s
        if not LOWEST_PER_MIN <= per_min <= HIGHEST_PER_MIN:
            self._marked = max(final, 0)
            return [BreathRate(now, None, "out_of_range", per_min, odds)]
        self.period_s = period_s
        return [*self._marks(period_s, final), BreathRate(now, per_min, None, per_min, odds)]

    def _marks(self, period_s: float, final: int) -> list[BreathFinding]:
        first = self.seen - len(self.rows)
        found: list[BreathFinding] = []
        for frame, phase in phases(bursts(self.rows, period_s), period_s):
            if self._marked <= first + frame < final:
                found.append(BreathMark(self._base + frame_start(first + frame, self._rate_hz), phase))
        self._marked = max(final, self._marked)
        return found
