"""What is fuzzed: every codec, by name. A check takes any bytes and must neither raise nor let a value change.

Where a codec has several parsers the first byte of the input picks one.
"""

import datetime
from collections.abc import Callable
from typing import SupportsBytes

from carebag_devices.codecs import (
    afinion,
    auscultation,
    auscultation_control,
    battery,
    berry,
    blood_pressure,
    blood_pressure_enhanced,
    blood_pressure_record,
    crc32c,
    current_time,
    date_time,
    device_information,
    elapsed_time,
    glucose,
    glucose_context,
    heart_rate,
    ieee11073,
    lab_value,
    lis01,
    lis2,
    plx,
    poct1a,
    poct1a_host,
    racp,
    rice,
    thermometer,
    weight_scale,
    xml_document,
)
from carebag_devices.decoding import CHARACTERISTICS, FILES, decode, decode_file
from carebag_devices.errors import Malformed

Check = Callable[[bytes], None]
Parser = Callable[[bytes], SupportsBytes]


class Changed(Exception):
    """A value was not the same after it was written and read again, or something else that must hold did not."""


def must(holds: object, what: str) -> None:
    """An assertion that -O does not remove."""
    if not holds:
        raise Changed(what)


def round_trip(*parsers: Parser) -> Check:
    """Bytes are refused with a reason, or read, written and read again as the same value; every property answers."""

    def check(raw: bytes) -> None:
        parse = parsers[raw[0] % len(parsers)] if raw else parsers[0]
        raw = raw[1:] if len(parsers) > 1 else raw
        try:
            value = parse(raw)
        except Malformed as error:
            must(error.reason, "refused without a reason")
            return
        must(parse(bytes(value)) == value, "changed on the way")
        for name, member in vars(type(value)).items():
            if isinstance(member, property):
                getattr(value, name)

    return check


def pieces(raw: bytes) -> list[bytes]:
    """Cut into chunks; the first byte of each says how long it is."""
    chunks = []
    while raw:
        size = raw[0] % 32 + 1
        chunks.append(raw[1 : 1 + size])
        raw = raw[1 + size :]
    return chunks


def big_endian(raw: bytes) -> None:
    """The quirk writes what it reads, unless it was read as specified."""
    try:
        value = blood_pressure.BloodPressureMeasurement.parse_big_endian(raw)
    except Malformed as error:
        must(error.reason, "refused without a reason")
        return
    if value.user is not None:
        again = blood_pressure.BloodPressureMeasurement.parse_big_endian(value.big_endian())
        must(again == value, "changed on the way")


def records(raw: bytes) -> None:
    """Segments in any order; and any value in segments of any size."""
    assembler = blood_pressure_record.RecordAssembler(crc=bool(raw[:1] > b"\x80"))
    for chunk in pieces(raw[1:]):
        try:
            assembler.feed(blood_pressure_record.Segment.parse(chunk))
        except Malformed as error:
            must(error.reason, "refused without a reason")
    record = blood_pressure_record.Record(len(raw), 0x2B34, raw[:500])
    for crc in (False, True):
        assembler = blood_pressure_record.RecordAssembler(crc=crc)
        got = [assembler.feed(segment) for segment in record.segments(8 + len(raw) % 60, crc=crc)]
        must(got[-1] == record, "changed on the way")


def berry_stream(raw: bytes) -> None:
    """Chunks make no difference, and no packet is made up."""
    whole, parts = berry.PacketStream(), berry.PacketStream()
    chunks = pieces(raw)
    joined = b"".join(chunks)
    packets = whole.feed(joined)
    must([packet for chunk in chunks for packet in parts.feed(chunk)] == packets, "chunks made a difference")
    must(all(bytes(packet) in joined for packet in packets), "made up a packet")
    for packet in packets:
        must(packet.withheld is not None or packet.spo2 or packet.pulse, "no number and no reason")


def rice_coded(raw: bytes) -> None:
    """Anything decodes or is refused; every sound comes back bit for bit."""
    if not raw:
        return
    try:
        samples = rice.decode(raw[1:], max(raw[0], 1))
    except Malformed as error:
        must(error.reason, "refused without a reason")
    else:
        must(len(samples) == max(raw[0], 1), "another number of samples")
    data = raw[: len(raw) // 2 * 2][:510]
    if data:
        frame = auscultation.AudioFrame(1, 2, data, fmt=auscultation.Format.RICE)
        must(auscultation.AudioFrame.parse(bytes(frame)).data == data, "the sound changed")


def crc(raw: bytes) -> None:
    """Going on is the same as beginning anew."""
    at = len(raw) // 2
    must(crc32c.crc32c(raw) == crc32c.crc32c(raw[at:], crc32c.crc32c(raw[:at])), "parts made a difference")


def receiver(raw: bytes) -> None:
    """Chunks make no difference to what a receiver answers and keeps; a sender survives any answer."""
    whole, parts = lis01.Receiver(), lis01.Receiver()
    chunks = pieces(raw)
    must(
        [each for chunk in chunks for each in parts.feed(chunk)] == whole.feed(b"".join(chunks)),
        "chunks made a difference",
    )
    whole.timeout()
    sender = lis01.Sender([b"H|\\^&\r", b"L|1|N\r"], frame_text=4)
    sender.start()
    for chunk in chunks:
        sender.feed(chunk)
    sender.timeout()


def afinion_link(raw: bytes) -> None:
    """Chunks make no difference to what the kit answers; what is kept can be read or is refused."""
    chunks, kept = pieces(raw), list[bytes]()

    def keep(records: list[bytes]) -> bool:
        kept.extend(records)
        return len(raw) % 2 == 0

    whole, parts = afinion.Host(keep), afinion.Host(keep)
    since = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
    must(whole.ask(since) == parts.ask(since), "another question")
    answers = whole.feed(b"".join(chunks))
    must([each for chunk in chunks for each in parts.feed(chunk)] == answers, "chunks made a difference")
    whole.timeout()
    packet = afinion.Packet(len(raw), raw)
    must(afinion.Packet.parse(bytes(packet)) == packet, "changed on the way")
    must(afinion.Splitter().feed(bytes(packet)) == [bytes(packet)], "the packet was not found")
    if len(raw) % 16:
        return
    # 2.6 kB under a checksum take long
    kept.clear()
    afinion.Host(keep).feed(bytes(afinion.Packet(7, afinion.PATIENT_RECORDS + raw[:256].ljust(2560, b"\0"))))
    must(kept == [raw[:256].ljust(256, b"\0"), *[bytes(256)] * 9], "records were not kept as sent")


def afinion_record(raw: bytes) -> None:
    """256 bytes, the rest of them zero; every result prints as a number."""
    check = round_trip(afinion.Record.parse)
    check(raw[:256].ljust(256, b"\0"))
    try:
        record = afinion.Record.parse(raw[:256].ljust(256, b"\0"))
    except Malformed:
        return
    for assay in record.assays:
        must(assay.printed.number is not None, "no number")


def poct1a_message(raw: bytes) -> None:
    """What is written says the same again; what leaves a control's message is no patient's."""
    try:
        message = poct1a.Message.parse(raw)
    except Malformed as error:
        must(error.reason, "refused without a reason")
        return
    # not the message itself: a control's observations are written where controls have them, wherever they stood
    must(bytes(poct1a.Message.parse(bytes(message))) == bytes(message), "changed on the way")
    body = message.body
    if isinstance(body, poct1a.Observations):
        must(not (body.control and body.of_patients), "a control's result for a patient")


def poct1a_link(raw: bytes) -> None:
    """Chunks make no difference to what the kit answers."""
    chunks = pieces(raw)
    whole, parts = (poct1a_host.Host(lambda *_: True, lambda: "2026-11-22T10:15:00+00:00") for _ in range(2))
    must(
        [each for chunk in chunks for each in parts.feed(chunk)] == whole.feed(b"".join(chunks)),
        "chunks made a difference",
    )
    whole.timeout()


def xml_stream(raw: bytes) -> None:
    """Chunks make no difference; elements come back."""
    whole, parts = xml_document.Splitter(), xml_document.Splitter()
    chunks = pieces(raw)
    documents = whole.feed(b"".join(chunks))
    must([each for chunk in chunks for each in parts.feed(chunk)] == documents, "chunks made a difference")
    must(parts.broken == whole.broken, "chunks made a difference to what is broken")
    for document in documents:
        round_trip(xml_document.Element.parse)(document.raw)
    round_trip(xml_document.Element.parse)(raw)


def laboratory_value(raw: bytes) -> None:
    """A number, or a reason why there is none."""
    text, _, flag = raw.decode("latin-1").partition("|")
    said = lab_value.LabValue.parse(text, flag)
    must((said.number is None) == bool(said.refused), "no number and no reason")


def lis2_message(raw: bytes) -> None:
    """Records come back, and every result has a number or a reason."""
    round_trip(lis2.Message.parse)(raw)
    try:
        message = lis2.Message.parse(raw)
        results = message.chart_results()
    except Malformed:
        return
    must(message.processing == "P" or not results, "a result that is about no patient")
    must(all((result.value is None) == bool(result.refused) for result in results), "no number and no reason")


def decoding(raw: bytes) -> None:
    """What has no number has a problem."""
    if not raw:
        return
    names = [*CHARACTERISTICS, *FILES]
    name = names[raw[0] % len(names)]
    try:
        said = decode_file(name, raw[1:]) if name in FILES else decode(name, raw[1:])
    except Malformed as error:
        must(error.reason, "refused without a reason")
        return
    must(said.problems or all(value.value is not None for value in said.values), "no number and no problem")


TARGETS: dict[str, Check] = {
    "afinion": round_trip(afinion.Packet.parse),
    "afinion_link": afinion_link,
    "afinion_record": afinion_record,
    "auscultation": round_trip(auscultation.AudioFrame.parse, auscultation.Digest.parse, auscultation.Info.parse),
    "auscultation_control": round_trip(auscultation_control.parse_command, auscultation_control.parse_indication),
    "battery": round_trip(battery.BatteryLevel.parse),
    "berry": round_trip(berry.Packet.parse),
    "berry_stream": berry_stream,
    "blood_pressure": round_trip(
        blood_pressure.BloodPressureMeasurement.parse,
        blood_pressure.BloodPressureFeature.parse,
        blood_pressure.MeasurementStatus.parse,
    ),
    "blood_pressure_big_endian": big_endian,
    "blood_pressure_enhanced": round_trip(
        blood_pressure_enhanced.EnhancedBloodPressure.parse, blood_pressure_enhanced.EnhancedCuffPressure.parse
    ),
    "blood_pressure_record": records,
    "crc32c": crc,
    "current_time": round_trip(
        current_time.CurrentTime.parse,
        current_time.LocalTimeInformation.parse,
        current_time.ReferenceTimeInformation.parse,
    ),
    "date_time": round_trip(date_time.DateTime.parse),
    "decoding": decoding,
    "device_information": round_trip(
        device_information.Text.parse,
        device_information.SystemId.parse,
        device_information.Certifications.parse,
        device_information.PnpId.parse,
        device_information.Udi.parse,
    ),
    "elapsed_time": round_trip(elapsed_time.ElapsedTime.parse),
    "glucose": round_trip(glucose.GlucoseMeasurement.parse, glucose.GlucoseFeature.parse),
    "glucose_context": round_trip(glucose_context.GlucoseContext.parse),
    "heart_rate": round_trip(
        heart_rate.HeartRateMeasurement.parse, heart_rate.BodySensorLocation.parse, heart_rate.ResetEnergy.parse
    ),
    "ieee11073": round_trip(ieee11073.SFloat.parse, ieee11073.Float.parse),
    "lab_value": laboratory_value,
    "lis01": round_trip(lis01.Frame.parse),
    "lis01_link": receiver,
    "lis2": lis2_message,
    "plx": round_trip(plx.SpotCheck.parse, plx.Continuous.parse, plx.Features.parse, plx.Reading.parse),
    "poct1a": poct1a_message,
    "poct1a_host": poct1a_link,
    "racp": round_trip(racp.parse),
    "rice": rice_coded,
    "thermometer": round_trip(
        thermometer.TemperatureMeasurement.parse,
        thermometer.TemperatureType.parse,
        thermometer.MeasurementInterval.parse,
    ),
    "weight_scale": round_trip(weight_scale.WeightMeasurement.parse, weight_scale.WeightScaleFeature.parse),
    "xml_document": xml_stream,
}
