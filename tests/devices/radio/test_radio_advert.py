"""Advertising data: read, or passed over; never guessed, never an exception."""

from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.radio.advert import Advert, parse_advert, structures, uuid_text


def read(data: bytes) -> Advert:
    return parse_advert(data, address="F0:00:00:00:00:01", address_type="random", rssi=-60)


def test_blood_pressure_meter_in_pairing_mode() -> None:
    """Flags 0x05 (limited discoverable), 0x1810, name, company, transmit power, appearance."""
    advert = read(bytes.fromhex("02010503031018070941264420425006ff6902010203020afc03198003"))
    assert advert.flags == 5
    assert advert.service_uuids == ("00001810-0000-1000-8000-00805f9b34fb",)
    assert advert.name == "A&D BP"
    assert advert.manufacturer_data == {0x0269: b"\x01\x02\x03"}
    assert advert.tx_power == -4
    assert advert.appearance == 0x0380


def test_sizes_of_uuids() -> None:
    nus = bytes.fromhex("9ecadc240ee5a9e093f3a3b50100406e")
    assert uuid_text(nus) == "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
    assert uuid_text(b"\x0d\x18\x00\x00") == uuid_text(b"\x0d\x18")
    advert = read(bytes([17, 0x07]) + nus + bytes.fromhex("0516 0f18 5701"))
    assert advert.service_uuids == ("6e400001-b5a3-f393-e0a9-e50e24dcca9e",)
    assert advert.service_data == {"0000180f-0000-1000-8000-00805f9b34fb": b"\x57\x01"}


def test_a_structure_cut_short_ends_it() -> None:
    advert = read(bytes.fromhex("0201060909416263"))
    assert (advert.flags, advert.name) == (6, None)


@given(st.binary(max_size=255))
def test_any_bytes(data: bytes) -> None:
    advert = read(data)
    assert sum(len(content) + 2 for _, content in structures(data)) <= len(data)
    assert all(len(uuid) == 36 for uuid in advert.service_uuids)


@given(st.text(min_size=1, max_size=8), st.integers(0, 0xFFFF), st.binary(max_size=8))
def test_what_was_sent_is_read(name: str, company: int, data: bytes) -> None:
    encoded = name.encode("utf-8", "replace")
    sent = company.to_bytes(2, "little") + data
    advert = read(bytes([len(encoded) + 1, 0x09]) + encoded + bytes([len(sent) + 1, 0xFF]) + sent)
    assert advert.name == encoded.decode()
    assert advert.manufacturer_data == {company: data}
