"""Pulse wave at a finger: beats, pulse rate, breathing rate and quality, or why there is none, live.

Beats in `pulse_beats`, quality in `pulse_quality`, breathing in `breathing_from_pulse`. Every second the last ten are
looked at, always cut at the same places: the same for any chunking. Decision support, no diagnosis.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from carebag_signal.breathing_from_pulse import STEP_S, WINDOW_S, BreathingTracker, BreathingWhyNot
from carebag_signal.pulse_beats import SHORTEST_INTERVAL_S, band_passed, beats_in, uprightness
from carebag_signal.pulse_quality import LOWEST_CORRELATION, PulseQuality, is_flat, quality

Floats = NDArray[np.float64]
PulseWhyNot = Literal["assessing", "weak", "unclear", "unsteady", "out_of_range"]

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 25, 1000
LOWEST_PER_MIN, HIGHEST_PER_MIN = 30, 220
_LARGEST = 1e12
"""Beyond any converter; their powers stay finite."""
LOOK_S = 10
_FIRST_LOOK_S = 3
_SETTLED_S = 1.5
"""Beats older than this are final."""
_LONGEST_TO_SHORTEST = 2.2
"""Of the intervals of a window (Orphanidou et al. 2015): beyond it a beat was missed or made up."""
_NEAR = 0.15
"""Of the median: intervals this near belong to a regular rhythm."""
_MOST = 0.8
"""If so many are near, the rest are missed, early or made-up beats."""
_MEMORY = 0.8
"""Of how upright the wave was in the looks before."""
_SURELY = 0.3
"""Nearer to nought it stays the way it was."""


@dataclass(frozen=True, slots=True)
class PulseBeat:
    """Peak of one pulse wave; final."""

    at_s: float


@dataclass(frozen=True, slots=True)
class PulseRate:
    """Beats per minute over the last ten seconds, or why not."""

    at_s: float
    per_min: float | None
    why_not: PulseWhyNot | None


@dataclass(frozen=True, slots=True)
class BreathingRate:
    """Breaths per minute over the last 32 seconds, or why not."""

    at_s: float
    per_min: float | None
    why_not: BreathingWhyNot | None


PulseFinding = PulseBeat | PulseRate | BreathingRate | PulseQuality


def pulse_rate(beats_s: Floats) -> tuple[float | None, PulseWhyNot | None]:
    """Rate of the beats of a window.

    In a regular rhythm by the intervals near their median, so that a missed or early beat does not count; in an
    irregular one by all of them: there the mean is the rate, and the median is not.
    """
    intervals = np.diff(beats_s)
    if intervals.size < 3:
        return None, "assessing"
    near = intervals[np.abs(intervals - np.median(intervals)) <= _NEAR * np.median(intervals)]
    if near.size >= max(3.0, _MOST * intervals.size):
        intervals = near
    elif intervals.max() > _LONGEST_TO_SHORTEST * intervals.min():
        return None, "unsteady"
    rate = 60.0 / float(intervals.mean())
    if not LOWEST_PER_MIN <= rate <= HIGHEST_PER_MIN:
        return None, "out_of_range"
    return rate, None


class PulseMonitor:
    """One finger. Beats are final after 2.5 s; rate and quality come every second, a breathing rate every four."""

    def __init__(self, rate_hz: int, *, raw_light: bool = False) -> None:
        """`raw_light`: the values are light with its steady part, so that perfusion can be told.

        Raises: ValueError unless 25 <= rate_hz <= 1000.
        """
        if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
            raise ValueError(f"rate_hz must be within {LOWEST_RATE_HZ} and {HIGHEST_RATE_HZ}")
        self._rate_hz = rate_hz
        self._raw_light = raw_light
        self._fed = 0
        self._begin()

    def _begin(self) -> None:
        self._base = self._fed
        self._wave = np.zeros(0)
        self._first = 0
        self._second = 0
        self._settled = 0.0
        self._beats: list[float] = []
        self._uprightness: float | None = None
        self._upright = True
        self._breathing = BreathingTracker()

    def feed(self, values: Floats) -> list[PulseFinding]:
        """Findings of the seconds that are complete now; any unit, either way up, the loudness does not matter.

        Raises: ValueError unless the values are one channel of finite numbers, within 1e12.
        """
        wave = np.asarray(values, dtype=np.float64)
        if wave.ndim != 1 or not np.all(np.abs(wave) <= _LARGEST):
            raise ValueError("values must be one channel of finite numbers within 1e12")
        self._fed += wave.size
        self._wave = np.concatenate((self._wave, wave))
        found: list[PulseFinding] = []
        while self._first + self._wave.size >= (self._second + 1) * self._rate_hz:
            self._second += 1
            found += self._look(self._second * self._rate_hz)
        keep = max(0, self._second * self._rate_hz - WINDOW_S * self._rate_hz - self._first)
        self._wave, self._first = self._wave[keep:].copy(), self._first + keep
        return found

    def gap(self, n_samples: int) -> None:
        """Samples that were lost: everything starts anew behind them.

        Raises: ValueError if `n_samples` is negative.
        """
        if n_samples < 0:
            raise ValueError("n_samples must not be negative")
        if n_samples:
            self._fed += n_samples
            self._begin()

    def _look(self, end: int) -> list[PulseFinding]:
        if self._second < _FIRST_LOOK_S:
            return []
        start = max(0, end - LOOK_S * self._rate_hz)
        piece = self._piece(start, end)
        now = (self._base + end) / self._rate_hz
        settled = end - _SETTLED_S * self._rate_hz
        found: list[PulseFinding] = []
        if is_flat(piece):
            filtered, unsettled = piece, np.zeros(0)
        else:
            filtered = self._upright_again(band_passed(piece, self._rate_hz))
            beats = start + beats_in(filtered, self._rate_hz)
            fresh = self._fresh(beats[beats < settled])
            found += [PulseBeat((self._base + b) / self._rate_hz) for b in fresh]
            self._beats += fresh
            unsettled = beats[beats >= settled]
        self._settled = settled
        known = np.concatenate((self._beats, unsettled))
        recent = known[known > start]
        judged = quality(now, piece, filtered, recent - start, self._rate_hz, raw_light=self._raw_light)
        found += [self._rate(now, recent, judged), judged]
        if self._second >= WINDOW_S and self._second % STEP_S == 0:
            found.append(self._breath(end, known, now))
        self._beats = [b for b in self._beats if b > end - (WINDOW_S + 2) * self._rate_hz]
        return found

    def _piece(self, start: int, end: int) -> Floats:
        return self._wave[start - self._first : end - self._first]

    def _fresh(self, beats: Floats) -> list[float]:
        """Beats that are final now and were not before."""
        fresh: list[float] = []
        for beat in beats[beats >= self._settled]:
            last = fresh[-1] if fresh else self._beats[-1] if self._beats else -np.inf
            if beat - last >= SHORTEST_INTERVAL_S * self._rate_hz:
                fresh.append(float(beat))
        return fresh

    def _upright_again(self, filtered: Floats) -> Floats:
        """Turned over if the wave has of late been upside down."""
        this = uprightness(filtered)
        before = this if self._uprightness is None else self._uprightness
        self._uprightness = _MEMORY * before + (1 - _MEMORY) * this
        if abs(self._uprightness) > _SURELY:
            self._upright = self._uprightness > 0
        return filtered if self._upright else -filtered

    def _rate(self, now: float, beats: Floats, judged: PulseQuality) -> PulseRate:
        if judged.word == "weak":
            return PulseRate(now, None, "weak")
        rate, why_not = pulse_rate(beats / self._rate_hz)
        if rate is not None and judged.correlation is not None and judged.correlation < LOWEST_CORRELATION:
            return PulseRate(now, None, "unclear")
        return PulseRate(now, rate, why_not)

    def _breath(self, end: int, known: Floats, now: float) -> BreathingRate:
        start = end - WINDOW_S * self._rate_hz
        wave = self._piece(start, end)
        if is_flat(wave):
            self._breathing.reset()
            return BreathingRate(now, None, "weak")
        return BreathingRate(now, *self._breathing.look(wave, self._rate_hz, known[known >= start] - start))
