"""What bytes mean: every characteristic's words and numbers, and that what is no measurement has no number."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs.auscultation import AudioFrame
from carebag_devices.codecs.auscultation_control import Start
from carebag_devices.codecs.blood_pressure_record import Record
from carebag_devices.decoding import (
    CHARACTERISTICS,
    FILES,
    Decoded,
    UnknownName,
    canonical,
    decode,
    decode_file,
)
from carebag_devices.errors import Malformed

Numbers = dict[str, str | None]

NUMBERS: list[tuple[str, str, str, Numbers]] = [
    ("2a35", "04 8a00 5400 6600 4800", "blood_pressure", {"systolic": "138", "diastolic": "84", "pulse": "72"}),
    ("2a35", "01 b0f0 70f0 86f0", "blood_pressure", {"systolic": "132.0", "systolic_kpa": "17.6", "mean": "100.5"}),
    ("2a35", "00 8a00 5400 ff07", "blood_pressure", {"systolic": "138", "mean": None}),
    ("2a35", "00 8a00 5400 0000", "blood_pressure", {"systolic": "138", "mean": None}),
    ("2a35", "01 ff07 70f0 86f0", "blood_pressure", {"systolic": None, "systolic_kpa": None, "diastolic": "84.0"}),
    (
        "2a35-big-endian",
        "56 6a00 4700 0000 ea07 08 0b 12 1f 00 003f 00 0000",
        "blood_pressure",
        {"systolic": "106", "pulse": "63", "mean": None, "user": "0"},
    ),
    ("2a36", "00 6400 ff07 ff07", "intermediate_cuff_pressure", {"cuff_pressure": "100"}),
    ("2b34", "44 8000 5200 6100 4800", "blood_pressure", {"systolic": "128", "pulse": "72"}),
    ("2b35", "41 b0f0", "intermediate_cuff_pressure", {"cuff_pressure": "132.0", "cuff_pressure_kpa": "17.6"}),
    ("2a5e", "08 6000 4800 d2f0", "oximetry", {"spo2": "96", "pulse": "72", "perfusion": "21.0"}),
    ("2a5e", "00 ff07 4800", "oximetry", {"spo2": None, "pulse": "72"}),
    ("2a5e", "00 6600 0000", "oximetry", {"spo2": None, "pulse": None}),
    ("2a5f", "1f 6100 4800 6200 4900 6300 4a00 0004 000000 d2f0", "oximetry", {"spo2_fast": None, "perfusion": None}),
    ("2a5f", "03 6100 4800 6200 4900 6300 4a00", "oximetry", {"spo2_fast": "98", "pulse_slow": "74"}),
    ("berry", "c6 4b 47 02 61", "oximetry", {"spo2": "97", "pulse": "130", "pleth": "75"}),
    ("berry", "80 00 10 48 61", "oximetry", {"spo2": None, "pulse": None}),
    ("berry", "80 00 40 7f 61", "oximetry", {"spo2": "97", "pulse": None}),
    ("2a1c", "04 6e0100ff 06", "temperature", {"temperature": "36.6", "site": "mouth"}),
    ("2a1c", "01 da0300ff", "temperature", {"temperature": "37.0", "temperature_f": "98.6"}),
    ("2a1c", "00 ffff7f00", "temperature", {"temperature": None}),
    ("2a1e", "00 6e0100ff", "intermediate_temperature", {"temperature": "36.6"}),
    ("2a1d", "09", "temperature_type", {"site": "tympanum"}),
    ("2a1d", "0a", "temperature_type", {"site": "reserved_10"}),
    ("2a21", "3c00", "measurement_interval", {"interval": "60"}),
    ("2a9d", "0c e83a 01 f600 ae06", "weight", {"weight": "75.400", "bmi": "24.6", "height": "1.710", "user": "1"}),
    ("2a9d", "09 eb40 f600 a102", "weight", {"weight": "75.38", "weight_lb": "166.19", "height": "1.709"}),
    ("2a9d", "00 ffff", "weight", {"weight": None}),
    ("2a9d", "01 ffff", "weight", {"weight": None, "weight_lb": None}),
    ("2a18", "06 0600 ea07 0b 17 09 1e 05 38c0 11", "glucose", {"glucose": "5.6", "sequence": "6"}),
    ("2a18", "02 0600 ea07 0b 17 09 1e 05 65b0 11", "glucose", {"glucose": "5.6", "glucose_mg_dl": "101"}),
    ("2a18", "02 0600 ea07 0b 17 09 1e 05 65b0 1a", "glucose", {"glucose": None, "glucose_mg_dl": None}),
    ("2a18", "0a 0600 ea07 0b 17 09 1e 05 65b0 11 2000", "glucose", {"glucose": None}),
    ("2a18", "00 0600 ea07 0b 17 09 1e 05", "glucose", {"glucose": None}),
    (
        "2a34",
        "df 0500 00 01 14d0 02 21 100e 32 01 0ad0 48f0",
        "glucose_context",
        {
            "carbohydrate": "20",
            "meal": "after_meal",
            "medication": "10000",
            "hba1c": "7.2",
            "exercise_duration": "3600",
        },
    ),
    ("2a34", "38 0500 ffff 32 03 0ad0", "glucose_context", {"exercise_duration": None, "medication": "10"}),
    ("2a37", "1e 48 6400 0004", "heart_rate", {"heart_rate": "72", "energy": "100", "rr_interval": "1000.0"}),
    ("2a37", "04 48", "heart_rate", {"heart_rate": None}),
    ("2a38", "01", "body_sensor_location", {"location": "chest"}),
    ("2a39", "01", "heart_rate_control_point", {"operation": "reset_energy"}),
    (
        "2a52",
        "01 04 01 0500 0900",
        "record_access",
        {"operator": "range", "lowest_sequence": "5", "highest_sequence": "9"},
    ),
    ("2a52", "01 02 02 ea070b170c0000", "record_access", {"highest_time": "2026-11-23T12:00:00"}),
    ("2a52", "07 03 02 00b2ab32", "record_access", {"lowest_time": "850113024"}),
    ("2a52", "05 00 3c00", "record_access", {"records": "60"}),
    ("2a2b", "ea07 0b 17 09 1e 05 01 80 01", "current_time", {"weekday": "monday", "fraction": "0.50000000"}),
    ("2a0f", "04 04", "local_time_information", {"utc_offset": "60", "summer_time": "60"}),
    ("2a0f", "80 ff", "local_time_information", {"utc_offset": None, "summer_time": None}),
    (
        "2a14",
        "04 08 02 03",
        "reference_time_information",
        {"source": "manual", "accuracy": "1.000", "since_update": "51"},
    ),
    ("2a14", "01 ff ff ff", "reference_time_information", {"accuracy": None, "since_update": None}),
    ("2bf2", "32 e803 0000 0000 06 04", "elapsed_time", {"utc_offset": "60", "source": "cellular_network"}),
    ("2bf2", "21 e803 0000 0000 00 00", "elapsed_time", {"ticks": "1000"}),
    ("2a19", "57", "battery", {"battery": "87"}),
    ("2a23", "785634129a 051c00", "system_id", {"manufacturer": "9a12345678", "organization": "001c05"}),
    ("2a24", "55412d363531424c45", "model_number", {"model_number": "UA-651BLE"}),
    ("2a2a", "0001", "regulatory_certifications", {"data": "0001"}),
    ("2a50", "01 2d00 0100 1001", "pnp_id", {"vendor_source": "bluetooth_sig", "vendor": "002d", "version": "0110"}),
    ("2bff", "01 283031293000", "udi", {"label": "(01)0"}),
    ("digest", "00000000 4000 efbeadde", "sound_digest", {"samples": "64", "crc32c": "deadbeef"}),
    ("info", "01 07 03 10 2001 00f0", "stethoscope_info", {"ring_frames": "288", "full_scale": None}),
    ("info", "01 07 01 10 2001 14f0", "stethoscope_info", {"full_scale": "2.0"}),
    ("control", "02", "stethoscope_command", {"operation": "stop"}),
    ("control", "80 01 00", "stethoscope_indication", {"operation": "response", "status": "0"}),
]


@pytest.mark.parametrize(("name", "raw", "kind", "numbers"), NUMBERS)
def test_what_it_says(name: str, raw: str, kind: str, numbers: Numbers) -> None:
    said = decode(name, bytes.fromhex(raw))
    assert said.kind == kind
    found = {value.name: value.value for value in said.values}
    assert {key: found[key] for key in numbers} == numbers
    assert bool(said.problems) == (None in found.values())


STATUS = [
    ("2a35", "18 8a00 5400 6600 ff 2500", ("body_moved", "irregular_pulse", "improper_position", "unknown_user")),
    ("2a49", "0701", ("body_movement", "cuff_fit", "irregular_pulse", "user_facing_time")),
    ("2a60", "4300 8000 200800", ("measurement_status", "sensor_status", "perfusion", "sends_finger_off")),
    (
        "2a5e",
        "16 6000 4800 a002 200000",
        ("low_perfusion", "from_storage", "measurement_ongoing", "device_clock_not_set"),
    ),
    ("2a9e", "b7010000", ("timestamp", "multiple_users", "bmi")),
    ("2a51", "0104", ("battery_low", "multiple_bonds")),
    ("2a18", "18 0600 ea07 0b 17 09 1e 05 0508", ("sample_size_insufficient", "battery_low", "context_follows")),
    ("2a37", "06 48", ("contact",)),
    ("2a52", "06 00 01 06", ("no_records",)),
    ("2a2b", "ea07 0b 17 09 1e 05 00 00 05", ("adjusted_by_hand", "adjusted_zone_changed")),
    (
        "2bf2",
        "02 0000 0000 0000 07 00 01 01",
        ("utc", "not_current_timeline", "device_clock_not_set", "keeps_summer_time"),
    ),
    ("berry", "e0 00 30 48 61", ("finger_off", "sensor_disconnected", "beat", "searching")),
]


@pytest.mark.parametrize(("name", "raw", "status"), STATUS)
def test_status(name: str, raw: str, status: tuple[str, ...]) -> None:
    said = decode(name, bytes.fromhex(raw))
    assert [code for code in said.status if code in status] == list(status)


TIMES = [
    ("2a35", "02 8a00 5400 6600 ea07 00 00 00 00 00", "2026-00-00T00:00:00"),
    ("2a08", "ea07 0b 17 09 1e 05", "2026-11-23T09:30:05"),
    ("2b34", "42 8000 5200 6100 1dc49632", "2026-11-23T09:30:05"),
    ("2a18", "01 0600 ea07 0b 17 09 1e 05 c4ff", "2026-11-23T08:30:05"),
    ("2a18", "01 0600 ea07 00 00 09 1e 05 c4ff", "2026-00-00T09:30:05"),
    ("2a5e", "01 6000 4800 d007 01 01 00 00 00", "2000-01-01T00:00:00"),
    ("2bf2", "22 e803 0000 0000 06 04", "2000-01-01T00:16:40"),
    ("2a19", "57", None),
]


@pytest.mark.parametrize(("name", "raw", "time"), TIMES)
def test_time_as_sent(name: str, raw: str, time: str | None) -> None:
    assert decode(name, bytes.fromhex(raw)).time == time


WITHHELD = [(bit, "status") for bit in range(10, 16)] + [(bit, "sensor") for bit in (1, 11, 14, 15)]


@pytest.mark.parametrize(("bit", "word"), WITHHELD)
@pytest.mark.parametrize("name", ["2a5e", "2a5f"])
def test_an_oximeters_withheld_numbers_are_null(name: str, bit: int, word: str) -> None:
    status = (1 << bit if word == "status" else 0).to_bytes(2, "little")
    sensor = (1 << bit if word == "sensor" else 0).to_bytes(3, "little")
    flags = b"\x06" if name == "2a5e" else b"\x0c"
    said = decode(name, flags + bytes.fromhex("61004800") + status + sensor)
    assert [value.value for value in said.values] == [None, None]
    assert len(said.problems) == 1
    assert said.status


def test_a_record_in_one_segment_is_read() -> None:
    record = Record(7, 0x2B34, bytes.fromhex("40 8000 5200 6100"))
    said = decode("2b36", bytes(record.segments(20, crc=False)[0]))
    assert {value.name: value.value for value in said.values}["systolic"] == "128"
    with_crc = decode("2b36", bytes(record.segments(20, crc=True)[0]))
    assert "CRC" in with_crc.problems[0]
    part = decode("2b36", bytes(record.segments(10, crc=False)[0]))
    assert (part.status, part.problems) == (("first_segment",), ())


def test_a_sound_frame() -> None:
    said = decode("audio", bytes(AudioFrame(5, 590, bytes.fromhex("ffff0100"), clipped=True)))
    assert {value.name: value.value for value in said.values} == {
        "sequence": "5",
        "first_sample": "590",
        "format": "pcm16",
        "samples": "2",
        "lowest": "-1",
        "highest": "1",
    }
    assert said.status == ("clipped",)
    command = decode("control", bytes(Start(rate_hz=8000, stream=9)))
    assert {value.name: value.value for value in command.values}["rate_hz"] == "8000"


@pytest.mark.parametrize(
    "name", ["2A35", " 2a35 ", "0x2A35", "0X2a35", "00002a35", "00002A35-0000-1000-8000-00805F9B34FB"]
)
def test_names(name: str) -> None:
    assert canonical(name) == "2a35"


def test_names_of_the_auscultation_stream() -> None:
    assert canonical("5B5E0002-9f2a-4c7e-8a3d-6d1c0a7e5c01") == "audio"
    assert canonical("5b5e0005-9f2a-4c7e-8a3d-6d1c0a7e5c01") == "info"


@pytest.mark.parametrize("name", ["", "2a99", "lis2", "a35", "2a35-0000-1000-8000-00805f9b34fb0", "2a35\n2a36"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(UnknownName):
        decode(name, b"")
    with pytest.raises(UnknownName):
        decode_file("2a35", b"")


def _sound(said: Decoded) -> None:
    json.dumps(asdict(said))
    missing = [value for value in said.values if value.value is None]
    assert said.problems or not missing
    for value in said.values:
        assert value.comparator is None or value.value is not None


@pytest.mark.parametrize("name", CHARACTERISTICS)
@given(raw=st.binary(max_size=26))
def test_any_bytes_are_decoded_or_refused(name: str, raw: bytes) -> None:
    try:
        said = decode(name, raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        _sound(said)


@pytest.mark.parametrize("name", FILES)
@given(raw=st.binary(max_size=200))
def test_any_file_is_decoded_or_refused(name: str, raw: bytes) -> None:
    try:
        said = decode_file(name, raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        _sound(said)
