"""What lies between the sounds: length of systole and diastole, and whether the beats come evenly.

Words about intervals, never about a rhythm disorder: an uneven pulse may be breathing, extra beats or a missed mark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Rhythm = Literal["regular", "irregular"]
TimingWhyNot = Literal["assessing", "unsteady", "fast"]
"""Codes, never sentences: too few whole beats, too few that agree with each other, or a heart so fast that which sound
is the first and which the second cannot be told surely."""

FEWEST_BEATS = 6
SURE_CYCLE_S = 0.5
"""Above 120/min systole and diastole are equally long. In 97 recordings of children's hearts that fast the names were
the other way round than annotated in 13, in 261 slower ones in one (docs/model-cards/heart-sounds.md)."""
LONGEST_CYCLE_S, SHORTEST_CYCLE_S = 2.0, 60 / 225
_NEAR = 0.25
_STEADY_SHARE = 0.6
_EVEN, _UNEVEN = 0.07, 0.12
"""Median change from beat to beat, relative to the cycle: below the first the beats are even, above the second they are
not; between them, and always where marks are missing, nothing is said. A mark is as fine as a frame, 20 ms."""


@dataclass(frozen=True, slots=True)
class HeartTiming:
    """Intervals over a stretch of sound, in seconds; what cannot be told is None, and then `why_not` says why."""

    beats: int
    """Whole cycles (S1, S2, S1) that were looked at."""
    systole_s: float | None
    """Median from the onset of S1 to the onset of S2, 0.05-1.0."""
    systole_spread_s: float | None
    """Half of what the middle half of the beats covers."""
    diastole_s: float | None
    """Median from the onset of S2 to the onset of the next S1."""
    diastole_spread_s: float | None
    rhythm: Rhythm | None
    """Whether the cycles are even; None where it lies between, or is not known."""
    why_not: TimingWhyNot | None


def heart_timing(s1_s: Sequence[float], s2_s: Sequence[float], breaks_s: Sequence[float] = ()) -> HeartTiming:
    """Timing from onsets of named sounds (s), each list in rising order; no beat spans one of `breaks_s`.

    Only neighbours count: a first sound whose next sound is a second one that is followed by a first. Sounds whose
    names are uncertain belong in neither list.
    """
    systole, diastole, follows = _beats(
        np.asarray(s1_s, float), np.asarray(s2_s, float), np.sort(np.asarray(breaks_s, float))
    )
    cycles = systole + diastole
    if cycles.size < FEWEST_BEATS:
        return HeartTiming(int(cycles.size), None, None, None, None, None, "assessing")
    near = np.abs(cycles - np.median(cycles)) <= _NEAR * np.median(cycles)
    change = np.abs(np.diff(cycles))[follows] / np.median(cycles)
    rhythm = _rhythm(change) if change.size >= FEWEST_BEATS - 1 else None
    if near.mean() < _STEADY_SHARE:
        return HeartTiming(int(cycles.size), None, None, None, None, rhythm, "unsteady")
    if float(np.median(cycles)) < SURE_CYCLE_S:
        return HeartTiming(int(cycles.size), None, None, None, None, rhythm, "fast")
    return HeartTiming(int(cycles.size), *_middle(systole[near]), *_middle(diastole[near]), rhythm, None)


def _beats(
    s1: NDArray[np.float64], s2: NDArray[np.float64], breaks: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Systole and diastole of every whole beat, and for each but the first whether it follows the one before."""
    times = np.concatenate((s1, s2))
    order = np.argsort(times, kind="stable")
    times, first = times[order], (order < s1.size)
    whole = np.flatnonzero(first[:-2] & ~first[1:-1] & first[2:]) if times.size > 2 else np.zeros(0, np.int64)
    cycle = times[whole + 2] - times[whole]
    unbroken = np.searchsorted(breaks, times[whole]) == np.searchsorted(breaks, times[whole + 2])
    whole = whole[(cycle >= SHORTEST_CYCLE_S) & (cycle <= LONGEST_CYCLE_S) & unbroken]
    return times[whole + 1] - times[whole], times[whole + 2] - times[whole + 1], np.diff(whole) == 2


def _middle(values: NDArray[np.float64]) -> tuple[float, float]:
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float(middle), float(high - low) / 2


def _rhythm(change: NDArray[np.float64]) -> Rhythm | None:
    typical = float(np.median(change))
    far = float(np.mean(change > 2 * _UNEVEN))
    if typical <= _EVEN and far <= 0.1:
        return "regular"
    return "irregular" if typical >= _UNEVEN or far >= 0.3 else None
