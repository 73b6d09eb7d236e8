"""Heartbeats as they become final: how loud each part of a beat was in each band."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from carebag_signal.segmentation import DIASTOLE, S1, S2, SYSTOLE, Segment

LAG_FRAMES = 24
"""A beat is taken when the path behind it is this old, as the marks are."""
THIRDS = 3
SECTIONS = 2 + 2 * THIRDS
"""Rows of a beat: S1, systole in thirds, S2, diastole in thirds."""
S1_ROW, SYSTOLE_ROWS, S2_ROW, DIASTOLE_ROWS = 0, slice(1, 4), 4, slice(5, 8)
_KEPT_FRAMES = 400
READ_S = 6.0
"""How far back the path is wanted."""
_FEWEST_FRAMES = 3
"""A systole or diastole shorter than this has no thirds to tell apart."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One beat, from an S1 to the next."""

    start: int
    """First frame of S1."""
    systole: tuple[int, int]
    """First frame between S1 and S2, and the first of S2."""
    end: int
    """First frame of the next S1."""
    levels: NDArray[np.float64]
    """(8, bands): mean log-energy of each section."""
    belief: float
    """0-1: mean probability that the frames are what the path says."""


class Cycles:
    """Gives every complete beat once, in order, when it is final. Keeps eight seconds of frames, no more."""

    def __init__(self) -> None:
        self._heart: NDArray[np.float64] | None = None
        self._evidence = np.empty((0, 4))
        self._first = self._first_evidence = 0
        self._taken = 0

    def feed(self, heart: NDArray[np.float64], evidence: NDArray[np.float64]) -> None:
        """Keeps a block: (n, bands) log-energies and the (m, 4) evidence that became known with it."""
        whole = heart if self._heart is None else np.concatenate((self._heart, heart))
        self._first += max(0, len(whole) - _KEPT_FRAMES)
        self._heart = whole[-_KEPT_FRAMES:]
        rows = np.concatenate((self._evidence, evidence))
        self._first_evidence += max(0, len(rows) - _KEPT_FRAMES)
        self._evidence = rows[-_KEPT_FRAMES:]

    def take(self, path: list[Segment], decided: int) -> list[Cycle]:
        """Beats that became final since the last time; `decided` is how many frames the decoder has taken."""
        found = []
        for i in range(len(path) - 4):
            beat = path[i : i + 5]
            if beat[0].state != S1 or beat[0].start < max(self._taken, self._first):
                continue
            if beat[4].start > decided - LAG_FRAMES:
                break
            self._taken = beat[4].start
            cycle = self._cycle(beat)
            if cycle is not None:
                found.append(cycle)
        return found

    def _cycle(self, beat: list[Segment]) -> Cycle | None:
        assert self._heart is not None
        s1, systole, s2, diastole, end = (segment.start for segment in beat)
        if s2 - systole < _FEWEST_FRAMES or end - diastole < _FEWEST_FRAMES:
            return None
        parts = [(s1, systole), *_thirds(systole, s2), (s2, diastole), *_thirds(diastole, end)]
        levels = np.stack([self._heart[a - self._first : b - self._first].mean(axis=0) for a, b in parts])
        return Cycle(s1, (systole, s2), end, levels, self._belief(beat))

    def _belief(self, beat: list[Segment]) -> float:
        rows = self._evidence[beat[0].start - self._first_evidence : beat[4].start - self._first_evidence]
        likely = np.exp(rows - rows.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        states = np.repeat([S1, SYSTOLE, S2, DIASTOLE], np.diff([segment.start for segment in beat]))
        return float(likely[np.arange(len(rows)), states].mean())


def _thirds(start: int, end: int) -> list[tuple[int, int]]:
    """Three spans of frames without the outermost ones, which the sounds reach into, where there are enough."""
    if end - start >= _FEWEST_FRAMES + 2:
        start, end = start + 1, end - 1
    edges = np.round(np.linspace(start, end, THIRDS + 1)).astype(int)
    return [(int(a), int(max(b, a + 1))) for a, b in pairwise(edges)]
