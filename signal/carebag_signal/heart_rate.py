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
    rate = 60.0 / float(near.mean())
    if not LOWEST_PER_MIN <= rate <= HIGHEST_PER_MIN:
        return None, "out_of_range"
    return rate, None
