"""A value with the time at which it was taken: without its age no value is shown, scored or compared."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Taken(Generic[T_co]):
    """What was measured or seen, and when.

    Raises: ValueError if the time has no zone.
    """

    value: T_co
    at: datetime
    estimated: bool = False
    """Worked out from a signal (pulse or breathing from a pulse wave), not counted or measured for itself."""

    def __post_init__(self) -> None:
        check_zone(self.at)

    def age(self, now: datetime) -> timedelta:
        """Negative where the clocks disagree."""
        check_zone(now)
        return now - self.at


def check_zone(at: datetime) -> None:
    """Raises: ValueError if the time has no zone: its age could be hours wrong."""
    if at.tzinfo is None:
        raise ValueError("a time must have a zone")


def rounded(value: float, places: int = 0) -> Decimal:
    """To the resolution of a chart, a half away from zero as on paper: 38.05 is 38.1, 91.5 is 92.

    Of what is written down, not of the binary number below it. Raises: ValueError if the value is not finite.
    """
    exact = Decimal(str(value))
    if not exact.is_finite():
        raise ValueError("a value must be a finite number")
    return exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
