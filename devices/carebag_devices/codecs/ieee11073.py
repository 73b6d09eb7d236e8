"""IEEE 11073-20601 SFLOAT (16 bit) and FLOAT (32 bit): decimal mantissa and exponent, both two's complement.

Kept as `Decimal` with the device's own precision (967 x 10^-1 is 96.7, never 96.69999). The five special codes are an
enum of their own, so that no arithmetic can take "not a number" for a number.
"""

import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from carebag_devices.errors import Malformed


class Special(enum.Enum):
    """What a device sends in place of a number."""

    NAN = "not_a_number"
    NRES = "not_at_this_resolution"
    POSITIVE_INFINITY = "above_range"
    NEGATIVE_INFINITY = "below_range"
    RESERVED = "reserved"


Number = Decimal | Special

# mantissas from the middle of the two's complement range, exponent 0; the same order in both sizes
_SPECIALS = {
    -2: Special.POSITIVE_INFINITY,
    -1: Special.NAN,
    0: Special.NRES,
    1: Special.RESERVED,
    2: Special.NEGATIVE_INFINITY,
}


@dataclass(frozen=True)
class _Medfloat:
    """`value` is exact; `bytes()` refuses with ValueError what the format cannot hold."""

    value: Number
    mantissa_bits: ClassVar[int]
    exponent_bits: ClassVar[int]

    @classmethod
    def size(cls) -> int:
        return (cls.mantissa_bits + cls.exponent_bits) // 8

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed` for another length, or a special mantissa that carries an exponent."""
        if len(raw) != cls.size():
            raise Malformed("truncated" if len(raw) < cls.size() else "trailing_bytes")
        word = int.from_bytes(raw, "little")
        half = 1 << (cls.mantissa_bits - 1)
        mantissa = word & (2 * half - 1)
        exponent = word >> cls.mantissa_bits
        if special := _SPECIALS.get(mantissa - half):
            if exponent:
                raise Malformed("special_with_exponent")
            return cls(special)
        if mantissa >= half:
            mantissa -= 2 * half
        if exponent >= 1 << (cls.exponent_bits - 1):
            exponent -= 1 << cls.exponent_bits
        return cls(Decimal(f"{mantissa}E{exponent}"))  # from text: exact in every decimal context

    def __bytes__(self) -> bytes:
        half = 1 << (self.mantissa_bits - 1)
        if isinstance(self.value, Special):
            offset = next(offset for offset, special in _SPECIALS.items() if special is self.value)
            return (half + offset).to_bytes(self.size(), "little")
        mantissa, exponent = self._fitted(self.value, half)
        word = (exponent % (1 << self.exponent_bits)) << self.mantissa_bits | mantissa % (2 * half)
        return word.to_bytes(self.size(), "little")

    def _fitted(self, value: Decimal, half: int) -> tuple[int, int]:
        """Mantissa and exponent within the format's ranges, for the same number; ValueError if there are none."""
        sign, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int):
            raise ValueError("use Special for what is not a number")
        mantissa = int("".join(map(str, digits)) or "0") * (-1 if sign else 1)
        lowest, highest = -(1 << (self.exponent_bits - 1)), (1 << (self.exponent_bits - 1)) - 1
        while exponent > highest and abs(mantissa) <= half:
            mantissa, exponent = mantissa * 10, (exponent - 1 if mantissa else highest)
        while (exponent < lowest or abs(mantissa) > half - 3) and mantissa % 10 == 0:
            mantissa, exponent = mantissa // 10, (exponent + 1 if mantissa else lowest)
        if not lowest <= exponent <= highest or abs(mantissa) > half - 3:
            raise ValueError(f"{value} does not fit {type(self).__name__}")
        return mantissa, exponent


class SFloat(_Medfloat):
    """medfloat16: 12-bit mantissa (±2045), 4-bit exponent (-8..7)."""

    mantissa_bits = 12
    exponent_bits = 4


class Float(_Medfloat):
    """medfloat32: 24-bit mantissa (±8 388 605), 8-bit exponent (-128..127)."""

    mantissa_bits = 24
    exponent_bits = 8


def sfloat(raw: bytes) -> Number:
    """The number in two bytes."""
    return SFloat.parse(raw).value


def float32(raw: bytes) -> Number:
    """The number in four bytes."""
    return Float.parse(raw).value


def shifted(number: Decimal, places: int) -> Decimal:
    """`number` x 10^places, exact in every decimal context: kg/L to mg/dL and the like."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("not a number")
    return Decimal((sign, digits, exponent + places))
