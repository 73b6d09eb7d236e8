"""What a number itself says of the person who bears it."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from carebag_wire.identity.refusal import BadIdentity

Sex = Literal["female", "male"]


@dataclass(frozen=True)
class Said:
    """Each field None where the system does not define it or the number leaves it open."""

    born: date | None = None
    not_before: date | None = None
    """The first day on which the bearer can have been born: `born`, or the begin of a month or year without day."""
    sex: Sex | None = None


def sex_of(digit: str) -> Sex:
    """Odd for men, even (with 0) for women: in Sweden folkbokföringslagen 18 §, in Finland asetus 128/2010."""
    return "male" if int(digit) % 2 else "female"


def day(year: int, month: int, of_month: int) -> date:
    """Raises: BadIdentity: `no_such_day`."""
    try:
        return date(year, month, of_month)
    except ValueError:
        raise BadIdentity("no_such_day") from None
