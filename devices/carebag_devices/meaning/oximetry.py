"""Pulse Oximeter Service: spot checks and the continuous stream."""

from dataclasses import replace
from decimal import Decimal

from carebag_devices.catalog import Model
from carebag_devices.codecs.plx import (
    Continuous,
    MeasurementStatus,
    Reading,
    SensorStatus,
    SpotCheck,
    remarks,
    withheld,
)
from carebag_devices.events import Value
from carebag_devices.meaning.meaning import Meaning, numbers


def spot_check(_model: Model, raw: bytes) -> Meaning:
    """0x2A5E. Raises `Malformed`."""
    said = SpotCheck.parse(raw)
    flags = remarks(said.status, said.sensor)
    return Meaning(
        "oximetry",
        _values(said),
        _problem(said.reading, said.status, said.sensor),
        (*flags, "device_clock_not_set") if said.clock_not_set else flags,
        # a clock that says of itself that it was never set stamps nothing
        time=str(said.time) if said.time and not said.clock_not_set else None,
        stored=bool(said.status and said.status & MeasurementStatus.FROM_STORAGE),
        same=bytes(replace(said, status=said.status & ~MeasurementStatus.FROM_STORAGE)) if said.status else b"",
    )


def continuous(_model: Model, raw: bytes) -> Meaning:
    """0x2A5F. Raises `Malformed`."""
    said = Continuous.parse(raw)
    problem = _problem(said.reading, said.status, said.sensor)
    return Meaning("oximetry", _values(said), problem, remarks(said.status, said.sensor))


def _values(said: SpotCheck | Continuous) -> tuple[Value, ...]:
    reading = said.reading
    return numbers((("spo2", reading.spo2, "%"), ("pulse", reading.pulse, "/min"), ("perfusion", said.perfusion, "%")))


def _problem(reading: Reading, status: MeasurementStatus | None, sensor: SensorStatus | None) -> str | None:
    some = isinstance(reading.spo2, Decimal) or isinstance(reading.pulse, Decimal)
    return withheld(status, sensor) or (None if some else "measurement_unavailable")
