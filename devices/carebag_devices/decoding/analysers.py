"""Files of analysers that speak POCT1-A2 or Afinion's own protocol: their results, and which are a patient's."""

from carebag_devices.codecs import afinion, poct1a
from carebag_devices.codecs.xml_document import Splitter
from carebag_devices.decoding.lab import kind_of, lab_result
from carebag_devices.decoding.model import Decoded, Part, count, decoded, word
from carebag_devices.errors import Malformed

_ROLES = {
    "LQC": "quality control, never a patient's value",
    "CAL": "calibration, never a patient's value",
    "CVR": "calibration verification, never a patient's value",
    "PRF": "a proficiency test, never a patient's value",
}
_TEST_STATUS = {"D": "the instrument discarded the result", "R": "the instrument rejected the result"}
_CONTROL_RECORDS = b"0025:record,control@"
_BREAKS_OFF = "the file breaks off in the middle of a message"


def read_poct1a(raw: bytes) -> Decoded:
    """All messages of a conversation, or one. Raises `Malformed` where there is none, or one that cannot be read."""
    splitter = Splitter()
    documents = splitter.feed(raw)
    if splitter.broken or not documents:
        raise Malformed(splitter.broken or "no_message")
    messages = [poct1a.Message.parse(document.raw) for document in documents]
    rest = raw.rpartition(documents[-1].raw)[2].strip(b"\x1c\r\n\t ")
    parts, status, times = list[Part](), list[str](), list[str]()
    for message in messages:
        if isinstance(message.body, poct1a.Observations):
            for service in message.body.services:
                parts += _service(service, control=message.body.control)
                times += [service.observed] * bool(service.observed)
                status += ["lock_overridden"] * (service.status == "OVR")
    results = list(parts)
    for message in messages:
        parts.append(word("message", type(message.body).__name__.lower()))
        if isinstance(message.body, poct1a.Hello):
            parts += [word("model", message.body.model or None), word("serial", message.body.serial or None)]
    parts.append(Part((), (_BREAKS_OFF,) if rest else ()))
    return decoded(kind_of(results), parts, times[-1] if times else None, dict.fromkeys(status))


def _service(service: poct1a.Service, *, control: bool) -> list[Part]:
    of_all = ""
    if control or service.role != "OBS":
        of_all = _ROLES.get(service.role, _ROLES["LQC"] if control else "not said to be about a patient")
    return [lab_result(test.code, test.name, test.value, test.unit, of_all or _why_not(test)) for test in service.tests]


def _why_not(test: poct1a.Analyte) -> str:
    if test.valid:
        return ""
    return _TEST_STATUS.get(test.status, "not measured by the instrument" if not test.status else "not accepted")


def read_afinion(raw: bytes) -> Decoded:
    """What came over the line, or a bare reply of ten records, or one record. Raises `Malformed`."""
    parts, times, problems = list[Part](), list[str](), list[str]()
    for data, why_not in _afinion_replies(raw, problems):
        for each in data:
            record = afinion.Record.parse(each)
            if not record.assays:
                continue
            times.append(record.completed)
            parts += [lab_result(assay.code, "", assay.printed, assay.unit, why_not) for assay in record.assays]
            parts += [count("record", record.number), word("lot", record.lot or None)]
    names = {value.name for part in parts for value in part.values} - {"record", "lot"}
    parts.append(Part((), tuple(problems)))
    kind = "crp" if names and names <= {"crp", "crp_mg_dl"} else "laboratory"
    return decoded(kind, parts, max(times, default=None), () if times else ("no_records",))


def _afinion_replies(raw: bytes, problems: list[str]) -> list[tuple[list[bytes], str]]:
    """Records, and why they are no patient's (empty where they are)."""
    if len(raw) == afinion.RECORD_SIZE:
        return [([raw], "")]
    if afinion.DLE + afinion.STX not in raw:
        return [(afinion.split_reply(raw), "")]
    replies, packets = [], afinion.Splitter().feed(raw)
    for each in packets:
        try:
            body = afinion.Packet.parse(each).body
        except Malformed as error:
            problems.append(f"a packet: {error.reason.replace('_', ' ')}")
            continue
        for beginning, why_not in ((afinion.PATIENT_RECORDS, ""), (_CONTROL_RECORDS, _ROLES["LQC"])):
            # a request begins in the same way and has a date where a reply has its records
            if body.startswith(beginning) and len(body) > len(beginning) + afinion.RECORD_SIZE:
                replies.append((afinion.split_reply(body[len(beginning) :]), why_not))
    if not packets:
        raise Malformed("transfer_incomplete")
    if not replies and problems:
        raise Malformed("bad_checksum")
    return replies
