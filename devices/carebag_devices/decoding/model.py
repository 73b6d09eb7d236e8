"""What decoded bytes say, ready to be shown: numbers as text with units, codes, and problems in plain words."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal

from carebag_devices.codecs.ieee11073 import Number, Special
from carebag_devices.decoding.words import SPECIALS

_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
"""Wide enough for every FLOAT (8 digits, exponent up to 127)."""


@dataclass(frozen=True)
class DecodedValue:
    """`value` is the device's own decimal (or word), None where it sent no number. `unit` is UCUM, None for words."""

    name: str
    value: str | None
    unit: str | None
    comparator: Literal["<", ">"] | None = None


@dataclass(frozen=True)
class Decoded:
    """`time` as the device sent it, ISO without zone. `status` holds codes, `problems` sentences."""

    kind: str
    values: tuple[DecodedValue, ...] = ()
    time: str | None = None
    status: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """Some values with what is wrong with them."""

    values: tuple[DecodedValue, ...]
    problems: tuple[str, ...] = ()


def decoded(kind: str, parts: Iterable[Part], time: str | None = None, status: Iterable[str] = ()) -> Decoded:
    """All parts as one."""
    whole = tuple(parts)
    values = tuple(value for part in whole for value in part.values)
    problems = tuple(dict.fromkeys(problem for part in whole for problem in part.problems))
    return Decoded(kind, values, time, tuple(status), problems)


def plain(number: Decimal) -> str:
    """Without exponent, with every digit that was sent."""
    return format(number, "f")


def word(name: str, text: str | None) -> Part:
    """A value that is a word; nothing for None."""
    return Part(() if text is None else (DecodedValue(name, text, None),))


def coded(name: str, code: int | None, table: dict[int, str]) -> Part:
    """A word by its code; nothing for None."""
    return word(name, None if code is None else table.get(code, f"reserved_{code}"))


def count(name: str, number: int | None, unit: str = "1") -> Part:
    """A whole number; nothing for None."""
    return Part(() if number is None else (DecodedValue(name, str(number), unit),))


def none(name: str, unit: str, problem: str) -> Part:
    """No number, and why."""
    return Part((DecodedValue(name, None, unit),), (problem,))


def number(name: str, value: Number | None, unit: str) -> Part:
    """A number, or in words what the device sent in its place; nothing for None."""
    if value is None:
        return Part(())
    if isinstance(value, Special):
        return none(name, unit, f"{name}: {SPECIALS[value]}")
    return Part((DecodedValue(name, plain(value), unit),))


def positive(name: str, value: Number | None, unit: str) -> Part:
    """As `number`; zero and less is no measurement."""
    if isinstance(value, Decimal) and value <= 0:
        return none(name, unit, f"{name}: the device sends {plain(value)}, which is no measurement")
    return number(name, value, unit)


@dataclass(frozen=True)
class Conversion:
    """`own` unit to `unit`: factor after offset, rounded to `step`. The device's own number is named with `suffix`."""

    own: str
    unit: str
    suffix: str
    factor: Decimal
    step: Decimal
    offset: Decimal = Decimal(0)

    def both(self, part: Part) -> Part:
        """The converted value and the device's own, from the device's own."""
        values = []
        for own in part.values:
            rounded = None if own.value is None else plain(self.converted(Decimal(own.value)))
            values += [
                DecodedValue(own.name, rounded, self.unit, own.comparator),
                DecodedValue(own.name + self.suffix, own.value, self.own, own.comparator),
            ]
        return Part(tuple(values), part.problems)

    def converted(self, own: Decimal) -> Decimal:
        return _EXACT.quantize(_EXACT.multiply(_EXACT.add(own, self.offset), self.factor), self.step)


KPA = Conversion("kPa", "mm[Hg]", "_kpa", Decimal("7.50062"), Decimal("0.1"))
LB = Conversion("[lb_av]", "kg", "_lb", Decimal("0.45359237"), Decimal("0.01"))
INCH = Conversion("[in_i]", "m", "_in", Decimal("0.0254"), Decimal("0.001"))
FAHRENHEIT = Conversion("[degF]", "Cel", "_f", _EXACT.divide(Decimal(5), Decimal(9)), Decimal("0.1"), Decimal(-32))
GLUCOSE_MG_DL = Conversion("mg/dL", "mmol/L", "_mg_dl", _EXACT.divide(Decimal(1), Decimal("18.0156")), Decimal("0.1"))
"""180.156 g/mol."""
CRP_MG_DL = Conversion("mg/dL", "mg/L", "_mg_dl", Decimal(10), Decimal("0.01"))
