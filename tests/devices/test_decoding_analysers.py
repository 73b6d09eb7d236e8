"""POCT1-A2 and Afinion files. Synthetic, written with the codecs that the analysers' simulators use."""

from decimal import Decimal

import pytest

from carebag_devices.codecs import afinion
from carebag_devices.codecs.lab_value import LabValue
from carebag_devices.codecs.poct1a import Analyte, Hello, KeepAlive, Message, Observations, Service
from carebag_devices.codecs.xml_document import Document, Framing
from carebag_devices.decoding import Decoded, decode_file
from carebag_devices.errors import Malformed

CRP = Analyte("48421-2", LabValue.parse("<5"), "mg/L", "CRP", "M", "A")
SERVICE = Service("OBS", "2026-11-22T10:15:30+01:00", (CRP,), patient="P1", status="NRM", reason="NEW")
HELLO = bytes(Message("1", "", Hello(serial="77", model="Reader", directives=("START_CONTINUOUS",))))


def observations(*services: Service, control: bool = False) -> bytes:
    return bytes(Message("2", "", Observations(services, control)))


def crp(said: Decoded) -> list[tuple[str | None, str | None]]:
    return [(value.value, value.comparator) for value in said.values if value.name == "crp"]


def test_a_patients_result() -> None:
    said = decode_file("poct1a", observations(SERVICE))
    assert (said.kind, crp(said), said.problems) == ("crp", [("5", "<")], ())
    assert said.time == "2026-11-22T10:15:30+01:00"


def test_a_conversation_bare_and_wrapped() -> None:
    raw = HELLO + observations(SERVICE) + bytes(Message("3", "", KeepAlive()))
    said = decode_file("poct1a", raw)
    assert crp(said) == [("5", "<")]
    assert [value.value for value in said.values if value.name in ("message", "model", "serial")] == [
        "hello",
        "Reader",
        "77",
        "observations",
        "keepalive",
    ]
    wrapped = bytes(Document(HELLO, Framing.MLLP)) + bytes(Document(observations(SERVICE), Framing.MLLP))
    assert crp(decode_file("poct1a", wrapped)) == [("5", "<")]


@pytest.mark.parametrize(
    "service",
    [
        Service("LQC", "", (CRP,)),
        Service("CAL", "", (CRP,)),
        Service("PRF", "", (CRP,)),
        Service("", "", (CRP,)),
        Service("OBS", "", (Analyte("48421-2", CRP.value, "mg/L", method="I"),)),
        Service("OBS", "", (Analyte("48421-2", CRP.value, "mg/L", status="D"),)),
        Service("OBS", "", (Analyte("48421-2", CRP.value, "mg/L", status="R"),)),
        Service("OBS", "", (Analyte("48421-2", LabValue.parse("error"), "mg/L"),)),
    ],
)
def test_what_is_no_patients_result_has_no_number(service: Service) -> None:
    said = decode_file("poct1a", observations(service))
    assert crp(said) == [(None, None)]
    assert len(said.problems) == 1


def test_control_observations_have_no_number() -> None:
    assert crp(decode_file("poct1a", observations(SERVICE, control=True))) == [(None, None)]


def test_a_message_that_breaks_off_is_said() -> None:
    said = decode_file("poct1a", observations(SERVICE) + HELLO[:30])
    assert crp(said) == [("5", "<")]
    assert "breaks off" in said.problems[0]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (HELLO[:-5], "no_message"),
        (b"hello", "no_message"),
        (b"<!DOCTYPE x []><x/>", "document_type"),
        (b"<x/>", "no_control_id"),
        (b"</x>", "not_a_document"),
    ],
)
def test_damage_of_xml_is_named(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        decode_file("poct1a", raw)


def record(result: str, seconds: int = 1_795_342_500) -> bytes:
    assay = afinion.Assay("CRP", "mg/L", Decimal(5), Decimal(200), Decimal(result), 1)
    return bytes(afinion.Record(7, 41, "102345", "P1", seconds, (assay,)))


def reply(*records: bytes, prefix: bytes = afinion.PATIENT_RECORDS) -> bytes:
    return bytes(afinion.Packet(7, prefix + b"".join(records).ljust(2560, b"\0")))


@pytest.mark.parametrize(
    ("result", "expected"), [("12.34", ("12.3", None)), ("3", ("5", "<")), ("250.5", ("200", ">"))]
)
def test_an_afinion_result_as_the_analyser_shows_it(result: str, expected: tuple[str, str | None]) -> None:
    said = decode_file("afinion", b"boot text" + reply(record(result)))
    assert (said.kind, crp(said), said.problems) == ("crp", [expected], ())
    assert said.time == "2026-11-22T10:15:00+00:00"
    assert {value.name: value.value for value in said.values}["lot"] == "102345"
    assert not any(value.value == "P1" for value in said.values)


def test_afinion_without_its_packets() -> None:
    bare = (record("10") + record("11", 1_795_342_600)).ljust(2560, b"\0")
    said = decode_file("afinion", bare)
    assert crp(said) == [("10.0", None), ("11.0", None)]
    assert said.time == "2026-11-22T10:16:40+00:00"
    assert crp(decode_file("afinion", bare + bytes(8))) == crp(said)
    assert crp(decode_file("afinion", record("10"))) == [("10.0", None)]


def test_afinions_controls_have_no_number() -> None:
    said = decode_file("afinion", reply(record("33"), prefix=b"0025:record,control@"))
    assert crp(said) == [(None, None)]


def test_an_empty_afinion_memory_is_no_error() -> None:
    asked = bytes(afinion.Packet(21, afinion.PATIENT_RECORDS + b"20261122 00:00:00"))
    said = decode_file("afinion", asked + reply())
    assert (said.values, said.status, said.problems) == ((), ("no_records",), ())


def test_a_damaged_afinion_packet_is_said() -> None:
    good, bad = reply(record("10")), bytearray(reply(record("11")))
    bad[400] ^= 1
    said = decode_file("afinion", bytes(bad) + good)
    assert crp(said) == [("10.0", None)]
    assert said.problems == ("a packet: bad checksum",)
    with pytest.raises(Malformed, match="bad_checksum"):
        decode_file("afinion", bytes(bad))


@pytest.mark.parametrize(
    ("raw", "reason"), [(b"abc", "bad_reply_size"), (reply(record("10"))[:-1], "transfer_incomplete")]
)
def test_damage_of_an_afinion_file_is_named(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        decode_file("afinion", raw)
