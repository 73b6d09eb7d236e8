"""Control: golden bytes (synthetic) of every command, answer and notice; damage by name; any bytes."""

from collections.abc import Callable
from typing import SupportsBytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs import auscultation_control as control
from carebag_devices.codecs.auscultation import Format
from carebag_devices.codecs.auscultation_control import End, Ended, MarkKey, Resend, Response, Start, Status, Time
from carebag_devices.errors import Malformed


@pytest.mark.parametrize(
    ("command", "raw"),
    [
        (Start(4000, 0xA1B2C3D4, gain=-6), "01a00f0000fad4c3b2a1"),
        (Start(8000, 1, Format.RICE, filter=2), "01401f01020001000000"),
        (control.Stop(), "02"),
        (control.Gain(12), "030c"),
        (Resend(65535, 3), "04ffff0300"),
        (Time(1_700_000_000_000), "050068e5cf8b010000"),
        (control.Mark(), "06"),
    ],
)
def test_golden_commands(command: control.Command, raw: str) -> None:
    assert bytes(command).hex() == raw
    assert control.parse_command(bytes.fromhex(raw)) == command


@pytest.mark.parametrize(
    ("indication", "raw"),
    [
        (Response(1, Status.DONE, bytes.fromhex("d4c3b2a1")), "800100d4c3b2a1"),
        (Response(1, Status.MTU_TOO_SMALL), "800105"),
        (MarkKey(826), "81013a030000"),
        (Ended(End(826, 7)), "81023a0300000700"),
    ],
)
def test_golden_indications(indication: control.Indication, raw: str) -> None:
    assert bytes(indication).hex() == raw
    assert control.parse_indication(bytes.fromhex(raw)) == indication


@pytest.mark.parametrize(
    ("parse", "raw", "reason"),
    [
        (control.parse_command, "", "truncated"),
        (control.parse_command, "07", "unknown_opcode"),
        (control.parse_command, "01a00f0000fad4c3b2", "truncated"),
        (control.parse_command, "0200", "trailing_bytes"),
        (control.parse_indication, "", "truncated"),
        (control.parse_indication, "8001", "truncated"),
        (control.parse_indication, "0101", "not_a_response"),
        (control.parse_indication, "8103", "unknown_notice"),
        (control.parse_indication, "81013a0300", "truncated"),
        (control.parse_indication, "81013a03000000", "trailing_bytes"),
        (control.parse_indication, "81023a03000007", "truncated"),
        (control.parse_indication, "81023a030000070000", "trailing_bytes"),
        (End.parse, "3a0300000700ff", "trailing_bytes"),
    ],
)
def test_damage(parse: Callable[[bytes], object], raw: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse(bytes.fromhex(raw))


def test_results_are_numbers_of_their_size() -> None:
    assert Response(6, 0, bytes.fromhex("3a030000")).number(4) == 826
    assert Response(3, 0, b"\xfa").number(1, signed=True) == -6
    with pytest.raises(Malformed, match="truncated"):
        Response(6, 0).number(4)
    with pytest.raises(Malformed, match="trailing_bytes"):
        Response(6, 0, bytes(5)).number(4)


PARSERS: list[Callable[[bytes], SupportsBytes]] = [
    control.parse_command,
    control.parse_indication,
    Response.parse,
    End.parse,
]


@pytest.mark.parametrize("parse", PARSERS, ids=["command", "indication", "response", "end"])
@given(
    raw=st.binary(max_size=24) | st.binary(max_size=8).map(b"\x80".__add__) | st.binary(max_size=8).map(b"\x81".__add__)
)
def test_any_bytes_are_refused_or_come_back_the_same(parse: Callable[[bytes], SupportsBytes], raw: bytes) -> None:
    try:
        value = parse(raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        assert bytes(value) == raw
