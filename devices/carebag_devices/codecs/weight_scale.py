"""Weight Scale Service 1.0: Weight Measurement 0x2A9D and Weight Scale Feature 0x2A9E.

Source: GATT Specification Supplement, "Weight Measurement", "Weight Scale Feature"; Weight Scale Service
for 0xFFFF, "measurement unsuccessful".
"""

import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Self

from carebag_devices.codecs.date_time import SIZE as DATE_TIME_SIZE
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.fields import Fields

_IMPERIAL, _TIME, _USER, _BODY = 1, 2, 4, 8
_UNSUCCESSFUL = 0xFFFF
# steps of the 16-bit fields, as mantissa and exponent
_WEIGHT_STEP = {"kg": (5, -3), "lb": (1, -2)}
_HEIGHT_STEP = {"kg": (1, -3), "lb": (1, -1)}
_BMI_STEP = (1, -1)


def _scaled(raw: int, step: tuple[int, int]) -> Decimal:
    return Decimal(f"{raw * step[0]}E{step[1]}")


def _raw(value: Decimal, step: tuple[int, int]) -> bytes:
    """ValueError for what these steps cannot hold exactly."""
    per_unit: int = 10 ** -step[1]
    numerator, denominator = value.as_integer_ratio()
    steps, rest = divmod(numerator * per_unit, denominator * step[0])
    if rest or not 0 <= steps <= 0xFFFF:
        raise ValueError("does not fit the field")
    return steps.to_bytes(2, "little")


@dataclass(frozen=True)
class Body:
    """What the scale reckoned and was told. Height in m beside kg, in inches beside lb."""

    bmi: Decimal
    height: Decimal


@dataclass(frozen=True)
class WeightMeasurement:
    """0x2A9D. `weight` in `unit` with the format's resolution; None: the scale says that it did not succeed."""

    weight: Decimal | None
    unit: Literal["kg", "lb"] = "kg"
    time: DateTime | None = None
    user: int | None = None
    """255 is "unknown user"."""
    body: Body | None = None
    reserved_flags: int = 0

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        flags = fields.unsigned(1)
        unit: Literal["kg", "lb"] = "lb" if flags & _IMPERIAL else "kg"
        weight = fields.unsigned(2)
        measurement = cls(
            weight=None if weight == _UNSUCCESSFUL else _scaled(weight, _WEIGHT_STEP[unit]),
            unit=unit,
            time=DateTime.parse(fields.take(DATE_TIME_SIZE)) if flags & _TIME else None,
            user=fields.unsigned(1) if flags & _USER else None,
            body=_body(fields, unit) if flags & _BODY else None,
            reserved_flags=flags & 0xF0,
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        flags = self.reserved_flags | (_IMPERIAL if self.unit == "lb" else 0)
        raw = b"\xff\xff" if self.weight is None else _raw(self.weight, _WEIGHT_STEP[self.unit])
        if self.time is not None:
            flags, raw = flags | _TIME, raw + bytes(self.time)
        if self.user is not None:
            flags, raw = flags | _USER, raw + bytes([self.user])
        if self.body is not None:
            body = _raw(self.body.bmi, _BMI_STEP) + _raw(self.body.height, _HEIGHT_STEP[self.unit])
            flags, raw = flags | _BODY, raw + body
        return bytes([flags]) + raw


def _body(fields: Fields, unit: Literal["kg", "lb"]) -> Body:
    return Body(_scaled(fields.unsigned(2), _BMI_STEP), _scaled(fields.unsigned(2), _HEIGHT_STEP[unit]))


class Feature(enum.IntFlag, boundary=enum.KEEP):
    TIMESTAMP = 1 << 0
    MULTIPLE_USERS = 1 << 1
    BMI = 1 << 2


_WEIGHT_RESOLUTIONS = (None, "0.5", "0.2", "0.1", "0.05", "0.02", "0.01", "0.005")
_HEIGHT_RESOLUTIONS = (None, "0.01", "0.005", "0.001")


@dataclass(frozen=True)
class WeightScaleFeature:
    """0x2A9E, 32 bits, kept as sent."""

    bits: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        feature = cls(fields.unsigned(4))
        fields.end()
        return feature

    def __bytes__(self) -> bytes:
        return self.bits.to_bytes(4, "little")

    @property
    def supported(self) -> Feature:
        return Feature(self.bits & 7)

    @property
    def weight_resolution(self) -> Decimal | None:
        """In kg, None where not specified (or reserved)."""
        return _resolution(_WEIGHT_RESOLUTIONS, self.bits >> 3 & 0x0F)

    @property
    def height_resolution(self) -> Decimal | None:
        """In m, None where not specified (or reserved)."""
        return _resolution(_HEIGHT_RESOLUTIONS, self.bits >> 7 & 0x07)


def _resolution(table: tuple[str | None, ...], index: int) -> Decimal | None:
    text = table[index] if index < len(table) else None
    return None if text is None else Decimal(text)
