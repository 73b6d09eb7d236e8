"""Glucose Service 1.0: Measurement 0x2A18 and Feature 0x2A51.

A number from control solution is a check of the meter, and a number beside a fault of strip or sensor is none:
`withheld` names the reason. Source: GATT Specification Supplement, "Glucose Measurement", "Glucose Feature".
"""

import datetime
import enum
import struct
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Self

from carebag_devices.codecs.date_time import SIZE as DATE_TIME_SIZE
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.fields import Fields
from carebag_devices.codecs.ieee11073 import Number, SFloat, Special, sfloat, shifted

_OFFSET, _CONCENTRATION, _MOLES, _STATUS, _CONTEXT = 1, 2, 4, 8, 16

SAMPLES = {
    1: "capillary_whole_blood",
    2: "capillary_plasma",
    3: "venous_whole_blood",
    4: "venous_plasma",
    5: "arterial_whole_blood",
    6: "arterial_plasma",
    7: "undetermined_whole_blood",
    8: "undetermined_plasma",
    9: "interstitial_fluid",
    10: "control_solution",
}
"""Type, low nibble; the others are reserved."""
LOCATIONS = {1: "finger", 2: "alternate_site", 3: "earlobe", 4: "control_solution", 15: "location_not_available"}
"""Sample Location, high nibble; the others are reserved."""


class SensorStatus(enum.IntFlag, boundary=enum.KEEP):
    """Sensor Status Annunciation, 16 bits; bits 12 to 15 are reserved and kept."""

    BATTERY_LOW = 1 << 0
    SENSOR_MALFUNCTION = 1 << 1
    SAMPLE_INSUFFICIENT = 1 << 2
    STRIP_INSERTION = 1 << 3
    STRIP_TYPE = 1 << 4
    RESULT_TOO_HIGH = 1 << 5
    RESULT_TOO_LOW = 1 << 6
    TOO_WARM = 1 << 7
    TOO_COLD = 1 << 8
    READ_INTERRUPTED = 1 << 9
    DEVICE_FAULT = 1 << 10
    TIME_FAULT = 1 << 11


# In the order in which one hides the other.
_FAULTS = {
    SensorStatus.SENSOR_MALFUNCTION: "sensor_malfunction",
    SensorStatus.DEVICE_FAULT: "equipment_malfunction",
    SensorStatus.STRIP_TYPE: "strip_type_incorrect",
    SensorStatus.STRIP_INSERTION: "strip_insertion_error",
    SensorStatus.SAMPLE_INSUFFICIENT: "sample_size_insufficient",
    SensorStatus.READ_INTERRUPTED: "reading_interrupted",
    SensorStatus.TOO_WARM: "sensor_too_warm",
    SensorStatus.TOO_COLD: "sensor_too_cold",
    SensorStatus.RESULT_TOO_HIGH: "above_range",
    SensorStatus.RESULT_TOO_LOW: "below_range",
}
_REMARKS = {SensorStatus.BATTERY_LOW: "battery_low", SensorStatus.TIME_FAULT: "device_time_fault"}


@dataclass(frozen=True)
class Concentration:
    """As sent: kg/L or mol/L, with the sample's type and location."""

    value: Number
    unit: Literal["kg/L", "mol/L"]
    sample: int
    location: int

    @property
    def control(self) -> bool:
        """Control solution, by type or by location: never a patient's value."""
        return SAMPLES.get(self.sample) == "control_solution" or LOCATIONS.get(self.location) == "control_solution"

    @property
    def shown(self) -> tuple[Decimal, Literal["mg/dL", "mmol/L"]] | None:
        """The same number in the unit people use: exact, only the decimal point moves. None for a special value."""
        if isinstance(self.value, Special):
            return None
        return (shifted(self.value, 5), "mg/dL") if self.unit == "kg/L" else (shifted(self.value, 3), "mmol/L")


@dataclass(frozen=True)
class GlucoseMeasurement:
    """0x2A18. `offset` in minutes from `base_time` to what the display showed. `context`: a 0x2A34 follows."""

    sequence: int
    base_time: DateTime
    offset: int | None = None
    concentration: Concentration | None = None
    status: SensorStatus | None = None
    context: bool = False
    reserved_flags: int = 0
    """Bits 5 to 7, and bit 2 (the unit) where no concentration was sent."""

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        flags = fields.unsigned(1)
        measurement = cls(
            sequence=fields.unsigned(2),
            base_time=DateTime.parse(fields.take(DATE_TIME_SIZE)),
            offset=fields.signed(2) if flags & _OFFSET else None,
            concentration=_concentration(fields, flags) if flags & _CONCENTRATION else None,
            status=SensorStatus(fields.unsigned(2)) if flags & _STATUS else None,
            context=bool(flags & _CONTEXT),
            reserved_flags=flags & (0xE0 if flags & _CONCENTRATION else 0xE0 | _MOLES),
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        flags = self.reserved_flags | self.context * _CONTEXT
        body = struct.pack("<H", self.sequence) + bytes(self.base_time)
        if self.offset is not None:
            flags, body = flags | _OFFSET, body + struct.pack("<h", self.offset)
        if self.concentration is not None:
            flags |= _CONCENTRATION | (self.concentration.unit == "mol/L") * _MOLES
            nibbles = self.concentration.location << 4 | self.concentration.sample
            body += bytes(SFloat(self.concentration.value)) + bytes([nibbles])
        if self.status is not None:
            flags, body = flags | _STATUS, body + int(self.status).to_bytes(2, "little")
        return bytes([flags]) + body

    @property
    def withheld(self) -> str | None:
        """Why the number must not be shown as the patient's; None when it may."""
        if self.concentration is None:
            return "measurement_unavailable"
        if self.concentration.control:
            return "control_solution"
        for bit, code in _FAULTS.items():
            if self.status is not None and self.status & bit:
                return code
        value = self.concentration.value
        if isinstance(value, Decimal):
            return None
        beyond = value in (Special.POSITIVE_INFINITY, Special.NEGATIVE_INFINITY)
        return value.value if beyond else "measurement_unavailable"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is shown beside the number and does not hide it."""
        return tuple(code for bit, code in _REMARKS.items() if self.status is not None and self.status & bit)

    @property
    def faults(self) -> tuple[str, ...]:
        """Every fault bit that is set; `withheld` names the first."""
        return tuple(code for bit, code in _FAULTS.items() if self.status is not None and self.status & bit)

    @property
    def clock(self) -> datetime.datetime | None:
        """What the display showed: base time and offset. None where a part of the date is unknown. No zone, as sent."""
        base = self.base_time
        if not (base.year and base.month and base.day):
            return None
        moment = datetime.datetime.fromisoformat(str(base))
        try:
            return moment + datetime.timedelta(minutes=self.offset or 0)
        except OverflowError:
            return None


def _concentration(fields: Fields, flags: int) -> Concentration:
    value, nibbles = sfloat(fields.take(2)), fields.unsigned(1)
    return Concentration(value, "mol/L" if flags & _MOLES else "kg/L", nibbles & 0x0F, nibbles >> 4)


class Feature(enum.IntFlag, boundary=enum.KEEP):
    """Glucose Feature, 16 bits; bits 11 to 15 are reserved and kept."""

    BATTERY_LOW = 1 << 0
    SENSOR_MALFUNCTION = 1 << 1
    SAMPLE_SIZE = 1 << 2
    STRIP_INSERTION = 1 << 3
    STRIP_TYPE = 1 << 4
    RESULT_RANGE = 1 << 5
    TEMPERATURE_RANGE = 1 << 6
    READ_INTERRUPT = 1 << 7
    DEVICE_FAULT = 1 << 8
    TIME_FAULT = 1 << 9
    MULTIPLE_BONDS = 1 << 10


@dataclass(frozen=True)
class GlucoseFeature:
    """0x2A51: which status bits the meter can set at all."""

    supported: Feature

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        feature = cls(Feature(fields.unsigned(2)))
        fields.end()
        return feature

    def __bytes__(self) -> bytes:
        return int(self.supported).to_bytes(2, "little")
