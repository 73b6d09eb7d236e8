"""Laboratory files: comparators stay, and only a patient's final result has a number. Synthetic messages."""

import pytest

from carebag_devices.codecs.lis01 import Frame
from carebag_devices.decoding import Decoded, decode_file
from carebag_devices.errors import Malformed

MESSAGE = (
    "H|\\^&|||POC-CRP^1.4.2^SN00123|||||EDGE^KIT7||{processing}|LIS2-A2|20261122101530\r"
    "P|1||PAT-0042\r"
    "O|1|S-991||^^^48421-2^CRP|||20261122101200||||{action}||||BLDC\r"
    "R|1|^^^48421-2^CRP^LN|{value}|{unit}|0^10|{flag}||{status}||nurse7||20261122101500|POC-CRP\r"
    "C|1|I|Hct 0.41|G\r"
    "L|1|{end}\r"
)
USUAL = {"processing": "P", "action": "", "value": "<5", "unit": "mg/L", "flag": "<", "status": "F", "end": "N"}


def message(**fields: str) -> bytes:
    return MESSAGE.format(**USUAL | fields).encode()


def result(said: Decoded, name: str = "crp") -> tuple[str | None, str | None, str | None]:
    value = next(value for value in said.values if value.name == name)
    return value.value, value.comparator, value.unit


def framed(raw: bytes) -> bytes:
    lines = raw.splitlines(keepends=True)
    frames = b"".join(bytes(Frame(number % 8, line, True)) for number, line in enumerate(lines, start=1))
    return b"\x05" + frames + b"\x04"


def test_below_the_range_stays_below_the_range() -> None:
    said = decode_file("lis2", message())
    assert result(said) == ("5", "<", "mg/L")
    assert (said.kind, said.time, said.status, said.problems) == ("crp", "2026-11-22T10:15:00", ("patient",), ())
    assert result(said, "serial") == ("SN00123", None, None)


def test_above_the_range() -> None:
    assert result(decode_file("lis2", message(value="> 200", flag=">"))) == ("200", ">", "mg/L")
    assert result(decode_file("lis2", message(value="200", flag=">"))) == ("200", ">", "mg/L")


def test_other_units_are_converted_beside_their_own() -> None:
    said = decode_file("lis2", message(value="1.25", unit="mg/dL", flag=""))
    assert result(said) == ("12.50", None, "mg/L")
    assert result(said, "crp_mg_dl") == ("1.25", None, "mg/dL")


@pytest.mark.parametrize(
    "fields",
    [
        {"processing": "Q"},
        {"processing": "T"},
        {"processing": "D"},
        {"processing": ""},
        {"processing": "Z"},
        {"action": "Q"},
        {"status": "P"},
        {"status": "X"},
        {"status": "W"},
        {"status": "I"},
        {"value": "----", "flag": ""},
        {"value": "1,5", "flag": ""},
        {"value": "~5", "flag": ""},
        {"value": ">5", "flag": "<"},
        {"value": "E12", "flag": ""},
    ],
)
def test_what_is_no_patients_result_has_no_number(fields: dict[str, str]) -> None:
    said = decode_file("lis2", message(**fields))
    assert result(said) == (None, None, "mg/L")
    assert len(said.problems) == 1
    assert said.problems[0].startswith("crp: ")


def test_control_of_one_order_does_not_hide_the_next_patient() -> None:
    lines = message(action="Q").decode().splitlines(keepends=True)
    both = "".join([*lines[:4], *message().decode().splitlines(keepends=True)[1:]])
    said = decode_file("lis2", both.encode())
    assert [value.value for value in said.values if value.name == "crp"] == [None, "5"]


def test_a_patient_after_a_control_begins_anew() -> None:
    lines = message(action="Q").decode().splitlines(keepends=True)
    said = decode_file("lis2", "".join([*lines[:4], lines[1], lines[3], lines[5]]).encode())
    assert [value.value for value in said.values if value.name == "crp"] == [None, "5"]


def test_halves_are_rounded_up() -> None:
    assert result(decode_file("lis2", message(value="0.0125", unit="mg/dL", flag="")))[0] == "0.13"


def test_an_abnormal_end_is_said() -> None:
    assert "'T'" in decode_file("lis2", message(end="T")).problems[0]


def test_lines_may_end_as_editors_save_them() -> None:
    assert decode_file("lis2", message().replace(b"\r", b"\n")) == decode_file("lis2", message())
    assert decode_file("lis2", message().replace(b"\r", b"\r\n")) == decode_file("lis2", message())


def test_frames_are_taken_apart() -> None:
    assert decode_file("lis2", framed(message())) == decode_file("lis2", message())


def test_a_bad_frame_is_said_and_its_message_refused_or_repeated() -> None:
    raw = framed(message())
    first = raw.index(b"\x02")
    second = raw.index(b"\x02", first + 1)
    damaged = bytearray(raw[first:second])
    damaged[4] ^= 1
    said = decode_file("lis2", raw[:first] + bytes(damaged) + raw[first:])
    assert result(said) == ("5", "<", "mg/L")
    assert said.problems == ("a frame: bad checksum",)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (framed(message())[:-1], "transfer_incomplete"),
        (b"\x05\x04", "no_message"),
        (b"\x02", "no_message"),
        (b"R|1", "header_missing"),
        (message()[:-6], "terminator_missing"),
        (message() + message(), "more_than_one_message"),
        (b"\xff\xfe" + message(), "header_missing"),
    ],
)
def test_damage_is_named(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        decode_file("lis2", raw)
