"""Percentiles by nearest rank."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag.latency import spread


def test_the_median_and_the_tail_of_a_hundred() -> None:
    measured = spread([number / 1000 for number in range(1, 101)])
    assert (measured.n, measured.p50_ms, measured.p99_ms, measured.max_ms) == (100, 51.0, 100.0, 100.0)


@given(st.lists(st.floats(0, 10), min_size=1))
def test_they_are_in_order_and_among_what_was_measured(durations: list[float]) -> None:
    measured = spread(durations)
    assert measured.p50_ms <= measured.p99_ms <= measured.max_ms
    assert measured.max_ms == round(max(durations) * 1000, 1)


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(ValueError, match="nothing"):
        spread([])
