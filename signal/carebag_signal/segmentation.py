"""Where S1, systole, S2 and diastole lie: a hidden Markov model with explicit durations, decoded as the sound arrives.

The four states follow each other in a fixed order. How long each lasts depends on how fast the heart beats, so the
model runs a bank of tempos side by side and lets the tempo move from beat to beat; the best path through states,
durations and tempos is found by the Viterbi recursion over segments (Rabiner 1989, section IV-D; for heart sounds
Schmidt et al. 2010, Springer et al. 2016).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import FRAMES_PER_SECOND

S1, SYSTOLE, S2, DIASTOLE = range(4)
STATES = 4

_SHORTEST_CYCLE_S, _LONGEST_CYCLE_S, _TEMPOS = 60 / 225, 60 / 32, 24
_LONGEST = 90
"""Frames: no segment lasts longer than this."""
_KEPT_S = 10.0
"""How far back a path can be read."""
_HISTORY = _LONGEST + round(_KEPT_S * FRAMES_PER_SECOND)
_EACH = np.arange(STATES * _TEMPOS)


_CYCLE_S = (0.27, 0.35, 0.43, 0.47, 0.52, 0.57, 0.64, 0.75, 0.88, 1.20, 1.90)
_S1_S = (0.055, 0.070, 0.091, 0.106, 0.117, 0.122, 0.125, 0.130, 0.133, 0.133, 0.133)
_S2_S = (0.055, 0.068, 0.080, 0.093, 0.100, 0.105, 0.111, 0.115, 0.115, 0.115, 0.115)
_S1_TO_S2_S = (0.140, 0.175, 0.215, 0.231, 0.244, 0.257, 0.269, 0.289, 0.303, 0.330, 0.370)
"""Means by cycle length: CirCor's annotations (6,300 cycles) from 0.43 to 0.88 s, beyond that along the same trend;
systole shortens with the cycle and diastole takes what is left (Weissler 1968)."""


@dataclass(frozen=True, slots=True)
class Durations:
    """How much the states' lengths vary, in seconds, and how freely the tempo moves."""

    s1_spread_s: float = 0.025
    systole_spread_s: float = 0.025
    s2_spread_s: float = 0.025
    diastole_spread: float = 0.06
    """Relative to the cycle."""
    evidence_weight: float = 0.4
    """Neighbouring frames share most of what they were judged by: together they say less than their number."""
    tempo_step: float = 1.0
    """Log-probability lost for every step of the tempo from one beat to the next."""
    tempo_leap: float = 6.0
    """The most that is lost, however far the tempo leaps: an extra beat must not break the path."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One state: its first frame, and the cycle length (s) of the tempo it was found at."""

    start: int
    state: int
    cycle_s: float


def _cycles() -> NDArray[np.float64]:
    return np.geomspace(_SHORTEST_CYCLE_S, _LONGEST_CYCLE_S, _TEMPOS)


def _duration_table(durations: Durations) -> NDArray[np.float64]:
    """(tempo, state, duration 1...longest): log-probability of each duration."""
    cycle = _cycles()
    s1, s2 = np.interp(cycle, _CYCLE_S, _S1_S), np.interp(cycle, _CYCLE_S, _S2_S)
    systole = np.interp(cycle, _CYCLE_S, _S1_TO_S2_S) - s1
    mean = np.stack([s1, systole, s2, cycle - s1 - systole - s2], axis=1)
    spread = np.empty_like(mean)
    spread[:, [S1, SYSTOLE, S2]] = durations.s1_spread_s, durations.systole_spread_s, durations.s2_spread_s
    spread[:, DIASTOLE] = durations.diastole_spread * cycle
    at = np.arange(1, _LONGEST + 1) / FRAMES_PER_SECOND
    density = -0.5 * ((at - mean[..., None]) / spread[..., None]) ** 2
    return np.asarray(density - np.log(np.sum(np.exp(density), axis=2, keepdims=True)))


def _tempo_moves(durations: Durations) -> NDArray[np.float64]:
    """(from, to): log-probability of the next beat's tempo."""
    steps = np.abs(np.arange(_TEMPOS)[:, None] - np.arange(_TEMPOS)[None, :])
    move = -np.minimum(steps * durations.tempo_step, durations.tempo_leap)
    return np.asarray(move - np.log(np.sum(np.exp(move), axis=1, keepdims=True)))


class Segmenter:
    """Keeps the best path to every boundary between two frames; `path` reads the best of all back."""

    def __init__(self, durations: Durations | None = None) -> None:
        given = durations or Durations()
        table = _duration_table(given)
        survival = np.log(np.maximum(np.cumsum(np.exp(table[..., ::-1]), axis=2)[..., ::-1], 1e-12))
        # histories are read oldest first, so durations run from the longest to the shortest
        self._duration = np.ascontiguousarray(table.transpose(1, 0, 2)[..., ::-1])
        self._survival = np.ascontiguousarray(survival.transpose(1, 0, 2)[..., ::-1])
        self._weight = given.evidence_weight
        self._move = _tempo_moves(given)
        self._cycle_s = _cycles()
        # every boundary before the first frame is as good as any other: the sound starts in the middle of a beat
        self._began = np.zeros((STATES, _TEMPOS, 2 * _HISTORY))
        """Score with which a state can begin at a boundary, less its `_total` there: one addition for each duration."""
        self._total = np.zeros((STATES, 2 * _HISTORY))
        self._lengths = np.empty((STATES, _TEMPOS, _LONGEST))
        self._length = np.ones((STATES, _TEMPOS, 2 * _HISTORY), np.int32)
        self._came_from = np.zeros((_TEMPOS, 2 * _HISTORY), np.int32)
        self._at = _LONGEST - 1
        self.frames = 0
        """Frames taken so far."""

    def feed(self, evidence: NDArray[np.float64]) -> None:
        """Takes (n, 4) log-likelihoods of the states, each row up to a constant of its own."""
        for row in evidence:
            self._advance(self._weight * row)

    def _advance(self, row: NDArray[np.float64]) -> None:
        if self._at + 1 == 2 * _HISTORY:
            self._forget()
        self._at, self.frames = self._at + 1, self.frames + 1
        at = self._at
        total = self._total[:, at - 1] + row
        self._total[:, at] = total
        ways = self._ways(at, self._duration).reshape(STATES * _TEMPOS, _LONGEST)
        best = ways.argmax(axis=1)
        ended = ways[_EACH, best].reshape(STATES, _TEMPOS) + total[:, None]
        self._length[:, :, at] = _LONGEST - best.reshape(STATES, _TEMPOS)
        # a new beat begins after diastole: there the tempo may move
        moved = ended[DIASTOLE][:, None] + self._move
        source = moved.argmax(axis=0)
        self._came_from[:, at] = source
        self._began[1:, :, at] = ended[:-1] - total[1:, None]
        self._began[S1, :, at] = moved[source, _EACH[:_TEMPOS]] - total[S1]

    def _ways(self, at: int, duration: NDArray[np.float64]) -> NDArray[np.float64]:
        """(state, tempo, duration from the longest to 1): score of a segment that is at boundary `at` now, less the
        state's `_total` there. The next call overwrites it.
        """
        return np.add(duration, self._began[:, :, at - _LONGEST : at], out=self._lengths)

    def _forget(self) -> None:
        """Moves the newer half to the front and takes out what all scores have in common: nothing grows with the
        recording.
        """
        newer = slice(_HISTORY, 2 * _HISTORY)
        before = self._total[:, _HISTORY].copy()
        common = (self._began[..., -1] + self._total[:, -1:]).max()
        self._began[..., :_HISTORY] = self._began[..., newer] + before[:, None, None] - common
        self._total[:, :_HISTORY] = self._total[:, newer] - before[:, None]
        self._length[..., :_HISTORY] = self._length[..., newer]
        self._came_from[:, :_HISTORY] = self._came_from[:, newer]
        self._at -= _HISTORY

    def path(self, seconds: float) -> list[Segment]:
        """Segments of the best path that began within the last `seconds` (at most 10), oldest first; the last still
        goes on.
        """
        if not self.frames:
            return []
        ways = self._ways(self._at, self._survival) + self._total[:, self._at, None, None]
        state, tempo, index = (int(i) for i in np.unravel_index(ways.argmax(), ways.shape))
        boundary = self._at - _LONGEST + index
        oldest = self._at - min(self.frames, round(min(seconds, _KEPT_S) * FRAMES_PER_SECOND))
        found = []
        while boundary >= oldest:
            start = self.frames - (self._at - boundary)
            found.append(Segment(start, state, float(self._cycle_s[tempo])))
            if state == S1:
                tempo = int(self._came_from[tempo, boundary])
            state = (state - 1) % STATES
            boundary -= int(self._length[state, tempo, boundary])
        return found[::-1]
