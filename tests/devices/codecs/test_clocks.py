"""Current Time, Local and Reference Time Information, Elapsed Time, identity characteristics. Synthetic bytes."""

import datetime
from collections.abc import Callable
from typing import SupportsBytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs.current_time import (
    Adjusted,
    CurrentTime,
    LocalTimeInformation,
    ReferenceTimeInformation,
)
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.device_information import Certifications, PnpId, Udi
from carebag_devices.codecs.elapsed_time import Capability, ClockState, ElapsedTime
from carebag_devices.errors import Malformed

PARSERS: list[Callable[[bytes], SupportsBytes]] = [
    CurrentTime.parse,
    LocalTimeInformation.parse,
    ReferenceTimeInformation.parse,
    ElapsedTime.parse,
    PnpId.parse,
    Udi.parse,
    Certifications.parse,
]


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__self__.__name__)
@given(raw=st.binary(max_size=20))
def test_any_bytes_are_refused_or_come_back_the_same(parse: Callable[[bytes], SupportsBytes], raw: bytes) -> None:
    try:
        value = parse(raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        assert bytes(value) == raw


def test_current_time() -> None:
    now = CurrentTime.parse(bytes.fromhex("ea07 0b 17 09 1e 05 01 80 05"))
    assert now.time == DateTime(2026, 11, 23, 9, 30, 5)
    assert (now.weekday, now.fractions) == (1, 128)
    assert now.adjusted == Adjusted.BY_HAND | Adjusted.ZONE_CHANGED
    assert CurrentTime.parse(bytes.fromhex("ea07 0b 17 09 1e 05 00 00 f0")).weekday == 0


@pytest.mark.parametrize(
    ("parse", "raw", "reason"),
    [
        (CurrentTime.parse, "ea07 0b 17 09 1e 05 08 00 00", "weekday_out_of_range"),
        (CurrentTime.parse, "ea07 0b 17 09 1e 05 01 00", "truncated"),
        (CurrentTime.parse, "ea07 0b 17 09 1e 05 01 00 00 00", "trailing_bytes"),
        (LocalTimeInformation.parse, "cf 00", "zone_out_of_range"),
        (LocalTimeInformation.parse, "39 00", "zone_out_of_range"),
        (LocalTimeInformation.parse, "04 01", "dst_out_of_range"),
        (ReferenceTimeInformation.parse, "04 00 01 18", "hours_out_of_range"),
        (ReferenceTimeInformation.parse, "04 00 ff 01", "hours_out_of_range"),
        (ReferenceTimeInformation.parse, "04 00 01 ff", "hours_out_of_range"),
        (ElapsedTime.parse, "22 00 00 00 00 00 00 06", "truncated"),
        (ElapsedTime.parse, "22 00 00 00 00 00 00 06 04 00", "truncated"),
        (ElapsedTime.parse, "22 00 00 00 00 00 00 06 04 00 00 00", "trailing_bytes"),
        (PnpId.parse, "01 0100 0200 03", "truncated"),
        (Udi.parse, "01 61", "truncated"),
        (Udi.parse, "01 61 00 00", "trailing_bytes"),
        (Udi.parse, "01 ff 00", "not_utf8"),
        (Udi.parse, "01 1d 00", "control_character"),
        (Certifications.parse, "00" * 513, "text_too_long"),
    ],
)
def test_damage_is_named(parse: Callable[[bytes], SupportsBytes], raw: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse(bytes.fromhex(raw))


def test_local_time_information() -> None:
    assert LocalTimeInformation.parse(b"\x04\x04") == LocalTimeInformation(4, 4)
    assert LocalTimeInformation.parse(b"\x80\xff") == LocalTimeInformation(-128, 255)
    assert LocalTimeInformation.parse(b"\xd0\x00").zone == -48


def test_reference_time_information() -> None:
    assert ReferenceTimeInformation.parse(b"\x04\x08\xff\xff") == ReferenceTimeInformation(4, 8, 255, 255)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("22 e803 0000 0000 06 04", datetime.datetime(2000, 1, 1, 0, 16, 40)),  # noqa: DTZ001 - as sent
        ("2a e803 0000 0000 06 04", datetime.datetime(2000, 1, 1, 0, 0, 1)),  # noqa: DTZ001 - as sent
        ("2e 1027 0000 0000 06 04", datetime.datetime(2000, 1, 1, 0, 0, 1)),  # noqa: DTZ001 - as sent
        ("26 0a00 0000 0000 06 04", datetime.datetime(2000, 1, 1, 0, 0, 1)),  # noqa: DTZ001 - as sent
        ("21 e803 0000 0000 00 00", None),
        ("22 ffff ffff ffff 06 04", None),
    ],
)
def test_elapsed_time(raw: str, expected: datetime.datetime | None) -> None:
    assert ElapsedTime.parse(bytes.fromhex(raw)).clock == expected


def test_a_clock_that_was_never_set() -> None:
    time = ElapsedTime.parse(bytes.fromhex("32 0000 0000 0000 07 f8 01 03"))
    assert time.state == ClockState(1, Capability.SUMMER_TIME | Capability.ZONE)
    assert time.state.needs_set
    assert (time.zone_used, time.offset, time.current) == (True, -8, True)


def test_udi() -> None:
    raw = bytes.fromhex("05 28303129303730 00 322e3135 00")
    assert Udi.parse(raw) == Udi(label="(01)070", issuer="2.15")
    assert bytes(Udi(label="(01)070", issuer="2.15")) == raw


def test_udi_with_all_its_parts() -> None:
    """The published example of a UDI, by the layout of the GATT Specification Supplement: flags, then each part."""
    label = "(01)00844588003288(17)141120(10)7654321D(21)10987654d321"
    raw = bytes.fromhex(
        "0f"
        "283031293030383434353838303033323838283137293134313132302831302937363534333231442832312931303938373635346433323100"
        "303038343435383830303332383800"
        "322e35312e312e3100"
        "322e31362e3834302e312e3131333838332e332e323400"
    )
    udi = Udi(label, "00844588003288", "2.51.1.1", "2.16.840.1.113883.3.24")
    assert Udi.parse(raw) == udi
    assert bytes(udi) == raw


def test_pnp_id() -> None:
    assert PnpId.parse(bytes.fromhex("02 0d04 0100 1001")) == PnpId(2, 0x040D, 1, 0x0110)
