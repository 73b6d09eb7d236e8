"""Heart rate from the onsets of heart sounds, or the reason why there is none."""

from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import FRAMES_PER_SECOND
from carebag_signal.segmentation import S1, S2, Segment

WhyNot = Literal["assessing", "no_contact", "noisy", "movement", "clipped", "unsteady", "out_of_range"]
"""Codes, never sentences: the pages have the words."""

LOWEST_PER_MIN, HIGHEST_PER_MIN = 30, 220
WINDOW_S = 8.0
_FEWEST_INTERVALS = 4
_NEAR = 0.25
_STEADY_SHARE = 0.6
_MIDDLE_SHARE = 0.1


def intervals_s(path: list[Segment]) -> list[float]:
    """Times between neighbouring S1 onsets and between neighbouring S2 onsets."""
    found: list[float] = []
    for state in (S1, S2):
        onsets = [segment.start for segment in path if segment.state == state]
        found += [(b - a) / FRAMES_PER_SECOND for a, b in pairwise(onsets)]
    return found


def rate_from_path(path: list[Segment]) -> tuple[float | None, WhyNot | None]:
    """Beats per minute over the path's beats, or why none can be told."""
    return rate_from_intervals(np.array(intervals_s(path)))


def rate_from_intervals(intervals: NDArray[np.float64]) -> tuple[float | None, WhyNot | None]:
    """Beats per minute from times (s) between like sounds, or why none can be told.

    Takes the mean of the intervals near their median: frames are 20 ms wide, and a mean is finer than a frame.
    """
    if intervals.size < _FEWEST_INTERVALS:
        return None, "assessing"
    middle = float(np.median(intervals))
    near = intervals[np.abs(intervals - middle) <= _NEAR * middle]
    if near.size < _STEADY_SHARE * intervals.size:
        return None, "unsteady"
    return _in_range(60.0 / float(near.mean()))


def rate_of_recording(intervals: NDArray[np.float64]) -> tuple[float | None, WhyNot | None]:
    """Beats per minute of a whole recording from times (s) between like sounds, or why none can be told.

    The rate of the median interval: over a recording the rate itself moves, and the median is where it was mostly. Of
    neighbouring intervals around the median the mean is taken, as frames are 20 ms wide.
    """
    rate, why_not = rate_from_intervals(intervals)
    if rate is None:
        return None, why_not
    ordered = np.sort(intervals)
    middle, width = ordered.size // 2, max(1, round(_MIDDLE_SHARE * ordered.size / 2))
    return _in_range(60.0 / float(ordered[max(0, middle - width) : middle + width + 1].mean()))


def _in_range(rate: float) -> tuple[float | None, WhyNot | None]:
    if not LOWEST_PER_MIN <= rate <= HIGHEST_PER_MIN:
        return None, "out_of_range"
    return rate, None
