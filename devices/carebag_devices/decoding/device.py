"""Values about the instrument itself: features, clocks, identity, stored records, its sound stream."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from enum import IntFlag

from carebag_devices.codecs import current_time, glucose, heart_rate, plx, racp, thermometer, weight_scale
from carebag_devices.codecs.battery import BatteryLevel
from carebag_devices.codecs.blood_pressure import BloodPressureFeature
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.device_information import Certifications, PnpId, SystemId, Text, Udi
from carebag_devices.codecs.elapsed_time import ElapsedTime
from carebag_devices.decoding.model import Decoded, DecodedValue, Part, coded, count, decoded, none, word

_WEEKDAYS = ("unknown", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CUFF_FEATURES = {
    BloodPressureFeature.BODY_MOVEMENT: "body_movement",
    BloodPressureFeature.CUFF_FIT: "cuff_fit",
    BloodPressureFeature.IRREGULAR_PULSE: "irregular_pulse",
    BloodPressureFeature.PULSE_RANGE: "pulse_range",
    BloodPressureFeature.POSITION: "position",
    BloodPressureFeature.MULTIPLE_BONDS: "multiple_bonds",
    BloodPressureFeature.E2E_CRC: "e2e_crc",
    BloodPressureFeature.USER_DATA: "user_data",
    BloodPressureFeature.USER_FACING_TIME: "user_facing_time",
}


def _names(flags: IntFlag, prefix: str = "") -> tuple[str, ...]:
    return tuple(prefix + str(member.name).lower() for member in type(flags) if member & flags)


def blood_pressure_feature(raw: bytes) -> Decoded:
    bits = BloodPressureFeature.parse(raw).bits
    return decoded("blood_pressure_feature", (), None, (name for bit, name in _CUFF_FEATURES.items() if bits & bit))


def oximeter_features(raw: bytes) -> Decoded:
    said = plx.Features.parse(raw)
    sends = (f"sends_{code}" for code in plx.codes(said.status, said.sensor))
    return decoded("pulse_oximeter_features", (), None, (*_names(said.supported), *sends))


def scale_feature(raw: bytes) -> Decoded:
    said = weight_scale.WeightScaleFeature.parse(raw)
    steps = (("weight_resolution", said.weight_resolution, "kg"), ("height_resolution", said.height_resolution, "m"))
    parts = [Part((DecodedValue(name, str(step), unit),)) for name, step, unit in steps if step is not None]
    return decoded("weight_scale_feature", parts, None, _names(said.supported))


def glucose_feature(raw: bytes) -> Decoded:
    return decoded("glucose_feature", (), None, _names(glucose.GlucoseFeature.parse(raw).supported))


def temperature_type(raw: bytes) -> Decoded:
    said = thermometer.TemperatureType.parse(raw)
    return decoded("temperature_type", (coded("site", said.site, thermometer.SITES),))


def measurement_interval(raw: bytes) -> Decoded:
    return decoded(
        "measurement_interval", (count("interval", thermometer.MeasurementInterval.parse(raw).seconds, "s"),)
    )


def sensor_location(raw: bytes) -> Decoded:
    said = heart_rate.BodySensorLocation.parse(raw)
    return decoded("body_sensor_location", (coded("location", said.location, heart_rate.LOCATIONS),))


def heart_rate_command(raw: bytes) -> Decoded:
    heart_rate.ResetEnergy.parse(raw)
    return decoded("heart_rate_control_point", (word("operation", "reset_energy"),))


def battery(raw: bytes) -> Decoded:
    return decoded("battery", (count("battery", BatteryLevel.parse(raw).percent, "%"),))


def date_time(raw: bytes) -> Decoded:
    return decoded("date_time", (), str(DateTime.parse(raw)))


def now(raw: bytes) -> Decoded:
    said = current_time.CurrentTime.parse(raw)
    fraction = Decimal(said.fractions * 390625).scaleb(-8)  # 1/256 s, exact
    parts = (word("weekday", _WEEKDAYS[said.weekday]), Part((DecodedValue("fraction", format(fraction, "f"), "s"),)))
    return decoded("current_time", parts, str(said.time), _names(said.adjusted, "adjusted_"))


def local_time(raw: bytes) -> Decoded:
    said = current_time.LocalTimeInformation.parse(raw)
    zone = (
        none("utc_offset", "min", "utc_offset: the device does not know its time zone")
        if said.zone == current_time.UNKNOWN_ZONE
        else count("utc_offset", said.zone * 15, "min")
    )
    summer = (
        none("summer_time", "min", "summer_time: the device does not know whether it is summer time")
        if said.dst == current_time.UNKNOWN_DST
        else count("summer_time", said.dst * 15, "min")
    )
    return decoded("local_time_information", (zone, summer))


def reference_time(raw: bytes) -> Decoded:
    said = current_time.ReferenceTimeInformation.parse(raw)
    parts = [coded("source", said.source, current_time.SOURCES)]
    if said.accuracy < 254:
        parts.append(Part((DecodedValue("accuracy", str(Decimal(said.accuracy * 125).scaleb(-3)), "s"),)))
    else:
        reason = "more than 31.625 s off" if said.accuracy == 254 else "not known"
        parts.append(none("accuracy", "s", f"accuracy: {reason}"))
    if said.days == current_time.OVERDUE:
        parts.append(none("since_update", "h", "since_update: 255 days or more"))
    else:
        parts.append(count("since_update", said.days * 24 + said.hours, "h"))
    return decoded("reference_time_information", parts)


def elapsed_time(raw: bytes) -> Decoded:
    said = ElapsedTime.parse(raw)
    parts = []
    if said.ticks:
        parts.append(count("ticks", said.value))
    elif said.clock is None:
        parts.append(Part((), ("time: beyond the year 9999",)))
    if said.zone_used and not said.ticks:
        parts.append(count("utc_offset", said.offset * 15, "min"))
    parts.append(coded("source", said.source, current_time.SOURCES))
    state = said.state
    status = {
        "counter": said.ticks,
        "utc": said.utc and not said.ticks,
        "not_current_timeline": not said.current,
        "device_clock_not_set": state is not None and state.needs_set,
    }
    capabilities = _names(state.capabilities, "keeps_") if state else ()
    codes = (*(code for code, is_set in status.items() if is_set), *capabilities)
    return decoded("elapsed_time", parts, _iso(said.clock), codes)


def _iso(time: datetime.datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def text(kind: str) -> Callable[[bytes], Decoded]:
    """A reader of one of the texts of Device Information."""

    def read(raw: bytes) -> Decoded:
        return decoded(kind, (word(kind, Text.parse(raw).text),))

    return read


def system_id(raw: bytes) -> Decoded:
    said = SystemId.parse(raw)
    parts = (word("manufacturer", f"{said.manufacturer:010x}"), word("organization", f"{said.organization:06x}"))
    return decoded("system_id", parts)


def certifications(raw: bytes) -> Decoded:
    return decoded("regulatory_certifications", (word("data", Certifications.parse(raw).data.hex()),))


def pnp_id(raw: bytes) -> Decoded:
    said = PnpId.parse(raw)
    numbers = (("vendor", said.vendor), ("product", said.product), ("version", said.version))
    source = coded("vendor_source", said.source, {1: "bluetooth_sig", 2: "usb_implementers_forum"})
    return decoded("pnp_id", (source, *(word(name, f"{number:04x}") for name, number in numbers)))


def udi(raw: bytes) -> Decoded:
    said = Udi.parse(raw)
    texts = (
        ("label", said.label),
        ("device_identifier", said.device),
        ("issuer", said.issuer),
        ("authority", said.authority),
    )
    return decoded("udi", [word(name, value) for name, value in texts])


def record_access(raw: bytes) -> Decoded:
    """0x2A52, both ways: what was asked, and what was answered."""
    said = racp.parse(raw)
    if isinstance(said, racp.Count):
        parts = [word("operation", said.opcode.name.lower()), count("records", said.records)]
        return decoded("record_access", parts)
    if isinstance(said, racp.Response):
        known = {int(code): code.name.lower() for code in racp.Opcode}
        parts = [word("operation", "response"), coded("request", said.request, known)]
        if not said.done:
            parts.append(Part((), (f"the device did not do it: {said.word.replace('_', ' ')}",)))
        return decoded("record_access", parts, None, (said.word,))
    names = {racp.Operator.AT_MOST: ("highest",), racp.Operator.AT_LEAST: ("lowest",)}
    parts = [word("operation", said.opcode.name.lower()), word("operator", said.operator.name.lower())]
    for name, bound in zip(names.get(said.operator, ("lowest", "highest")), said.bounds, strict=False):
        parts.append(_bound(name, bound))
    return decoded("record_access", parts)


def _bound(name: str, bound: racp.Bound) -> Part:
    if isinstance(bound, racp.SequenceNumber):
        return count(f"{name}_sequence", bound.number)
    if isinstance(bound, racp.Seconds):
        return count(f"{name}_time", bound.seconds, "s")
    return word(f"{name}_time", str(bound))
