"""Thermometer, scale, glucose meter, heart rate: golden bytes, synthetic by the GATT Specification Supplement."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import SupportsBytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs import glucose, glucose_context, heart_rate, thermometer, weight_scale
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.ieee11073 import Special
from carebag_devices.errors import Malformed

PARSERS: list[Callable[[bytes], SupportsBytes]] = [
    thermometer.TemperatureMeasurement.parse,
    thermometer.TemperatureType.parse,
    thermometer.MeasurementInterval.parse,
    weight_scale.WeightMeasurement.parse,
    weight_scale.WeightScaleFeature.parse,
    glucose.GlucoseMeasurement.parse,
    glucose.GlucoseFeature.parse,
    glucose_context.GlucoseContext.parse,
    heart_rate.HeartRateMeasurement.parse,
    heart_rate.BodySensorLocation.parse,
    heart_rate.ResetEnergy.parse,
]
WHOLE: list[tuple[Callable[[bytes], SupportsBytes], str]] = [
    (thermometer.TemperatureMeasurement.parse, "06 6e0100ff ea07 0b 17 09 1e 05 06"),
    (weight_scale.WeightMeasurement.parse, "0e e83a ea07 0b 17 09 1e 05 01 f600 ae06"),
    (weight_scale.WeightScaleFeature.parse, "b7010000"),
    (glucose.GlucoseMeasurement.parse, "1b 0500 ea07 0b 17 09 1e 05 3c00 65b0 11 0000"),
    (glucose_context.GlucoseContext.parse, "df 0500 00 01 14d0 02 21 100e 32 01 0ad0 48f0"),
    (heart_rate.HeartRateMeasurement.parse, "1f 4800 6400 0004 0104"),
]


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__self__.__name__)
@given(raw=st.binary(max_size=26))
def test_any_bytes_are_refused_or_come_back_the_same(parse: Callable[[bytes], SupportsBytes], raw: bytes) -> None:
    try:
        value = parse(raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        assert bytes(value) == raw


@pytest.mark.parametrize(("parse", "text"), WHOLE, ids=lambda part: part if isinstance(part, str) else "")
def test_whole_values_come_back_and_damaged_ones_are_refused(
    parse: Callable[[bytes], SupportsBytes], text: str
) -> None:
    raw = bytes.fromhex(text)
    assert bytes(parse(raw)) == raw
    with pytest.raises(Malformed, match=r"trailing_bytes|truncated"):
        parse(raw + b"\0")
    for cut in range(len(raw)):
        if parse(raw) == (read := _read(parse, raw[:cut])) or read:
            assert text.startswith("1f")  # a heart rate may have fewer intervals
            assert (len(raw) - cut) % 2 == 0


def _read(parse: Callable[[bytes], SupportsBytes], raw: bytes) -> SupportsBytes | None:
    try:
        return parse(raw)
    except Malformed:
        return None


def test_temperature() -> None:
    said = thermometer.TemperatureMeasurement.parse(bytes.fromhex("06 6e0100ff ea07 0b 17 09 1e 05 06"))
    assert (str(said.temperature), said.unit, said.site) == ("36.6", "°C", 6)
    assert thermometer.SITES[6] == "mouth"
    assert str(said.time) == "2026-11-23T09:30:05"


def test_temperature_in_fahrenheit_and_without_a_number() -> None:
    said = thermometer.TemperatureMeasurement.parse(bytes.fromhex("01 da0300ff"))
    assert (str(said.temperature), said.unit) == ("98.6", "°F")
    assert thermometer.TemperatureMeasurement.parse(bytes.fromhex("00 ffff7f00")).temperature is Special.NAN


def test_weight() -> None:
    said = weight_scale.WeightMeasurement.parse(bytes.fromhex("0e e83a ea07 0b 17 09 1e 05 01 f600 ae06"))
    assert (str(said.weight), said.unit, said.user) == ("75.400", "kg", 1)
    assert said.body == weight_scale.Body(Decimal("24.6"), Decimal("1.710"))


def test_weight_in_pounds_and_inches() -> None:
    said = weight_scale.WeightMeasurement.parse(bytes.fromhex("09 eb40 f600 a102"))
    assert (str(said.weight), said.unit) == ("166.19", "lb")
    assert said.body is not None
    assert str(said.body.height) == "67.3"


def test_a_scale_that_did_not_succeed_gives_no_number() -> None:
    said = weight_scale.WeightMeasurement.parse(bytes.fromhex("00 ffff"))
    assert said.weight is None
    assert bytes(said).hex() == "00ffff"


@pytest.mark.parametrize("weight", ["0.001", "327.680", "-1"])
def test_a_weight_that_does_not_fit_is_refused(weight: str) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        bytes(weight_scale.WeightMeasurement(Decimal(weight)))


def test_weight_scale_feature() -> None:
    feature = weight_scale.WeightScaleFeature.parse(bytes.fromhex("b7010000"))
    assert feature.supported == weight_scale.Feature(7)
    assert (feature.weight_resolution, feature.height_resolution) == (Decimal("0.01"), Decimal("0.001"))
    reserved = weight_scale.WeightScaleFeature(0x7F8)
    assert (reserved.weight_resolution, reserved.height_resolution) == (None, None)


def test_glucose_in_milligrams() -> None:
    said = glucose.GlucoseMeasurement.parse(bytes.fromhex("1b 0500 ea07 0b 17 09 1e 05 3c00 65b0 11 0000"))
    assert said.concentration is not None
    assert (str(said.concentration.value), said.concentration.unit) == ("0.00101", "kg/L")
    value, unit = said.concentration.shown or (None, None)
    assert (str(value), unit) == ("101", "mg/dL")
    assert (glucose.SAMPLES[said.concentration.sample], glucose.LOCATIONS[said.concentration.location]) == (
        "capillary_whole_blood",
        "finger",
    )
    assert (said.sequence, said.context, said.withheld) == (5, True, None)
    assert said.clock == datetime.datetime(2026, 11, 23, 10, 30, 5)  # noqa: DTZ001 - as the display showed


def test_glucose_in_millimoles() -> None:
    said = glucose.GlucoseMeasurement.parse(bytes.fromhex("06 0600 ea07 0b 17 09 1e 05 38c0 11"))
    assert said.concentration is not None
    value, unit = said.concentration.shown or (None, None)
    assert (str(value), unit) == ("5.6", "mmol/L")


@pytest.mark.parametrize("nibbles", ["1a", "41", "4a"])
def test_control_solution_is_never_a_patients_value(nibbles: str) -> None:
    said = glucose.GlucoseMeasurement.parse(bytes.fromhex(f"06 0600 ea07 0b 17 09 1e 05 38c0 {nibbles}"))
    assert said.withheld == "control_solution"


@pytest.mark.parametrize("bit", range(16))
def test_every_fault_of_strip_or_sensor_withholds_the_number(bit: int) -> None:
    said = glucose.GlucoseMeasurement.parse(
        bytes.fromhex("0a 0600 ea07 0b 17 09 1e 05 65b0 11") + (1 << bit).to_bytes(2, "little")
    )
    assert (said.withheld is not None) == (1 <= bit <= 10)
    assert (said.remarks != ()) == (bit in (0, 11))
    assert len(said.faults) == (1 <= bit <= 10)


def test_a_glucose_record_without_a_number() -> None:
    said = glucose.GlucoseMeasurement.parse(bytes.fromhex("04 0600 0000 00 00 00 00 00"))
    assert (said.withheld, said.clock) == ("measurement_unavailable", None)
    high = glucose.GlucoseMeasurement.parse(bytes.fromhex("02 0600 ea07 0b 17 09 1e 05 fe07 11"))
    assert high.withheld == "above_range"
    assert high.concentration is not None
    assert high.concentration.shown is None
    none = glucose.GlucoseMeasurement.parse(bytes.fromhex("02 0600 ea07 0b 17 09 1e 05 ff07 11"))
    assert none.withheld == "measurement_unavailable"


def test_an_offset_beyond_the_calendar_gives_no_clock() -> None:
    said = glucose.GlucoseMeasurement(1, DateTime(9999, 12, 31, 23, 59, 59), offset=2)
    assert said.clock is None


def test_glucose_context() -> None:
    said = glucose_context.GlucoseContext.parse(bytes.fromhex("df 0500 00 01 14d0 02 21 100e 32 01 0ad0 48f0"))
    assert said.carbohydrate == glucose_context.Carbohydrate(1, Decimal("0.020"))
    assert said.meal is not None
    assert glucose_context.MEALS[said.meal] == "after_meal"
    assert said.tester_health == (1, 2)
    assert said.exercise == glucose_context.Exercise(3600, 50)
    assert said.medication == glucose_context.Medication(1, Decimal("0.010"), "kg")
    assert str(said.hba1c) == "7.2"


def test_medication_in_litres() -> None:
    said = glucose_context.GlucoseContext.parse(bytes.fromhex("30 0500 03 0ad0"))
    assert said.medication == glucose_context.Medication(3, Decimal("0.010"), "L")


def test_heart_rate_with_intervals() -> None:
    said = heart_rate.HeartRateMeasurement.parse(bytes.fromhex("1f 4800 6400 0004 0104"))
    assert (said.rate, said.energy, said.intervals) == (72, 100, (1024, 1025))
    assert [str(interval) for interval in said.intervals_ms] == ["1000.0", "1001.0"]
    assert said.withheld is None


@pytest.mark.parametrize(
    ("raw", "withheld"),
    [("00 48", None), ("04 48", "no_contact"), ("02 48", None), ("00 00", "measurement_unavailable")],
)
def test_a_heart_rate_without_contact_is_withheld(raw: str, withheld: str | None) -> None:
    assert heart_rate.HeartRateMeasurement.parse(bytes.fromhex(raw)).withheld == withheld


def test_half_an_interval_is_refused() -> None:
    with pytest.raises(Malformed, match="truncated"):
        heart_rate.HeartRateMeasurement.parse(bytes.fromhex("10 48 0004 01"))


def test_the_reserved_command_is_refused() -> None:
    with pytest.raises(Malformed, match="unknown_opcode"):
        heart_rate.ResetEnergy.parse(b"\x02")
