"""Standard characteristics: golden bytes, every byte string parsed or refused, and back to the same bytes."""

from collections.abc import Callable
from decimal import Decimal
from typing import SupportsBytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs import plx
from carebag_devices.codecs.battery import BatteryLevel
from carebag_devices.codecs.blood_pressure import (
    BloodPressureFeature,
    BloodPressureMeasurement,
    MeasurementStatus,
    PulseRange,
)
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.device_information import SystemId, Text
from carebag_devices.codecs.ieee11073 import Special
from carebag_devices.errors import Malformed

PARSERS: list[Callable[[bytes], SupportsBytes]] = [
    BloodPressureMeasurement.parse,
    BloodPressureFeature.parse,
    MeasurementStatus.parse,
    plx.SpotCheck.parse,
    plx.Continuous.parse,
    plx.Features.parse,
    DateTime.parse,
    BatteryLevel.parse,
    SystemId.parse,
]


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__self__.__name__)
@given(raw=st.binary(max_size=24))
def test_any_bytes_are_refused_or_come_back_the_same(parse: Callable[[bytes], SupportsBytes], raw: bytes) -> None:
    try:
        value = parse(raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        assert bytes(value) == raw


@given(st.binary(max_size=600))
def test_any_text_is_refused_or_read(raw: bytes) -> None:
    try:
        text = Text.parse(raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        assert Text.parse(bytes(text)) == text


def test_blood_pressure_with_everything() -> None:
    raw = bytes.fromhex("1e 8a00 5400 6600 ea07 0b 17 09 1e 05 4800 01 2500")
    measurement = BloodPressureMeasurement.parse(raw)
    assert measurement == BloodPressureMeasurement(
        systolic=Decimal(138),
        diastolic=Decimal(84),
        mean=Decimal(102),
        time=DateTime(2026, 11, 23, 9, 30, 5),
        pulse=Decimal(72),
        user=1,
        status=MeasurementStatus(body_moved=True, irregular_pulse=True, improper_position=True),
    )
    assert measurement.status is not None
    assert measurement.status.codes() == ("body_moved", "irregular_pulse", "improper_position")
    assert str(measurement.time) == "2026-11-23T09:30:05"


def test_blood_pressure_in_kilopascal_keeps_its_decimal() -> None:
    measurement = BloodPressureMeasurement.parse(bytes.fromhex("01 b0f0 70f0 86f0"))
    assert (measurement.unit, str(measurement.systolic), str(measurement.diastolic)) == ("kPa", "17.6", "11.2")


def test_a_cuff_that_could_not_measure_has_no_values() -> None:
    measurement = BloodPressureMeasurement.parse(bytes.fromhex("10 ff07 ff07 ff07 0200"))
    assert not measurement.has_values
    assert measurement.systolic is Special.NAN
    assert measurement.status == MeasurementStatus(cuff_too_loose=True)


def test_pulse_range_above_and_below() -> None:
    assert MeasurementStatus.parse(b"\x08\x00").pulse_range is PulseRange.ABOVE
    assert MeasurementStatus.parse(b"\x10\x00").codes() == ("pulse_too_low",)


@pytest.mark.parametrize("cut", range(18))
def test_a_blood_pressure_cut_short_is_refused(cut: int) -> None:
    raw = bytes.fromhex("1e 8a00 5400 6600 ea07 0b 17 09 1e 05 4800 01 2500")
    with pytest.raises(Malformed, match="truncated"):
        BloodPressureMeasurement.parse(raw[:cut])
    with pytest.raises(Malformed, match="trailing_bytes"):
        BloodPressureMeasurement.parse(raw + b"\0")


def test_feature_bits() -> None:
    feature = BloodPressureFeature.parse(b"\x17\x00")
    assert feature.bits & BloodPressureFeature.IRREGULAR_PULSE
    assert not feature.bits & BloodPressureFeature.PULSE_RANGE


def test_an_unknown_date_is_kept_as_sent() -> None:
    assert str(DateTime.parse(bytes.fromhex("ea0700 00000000"))) == "2026-00-00T00:00:00"
    with pytest.raises(Malformed, match="date_out_of_range"):
        DateTime.parse(bytes.fromhex("ea070d 01000000"))


@pytest.mark.parametrize("day", ["e907 02 1d", "ea07 04 1f", "0000 02 1e", "2d06 01 01"])
def test_a_day_that_never_was_is_refused(day: str) -> None:
    with pytest.raises(Malformed, match="date_out_of_range"):
        DateTime.parse(bytes.fromhex(day + "000000"))


@pytest.mark.parametrize("day", ["e807 02 1d", "0000 02 1d", "ea07 00 1f", "2e06 01 01", "0f27 0c 1f"])
def test_a_day_that_could_have_been_is_kept(day: str) -> None:
    assert bytes(DateTime.parse(bytes.fromhex(day + "000000"))).hex() == day.replace(" ", "") + "000000"


def test_continuous_oximetry() -> None:
    measurement = plx.Continuous.parse(bytes.fromhex("1c 6100 4800 2001 200000 d2f0"))
    assert measurement.reading == plx.Reading(Decimal(97), Decimal(72))
    assert measurement.status == plx.MeasurementStatus.ONGOING | plx.MeasurementStatus.FULLY_QUALIFIED
    assert measurement.sensor == plx.SensorStatus.LOW_PERFUSION
    assert str(measurement.perfusion) == "21.0"
    assert plx.withheld(measurement.status, measurement.sensor) is None
    assert plx.remarks(measurement.status, measurement.sensor) == ("low_perfusion",)


def test_spot_check_with_a_clock_that_was_never_set() -> None:
    measurement = plx.SpotCheck.parse(bytes.fromhex("11 6000 4800 d007 01 01 00 00 00"))
    assert measurement.clock_not_set
    assert str(measurement.time) == "2000-01-01T00:00:00"


@pytest.mark.parametrize(
    ("status", "sensor", "problem"),
    [
        (1 << 10, 0, "demonstration_data"),
        (1 << 11, 0, "test_data"),
        (1 << 13, 0, "measurement_unavailable"),
        (1 << 15, 0, "measurement_invalid"),
        (1 << 15, 1 << 11, "finger_off"),
        (0, 1 << 15, "sensor_disconnected"),
        (1 << 12, 0, "calibration_ongoing"),
        (1 << 14, 1 << 13, "measurement_questionable"),
        (1 << 6 | 1 << 9, 1 << 13, None),
    ],
)
def test_what_is_no_measurement_is_withheld(status: int, sensor: int, problem: str | None) -> None:
    assert plx.withheld(plx.MeasurementStatus(status), plx.SensorStatus(sensor)) == problem


def test_every_bit_has_a_code_of_its_own() -> None:
    said = plx.codes(plx.MeasurementStatus(0xFFFF), plx.SensorStatus(0xFFFFFF))
    assert len(set(said)) == len(said) == 11 + 16
    assert plx.codes(None, None) == ()


def test_battery() -> None:
    assert BatteryLevel.parse(b"\x57").percent == 87
    with pytest.raises(Malformed, match="percent_out_of_range"):
        BatteryLevel.parse(b"\x65")


def test_padded_device_texts() -> None:
    assert Text.parse(b"UA-651BLE\0\0  ").text == "UA-651BLE"
    with pytest.raises(Malformed, match="not_utf8"):
        Text.parse(b"\xff")


def test_system_id() -> None:
    system = SystemId.parse(bytes.fromhex("785634129a 051c00"))
    assert (f"{system.manufacturer:010x}", f"{system.organization:06x}") == ("9a12345678", "001c05")
