"""Systole, diastole and evenness from marks: known truth, missing marks, never a number out of the air."""

import math
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_signal.heart_timing import FEWEST_BEATS, heart_timing


def marks(cycles_s: list[float], systole_s: float) -> tuple[list[float], list[float]]:
    """S1 and S2 onsets; after the last cycle one more S1."""
    s1 = [0.0, *np.cumsum(cycles_s).tolist()]
    return s1, [t + systole_s for t in s1[:-1]]


@given(st.floats(0.51, 1.6), st.floats(0.3, 0.5), st.integers(FEWEST_BEATS, 30))
def test_an_even_heart_is_told_exactly(cycle_s: float, share: float, beats: int) -> None:
    found = heart_timing(*marks([cycle_s] * beats, share * cycle_s))
    assert found.beats == beats
    assert found.systole_s == pytest.approx(share * cycle_s)
    assert found.diastole_s == pytest.approx((1 - share) * cycle_s)
    assert found.systole_spread_s == pytest.approx(0, abs=1e-9)
    assert (found.rhythm, found.why_not) == ("regular", None)


@given(
    st.lists(st.floats(0, 60), max_size=60).map(sorted),
    st.lists(st.floats(0, 60), max_size=60).map(sorted),
)
def test_a_number_or_a_reason_and_never_nan(s1: list[float], s2: list[float]) -> None:
    found = heart_timing(s1, s2)
    assert not any(isinstance(v, float) and not math.isfinite(v) for v in astuple(found))
    assert (found.systole_s is None) == (found.why_not is not None)
    if found.systole_s is not None and found.diastole_s is not None:
        assert 0.4 < found.systole_s + found.diastole_s < 2.1
    if found.beats < FEWEST_BEATS:
        assert found.rhythm is None


def test_a_missing_mark_costs_its_beats_and_no_more() -> None:
    s1, s2 = marks([0.8] * 20, 0.3)
    del s2[7], s1[13]
    found = heart_timing(s1, s2)
    assert found.beats == 17
    assert found.systole_s == pytest.approx(0.3)
    assert found.rhythm == "regular"


def test_no_beat_spans_a_break() -> None:
    s1, s2 = marks([0.8] * 20, 0.3)
    assert heart_timing(s1, s2, [4.1, 4.2, 9.0, 99.0]).beats == 18


def test_beats_are_not_compared_across_a_missing_one() -> None:
    s1, s2 = marks(([0.7] * 3 + [0.9] * 3) * 4, 0.3)
    del s2[::3]
    assert heart_timing(s1, s2).rhythm == "regular"


def test_uneven_beats_are_called_so() -> None:
    rng = np.random.default_rng(4)
    found = heart_timing(*marks((0.8 * rng.uniform(0.65, 1.4, 30)).tolist(), 0.3))
    assert found.rhythm == "irregular"


def test_an_early_beat_in_eight_is_uneven_and_one_in_thirty_is_not() -> None:
    assert heart_timing(*marks([0.8, 0.8, 0.5, 1.1] * 8, 0.3)).rhythm == "irregular"
    assert heart_timing(*marks(([0.8] * 6 + [0.5, 1.1]) * 4, 0.3)).rhythm == "irregular"
    assert heart_timing(*marks([0.8] * 15 + [0.5, 1.1] + [0.8] * 15, 0.3)).rhythm == "regular"


def test_marks_as_coarse_as_frames_do_not_make_a_fast_heart_uneven() -> None:
    s1, s2 = marks([0.407] * 30, 0.2)
    coarse = [[round(t / 0.02) * 0.02 for t in sounds] for sounds in (s1, s2)]
    assert heart_timing(*coarse).rhythm == "regular"


@pytest.mark.parametrize(
    ("cycles", "why_not"), [([0.8] * 5, "assessing"), ([0.4, 0.8, 1.6] * 5, "unsteady"), ([0.48] * 9, "fast")]
)
def test_why_not(cycles: list[float], why_not: str) -> None:
    found = heart_timing(*marks(cycles, 0.2))
    assert (found.systole_s, found.diastole_s, found.why_not) == (None, None, why_not)
