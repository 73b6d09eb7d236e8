"""The decoder alone, on evidence made from known truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from carebag_signal.segmentation import DIASTOLE, S1, S2, SYSTOLE, Segmenter


def truth(cycle: int, systole: int, beats: int) -> NDArray[np.int64]:
    """State of every frame: S1 and S2 five frames long."""
    beat = [S1] * 5 + [SYSTOLE] * (systole - 5) + [S2] * 5 + [DIASTOLE] * (cycle - systole - 5)
    return np.array(beat * beats)


def evidence_for(states: NDArray[np.int64], sureness: float, seed: int = 0) -> NDArray[np.float64]:
    noise = np.random.default_rng(seed).normal(size=(states.size, 4))
    return np.asarray(sureness * np.eye(4)[states] + noise)


def decoded(segmenter: Segmenter, frames: int) -> NDArray[np.int64]:
    states = np.full(frames, -1)
    for segment in segmenter.path(10.0):
        states[segment.start :] = segment.state
    return states


@pytest.mark.parametrize(("cycle", "systole"), [(20, 10), (25, 11), (35, 14), (50, 16), (70, 18)])
def test_finds_the_states_of_a_steady_heart(cycle: int, systole: int) -> None:
    states = truth(cycle, systole, max(6, 300 // cycle))[:480]
    segmenter = Segmenter()
    segmenter.feed(evidence_for(states, 3.0))
    found = decoded(segmenter, states.size)
    known = found >= 0
    assert known[2 * cycle :].all()
    assert np.mean(found[known] == states[known]) > 0.9


@settings(max_examples=15)
@given(st.lists(st.integers(0, 400), max_size=10))
def test_chunks_do_not_matter(cuts: list[int]) -> None:
    evidence = evidence_for(truth(40, 15, 10), 2.0)
    whole, pieces = Segmenter(), Segmenter()
    whole.feed(evidence)
    for piece in np.split(evidence, sorted(cuts)):
        pieces.feed(piece)
    assert pieces.path(10.0) == whole.path(10.0)


def test_scores_stay_sound_over_hours_of_frames() -> None:
    """The history is moved every ten seconds; the path after an hour is the path of the last seconds."""
    states = truth(40, 15, 300)
    long, short = Segmenter(), Segmenter()
    long.feed(evidence_for(states, 3.0))
    short.feed(evidence_for(states, 3.0)[-2000:])
    shift = states.size - 2000
    ends = [(s.start - shift, s.state) for s in long.path(8.0)]
    assert ends == [(s.start, s.state) for s in short.path(8.0)]


def test_an_early_beat_does_not_break_the_path() -> None:
    states = np.concatenate((truth(40, 15, 5), truth(24, 12, 1), truth(56, 15, 1), truth(40, 15, 4)))
    segmenter = Segmenter()
    segmenter.feed(evidence_for(states, 3.0))
    starts = [s.start for s in segmenter.path(10.0) if s.state == S1]
    wanted = np.flatnonzero((states == S1) & (np.roll(states, 1) != S1))
    assert len(wanted) == 11
    for onset in wanted[1:]:
        assert min(abs(onset - s) for s in starts) <= 3


def test_nothing_is_said_of_nothing() -> None:
    assert Segmenter().path(10.0) == []
