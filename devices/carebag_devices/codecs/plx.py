"""Pulse Oximeter Service 1.0.1: Spot-check Measurement 0x2A5E, Continuous Measurement 0x2A5F, Features 0x2A60.

A number whose status says demonstration, test, calibration, unavailable, questionable or invalid is not a measurement:
`withheld` names the reason and the drivers show that and no number. Calibration is among them because IEEE 11073-20601
means by it a value taken while the sensor is being calibrated, not one that is merely less exact.
"""

import enum
from dataclasses import dataclass
from typing import Self

from carebag_devices.codecs.date_time import SIZE as DATE_TIME_SIZE
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.fields import Fields
from carebag_devices.codecs.ieee11073 import Number, SFloat, sfloat


class MeasurementStatus(enum.IntFlag, boundary=enum.KEEP):
    """Measurement Status, 16 bits; bits 0 to 4 are reserved and kept."""

    ONGOING = 1 << 5
    EARLY_ESTIMATE = 1 << 6
    VALIDATED = 1 << 7
    FULLY_QUALIFIED = 1 << 8
    FROM_STORAGE = 1 << 9
    DEMONSTRATION = 1 << 10
    TESTING = 1 << 11
    CALIBRATING = 1 << 12
    UNAVAILABLE = 1 << 13
    QUESTIONABLE = 1 << 14
    INVALID = 1 << 15


class SensorStatus(enum.IntFlag, boundary=enum.KEEP):
    """Device and Sensor Status, 24 bits; bits 16 to 23 are reserved and kept."""

    EXTENDED_UPDATE = 1 << 0
    EQUIPMENT_MALFUNCTION = 1 << 1
    SIGNAL_IRREGULARITY = 1 << 2
    INADEQUATE_SIGNAL = 1 << 3
    POOR_SIGNAL = 1 << 4
    LOW_PERFUSION = 1 << 5
    ERRATIC_SIGNAL = 1 << 6
    NONPULSATILE_SIGNAL = 1 << 7
    QUESTIONABLE_PULSE = 1 << 8
    SIGNAL_ANALYSIS = 1 << 9
    SENSOR_INTERFERENCE = 1 << 10
    NOT_ON_USER = 1 << 11
    UNKNOWN_SENSOR = 1 << 12
    SENSOR_DISPLACED = 1 << 13
    SENSOR_MALFUNCTION = 1 << 14
    SENSOR_DISCONNECTED = 1 << 15


# In the order in which one hides the other: what the nurse can act on comes first.
_SENSOR_PROBLEMS = {
    SensorStatus.NOT_ON_USER: "finger_off",
    SensorStatus.SENSOR_DISCONNECTED: "sensor_disconnected",
    SensorStatus.SENSOR_MALFUNCTION: "sensor_malfunction",
    SensorStatus.EQUIPMENT_MALFUNCTION: "equipment_malfunction",
}
_STATUS_PROBLEMS = {
    MeasurementStatus.DEMONSTRATION: "demonstration_data",
    MeasurementStatus.TESTING: "test_data",
    MeasurementStatus.UNAVAILABLE: "measurement_unavailable",
    MeasurementStatus.INVALID: "measurement_invalid",
    MeasurementStatus.CALIBRATING: "calibration_ongoing",
    MeasurementStatus.QUESTIONABLE: "measurement_questionable",
}
_SENSOR_FLAGS = {
    SensorStatus.SENSOR_DISPLACED: "sensor_displaced",
    SensorStatus.INADEQUATE_SIGNAL: "inadequate_signal",
    SensorStatus.POOR_SIGNAL: "poor_signal",
    SensorStatus.LOW_PERFUSION: "low_perfusion",
    SensorStatus.ERRATIC_SIGNAL: "erratic_signal",
    SensorStatus.NONPULSATILE_SIGNAL: "nonpulsatile_signal",
    SensorStatus.QUESTIONABLE_PULSE: "questionable_pulse",
    SensorStatus.SIGNAL_IRREGULARITY: "signal_irregularity",
    SensorStatus.SENSOR_INTERFERENCE: "sensor_interference",
    SensorStatus.UNKNOWN_SENSOR: "unknown_sensor",
}
_STATUS_FLAGS = {
    MeasurementStatus.EARLY_ESTIMATE: "early_estimate",
    MeasurementStatus.FROM_STORAGE: "from_storage",
}


def withheld(status: MeasurementStatus | None, sensor: SensorStatus | None) -> str | None:
    """Why the numbers beside these bits must not be shown; None when they may."""
    for bit, code in _SENSOR_PROBLEMS.items():
        if sensor is not None and sensor & bit:
            return code
    for status_bit, code in _STATUS_PROBLEMS.items():
        if status is not None and status & status_bit:
            return code
    return None


def remarks(status: MeasurementStatus | None, sensor: SensorStatus | None) -> tuple[str, ...]:
    """What is shown beside the numbers and does not hide them."""
    said = [code for bit, code in _SENSOR_FLAGS.items() if sensor is not None and sensor & bit]
    return (*said, *(code for bit, code in _STATUS_FLAGS.items() if status is not None and status & bit))


# said of how the device works, not of the numbers
_SENSOR_PROGRESS = {
    SensorStatus.SIGNAL_ANALYSIS: "signal_analysis_ongoing",
    SensorStatus.EXTENDED_UPDATE: "extended_display_update",
}
_PROGRESS = {
    MeasurementStatus.ONGOING: "measurement_ongoing",
    MeasurementStatus.VALIDATED: "validated",
    MeasurementStatus.FULLY_QUALIFIED: "fully_qualified",
}


def codes(status: MeasurementStatus | None, sensor: SensorStatus | None) -> tuple[str, ...]:
    """A code for every bit that is set and not reserved."""
    sensor_codes = _SENSOR_PROBLEMS | _SENSOR_FLAGS | _SENSOR_PROGRESS
    status_codes = _STATUS_PROBLEMS | _STATUS_FLAGS | _PROGRESS
    said = [code for bit, code in sensor_codes.items() if sensor is not None and sensor & bit]
    return (*said, *(code for bit, code in status_codes.items() if status is not None and status & bit))


@dataclass(frozen=True)
class Reading:
    """One pair as sent: saturation in percent, pulse per minute."""

    spo2: Number
    pulse: Number

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        fields = Fields(raw)
        reading = cls(sfloat(fields.take(2)), sfloat(fields.take(2)))
        fields.end()
        return reading

    def __bytes__(self) -> bytes:
        return bytes(SFloat(self.spo2)) + bytes(SFloat(self.pulse))


def _status(fields: Fields, present: int) -> MeasurementStatus | None:
    return MeasurementStatus(fields.unsigned(2)) if present else None


def _sensor(fields: Fields, present: int) -> SensorStatus | None:
    return SensorStatus(fields.unsigned(3)) if present else None


def _perfusion(fields: Fields, present: int) -> Number | None:
    return sfloat(fields.take(2)) if present else None


def _tail(
    status: MeasurementStatus | None, sensor: SensorStatus | None, perfusion: Number | None
) -> tuple[bool, bool, bool, bytes]:
    body = b"" if status is None else int(status).to_bytes(2, "little")
    body += b"" if sensor is None else int(sensor).to_bytes(3, "little")
    body += b"" if perfusion is None else bytes(SFloat(perfusion))
    return status is not None, sensor is not None, perfusion is not None, body


@dataclass(frozen=True)
class SpotCheck:
    """0x2A5E. `clock_not_set`: the device says that its own time is worthless."""

    reading: Reading
    time: DateTime | None = None
    status: MeasurementStatus | None = None
    sensor: SensorStatus | None = None
    perfusion: Number | None = None
    clock_not_set: bool = False
    reserved_flags: int = 0

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        flags = fields.unsigned(1)
        measurement = cls(
            reading=Reading.parse(fields.take(4)),
            time=DateTime.parse(fields.take(DATE_TIME_SIZE)) if flags & 1 else None,
            status=_status(fields, flags & 2),
            sensor=_sensor(fields, flags & 4),
            perfusion=_perfusion(fields, flags & 8),
            clock_not_set=bool(flags & 16),
            reserved_flags=flags & 0xE0,
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        has_status, has_sensor, has_perfusion, tail = _tail(self.status, self.sensor, self.perfusion)
        flags = has_status << 1 | has_sensor << 2 | has_perfusion << 3 | self.clock_not_set << 4 | self.reserved_flags
        time = b"" if self.time is None else bytes(self.time)
        return bytes([flags | (self.time is not None)]) + bytes(self.reading) + time + tail


@dataclass(frozen=True)
class Continuous:
    """0x2A5F. `fast` and `slow` are the device's other averaging times, where it sends them."""

    reading: Reading
    fast: Reading | None = None
    slow: Reading | None = None
    status: MeasurementStatus | None = None
    sensor: SensorStatus | None = None
    perfusion: Number | None = None
    reserved_flags: int = 0

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        flags = fields.unsigned(1)
        measurement = cls(
            reading=Reading.parse(fields.take(4)),
            fast=Reading.parse(fields.take(4)) if flags & 1 else None,
            slow=Reading.parse(fields.take(4)) if flags & 2 else None,
            status=_status(fields, flags & 4),
            sensor=_sensor(fields, flags & 8),
            perfusion=_perfusion(fields, flags & 16),
            reserved_flags=flags & 0xE0,
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        has_status, has_sensor, has_perfusion, tail = _tail(self.status, self.sensor, self.perfusion)
        flags = (self.fast is not None) | (self.slow is not None) << 1 | self.reserved_flags
        flags |= has_status << 2 | has_sensor << 3 | has_perfusion << 4
        others = b"".join(bytes(reading) for reading in (self.fast, self.slow) if reading is not None)
        return bytes([flags]) + bytes(self.reading) + others + tail


class Feature(enum.IntFlag, boundary=enum.KEEP):
    """Supported Features, 16 bits; bits 8 to 15 are reserved and kept."""

    MEASUREMENT_STATUS = 1 << 0
    SENSOR_STATUS = 1 << 1
    STORAGE = 1 << 2
    TIMESTAMP = 1 << 3
    FAST = 1 << 4
    SLOW = 1 << 5
    PERFUSION = 1 << 6
    MULTIPLE_BONDS = 1 << 7


@dataclass(frozen=True)
class Features:
    """0x2A60. `status` and `sensor` are the bits that the device can set at all, present where `supported` says so."""

    supported: Feature
    status: MeasurementStatus | None = None
    sensor: SensorStatus | None = None

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        supported = Feature(fields.unsigned(2))
        status = _status(fields, supported & Feature.MEASUREMENT_STATUS)
        features = cls(supported, status, _sensor(fields, supported & Feature.SENSOR_STATUS))
        fields.end()
        return features

    def __bytes__(self) -> bytes:
        return int(self.supported).to_bytes(2, "little") + _tail(self.status, self.sensor, None)[3]
