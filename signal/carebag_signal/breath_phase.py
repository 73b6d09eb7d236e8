"""Which of the breaths heard are in and which are out, where that can be told.

Breathing in is brighter and louder over the lungs, and breathing out follows it at once, while a pause follows
breathing out. Where two bursts of sound come in each breath, these three must tell them apart; where one comes, it
begins with breathing in. Else nothing is said.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from carebag_signal.breath_frames import FRAMES_PER_SECOND
from carebag_signal.breath_period import tracks

Phase = Literal["in", "out"]
_SMOOTH_SHARE = 0.15
"""Of a breath: shorter humps are no breath."""
_SHORTEST_SHARE, _WEAKEST = 0.1, 0.35
_ALIKE = 0.35
"""Two breaths in a row differ by less than this in length, else counting starts anew."""
_FEWEST = 4
_SURE = 2.0


@dataclass(frozen=True, slots=True)
class Burst:
    """A stretch (frames) that is louder than its surroundings."""

    start: int
    end: int
    loud: float
    bright: float


def bursts(rows: NDArray[np.float64], period_s: float) -> list[Burst]:
    """Stretches of (n, 3) rows of loudness that may be a breath in, a breath out, or both."""
    swings = tracks(rows)
    width = max(3, round(_SMOOTH_SHARE * period_s * FRAMES_PER_SECOND) | 1)
    window = np.hanning(width + 2)[1:-1] / np.hanning(width + 2).sum()
    loud = np.convolve(swings[1] + swings[2], window, "same")
    level = loud / (loud.std() + 1e-9)
    above = np.concatenate(([0], (level > 0).astype(np.int8), [0]))
    starts, ends = np.flatnonzero(np.diff(above) == 1), np.flatnonzero(np.diff(above) == -1)
    found = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        top = float(level[start:end].max())
        if end - start >= _SHORTEST_SHARE * period_s * FRAMES_PER_SECOND and top >= _WEAKEST:
            found.append(Burst(start, end, top, float(swings[3, start:end].mean())))
    return found


def phases(found: list[Burst], period_s: float) -> list[tuple[int, Phase]]:
    """(frame, phase) of the bursts that can be named, in order."""
    named: list[tuple[int, Phase]] = []
    period = period_s * FRAMES_PER_SECOND
    single = [b for b in found if b.start]
    if len(single) >= 3 and abs(float(np.median(np.diff([b.start for b in single]))) / period - 1) < _ALIKE / 2:
        return [(b.start, "in") for b in single]
    for run in _alternating(single, period):
        first = _first_phase(run)
        if first is not None:
            other: Phase = "out" if first == "in" else "in"
            named += [(b.start, first if i % 2 == 0 else other) for i, b in enumerate(run)]
    return named


def _alternating(found: list[Burst], period: float) -> list[list[Burst]]:
    """Runs in which every second burst comes a breath later."""
    runs: list[list[Burst]] = []
    for burst in found:
        if runs and _goes_on(runs[-1], burst, period):
            runs[-1].append(burst)
        else:
            runs.append([burst])
    return [run for run in runs if len(run) >= _FEWEST]


def _goes_on(run: list[Burst], burst: Burst, period: float) -> bool:
    if len(run) == 1:
        return burst.start - run[0].start < (1 - _ALIKE / 2) * period
    return abs((burst.start - run[-2].start) / period - 1) < _ALIKE


def _first_phase(run: list[Burst]) -> Phase | None:
    """What the run begins with."""
    gaps = np.array([after.start - before.end for before, after in pairwise(run)])
    evidence = (
        _apart(np.array([b.bright for b in run]))
        + 0.5 * _apart(np.array([b.loud for b in run]))
        - _apart(gaps.astype(np.float64))
    )
    if abs(evidence) < _SURE:
        return None
    return "in" if evidence > 0 else "out"


def _apart(values: NDArray[np.float64]) -> float:
    """How many standard errors the first, third, ... are above the second, fourth, ...; at most four."""
    odd, even = values[::2], values[1::2]
    if min(odd.size, even.size) < 2:
        return 0.0
    error = np.sqrt(odd.var() / odd.size + even.var() / even.size) + 0.1 * float(np.std(values)) + 1e-9
    return float(np.clip((odd.mean() - even.mean()) / error, -4.0, 4.0))
