"""The table of `rules.toml`, and when something is past its time. Pure but for reading that file once."""

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Literal

What = Literal["access_log", "records"]
Status = Literal["settled", "minimum", "to_confirm", "unsettled"]
CountedFrom = Literal["event", "last_entry", "birth"]
LONGEST = 150
"""Years that anybody may ask for."""


class Unsettled(Exception):
    """Nothing is past its time: who may say how long has not said so. The text is for an operator."""


@dataclass(frozen=True)
class Rule:
    """How long one country has one kind of thing kept."""

    country: str
    """ISO 3166-1 alpha-2."""
    what: What
    years: int
    """At least; 0: no figure was found."""
    counted_from: CountedFrom
    status: Status
    source: str
    note: str
    quiet_years: int = 0
    """Of what is counted from birth: and no entry for so long."""

    def period(self, own_years: int | None) -> int:
        """Years that hold for a care provider.

        Args:
            own_years: what the provider said; None: nothing.

        Raises:
            Unsettled: only the provider can say, and it has not; or it said fewer than the law.
        """
        if own_years is None:
            if self.status != "settled":
                raise Unsettled(f"{self.country}, {self.what}: the provider must say its own years ({self.status})")
            return self.years
        if not max(1, self.years) <= own_years <= LONGEST:
            raise Unsettled(f"{self.country}, {self.what}: at least {max(1, self.years)} years, at most {LONGEST}")
        return own_years


@cache
def rules() -> tuple[Rule, ...]:
    """All of the table, in its order."""
    text = files("carebag_server.retention").joinpath("rules.toml").read_text(encoding="utf-8")
    said: list[dict[str, Any]] = tomllib.loads(text)["rule"]
    return tuple(Rule(**one) for one in said)


def rule_of(country: str, what: What) -> Rule:
    """Raises: Unsettled: the table does not have that country."""
    found = [rule for rule in rules() if (rule.country, rule.what) == (country, what)]
    if not found:
        raise Unsettled(f"{country}, {what}: not in the table")
    return found[0]


def cutoff(now: datetime, years: int) -> datetime:
    """What was before this moment is past its time: midnight UTC, so that all who ask on one day hear the same.

    One day later than so many years ago to the day, which is on the safe side in every time zone; 29 February counts
    as 28 February.
    """
    today = now.astimezone(UTC).date() - timedelta(days=1)
    return datetime.combine(_years_before(today, years), datetime.min.time(), UTC)


def born_before(now: datetime, years: int) -> date:
    """Whose day of birth is before this one is past a time that is counted from birth."""
    return cutoff(now, years).date()


def _years_before(day: date, years: int) -> date:
    year = max(1, day.year - years)
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)
