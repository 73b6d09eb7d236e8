"""The table of countries, and the days it gives."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_server.retention.rules import Unsettled, born_before, cutoff, rule_of, rules


def test_each_country_says_both_kinds_once_with_a_source() -> None:
    said = [(rule.country, rule.what) for rule in rules()]
    assert sorted(said) == sorted({(country, what) for country, _ in said for what in ("access_log", "records")})
    for rule in rules():
        assert len(rule.country) == 2
        assert len(rule.source) > 15
        assert (rule.years == 0) == (rule.status == "unsettled")
        assert rule.counted_from in ("event", "last_entry", "birth")
        assert (rule.quiet_years > 0) == (rule.counted_from == "birth")


def test_what_the_law_is_known_to_say() -> None:
    assert rule_of("SE", "access_log").period(None) == 5
    assert rule_of("SE", "records").period(None) == 10
    assert rule_of("DK", "records").period(None) == 10


@pytest.mark.parametrize(("country", "what"), [("FI", "access_log"), ("FI", "records"), ("ES", "access_log")])
def test_what_nobody_confirmed_is_never_past_its_time_by_itself(country: str, what: str) -> None:
    with pytest.raises(Unsettled, match="must say its own years"):
        rule_of(country, what).period(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("years", "given"), [(5, 4), (12, 11), (10, 0), (10, -1), (10, 151)])
def test_a_provider_keeps_longer_and_never_shorter(years: int, given: int) -> None:
    rule = next(rule for rule in rules() if rule.years == years)
    assert rule.period(years) == years
    assert rule.period(years + 1) == years + 1
    with pytest.raises(Unsettled):
        rule.period(given)


def test_a_country_that_is_not_there() -> None:
    with pytest.raises(Unsettled, match="not in the table"):
        rule_of("XX", "records")


def test_the_cut_is_at_midnight_and_a_day_on_the_safe_side() -> None:
    assert cutoff(datetime(2026, 11, 27, 23, 30, tzinfo=UTC), 5) == datetime(2021, 11, 26, tzinfo=UTC)
    assert cutoff(datetime(2024, 3, 1, tzinfo=UTC), 5) == datetime(2019, 2, 28, tzinfo=UTC)
    assert born_before(datetime(2026, 11, 27, tzinfo=UTC), 120) == date(1906, 11, 26)


@given(st.integers(0, 6_600_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)), st.integers(1, 150))
def test_what_goes_is_always_older_than_the_years(at: datetime, years: int) -> None:
    before = cutoff(at, years)
    assert before.replace(year=before.year + years, day=min(before.day, 28)) <= at
    assert (at - before).days <= years * 366 + 3
