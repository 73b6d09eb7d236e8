"""Series of pressures: the rule, its bounds, and that no reading is lost."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_signal.vitals.blood_pressure import Mean, Reading, Rule, series

START = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def sitting(*pressures: tuple[float, float], every: timedelta = timedelta(minutes=1)) -> list[Reading]:
    return [Reading(s, d, START + i * every) for i, (s, d) in enumerate(pressures)]


def test_the_first_is_kept_and_not_counted() -> None:
    found = series(sitting((168, 95), (141, 84), (138, 80)))
    assert found.next == "enough"
    assert found.mean == Mean(140, 82, (1, 2))
    assert len(found.readings) == 3
    assert found.not_before is None


@pytest.mark.parametrize("taken", [1, 2])
def test_too_few_have_no_mean(taken: int) -> None:
    found = series(sitting(*[(140, 80)] * taken))
    assert (found.next, found.mean) == ("too_few", None)
    assert found.not_before == START + timedelta(minutes=taken)


@pytest.mark.parametrize(
    ("last", "following"),
    [((130, 80), "enough"), ((129, 80), "apart"), ((140, 90), "enough"), ((140, 91), "apart"), ((129.5, 80), "enough")],
)
def test_another_while_the_last_two_differ_by_more_than_ten(last: tuple[float, float], following: str) -> None:
    found = series(sitting((140, 80), (140, 80), last))
    assert found.next == following
    assert (found.mean is None) == (following == "apart")


def test_it_asks_no_more_than_five_times_and_says_that_they_still_differ() -> None:
    pressures = [(140, 80), (160, 80), (140, 80), (160, 80), (140, 80)]
    assert series(sitting(*pressures[:4])).next == "apart"
    found = series(sitting(*pressures))
    assert (found.next, found.mean) == ("still_apart", Mean(150, 80, (3, 4)))


def test_a_hurried_reading_is_told() -> None:
    assert series(sitting((140, 80), (140, 80), (140, 80), every=timedelta(seconds=59))).hurried == (1, 2)
    assert series(sitting((140, 80), (140, 80), (140, 80))).hurried == ()


def test_another_rule() -> None:
    found = series(sitting((140, 80), (150, 90)), Rule(at_least=2, mean_of=2))
    assert found.mean == Mean(145, 85, (0, 1))


@given(st.lists(st.tuples(st.integers(60, 300), st.integers(20, 59)), min_size=1, max_size=8))
def test_the_mean_lies_within_the_readings_and_all_are_kept(pressures: list[tuple[int, int]]) -> None:
    found = series(sitting(*pressures))
    assert [(r.systolic_mmhg, r.diastolic_mmhg) for r in found.readings] == pressures
    assert (found.mean is None) == (found.next in ("too_few", "apart")) == (found.not_before is not None)
    if found.mean:
        counted = [pressures[i][0] for i in found.mean.of]
        assert min(counted) <= found.mean.systolic_mmhg <= max(counted)


def test_refusals() -> None:
    for systolic, diastolic in ((80, 80), (80, 90), (400, 80), (120, 0), (float("nan"), 80), (120, float("nan"))):
        with pytest.raises(ValueError, match="pressures"):
            Reading(systolic, diastolic, START)
    with pytest.raises(ValueError, match="zone"):
        Reading(120, 80, START.replace(tzinfo=None))
    with pytest.raises(ValueError, match="pulse"):
        Reading(120, 80, START, pulse_per_min=-1)
    with pytest.raises(ValueError, match="needs a reading"):
        series([])
    with pytest.raises(ValueError, match="order"):
        series(sitting((120, 80), (120, 80))[::-1])
    for wrong in ({"mean_of": 0}, {"mean_of": 4}, {"at_most": 2}):
        with pytest.raises(ValueError, match="mean_of"):
            Rule(**wrong)
    for negative in ({"apart_mmhg": -1.0}, {"pause": timedelta(seconds=-1)}):
        with pytest.raises(ValueError, match="negative"):
            Rule(**negative)  # type: ignore[arg-type]
