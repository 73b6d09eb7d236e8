"""Blood Pressure Service: measurements of the first form and of the enhanced one."""

from carebag_devices.catalog import UCUM, Model
from carebag_devices.codecs.blood_pressure import BloodPressureMeasurement
from carebag_devices.codecs.blood_pressure_enhanced import EnhancedBloodPressure
from carebag_devices.events import Value
from carebag_devices.meaning.meaning import Meaning, known_user, numbers

_FAILURES = ("cuff_too_loose", "body_moved", "improper_position")
"""What a cuff names as the reason when it has no numbers."""


def measurement(model: Model, raw: bytes) -> Meaning:
    """0x2A35. Raises `Malformed`."""
    read = BloodPressureMeasurement.parse_big_endian if model.has("big_endian") else BloodPressureMeasurement.parse
    said = read(raw)
    return _meaning(said, str(said.time) if said.time else None)


def enhanced(_model: Model, raw: bytes) -> Meaning:
    """0x2B34. Raises `Malformed`."""
    said = EnhancedBloodPressure.parse(raw)
    return _meaning(said, said.clock.isoformat() if said.clock else None)


def _meaning(said: BloodPressureMeasurement | EnhancedBloodPressure, time: str | None) -> Meaning:
    codes = said.status.codes() if said.status else ()
    values = _values(said)
    problem = None if values else next((code for code in codes if code in _FAILURES), "measurement_failed")
    flags = tuple(code for code in codes if code != problem)
    return Meaning("blood_pressure", values, problem, flags, time, known_user(said.user))


def _values(said: BloodPressureMeasurement | EnhancedBloodPressure) -> tuple[Value, ...]:
    """None without both pressures. Zero is no pressure: Beurer's BM85 sends it for the mean that it does not take."""
    unit = UCUM[said.unit]
    sent = numbers((("systolic", said.systolic, unit), ("diastolic", said.diastolic, unit), ("mean", said.mean, unit)))
    pressures = tuple(value for value in sent if value.value > 0)
    if not {"systolic", "diastolic"} <= {value.name for value in pressures}:
        return ()
    return (*pressures, *numbers((("pulse", said.pulse, "/min"),)))
