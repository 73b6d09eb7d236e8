"""Record Access Control Point: every operator and filter, answers, damage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs import racp
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.racp import (
    Count,
    Opcode,
    Operator,
    Request,
    Response,
    ResponseCode,
    Seconds,
    SequenceNumber,
)
from carebag_devices.errors import Malformed

NOON = DateTime(2026, 11, 23, 12, 0, 0)

GOLDEN: list[tuple[str, racp.Message]] = [
    ("01 01", Request(Opcode.REPORT)),
    ("01 06", Request(Opcode.REPORT, Operator.LAST)),
    ("01 05", Request(Opcode.REPORT, Operator.FIRST)),
    ("01 03 01 0500", Request(Opcode.REPORT, Operator.AT_LEAST, (SequenceNumber(5),))),
    ("04 02 01 0900", Request(Opcode.COUNT, Operator.AT_MOST, (SequenceNumber(9),))),
    ("02 04 01 0500 0900", Request(Opcode.DELETE, Operator.RANGE, (SequenceNumber(5), SequenceNumber(9)))),
    ("01 03 02 ea07 0b 17 0c 00 00", Request(Opcode.REPORT, Operator.AT_LEAST, (NOON,))),
    ("01 04 02 ea070b170c0000 ea070b170c0000", Request(Opcode.REPORT, Operator.RANGE, (NOON, NOON))),
    ("07 03 02 00b2ab32", Request(Opcode.COMBINED_REPORT, Operator.AT_LEAST, (Seconds(0x32ABB200),))),
    ("03 00", racp.ABORT),
    ("05 00 3c00", Count(Opcode.COUNT_RESPONSE, 60)),
    ("08 00 0300", Count(Opcode.COMBINED_REPORT_RESPONSE, 3)),
    ("06 00 01 01", Response(Opcode.REPORT, ResponseCode.SUCCESS)),
    ("06 00 01 06", Response(Opcode.REPORT, ResponseCode.NO_RECORDS)),
    ("06 00 99 02", Response(0x99, ResponseCode.OPCODE_NOT_SUPPORTED)),
]


@pytest.mark.parametrize(("raw", "message"), GOLDEN, ids=[raw for raw, _ in GOLDEN])
def test_golden(raw: str, message: racp.Message) -> None:
    assert racp.parse(bytes.fromhex(raw)) == message
    assert bytes(message) == bytes.fromhex(raw)
    with pytest.raises(Malformed):
        racp.parse(bytes.fromhex(raw) + b"\0")
    with pytest.raises(Malformed):
        racp.parse(bytes.fromhex(raw)[:-1])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "truncated"),
        ("00 00", "unknown_opcode"),
        ("09 01", "unknown_opcode"),
        ("01 07", "unknown_operator"),
        ("01 00", "invalid_operator"),
        ("03 01", "invalid_operator"),
        ("06 01 01 01", "invalid_operator"),
        ("01 03", "truncated"),
        ("01 03 03 0500", "unknown_filter"),
        ("01 03 01", "invalid_operand"),
        ("01 04 01 0500 09", "invalid_operand"),
        ("01 03 02 0500", "invalid_operand"),
        ("01 03 02 ea07 0d 17 0c 00 00", "date_out_of_range"),
    ],
)
def test_damage_is_named(raw: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        racp.parse(bytes.fromhex(raw))


def test_no_records_is_an_answer_and_not_an_error() -> None:
    assert Response(1, 6).done
    assert Response(1, 6).word == "no_records"
    assert not Response(1, 8).done
    assert (Response(1, 8).word, Response(1, 0x0B).word) == ("not_completed", "reserved")


def test_bounds_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="bounds"):
        bytes(Request(Opcode.REPORT, Operator.RANGE, (SequenceNumber(1), NOON)))
    with pytest.raises(ValueError, match="bounds"):
        bytes(Request(Opcode.REPORT, Operator.ALL, (NOON,)))


@given(st.binary(max_size=18))
def test_any_bytes_come_back_or_are_refused(raw: bytes) -> None:
    try:
        message = racp.parse(raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        assert bytes(message) == raw
