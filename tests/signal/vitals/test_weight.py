"""Weights: a gain told as a fact, with its ages, or why there is none."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_signal.vitals.taken import Taken
from carebag_signal.vitals.weight import Change, NotCompared, gain

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def ago(kg: float, **age: float) -> Taken[float]:
    return Taken(kg, NOW - timedelta(**age))


@pytest.mark.parametrize(("kg", "beyond"), [(81.9, False), (82.1, False), (82.15, True), (82.2, True), (78.0, False)])
def test_more_than_two_kilograms(kg: float, beyond: bool) -> None:
    found = gain([ago(80.1, days=2), ago(kg, hours=1)], NOW)
    assert isinstance(found, Change)
    assert found.beyond is beyond
    assert found.age == timedelta(hours=1)


def test_is_worded_as_a_fact() -> None:
    found = gain([ago(80.1, days=2.5), ago(82.4, hours=0)], NOW)
    assert str(found) == "+2.3 kg in 2.5 days: 80.1 to 82.4 kg"
    assert "-1.1 kg" in str(gain([ago(80.1, days=2.5), ago(79.0, hours=0)], NOW))


def test_looks_three_days_back_from_the_latest_for_the_lightest_in_any_order() -> None:
    weights = [ago(81, days=1), ago(70, days=3.01), ago(83, hours=0), ago(80.5, days=3), ago(82, days=2)]
    found = gain(weights, NOW)
    assert isinstance(found, Change)
    assert (found.first.value, found.kg, found.over) == (80.5, Decimal("2.5"), timedelta(days=3))


def test_reasons() -> None:
    assert gain([], NOW) == NotCompared("no_value")
    assert gain([ago(80, days=-1)], NOW) == NotCompared("no_value")
    assert gain([ago(80, hours=25), ago(79, hours=30)], NOW) == NotCompared("stale")
    assert gain([ago(80, hours=1)], NOW) == NotCompared("nothing_to_compare")
    assert gain([ago(80, hours=1), ago(79, days=4)], NOW) == NotCompared("nothing_to_compare")


@given(st.lists(st.tuples(st.integers(30, 2000), st.integers(0, 200)), min_size=2, max_size=10))
def test_no_weight_within_the_span_gives_a_larger_gain(values: list[tuple[int, int]]) -> None:
    weights = [ago(tenths / 10, hours=hours) for tenths, hours in values]
    found = gain(weights, NOW)
    if isinstance(found, Change):
        assert found.latest in weights
        for weight in weights:
            if timedelta(0) < found.latest.at - weight.at <= timedelta(days=3):
                assert found.latest.value - weight.value <= float(found.kg) + 0.06


def test_refusals() -> None:
    for kg in (0.0, 501.0, float("nan")):
        with pytest.raises(ValueError, match="kg"):
            gain([ago(kg, hours=1)], NOW)
    with pytest.raises(ValueError, match="positive"):
        gain([], NOW, span=timedelta(0))
