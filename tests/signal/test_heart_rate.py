"""Heart rate from intervals: never out of range, never from too little."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_signal.heart_rate import rate_from_intervals, rate_of_recording


@given(st.lists(st.floats(0.01, 10.0), max_size=40))
def test_a_rate_or_a_reason_and_never_out_of_range(intervals: list[float]) -> None:
    rate, why_not = rate_from_intervals(np.array(intervals))
    assert (rate is None) != (why_not is None)
    assert rate is None or 30 <= rate <= 220


@given(st.floats(0.3, 1.9), st.integers(4, 30), st.integers(0, 2**16))
def test_a_steady_heart_is_told_exactly(cycle_s: float, count: int, seed: int) -> None:
    intervals = cycle_s * (1 + np.random.default_rng(seed).normal(0, 0.01, count))
    rate, _ = rate_from_intervals(intervals)
    assert rate == pytest.approx(60 / cycle_s, rel=0.03)


@given(st.lists(st.floats(0.01, 10.0), max_size=40))
def test_a_recording_has_a_rate_where_its_beats_have_one(intervals: list[float]) -> None:
    rate, why_not = rate_of_recording(np.array(intervals))
    assert (rate is None) == (why_not is not None)
    assert rate is None or 30 <= rate <= 220
    if rate_from_intervals(np.array(intervals))[0] is None:
        assert rate is None


def test_the_rate_of_a_recording_is_where_it_was_mostly() -> None:
    """A child that calmed down after a third of the recording."""
    intervals = np.array([0.5] * 20 + [0.6] * 40)
    assert rate_of_recording(intervals)[0] == pytest.approx(100.0)
    assert rate_from_intervals(intervals)[0] == pytest.approx(60 / 0.5667, rel=1e-3)


def test_one_missed_beat_changes_nothing() -> None:
    assert rate_from_intervals(np.array([0.8] * 7 + [1.6])) == (pytest.approx(75.0), None)


@pytest.mark.parametrize(
    ("intervals", "why_not"),
    [([], "assessing"), ([0.8] * 3, "assessing"), ([0.3, 0.6, 1.2, 1.9, 0.4], "unsteady"), ([0.2] * 8, "out_of_range")],
)
def test_why_not(intervals: list[float], why_not: str) -> None:
    assert rate_from_intervals(np.array(intervals)) == (None, why_not)
