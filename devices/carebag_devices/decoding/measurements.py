"""Values that instruments measure: what each characteristic's bytes say."""

import datetime
from collections.abc import Callable
from decimal import Decimal

from carebag_devices.codecs import berry, glucose, glucose_context, heart_rate, plx, thermometer, weight_scale
from carebag_devices.codecs.blood_pressure import UNKNOWN_USER, BloodPressureMeasurement
from carebag_devices.codecs.blood_pressure_enhanced import EnhancedBloodPressure, EnhancedCuffPressure
from carebag_devices.codecs.blood_pressure_record import Segment
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.ieee11073 import Number, Special, shifted
from carebag_devices.decoding.model import (
    FAHRENHEIT,
    GLUCOSE_MG_DL,
    INCH,
    KPA,
    LB,
    Decoded,
    DecodedValue,
    Part,
    coded,
    count,
    decoded,
    none,
    number,
    positive,
    word,
)
from carebag_devices.decoding.words import withheld
from carebag_devices.errors import Malformed


def _iso(time: DateTime | datetime.datetime | None) -> str | None:
    if time is None:
        return None
    return time.isoformat() if isinstance(time, datetime.datetime) else str(time)


def _pressure(name: str, value: Number, unit: str) -> Part:
    return KPA.both(positive(name, value, "kPa")) if unit == "kPa" else positive(name, value, "mm[Hg]")


def _user(user: int | None) -> tuple[Part, tuple[str, ...]]:
    if user == UNKNOWN_USER:
        return Part(()), ("unknown_user",)
    return count("user", user), ()


def _blood_pressure(said: BloodPressureMeasurement | EnhancedBloodPressure, time: str | None) -> Decoded:
    user, status = _user(said.user)
    pressures = (("systolic", said.systolic), ("diastolic", said.diastolic), ("mean", said.mean))
    parts = [_pressure(name, value, said.unit) for name, value in pressures]
    codes = said.status.codes() if said.status else ()
    return decoded("blood_pressure", (*parts, positive("pulse", said.pulse, "/min"), user), time, (*codes, *status))


def blood_pressure(raw: bytes) -> Decoded:
    said = BloodPressureMeasurement.parse(raw)
    return _blood_pressure(said, _iso(said.time))


def blood_pressure_big_endian(raw: bytes) -> Decoded:
    said = BloodPressureMeasurement.parse_big_endian(raw)
    return _blood_pressure(said, _iso(said.time))


def enhanced_blood_pressure(raw: bytes) -> Decoded:
    said = EnhancedBloodPressure.parse(raw)
    return _blood_pressure(said, _iso(said.clock))


def cuff_pressure(raw: bytes) -> Decoded:
    """0x2A36: the layout of a measurement, where only the first pressure is meant."""
    said = BloodPressureMeasurement.parse(raw)
    user, status = _user(said.user)
    parts = (_pressure("cuff_pressure", said.systolic, said.unit), positive("pulse", said.pulse, "/min"), user)
    codes = said.status.codes() if said.status else ()
    return decoded("intermediate_cuff_pressure", parts, _iso(said.time), (*codes, *status))


def enhanced_cuff_pressure(raw: bytes) -> Decoded:
    said = EnhancedCuffPressure.parse(raw)
    user, status = _user(said.user)
    parts = (_pressure("cuff_pressure", said.pressure, said.unit), positive("pulse", said.pulse, "/min"), user)
    codes = said.status.codes() if said.status else ()
    return decoded("intermediate_cuff_pressure", parts, _iso(said.clock), (*codes, *status))


_RECORDED: dict[int, Callable[[bytes], Decoded]] = {
    0x2A35: blood_pressure,
    0x2A36: cuff_pressure,
    0x2B34: enhanced_blood_pressure,
    0x2B35: enhanced_cuff_pressure,
}


def blood_pressure_record(raw: bytes) -> Decoded:
    """0x2B36: one segment; its value too where it is whole and, as the service's Feature says, has no CRC."""
    said = Segment.parse(raw)
    parts = [
        count("sequence", said.sequence),
        word("characteristic", f"{said.uuid:04x}"),
        count("segment", said.counter),
        word("part", said.part.hex()),
    ]
    status = tuple(name for name, is_set in (("first_segment", said.first), ("last_segment", said.last)) if is_set)
    read = _RECORDED.get(said.uuid)
    if not (said.first and said.last) or read is None:
        return decoded("blood_pressure_record", parts, None, status)
    try:
        held = read(said.part)
    except Malformed:
        missing = Part((), ("the value in it cannot be read alone: it may end with a CRC",))
        return decoded("blood_pressure_record", (*parts, missing), None, status)
    whole = Part((*(value for part in parts for value in part.values), *held.values), held.problems)
    return decoded("blood_pressure_record", (whole,), held.time, (*status, *held.status))


def _pair(reading: plx.Reading, suffix: str, reason: str | None) -> Part:
    names = (("spo2" + suffix, "%"), ("pulse" + suffix, "/min"))
    if reason is not None:
        return _withheld(names, reason)
    spo2 = positive(names[0][0], reading.spo2, "%")
    if isinstance(reading.spo2, Decimal) and reading.spo2 > 100:
        spo2 = none(names[0][0], "%", f"{names[0][0]}: the device sends more than 100 percent, which is no saturation")
    pulse = positive(names[1][0], reading.pulse, "/min")
    return Part(spo2.values + pulse.values, spo2.problems + pulse.problems)


def _withheld(names: tuple[tuple[str, str], ...], reason: str) -> Part:
    values = tuple(DecodedValue(name, None, unit) for name, unit in names)
    return Part(values, (f"{', '.join(name for name, _ in names)}: not shown: {withheld(reason)}",))


def _perfusion(value: Number | None, reason: str | None) -> Part:
    if value is not None and reason is not None:
        return _withheld((("perfusion", "%"),), reason)
    return number("perfusion", value, "%")


def spot_check(raw: bytes) -> Decoded:
    said = plx.SpotCheck.parse(raw)
    reason = plx.withheld(said.status, said.sensor)
    status = (*plx.codes(said.status, said.sensor), *(("device_clock_not_set",) if said.clock_not_set else ()))
    parts = (_pair(said.reading, "", reason), _perfusion(said.perfusion, reason))
    return decoded("oximetry", parts, _iso(said.time), status)


def continuous(raw: bytes) -> Decoded:
    said = plx.Continuous.parse(raw)
    reason = plx.withheld(said.status, said.sensor)
    readings = (("", said.reading), ("_fast", said.fast), ("_slow", said.slow))
    parts = [_pair(reading, suffix, reason) for suffix, reading in readings if reading is not None]
    parts.append(_perfusion(said.perfusion, reason))
    return decoded("oximetry", parts, None, plx.codes(said.status, said.sensor))


def berry_packets(raw: bytes) -> Decoded:
    """A piece of the BM1000's stream: the last packet's numbers, and the pulse wave of all."""
    stream = berry.PacketStream()
    packets = stream.feed(raw + b"\x80")  # a beginning packet, so that the last one counts as ended
    if not packets:
        raise Malformed("out_of_sync" if len(raw) >= berry.PACKET_BYTES else "truncated")
    last = packets[-1]
    said = plx.Reading(_or_missing(last.spo2), _or_missing(last.pulse))
    parts = [_pair(said, "", last.withheld), *(count("pleth", packet.wave) for packet in packets)]
    if stream.skipped:
        parts.append(Part((), (f"{stream.skipped} bytes belong to no whole packet",)))
    bits = (("beat", last.beat), ("searching", last.searching), ("no_signal", last.no_signal))
    faults = (("finger_off", last.no_finger), ("sensor_disconnected", last.probe_unplugged))
    return decoded("oximetry", parts, None, (name for name, is_set in (*faults, *bits) if is_set))


def _or_missing(value: int | None) -> Number:
    return Special.NAN if value is None else Decimal(value)


def _temperature(kind: str, raw: bytes) -> Decoded:
    said = thermometer.TemperatureMeasurement.parse(raw)
    own = number("temperature", said.temperature, "[degF]" if said.unit == "°F" else "Cel")
    shown = FAHRENHEIT.both(own) if said.unit == "°F" else own
    return decoded(kind, (shown, coded("site", said.site, thermometer.SITES)), _iso(said.time))


def temperature(raw: bytes) -> Decoded:
    return _temperature("temperature", raw)


def intermediate_temperature(raw: bytes) -> Decoded:
    return _temperature("intermediate_temperature", raw)


def weight(raw: bytes) -> Decoded:
    said = weight_scale.WeightMeasurement.parse(raw)
    user, status = _user(said.user)
    pounds = said.unit == "lb"
    own = (
        none("weight", "[lb_av]" if pounds else "kg", "weight: the scale says that the measurement did not succeed")
        if said.weight is None
        else number("weight", said.weight, "[lb_av]" if pounds else "kg")
    )
    parts = [LB.both(own) if pounds else own]
    if said.body is not None:
        height = positive("height", said.body.height, "[in_i]" if pounds else "m")
        parts += [positive("bmi", said.body.bmi, "kg/m2"), INCH.both(height) if pounds else height]
    return decoded("weight", (*parts, user), _iso(said.time), status)


def glucose_measurement(raw: bytes) -> Decoded:
    said = glucose.GlucoseMeasurement.parse(raw)
    parts = [_glucose(said), count("sequence", said.sequence), count("time_offset", said.offset, "min")]
    status = [*said.faults, *said.remarks]
    if said.concentration is not None:
        parts.append(coded("sample", said.concentration.sample, glucose.SAMPLES))
        parts.append(coded("location", said.concentration.location, glucose.LOCATIONS))
        status = ["control_solution"] * said.concentration.control + status
    status += ["context_follows"] * said.context
    return decoded("glucose", parts, _iso(said.clock or said.base_time), status)


def _glucose(said: glucose.GlucoseMeasurement) -> Part:
    milligrams = said.concentration is not None and said.concentration.unit == "kg/L"
    unit = "mg/dL" if milligrams else "mmol/L"
    shown = said.concentration.shown if said.concentration else None
    if said.withheld is not None:
        part = none("glucose", unit, f"glucose: not shown: {withheld(said.withheld)}")
    else:
        part = positive("glucose", shown[0] if shown else None, unit)
    return GLUCOSE_MG_DL.both(part) if milligrams else part


def context(raw: bytes) -> Decoded:
    said = glucose_context.GlucoseContext.parse(raw)
    parts = [count("sequence", said.sequence), coded("meal", said.meal, glucose_context.MEALS)]
    if said.carbohydrate is not None:
        parts.append(coded("carbohydrate_kind", said.carbohydrate.kind, glucose_context.CARBOHYDRATES))
        parts.append(number("carbohydrate", _moved(said.carbohydrate.mass, 3), "g"))
    if said.tester_health is not None:
        parts.append(coded("tester", said.tester_health[0], glucose_context.TESTERS))
        parts.append(coded("health", said.tester_health[1], glucose_context.HEALTH))
    if said.exercise is not None:
        parts.append(_exercise(said.exercise.seconds))
        parts.append(count("exercise_intensity", said.exercise.intensity, "%"))
    if said.medication is not None:
        parts.append(coded("medication_kind", said.medication.kind, glucose_context.MEDICATIONS))
        in_litres = said.medication.unit == "L"
        amount = _moved(said.medication.amount, 3 if in_litres else 6)
        parts.append(number("medication", amount, "mL" if in_litres else "mg"))
    return decoded("glucose_context", (*parts, number("hba1c", said.hba1c, "%")))


def _moved(value: Number, places: int) -> Number:
    return shifted(value, places) if isinstance(value, Decimal) else value


def _exercise(seconds: int) -> Part:
    if seconds == glucose_context.EXERCISE_OVERRUN:
        return none("exercise_duration", "s", "exercise_duration: longer than the field can hold")
    return count("exercise_duration", seconds, "s")


def heart_rate_measurement(raw: bytes) -> Decoded:
    said = heart_rate.HeartRateMeasurement.parse(raw)
    rate = count("heart_rate", said.rate, "/min")
    if said.withheld is not None:
        rate = none("heart_rate", "/min", f"heart_rate: not shown: {withheld(said.withheld)}")
    intervals = Part(tuple(DecodedValue("rr_interval", str(each), "ms") for each in said.intervals_ms))
    contact = "contact" if said.contact_detected else "no_contact"
    return decoded(
        "heart_rate", (rate, count("energy", said.energy, "kJ"), intervals), None, (contact,) * said.contact_supported
    )
