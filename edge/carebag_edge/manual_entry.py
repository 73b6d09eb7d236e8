"""A value read off an instrument's display and typed twice: what must hold before it is a reading. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from carebag_devices.catalog import UCUM_OF
from carebag_devices.events import Kind, ValueName
from carebag_edge.errors import Refused
from carebag_wire.nurse_messages import EnterReading
from carebag_wire.values import Quantity, ReadingKind


@dataclass(frozen=True)
class Form:
    """Which values a kind of reading has, and what instrument shows them."""

    device: Kind
    needed: frozenset[ValueName]
    optional: frozenset[ValueName] = frozenset()


FORMS: Mapping[ReadingKind, Form] = {
    "blood_pressure": Form("cuff", frozenset({"systolic", "diastolic"}), frozenset({"mean", "pulse"})),
    "oximetry": Form("oximeter", frozenset({"spo2"}), frozenset({"pulse", "perfusion"})),
    "crp": Form("crp_analyser", frozenset({"crp"})),
    "temperature": Form("thermometer", frozenset({"temperature"})),
    "weight": Form("scale", frozenset({"weight"})),
    "glucose": Form("glucose_meter", frozenset({"glucose"})),
}
WITH_COMPARATOR = frozenset({"crp", "glucose"})
"""Instruments that show `<5` or `HI` beyond their range; the others show a number or nothing."""
MOST_DIGITS = 6
"""No display shows more."""


def check(message: EnterReading) -> None:
    """The first entry is what counts; the second must say the same.

    Raises:
        Refused: `value_missing`, `values_not_of_kind`, `number_too_long`, `unit_not_allowed`, `comparator_not_allowed`,
            `entries_differ`.
    """
    form = FORMS[message.kind]
    for entry in (message.quantities, message.again):
        names = [one.name for one in entry]
        if not form.needed <= set(names):
            raise Refused("value_missing")
        if len(set(names)) < len(names) or set(names) - form.needed - form.optional:
            raise Refused("values_not_of_kind")
    for one in message.quantities:
        _check(one)
    pressures = {one.unit for one in message.quantities if one.name in ("systolic", "diastolic", "mean")}
    if len(pressures) > 1:
        raise Refused("unit_not_allowed")
    if _by_name(message.quantities) != _by_name(message.again):
        raise Refused("entries_differ")


def _check(one: Quantity) -> None:
    if not _fits_a_display(one.value):
        raise Refused("number_too_long")
    if one.unit not in UCUM_OF[one.name]:
        raise Refused("unit_not_allowed")
    if one.comparator is not None and one.name not in WITH_COMPARATOR:
        raise Refused("comparator_not_allowed")


def _fits_a_display(value: Decimal) -> bool:
    _, digits, exponent = value.as_tuple()
    return isinstance(exponent, int) and len(digits) <= MOST_DIGITS and -MOST_DIGITS <= exponent <= 0


def _by_name(entry: Sequence[Quantity]) -> dict[ValueName, tuple[Decimal, str, str | None]]:
    return {one.name: (one.value, one.unit, one.comparator) for one in entry}
