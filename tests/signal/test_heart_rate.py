"""Heart rate from intervals: never out of range, never from too little."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_signal.heart_rate import rate_from_intervals


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


def test_one_missed_beat_changes_nothing() -> None:
    assert rate_from_intervals(np.array([0.8] * 7 + [1.6])) == (pytest.approx(75.0), None)


@pytest.mark.parametrize(
    ("intervals", "why_not"),
    [([], "assessing"), ([0.8] * 3, "assessing"), ([0.3, 0.6, 1.2, 1.9, 0.4], "unsteady"), ([0.2] * 8, "out_of_range")],
)
def test_why_not(intervals: list[float], why_not: str) -> None:
    assert rate_from_intervals(np.array(intervals)) == (None, why_not)
