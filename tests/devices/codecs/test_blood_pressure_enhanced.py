"""0x2B34, 0x2B35 and 0x2B36. All bytes are synthetic, made by the GATT Specification Supplement's tables."""

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs.blood_pressure import MeasurementStatus
from carebag_devices.codecs.blood_pressure_enhanced import EnhancedBloodPressure, EnhancedCuffPressure
from carebag_devices.codecs.blood_pressure_record import Record, RecordAssembler, Segment, crc16
from carebag_devices.codecs.ieee11073 import Special
from carebag_devices.errors import Malformed

WHOLE = "7e 8000 5200 6100 1dc49632 4800 01 0200 2dd29632"


def test_enhanced_with_everything() -> None:
    said = EnhancedBloodPressure.parse(bytes.fromhex(WHOLE))
    assert said == EnhancedBloodPressure(
        systolic=Decimal(128),
        diastolic=Decimal(82),
        mean=Decimal(97),
        time=0x3296C41D,
        pulse=Decimal(72),
        user=1,
        status=MeasurementStatus(cuff_too_loose=True),
        user_facing_time=0x3296D22D,
    )
    assert said.clock == datetime.datetime(2026, 11, 23, 10, 30, 5)  # noqa: DTZ001 - as the display showed
    assert bytes(said).hex() == WHOLE.replace(" ", "")


def test_the_epoch_of_1900_and_of_2000() -> None:
    old = EnhancedBloodPressure.parse(bytes.fromhex("02 8000 5200 6100 00000000"))
    new = EnhancedBloodPressure.parse(bytes.fromhex("42 8000 5200 6100 00000000"))
    assert (old.clock, new.clock) == (datetime.datetime(1900, 1, 1), datetime.datetime(2000, 1, 1))  # noqa: DTZ001
    assert EnhancedBloodPressure.parse(bytes.fromhex("40 8000 5200 6100")).clock is None


def test_an_enhanced_failure_has_no_values() -> None:
    said = EnhancedBloodPressure.parse(bytes.fromhex("50 ff07 ff07 ff07 0100"))
    assert (said.has_values, said.systolic) == (False, Special.NAN)


def test_enhanced_cuff_pressure_has_one_pressure() -> None:
    said = EnhancedCuffPressure.parse(bytes.fromhex("45 b0f0 4800"))
    assert (str(said.pressure), said.unit, said.pulse) == ("17.6", "kPa", 72)
    with pytest.raises(Malformed, match="trailing_bytes"):
        EnhancedCuffPressure.parse(bytes.fromhex("40 8000 ff07 ff07"))


@pytest.mark.parametrize("cut", range(20))
def test_enhanced_cut_short_is_refused(cut: int) -> None:
    raw = bytes.fromhex(WHOLE)
    with pytest.raises(Malformed, match="truncated"):
        EnhancedBloodPressure.parse(raw[:cut])
    with pytest.raises(Malformed, match="trailing_bytes"):
        EnhancedBloodPressure.parse(raw + b"\0")


@pytest.mark.parametrize("codec", [EnhancedBloodPressure, EnhancedCuffPressure, Segment])
@given(raw=st.binary(max_size=26))
def test_any_bytes_come_back_or_are_refused(
    codec: type[EnhancedBloodPressure | EnhancedCuffPressure | Segment], raw: bytes
) -> None:
    try:
        said = codec.parse(raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        assert bytes(said) == raw


RECORD = Record(7, 0x2B34, bytes.fromhex("40 8000 5200 6100"))


def test_crc_check_value() -> None:
    assert crc16(b"123456789") == 0x6F91


def test_a_record_in_two_segments_with_crc() -> None:
    first = bytes.fromhex("01 0700 342b 40800052")
    last = bytes.fromhex("06 0700 342b 006100")
    last += crc16(first + last).to_bytes(2, "little")
    assembler = RecordAssembler(crc=True)
    assert assembler.feed(Segment.parse(first)) is None
    assert assembler.feed(Segment.parse(last)) == RECORD
    assert tuple(bytes(segment) for segment in RECORD.segments(11, crc=True)) == (first, last)


@given(
    value=st.binary(max_size=60),
    size=st.integers(8, 30),
    crc=st.booleans(),
    counter=st.integers(0, 63),
    twice=st.booleans(),
)
def test_records_come_back(value: bytes, size: int, *, crc: bool, counter: int, twice: bool) -> None:
    record = Record(65535, 0x2B34, value)
    segments = record.segments(size, crc=crc, counter=counter)
    assert all(len(bytes(segment)) <= size for segment in segments)
    assembler = RecordAssembler(crc=crc)
    got = [assembler.feed(Segment.parse(bytes(each))) for segment in segments for each in [segment] * (1 + twice)]
    assert [each for each in got if each] == [record]


def test_the_segment_counter_rolls_over() -> None:
    segments = RECORD.segments(8, crc=False, counter=62)
    assert [segment.counter for segment in segments] == [62, 63, 0]
    assembler = RecordAssembler(crc=False)
    assert [assembler.feed(segment) for segment in segments] == [None, None, RECORD]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_lost_segment_loses_the_record(lost: int) -> None:
    segments = list(RECORD.segments(8, crc=False))
    assert len(segments) == 3
    del segments[lost]
    assembler = RecordAssembler(crc=False)
    got: list[object] = []
    for segment in segments:
        try:
            got.append(assembler.feed(segment))
        except Malformed as error:
            got.append(error.reason)
    assert RECORD not in got
    assert "segment_missing" in got or lost == 2


def test_after_a_lost_end_the_next_record_is_whole() -> None:
    assembler = RecordAssembler(crc=False)
    assembler.feed(RECORD.segments(8, crc=False)[0])
    assert assembler.feed(RECORD.segments(20, crc=False)[0]) == RECORD
    assert assembler.unfinished == 1


def test_segments_of_two_records_are_not_mixed() -> None:
    assembler = RecordAssembler(crc=False)
    assembler.feed(RECORD.segments(8, crc=False)[0])
    with pytest.raises(Malformed, match="records_mixed"):
        assembler.feed(Record(8, 0x2B34, RECORD.value).segments(8, crc=False)[1])


def test_a_bad_crc_loses_the_record() -> None:
    segment = RECORD.segments(20, crc=True)[0]
    raw = bytearray(bytes(segment))
    raw[6] ^= 1
    with pytest.raises(Malformed, match="crc_differs"):
        RecordAssembler(crc=True).feed(Segment.parse(bytes(raw)))
    with pytest.raises(Malformed, match="crc_differs"):
        RecordAssembler(crc=True).feed(Segment(True, True, 0, 1, 0x2B34, b"\0"))


def test_a_record_without_end_is_refused() -> None:
    assembler = RecordAssembler(crc=False)
    assembler.feed(Segment(True, False, 0, 1, 0x2B34, bytes(300)))
    with pytest.raises(Malformed, match="record_too_long"):
        assembler.feed(Segment(False, False, 1, 1, 0x2B34, bytes(300)))
    with pytest.raises(Malformed, match="record_too_long"):
        Segment.parse(bytes(600))
