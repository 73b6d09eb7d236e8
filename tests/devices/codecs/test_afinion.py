"""Afinion's packets and records. Everything here is synthetic, made after the layout in elexis-3-base."""

import itertools
import struct
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.codecs import afinion
from carebag_devices.codecs.afinion import ACK, NAK, Assay, Host, Outcome, Packet, Record, Splitter
from carebag_devices.errors import Malformed

SINCE = datetime(2026, 11, 22, tzinfo=UTC)
FLOAT32 = st.floats(0, 1e6, width=32).map(lambda number: afinion._shortest(struct.pack("<f", number)))
NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=9)
ASSAYS = st.builds(Assay, NAMES, NAMES, st.just(Decimal(5)), st.just(Decimal(200)), FLOAT32, st.integers(0, 6))
RECORDS = st.builds(
    Record,
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**31), 2**31 - 1),
    NAMES,
    NAMES,
    st.integers(0, 2**32 - 1),
    st.lists(ASSAYS, max_size=4).map(tuple),
)


def crp(result: str, decimals: int = 1, low: str = "5", high: str = "200") -> Assay:
    return Assay("CRP", "mg/L", Decimal(low), Decimal(high), Decimal(result), decimals)


def reply(*records: Record) -> bytes:
    return afinion.PATIENT_RECORDS + b"".join(bytes(one) for one in records).ljust(2560, b"\0")


def test_the_checksum_is_the_one_of_the_catalogues() -> None:
    """CRC-16/MCRF4XX, check value of the catalogue of parametrised CRC algorithms."""
    assert afinion.crc16(b"123456789") == 0x6F91


def test_golden_packet() -> None:
    packet = Packet(21, b"0025:record,patient@20261122 00:00:00")
    raw = b"\x10\x020021" + packet.body + b"\x10\x17"
    assert bytes(packet) == raw + b"%04X" % afinion.crc16(raw) + b"\x10\x03"
    assert Packet.parse(bytes(packet)) == packet
    assert afinion.request(SINCE) == packet.body


def test_golden_record() -> None:
    raw = bytes.fromhex(
        "07000000 29000000" + "00" * 17 + "313032333435".ljust(34, "0") + "50312c4d".ljust(34, "0") + "00"
        "9a8c2169 00000000"
        "0000a040 00004843 cdcc4441 01000000 01000000 6d672f4c0000000000 435250000000000000 0000"
    )
    record = Record.parse(raw.ljust(256, b"\0"))
    assert record == Record(7, 41, "102345", "P1,M", 0x69218C9A, (crp("12.3"),))
    assert record.completed == "2025-11-22T10:12:42+00:00"
    assert record.assays[0].printed.text == "12.3"


@pytest.mark.parametrize(
    ("assay", "printed"),
    [
        (crp("12.3"), "12.3"),
        (crp("12", 1), "12.0"),
        (crp("12.34", 1), "12.3"),
        (crp("12.35", 1), "12.4"),
        (crp("12.5", 0), "13"),
        (crp("4.99"), "<5"),
        (crp("5"), "5.0"),
        (crp("200", 0), "200"),
        (crp("200.1", 0), ">200"),
        (crp("340000000000000000000000000000000000000", 6), ">200"),
        (crp("999999.9", 6, high="1000000"), "999999.900000"),
        (crp("0.1", 0, low="0.5"), "<0.5"),
    ],
)
def test_what_the_analyser_prints(assay: Assay, printed: str) -> None:
    value = assay.printed
    assert value.text == printed
    assert f"{value.comparator or ''}{value.number}" == printed


@pytest.mark.parametrize(
    ("at", "hexadecimal", "reason"),
    [
        (8, "0000c07f", "not_a_number"),
        (8, "0000807f", "not_a_number"),
        (8, "0000c0c2", "bad_limits"),
        (4, "00000000", "bad_limits"),
        (4, "ffff7f7f", "bad_limits"),
        (0, "0000c07f", "not_a_number"),
        (12, "07000000", "bad_decimals"),
        (12, "ffffffff", "bad_decimals"),
        (29, "07", "control_character"),
    ],
)
def test_bad_assays_say_why(at: int, hexadecimal: str, reason: str) -> None:
    damage = bytes.fromhex(hexadecimal)
    raw = bytes(crp("12.3"))
    with pytest.raises(Malformed, match=reason):
        Assay.parse(raw[:at] + damage + raw[at + len(damage) :])


def test_an_empty_place_is_no_assay_whatever_it_holds() -> None:
    raw = b"\xff" * 16 + bytes(4) + b"\xff" * 20
    assert Assay.parse(raw) is None


def test_what_is_behind_the_end_of_a_text_is_not_read() -> None:
    raw = bytes(crp("12.3"))
    found = Assay.parse(raw[:33] + b"\x07\xff" + raw[35:])
    assert found is not None
    assert found.code == "CRP"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not_a_packet"),
        (bytes(Packet(1, b"x"))[:-1], "not_a_packet"),
        (bytes(Packet(1, b"x")) + b"\0", "not_a_packet"),
        (bytes(Packet(1, b"x")).replace(b"x", b"y"), "bad_checksum"),
        (bytes(Packet(1, b"x"))[:-6] + b"0000\x10\x03", "bad_checksum"),
        (b"\x10\x020001\x10\x17AAAA\x10\x03", "bad_checksum"),
    ],
)
def test_bad_packets_say_why(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        Packet.parse(raw)


@pytest.mark.parametrize("content", [b"12a4x", b"123", b"12345\x10x"])
def test_bad_contents_of_packets(content: bytes) -> None:
    head = b"\x10\x02" + content + b"\x10\x17"
    with pytest.raises(Malformed, match=r"bad_packet_number|control_character|not_a_packet"):
        Packet.parse(head + b"%04X" % afinion.crc16(head) + b"\x10\x03")


def test_a_checksum_over_the_plain_content_is_taken_too() -> None:
    plain = b"\x10\x020001a\x10b\x10\x17"
    raw = b"\x10\x020001a\x10\x10b\x10\x17" + b"%04X" % afinion.crc16(plain) + b"\x10\x03"
    assert Packet.parse(raw) == Packet(1, b"a\x10b")


@given(st.integers(0, 9999), st.binary(max_size=60))
def test_packets_round_trip(number: int, body: bytes) -> None:
    packet = Packet(number, body)
    assert Packet.parse(bytes(packet)) == packet


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_a_packet_or_refused(raw: bytes, framed: bool) -> None:
    head = b"\x10\x02" + raw + b"\x10\x17"
    try:
        Packet.parse(head + b"%04X" % afinion.crc16(head) + b"\x10\x03" if framed else raw)
    except Malformed as error:
        if not error.reason:
            raise


@given(RECORDS)
def test_records_round_trip(record: Record) -> None:
    assert Record.parse(bytes(record)) == record


@given(st.binary(min_size=256, max_size=256))
def test_any_bytes_are_a_record_or_refused(raw: bytes) -> None:
    try:
        for assay in Record.parse(raw).assays:
            assert assay.printed.number is not None
    except Malformed as error:
        if not error.reason:
            raise


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_shortest_decimal_is_the_number(number: float) -> None:
    raw = struct.pack("<f", number)
    assert struct.pack("<f", float(afinion._shortest(raw))) == raw


@pytest.mark.parametrize("size", [0, 2559, 2561, 2567, 2569])
def test_a_reply_of_another_size(size: int) -> None:
    with pytest.raises(Malformed, match="bad_reply_size"):
        afinion.split_reply(bytes(size))


@pytest.mark.parametrize("extra", [0, 8])
def test_a_reply_has_ten_records(extra: int) -> None:
    whole = b"".join(bytes([n]) * 256 for n in range(10))
    assert afinion.split_reply(whole + bytes(extra)) == [bytes([n]) * 256 for n in range(10)]


@given(st.lists(st.binary(max_size=30), max_size=4), st.lists(st.integers(0, 300)))
def test_splitting_finds_every_packet_in_any_pieces(bodies: list[bytes], cuts: list[int]) -> None:
    packets = [bytes(Packet(n, body)) for n, body in enumerate(bodies)]
    stream = b"Afinion\r" + b"text\x10\r".join([*packets, b""])
    edges = [0, *sorted({min(cut, len(stream)) for cut in cuts}), len(stream)]
    splitter = Splitter()
    assert [one for a, b in itertools.pairwise(edges) for one in splitter.feed(stream[a:b])] == packets


@given(st.binary(max_size=200))
def test_any_bytes_leave_the_host_usable(raw: bytes) -> None:
    host = Host(lambda _records: True)
    host.ask(SINCE)
    host.feed(raw)
    host.ask(SINCE)
    assert Outcome.NOTHING in host.feed(b"\r" + bytes(Packet(1, b"0025:cmdcmpl@")))


def test_a_packet_that_broke_off_hides_no_other() -> None:
    good = bytes(Packet(2, b"good"))
    assert Splitter().feed(bytes(Packet(1, b"broken off"))[:9] + good) == [good]


def test_an_endless_packet_is_given_up() -> None:
    splitter = Splitter()
    assert splitter.feed(b"\x10\x02" + b"x" * afinion.MAX_PACKET * 2 + b"\x10\x03") == []
    assert splitter.feed(bytes(Packet(1, b"x"))) == [bytes(Packet(1, b"x"))]


class TestHost:
    def setup_method(self) -> None:
        self.kept: list[list[bytes]] = []
        self.willing = True
        self.host = Host(self.keep)

    def keep(self, records: list[bytes]) -> bool:
        self.kept.append(records)
        return self.willing

    def hear(self, number: int, body: bytes) -> list[bytes | Outcome]:
        answers = self.host.feed(bytes(Packet(number, body)))
        return [Packet.parse(one).body if isinstance(one, bytes) else one for one in answers]

    def test_a_question_and_its_answer(self) -> None:
        assert Packet.parse(self.host.ask(SINCE)) == Packet(21, b"0025:record,patient@20261122 00:00:00")
        assert self.hear(21, ACK) == []
        answers = self.host.feed(bytes(Packet(7, reply())))
        assert answers == [bytes(Packet(7, ACK)), bytes(Packet(22, b"0025:cmdack@")), Outcome.ANSWERED]
        assert len(self.kept[0]) == 10
        assert not self.host.asking

    def test_what_could_not_be_kept_is_refused(self) -> None:
        self.willing = False
        self.host.ask(SINCE)
        assert self.hear(7, reply()) == [NAK, Outcome.NOT_KEPT]

    def test_a_damaged_reply_is_refused_and_its_repetition_taken(self) -> None:
        self.host.ask(SINCE)
        good = bytes(Packet(7, reply()))
        assert self.host.feed(good[:-6] + b"0000" + good[-2:]) == [bytes(Packet(7, NAK))]
        assert self.hear(7, reply()[:-1]) == [NAK]
        assert self.kept == []
        assert Outcome.ANSWERED in self.host.feed(good)

    def test_a_reply_that_comes_twice_is_acknowledged_twice(self) -> None:
        self.host.ask(SINCE)
        self.hear(7, reply())
        assert self.hear(7, reply()) == [ACK, b"0025:cmdack@"]

    def test_a_refused_question_is_asked_three_times(self) -> None:
        asked = self.host.ask(SINCE)
        for _ in range(2):
            assert self.host.feed(bytes(Packet(21, NAK))) == [asked]
        assert self.hear(21, NAK) == [Outcome.REFUSED]
        assert self.hear(21, NAK) == []

    def test_silence(self) -> None:
        asked = self.host.ask(SINCE)
        assert [self.host.timeout() for _ in range(4)] == [[asked], [asked], [Outcome.SILENT], []]

    def test_what_it_says_besides(self) -> None:
        self.host.ask(SINCE)
        for body in (b"0024:record.control@xyz", b"debugmsg@", b"FFFF:IC@"):
            assert self.hear(3, body) == [ACK]
        assert self.hear(4, b"0025:cmdcmpl@") == [ACK, Outcome.NOTHING]
        self.host.ask(SINCE)
        assert self.hear(4, b"0025:cmderr@") == [ACK, Outcome.REFUSED]
        assert self.kept == []

    def test_numbers_of_packets_begin_anew(self) -> None:
        self.host._number = 9997
        assert [Packet.parse(self.host.ask(SINCE)).number for _ in range(3)] == [9998, 9999, 1]
