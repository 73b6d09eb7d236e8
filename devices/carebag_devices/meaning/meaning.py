"""What one value of a characteristic says."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from carebag_devices.codecs.ieee11073 import Number
from carebag_devices.events import MeasurementKind, Value, ValueName

UNKNOWN_USER = 0xFF
_CIRCUMSTANCE = re.compile(r"site_\w+|sample_\w+_(blood|plasma|fluid)|before_meal|after_meal|fasting|casual|bedtime")


def is_circumstance(flag: str) -> bool:
    """Whether a flag tells how it was measured (`site_mouth`, `fasting`); all others are reservations."""
    return _CIRCUMSTANCE.fullmatch(flag) is not None


@dataclass(frozen=True)
class Meaning:
    """`values` are empty where there is a `problem`."""

    kind: MeasurementKind
    values: tuple[Value, ...] = ()
    problem: str | None = None
    """A code: the device's own error, or why its numbers are no measurement."""
    flags: tuple[str, ...] = ()
    time: str | None = None
    """The device's clock as sent, ISO without zone, zeros where it sent zeros."""
    user: int | None = None
    sequence: int | None = None
    """Record number in the device's memory."""
    stored: bool = False
    """The device itself says that it comes from its memory."""
    same: bytes = b""
    """Its bytes without what differs when it comes again; empty where nothing does."""


def numbers(said: Iterable[tuple[ValueName, Number | None, str]]) -> tuple[Value, ...]:
    """Values for those that are numbers; a special value (NaN, out of range) is none."""
    return tuple(Value(name, number, unit) for name, number, unit in said if isinstance(number, Decimal))


def known_user(index: int | None) -> int | None:
    """255 is "unknown user"."""
    return None if index == UNKNOWN_USER else index
