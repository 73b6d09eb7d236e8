"""Cuffs that send 0x2A35 otherwise than specified.

BM 85: recorded, derdilla/blood-pressure-monitor-fl, app/test/…/ble_measurement_data_test.dart. Others are synthetic.
"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs.blood_pressure import BloodPressureMeasurement as Measurement
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.errors import Malformed

BM85 = {
    "first user": ("56 6a00 4700 0000 ea07 08 0b 12 1f 00 003f 00 0000", 106, 71, 63, 0, ()),
    "second user": ("56 7100 4900 0000 ea07 08 0b 14 38 00 0041 01 0000", 113, 73, 65, 1, ()),
    "reserved status bit": ("56 7700 4600 0000 ea07 08 0b 14 39 00 0057 01 0040", 119, 70, 87, 1, ()),
    "irregular pulse": ("56 7600 5000 0000 ea07 08 0b 14 1b 00 003c 00 0004", 118, 80, 60, 0, ("irregular_pulse",)),
}


@pytest.mark.parametrize("name", BM85)
def test_recorded_bm85(name: str) -> None:
    raw, systolic, diastolic, pulse, user, codes = BM85[name]
    said = Measurement.parse_big_endian(bytes.fromhex(raw))
    assert (said.systolic, said.diastolic, said.pulse, said.user) == (systolic, diastolic, pulse, user)
    assert said.time is not None
    assert said.time.year == 2026
    assert said.status is not None
    assert said.status.codes() == codes
    assert said.big_endian() == bytes.fromhex(raw)


@pytest.mark.parametrize("name", BM85)
def test_the_strict_reading_refuses_the_quirk(name: str) -> None:
    with pytest.raises(Malformed, match="trailing_bytes"):
        Measurement.parse(bytes.fromhex(BM85[name][0]))


def test_swapped_pressures_are_told_by_the_year() -> None:
    said = Measurement.parse_big_endian(bytes.fromhex("16 0080 0052 0061 07ea 0b 17 09 1e 05 0048 02 0002"))
    assert said.time == DateTime(2026, 11, 23, 9, 30, 5)
    assert (said.systolic, said.diastolic, said.mean, said.pulse) == (128, 82, 97, 72)
    assert said.user == 2
    assert said.status is not None
    assert said.status.cuff_too_loose


def test_a_value_as_specified_is_read_as_specified() -> None:
    raw = bytes.fromhex("16 7c00 5600 6100 e807 06 0f 11 11 1b 3300 0000")
    assert Measurement.parse_big_endian(raw) == Measurement.parse(raw)
    with_user = bytes.fromhex("1e 7c00 5600 6100 e807 06 0f 11 11 1b 3300 01 0000")
    assert Measurement.parse_big_endian(with_user).user == 1


@pytest.mark.parametrize(
    "raw",
    [
        "04 008a 0054 0066 0048 01",  # all swapped, and no year to tell it by: 0x8a00 is negative
        "00 7c00 5600 61f8 01",
        "14 7c00 5600 6100 00f9 0000",  # specified length, negative pulse
    ],
)
def test_an_order_that_cannot_be_told_is_refused(raw: str) -> None:
    with pytest.raises(Malformed, match="byte_order_unknown"):
        Measurement.parse_big_endian(bytes.fromhex(raw))


@pytest.mark.parametrize("cut", range(18))
def test_a_quirky_value_cut_short_is_refused(cut: int) -> None:
    raw = bytes.fromhex(BM85["first user"][0])
    with pytest.raises(Malformed):
        Measurement.parse_big_endian(raw[:cut])
    with pytest.raises(Malformed, match="trailing_bytes"):
        Measurement.parse_big_endian(raw + b"\0")


NUMBERS = st.integers(0, 1000).map(Decimal)
QUIRKY = st.builds(
    Measurement,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    time=st.none() | st.builds(DateTime, st.integers(2000, 2099), *[st.integers(1, 12)] * 5),
    pulse=st.none() | NUMBERS,
    user=st.integers(0, 255),
    status=st.none()
    | st.binary(min_size=2, max_size=2).map(lambda raw: Measurement.parse(b"\x10" + bytes(6) + raw).status),
)


@given(QUIRKY)
def test_quirky_values_come_back(said: Measurement) -> None:
    assert Measurement.parse_big_endian(said.big_endian()) == said


def test_without_a_user_there_is_no_such_form() -> None:
    with pytest.raises(ValueError, match="always send a user"):
        Measurement(Decimal(1), Decimal(1), Decimal(1)).big_endian()


@given(st.binary(max_size=24))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        Measurement.parse_big_endian(raw)
    except Malformed as error:
        if not error.reason:
            raise


@pytest.mark.parametrize("seconds", ["23 0a", "2f 3b"])
def test_recorded_failures_have_no_values(seconds: str) -> None:
    """Recorded, derdilla/blood-pressure-monitor-fl issue 80: body moved, cuff too loose, no status bit for either."""
    raw = bytes.fromhex(f"16 ff07 ff07 ff07 e807 06 17 0e {seconds} ff07 0000")
    assert not Measurement.parse(raw).has_values
    assert not Measurement.parse_big_endian(raw).has_values


@given(
    systolic=st.integers(20, 300),
    diastolic=st.integers(20, 200),
    mean=st.integers(10, 250),
    year=st.sampled_from([b"", b"\x00\x00"]),
)
def test_swapped_pressures_that_no_year_tells_are_never_pressures(
    systolic: int, diastolic: int, mean: int, year: bytes
) -> None:
    """Fully big-endian from a cuff whose clock was never set: nothing shows the order, and nothing is guessed."""
    pressures = b"".join(number.to_bytes(2, "big") for number in (systolic, diastolic, mean))
    raw = bytes([0x02 if year else 0]) + pressures + (year + bytes(5) if year else b"") + b"\x01"
    try:
        measurement = Measurement.parse_big_endian(raw)
    except Malformed:
        return
    assert not measurement.diastolic
