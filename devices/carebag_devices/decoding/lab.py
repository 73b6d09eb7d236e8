"""Files of laboratory instruments: which results they hold, and which of those are a patient's."""

from collections.abc import Iterator, Sequence

from carebag_devices.codecs import lis01, lis2
from carebag_devices.codecs.lab_value import LabValue
from carebag_devices.decoding.model import CRP_MG_DL, Decoded, DecodedValue, Part, decoded, none, plain, word
from carebag_devices.errors import Malformed

_CRP_CODES = ("48421-2", "71426-1")
_UNITS = {"mg/l": "mg/L", "mg/dl": "mg/dL", "mmol/l": "mmol/L", "g/l": "g/L", "g/dl": "g/dL", "%": "%"}
_PROCESSING = {
    "Q": "quality control, never a patient's value",
    "T": "training, not from a patient",
    "D": "debugging, not from a patient",
    "": "the message does not say that it is about a patient (H.12 is empty)",
}
_STATUS = {
    "P": "preliminary, the final result comes later",
    "I": "pending, the result comes later",
    "S": "partial, the final result comes later",
    "M": "preliminary, the final result comes later",
    "X": "the instrument could not get a result",
    "W": "the instrument doubts the result",
    "N": "a request, not a result",
}
_NO_NUMBER = {
    "no_number": "the instrument sends no number",
    "decimal_comma": "the number has a decimal comma, which the standard does not know: not guessed",
    "other_comparator": "the comparator is neither < nor >: not guessed",
    "comparators_contradict": "the value and its flag say above and below at once",
    "not_a_number": "the instrument sends something other than a number",
}


def lis2_messages(raw: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The records in a file, taken out of LIS01 frames where it has them, and what was wrong with those.

    Raises `Malformed` where a transfer has no end, or nothing came.
    """
    if lis01.STX not in raw and lis01.ENQ not in raw:
        return (raw if b"\r" in raw else raw.replace(b"\n", b"\r")), ()
    receiver, text, problems, open_at_end = lis01.Receiver(), b"", list[str](), False
    for happened in receiver.feed(raw):
        open_at_end = not isinstance(happened, lis01.Ended)
        if isinstance(happened, lis01.Ended):
            text += happened.text
        elif isinstance(happened, lis01.Reply) and happened.reason:
            problems.append(f"a frame: {happened.reason.replace('_', ' ')}")
    if open_at_end and not text:
        raise Malformed("transfer_incomplete")
    if not text:
        raise Malformed("no_message")
    return text, tuple(problems)


def read_lis2(raw: bytes) -> Decoded:
    """One message from H to L."""
    text, problems = lis2_messages(raw)
    message = lis2.Message.parse(text)
    results = [_result(entry, why) for entry, why in _results(message)]
    if not message.normal_end:
        problems += (f"the instrument ended abnormally (L.3 is {message.records[-1].text(3)!r})",)
    names = zip(("instrument", "version", "serial"), message.sender, strict=True)
    parts = (*results, *(word(name, said or None) for name, said in names), Part((), problems))
    completed = next((entry.text(13) for entry, _ in _results(message) if entry.text(13)), message.sent)
    status = {"P": "patient", "Q": "quality_control", "T": "training", "D": "debugging"}.get(message.processing)
    return decoded(kind_of(results), parts, lis2.iso_time(completed), (status,) if status else ())


def kind_of(results: Sequence[Part]) -> str:
    """`crp` where there is nothing else."""
    names = {value.name for part in results for value in part.values}
    return "crp" if "crp" in names and names <= {"crp", "crp" + CRP_MG_DL.suffix} else "laboratory"


def _results(message: lis2.Message) -> Iterator[tuple[lis2.Record, str]]:
    """Every R record, with the reason why it is no patient's result; empty where it is."""
    of_all = "" if message.processing == "P" else _PROCESSING.get(message.processing, "not said to be about a patient")
    of_order = ""
    for entry in message.records:
        if entry.type == "P":
            of_order = ""
        elif entry.type == "O":
            of_order = _PROCESSING["Q"] if entry.text(12) == "Q" else ""
        elif entry.type == "R":
            yield entry, of_all or of_order or _STATUS.get(entry.text(9), "")


def _result(entry: lis2.Record, why_not: str) -> Part:
    code, name = entry.text(3, 4) or entry.text(3, 1), entry.text(3, 5)
    return lab_result(code, name, LabValue.parse(entry.text(4), entry.text(7)), entry.text(5), why_not)


def lab_result(code: str, name: str, said: LabValue, unit: str, why_not: str) -> Part:
    """A result under `crp`, or under its own name. `why_not` is empty for a patient's result."""
    known = code in _CRP_CODES or name.upper() == "CRP" or code.upper() == "CRP"
    label = "crp" if known else (name or code or "result").lower().replace(" ", "_")
    ucum = _UNITS.get(unit.lower(), unit)
    if why_not:
        part = none(label, ucum, f"{label}: not shown: {why_not}")
    elif said.number is None:
        part = none(label, ucum, f"{label}: {_NO_NUMBER[said.refused]}: {said.text!r}")
    else:
        part = Part((DecodedValue(label, plain(said.number), ucum, said.comparator),))
    return CRP_MG_DL.both(part) if label == "crp" and ucum == CRP_MG_DL.own else part
