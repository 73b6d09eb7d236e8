"""Berry BM1000: packets and the stream they come in. Synthetic bytes by the maker's published parser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs.berry import Packet, PacketStream
from carebag_devices.errors import Malformed

PACKETS = st.builds(
    Packet,
    saturation=st.integers(0, 127),
    rate=st.integers(0, 255),
    wave=st.integers(0, 127),
    strength=st.integers(0, 15),
    bar=st.integers(0, 15),
    beat=st.booleans(),
    probe_unplugged=st.booleans(),
    no_signal=st.booleans(),
    searching=st.booleans(),
    no_finger=st.booleans(),
)


def test_a_packet_with_a_pulse_over_127() -> None:
    packet = Packet.parse(bytes.fromhex("c6 4b 47 02 61"))
    assert (packet.spo2, packet.pulse, packet.wave) == (97, 130, 75)
    assert (packet.strength, packet.bar, packet.beat) == (6, 7, True)
    assert packet.withheld is None


@pytest.mark.parametrize(
    ("raw", "withheld"),
    [
        ("80 00 10 48 61", "finger_off"),
        ("a0 00 10 48 61", "sensor_disconnected"),
        ("90 00 00 48 61", "inadequate_signal"),
        ("80 00 20 48 61", "measurement_unavailable"),
        ("80 00 40 7f 7f", "measurement_unavailable"),
        ("80 00 40 7f 61", None),
    ],
)
def test_what_is_no_measurement_is_withheld(raw: str, withheld: str | None) -> None:
    assert Packet.parse(bytes.fromhex(raw)).withheld == withheld


@pytest.mark.parametrize(
    ("raw", "spo2", "pulse"),
    [
        ("80 00 40 7f 7f", None, None),
        ("80 00 00 00 00", None, None),
        ("80 00 40 7e 64", 100, 254),
        ("80 00 00 01 65", None, 1),
    ],
)
def test_invalid_numbers_are_none(raw: str, spo2: int | None, pulse: int | None) -> None:
    packet = Packet.parse(bytes.fromhex(raw))
    assert (packet.spo2, packet.pulse) == (spo2, pulse)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "truncated"),
        ("80 00 00 48", "truncated"),
        ("80 00 00 48 61 80", "trailing_bytes"),
        ("00 00 00 48 61", "out_of_sync"),
        ("80 00 00 c8 61", "out_of_sync"),
    ],
)
def test_damage_is_named(raw: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        Packet.parse(bytes.fromhex(raw))


@given(st.binary(max_size=7))
def test_any_bytes_come_back_or_are_refused(raw: bytes) -> None:
    try:
        packet = Packet.parse(raw)
    except Malformed as error:
        if not error.reason:
            raise
    else:
        assert bytes(packet) == raw


@given(st.lists(PACKETS, min_size=1, max_size=12), st.integers(1, 20))
def test_packets_come_out_of_notifications_of_any_length(packets: list[Packet], size: int) -> None:
    raw = b"".join(bytes(packet) for packet in packets) + b"\x80"
    stream = PacketStream()
    got = [packet for at in range(0, len(raw), size) for packet in stream.feed(raw[at : at + size])]
    assert got == packets
    assert stream.skipped == 0


@given(st.lists(PACKETS, min_size=3, max_size=12), st.data())
def test_lost_bytes_never_make_a_false_packet(packets: list[Packet], data: st.DataObject) -> None:
    """Up to four bytes in a row vanish: what comes out was sent, and all whose end was seen comes out."""
    raw = b"".join(bytes(packet) for packet in packets) + b"\x80"
    at = data.draw(st.integers(0, len(raw) - 6), label="from")
    count = data.draw(st.integers(1, 4), label="bytes")
    got = PacketStream().feed(raw[:at] + raw[at + count :])
    touched = range((at - 1) // 5, (at + count - 1) // 5 + 1)
    assert got == [packet for number, packet in enumerate(packets) if number not in touched]


@given(st.binary(max_size=60))
def test_any_stream_is_read(raw: bytes) -> None:
    stream = PacketStream()
    got = stream.feed(raw)
    assert all(bytes(packet) in raw for packet in got)
    assert len(got) * 5 + stream.skipped <= len(raw)
