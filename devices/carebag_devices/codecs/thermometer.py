"""Health Thermometer Service 1.0: Measurement 0x2A1C, Intermediate 0x2A1E, Type 0x2A1D, Interval 0x2A21.

Source: GATT Specification Supplement, "Temperature Measurement", "Temperature Type", "Measurement Interval".
"""

from dataclasses import dataclass
from typing import Literal, Self

from carebag_devices.codecs.date_time import SIZE as DATE_TIME_SIZE
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.fields import Fields
from carebag_devices.codecs.ieee11073 import Float, Number, float32

_FAHRENHEIT, _TIME, _SITE = 1, 2, 4

SITES = {
    1: "armpit",
    2: "body",
    3: "ear",
    4: "finger",
    5: "gastrointestinal_tract",
    6: "mouth",
    7: "rectum",
    8: "toe",
    9: "tympanum",
}
"""Temperature Type; 0 and 10 to 255 are reserved."""


@dataclass(frozen=True)
class TemperatureMeasurement:
    """0x2A1C when finished, 0x2A1E while it measures. `site` is a Temperature Type as sent."""

    temperature: Number
    unit: Literal["°C", "°F"] = "°C"
    time: DateTime | None = None
    site: int | None = None
    reserved_flags: int = 0

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        flags = fields.unsigned(1)
        measurement = cls(
            temperature=float32(fields.take(4)),
            unit="°F" if flags & _FAHRENHEIT else "°C",
            time=DateTime.parse(fields.take(DATE_TIME_SIZE)) if flags & _TIME else None,
            site=fields.unsigned(1) if flags & _SITE else None,
            reserved_flags=flags & 0xF8,
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        flags = self.reserved_flags | (_FAHRENHEIT if self.unit == "°F" else 0)
        body = bytes(Float(self.temperature))
        if self.time is not None:
            flags, body = flags | _TIME, body + bytes(self.time)
        if self.site is not None:
            flags, body = flags | _SITE, body + bytes([self.site])
        return bytes([flags]) + body


@dataclass(frozen=True)
class TemperatureType:
    """0x2A1D: where this thermometer always measures."""

    site: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        fields = Fields(raw)
        kind = cls(fields.unsigned(1))
        fields.end()
        return kind

    def __bytes__(self) -> bytes:
        return bytes([self.site])


@dataclass(frozen=True)
class MeasurementInterval:
    """0x2A21, in s; 0: it does not measure periodically."""

    seconds: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        fields = Fields(raw)
        interval = cls(fields.unsigned(2))
        fields.end()
        return interval

    def __bytes__(self) -> bytes:
        return self.seconds.to_bytes(2, "little")
