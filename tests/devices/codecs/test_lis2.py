"""Laboratory records: the golden message, comparators, separators of the header, and what must not reach the chart."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs import lis2
from carebag_devices.codecs.lis2 import Message, Record, Separators
from carebag_devices.errors import Malformed

GOLDEN = (
    b"H|\\^&|||POC-CRP^1.4.2^SN00123|||||EDGE^KIT7||P|LIS2-A2|20261122101530\r"
    b"P|1||PAT-0042\r"
    b"O|1|S-991||^^^48421-2^CRP|||20261122101200||||||||BLDC\r"
    b"R|1|^^^48421-2^CRP^LN|<5|mg/L|0^10|<||F||nurse7||20261122101500|POC-CRP\r"
    b"C|1|I|Hct 0.41|G\r"
    b"L|1|N\r"
)


def only(raw: bytes) -> lis2.Result:
    (result,) = Message.parse(raw).chart_results()
    return result


def test_golden_message() -> None:
    message = Message.parse(GOLDEN)
    assert bytes(message) == GOLDEN
    assert message.sender == ("POC-CRP", "1.4.2", "SN00123")
    assert message.normal_end
    assert only(GOLDEN) == lis2.Result(
        sample="S-991",
        code="48421-2",
        name="CRP",
        comparator="<",
        value=Decimal(5),
        text="<5",
        unit="mg/L",
        reference_range="0^10",
        abnormal="<",
        status="F",
        completed="20261122101500",
        instrument="POC-CRP",
    )


@pytest.mark.parametrize(
    ("field", "flag", "comparator", "value"),
    [
        (b"12", b"", None, "12"),
        (b"12.50", b"H", None, "12.50"),
        (b" < 5 ", b"L", "<", "5"),
        (b">200", b"", ">", "200"),
        (b"5", b"<", "<", "5"),
        (b"ERR 12", b"", None, None),
        (b"", b"", None, None),
    ],
)
def test_values_keep_comparator_and_precision(
    field: bytes, flag: bytes, comparator: str | None, value: str | None
) -> None:
    result = only(GOLDEN.replace(b"|<5|", b"|" + field + b"|").replace(b"|<||F", b"|" + flag + b"||F"))
    assert result.comparator == comparator
    assert result.value == (None if value is None else Decimal(value))


@pytest.mark.parametrize(
    ("field", "refused"),
    [
        (b"", "no_number"),
        (b"---", "no_number"),
        (b"12,5", "decimal_comma"),
        (b"<5,0", "decimal_comma"),
        (b"<=5", "other_comparator"),
        (b"\xb15", "not_a_number"),
        (b"-5", "not_a_number"),
        (b"E-205", "not_a_number"),
        (b"1e2", "not_a_number"),
    ],
)
def test_what_is_no_clear_number_is_refused_with_a_reason(field: bytes, refused: str) -> None:
    result = only(GOLDEN.replace(b"|<5|", b"|" + field + b"|"))
    assert (result.value, result.comparator, result.refused) == (None, None, refused)
    assert result.text == field.decode("latin-1")


def test_a_contradicting_flag_is_refused() -> None:
    result = only(GOLDEN.replace(b"|<||F", b"|>||F"))
    assert (result.value, result.comparator, result.refused) == (None, None, "comparators_contradict")


def test_a_code_in_the_first_component_is_a_code_too() -> None:
    assert only(GOLDEN.replace(b"R|1|^^^48421-2^CRP^LN", b"R|1|48421-2^CRP")).code == "48421-2"


@pytest.mark.parametrize(
    ("status", "final", "failed"),
    [
        ("F", 1, 0),
        ("", 1, 0),
        ("C", 1, 0),
        ("R", 1, 0),
        ("V", 1, 0),
        ("P", 0, 0),
        ("I", 0, 0),
        ("X", 0, 1),
        ("W", 0, 1),
    ],
)
def test_what_a_status_means(status: str, final: bool, failed: bool) -> None:
    result = only(GOLDEN.replace(b"|<||F", b"|<||" + status.encode()))
    assert (result.final, result.failed) == (bool(final), bool(failed))
    assert (result.corrected, result.resent) == (status == "C", status == "R")


def test_a_cassette_in_the_instrument_is_told_for_patients_only() -> None:
    order = b"O|1|S-9||^^^48421-2^CRP|||20261122101200||||||||BLDC||||||||||I\r"
    waiting = GOLDEN[: GOLDEN.index(b"O|1")] + order + b"L|1|N\r"
    assert Message.parse(waiting).begun == ("S-9",)
    assert Message.parse(GOLDEN).begun == ()
    assert Message.parse(waiting.replace(b"||P|LIS2", b"||Q|LIS2")).begun == ()
    assert Message.parse(waiting.replace(b"01200||||||||BLDC", b"01200||||Q||||BLDC")).begun == ()


def test_control_and_patient_in_one_message() -> None:
    control = b"P|2\rO|1|QC-1||^^^48421-2^CRP|||20261122101200||||Q||||BLDC\rR|1|^^^48421-2^CRP|33|mg/L||||F\r"
    message = Message.parse(GOLDEN.replace(b"L|1|N", control + b"L|1|N"))
    assert [result.text for result in message.chart_results()] == ["<5"]
    assert message.has_other_results
    assert not Message.parse(GOLDEN).has_other_results


def test_a_new_patient_is_no_control_and_no_sample_of_the_one_before() -> None:
    control = b"O|1|QC-1||^^^48421-2^CRP|||20261122101200||||Q||||BLDC\rR|1|^^^48421-2^CRP|33|mg/L||||F\r"
    message = Message.parse(b"H|\\^&||||||||||P\rP|1\r" + control + b"P|2\rR|1|^^^48421-2^CRP|12|mg/L||||F\rL|1|N\r")
    assert [(result.text, result.sample) for result in message.chart_results()] == [("12", "")]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (GOLDEN, True),
        (GOLDEN.replace(b"\r", b"\r\n"), True),
        (GOLDEN[:-1], True),
        (b"L\r", True),
        (GOLDEN[: GOLDEN.index(b"L|1")], False),
        (b"H|\\^&\rLOT|1\r", False),
        (b"", False),
    ],
)
def test_only_a_terminator_ends_a_message(text: bytes, whole: bool) -> None:
    assert lis2.ends_message(text) == whole


@pytest.mark.parametrize(
    ("stamp", "iso"), [("20261122101530", "2026-11-22T10:15:30"), ("20261122", "20261122"), ("", None)]
)
def test_times(stamp: str, iso: str | None) -> None:
    assert lis2.iso_time(stamp) == iso


@pytest.mark.parametrize("processing", [b"Q", b"T", b"D", b""])
def test_only_production_reaches_the_chart(processing: bytes) -> None:
    assert Message.parse(GOLDEN.replace(b"||P|", b"||" + processing + b"|")).chart_results() == ()


def test_a_control_order_never_reaches_the_chart() -> None:
    control = GOLDEN.replace(b"|20261122101200||||||||BLDC", b"|20261122101200||||Q||||BLDC")
    assert Message.parse(control).chart_results() == ()


def test_other_separators() -> None:
    other = GOLDEN.replace(b"^", b"!").replace(b"|", b";")
    assert only(other).code == "48421-2"
    assert bytes(Message.parse(other)) == other


def test_escapes() -> None:
    separators = Separators()
    assert separators.unescape("a&F&b&S&c&R&d&E&e&X0D0A&f&Z&") == "a|b^c\\d&e\r\nf&Z&"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "header_missing"),
        (b"P|1\r", "header_missing"),
        (b"H|\\^&\rP|1\r", "terminator_missing"),
        (b"H|||&\rL|1\r", "bad_separators"),
        (b"H|\\^&x\rL|1\r", "bad_separators"),
        (b"H|\\^&\rH|\\^&\rL|1\r", "more_than_one_message"),
        (b"H|\\^&\rZ|1\rL|1\r", "unknown_record"),
    ],
)
def test_bad_messages_say_why(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        Message.parse(raw)


def test_manufacturer_records_are_skipped() -> None:
    assert only(GOLDEN.replace(b"C|1|I", b"M|1|X\rC|1|I")).value == Decimal(5)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_message_or_refused(raw: bytes, framed: bool) -> None:
    try:
        Message.parse(b"H|\\^&|||||||||P\r" + raw + b"\rL|1|N" if framed else raw).chart_results()
    except Malformed as error:
        if not error.reason:
            raise


TEXT = st.text(st.characters(max_codepoint=0xFF), max_size=12)
FIELDS = st.lists(st.lists(TEXT, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple)


@given(st.lists(FIELDS, max_size=12))
def test_any_content_survives_encoding(fields: list[lis2.Field]) -> None:
    separators = Separators()
    entry = Record(((("C",),), *fields))
    encoded = entry.encode(separators)
    assert not any(ord(character) < 0x20 for character in encoded)
    assert Record.parse(encoded, separators) == entry
