"""CLSI LIS2-A2 (ASTM E1394), the records of laboratory instruments.

Separators come from the header, values keep their comparator.

Only results for the patient's chart leave `chart_results`: processing id (H.12) `P`, and no order marked as
quality control. Field numbers as in public interface manuals, the standard's text was not read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from carebag_devices.codecs.lab_value import Comparator, LabValue
from carebag_devices.errors import Malformed

Field = tuple[tuple[str, ...], ...]
"""Repeats of components, unescaped. An empty field is `(("",),)`."""

_KNOWN = frozenset("HPOQRCMSL")


@dataclass(frozen=True)
class Separators:
    """The four characters a header announces, `|\\^&` in nearly all instruments."""

    field: str = "|"
    repeat: str = "\\"
    component: str = "^"
    escape: str = "&"

    @classmethod
    def parse(cls, header: str) -> Self:
        """From the first five characters of an H record. Raises `Malformed`."""
        marks = header[1:5]
        if header[:1] != "H" or len(marks) != 4 or len(set(marks)) != 4:
            raise Malformed("bad_separators")
        if any(mark.isalnum() or not mark.isprintable() or mark == " " for mark in marks):
            raise Malformed("bad_separators")
        return cls(*marks)

    def unescape(self, text: str) -> str:
        """`&F&` `&S&` `&R&` `&E&` and `&Xhh..&`; anything else between escapes is kept as it is."""
        named = {"F": self.field, "S": self.component, "R": self.repeat, "E": self.escape}
        mark = re.escape(self.escape)

        def decoded(match: re.Match[str]) -> str:
            body = match[1]
            return named[body] if body in named else bytes.fromhex(body[1:]).decode("latin-1")

        return re.sub(f"{mark}([FSRE]|X(?:[0-9A-Fa-f]{{2}})+){mark}", decoded, text)

    def escape_text(self, text: str) -> str:
        """The inverse: separators by name, control characters by code."""
        named = {self.field: "F", self.component: "S", self.repeat: "R", self.escape: "E"}
        return "".join(self._escaped(character, named) for character in text)

    def _escaped(self, character: str, named: dict[str, str]) -> str:
        if name := named.get(character):
            return f"{self.escape}{name}{self.escape}"
        if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0:
            return f"{self.escape}X{ord(character):02X}{self.escape}"
        return character


@dataclass(frozen=True)
class Record:
    """One line. `fields[0]` is the type letter; numbering in the methods is the standard's, from 1."""

    fields: tuple[Field, ...]

    @property
    def type(self) -> str:
        return self.text(1)

    def text(self, number: int, component: int = 1) -> str:
        """A component of a field's first repeat; empty where the record is shorter."""
        if number > len(self.fields):
            return ""
        components = self.fields[number - 1][0]
        return components[component - 1] if component <= len(components) else ""

    @classmethod
    def parse(cls, line: str, separators: Separators) -> Self:
        # The header's second field *is* the separators and must not be taken apart by them.
        if line[:1] == "H":
            head: tuple[Field, ...] = ((("H",),), ((line[2:5],),))
            rest = line[5:].split(separators.field)
            if rest[0]:
                raise Malformed("bad_separators")
            return cls(head + tuple(_field(part, separators) for part in rest[1:]))
        return cls(tuple(_field(part, separators) for part in line.split(separators.field)))

    def encode(self, separators: Separators) -> str:
        if self.type == "H":
            head = "H" + separators.field + separators.repeat + separators.component + separators.escape
            return separators.field.join([head, *(_encoded(field, separators) for field in self.fields[2:])])
        return separators.field.join(_encoded(field, separators) for field in self.fields)


def _field(part: str, separators: Separators) -> Field:
    return tuple(
        tuple(separators.unescape(component) for component in repeat.split(separators.component))
        for repeat in part.split(separators.repeat)
    )


def _encoded(field: Field, separators: Separators) -> str:
    return separators.repeat.join(
        separators.component.join(separators.escape_text(component) for component in repeat) for repeat in field
    )


def field(*components: str) -> Field:
    """A field with one repeat, for those who build records."""
    return (components or ("",),)


def record(*fields: str | Field) -> Record:
    """A record from plain texts and ready fields."""
    return Record(tuple(field(part) if isinstance(part, str) else part for part in fields))


@dataclass(frozen=True)
class Result:
    """One R record with the sample (O.3) it belongs to. Where `value` is None, `refused` says why."""

    sample: str
    code: str
    """Fourth component of the test id (R.3), the instrument's own code; the first where that is empty."""
    name: str
    comparator: Comparator | None
    value: Decimal | None
    text: str
    """The value field as sent."""
    unit: str
    reference_range: str
    abnormal: str
    status: str
    """R.9: F final, C correction, V verified, Q answer to a question, R sent before, P preliminary, I pending,
    X cannot be done, W its validity is in doubt."""
    completed: str
    instrument: str
    refused: str = ""
    """As in `LabValue`."""

    @property
    def final(self) -> bool:
        return self.status in ("", "F", "C", "V", "Q", "R")

    @property
    def resent(self) -> bool:
        """The instrument says that it told this before."""
        return self.status == "R"

    @property
    def corrected(self) -> bool:
        return self.status == "C"

    @property
    def failed(self) -> bool:
        """There will be no value: it cannot be done, or the instrument doubts it."""
        return self.status in ("X", "W")


@dataclass(frozen=True)
class Message:
    """Everything from H to L."""

    separators: Separators
    records: tuple[Record, ...]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed` for a message without header or terminator, a second header, or unknown record types."""
        lines = [line for line in raw.decode("latin-1").replace("\r\n", "\r").split("\r") if line]
        if not lines or lines[0][0] != "H":
            raise Malformed("header_missing")
        separators = Separators.parse(lines[0])
        records = tuple(Record.parse(line, separators) for line in lines)
        types = [entry.type for entry in records]
        if types[-1] != "L":
            raise Malformed("terminator_missing")
        if "H" in types[1:] or "L" in types[:-1]:
            raise Malformed("more_than_one_message")
        if not _KNOWN.issuperset(types):
            raise Malformed("unknown_record")
        return cls(separators, records)

    def __bytes__(self) -> bytes:
        return b"".join((entry.encode(self.separators) + "\r").encode("latin-1") for entry in self.records)

    def lines(self) -> list[bytes]:
        """One record each, with its CR: what a sender puts into frames."""
        return [(entry.encode(self.separators) + "\r").encode("latin-1") for entry in self.records]

    @property
    def processing(self) -> str:
        """H.12: P production, T training, D debugging, Q quality control."""
        return self.records[0].text(12)

    @property
    def sender(self) -> tuple[str, str, str]:
        """H.5: name, software version, serial number."""
        header = self.records[0]
        return header.text(5, 1), header.text(5, 2), header.text(5, 3)

    @property
    def sent(self) -> str:
        """H.14: date and time of the message."""
        return self.records[0].text(14)

    @property
    def begun(self) -> tuple[str, ...]:
        """Samples of patients that are in the instrument now (O.26 is I): their results come later."""
        if self.processing != "P":
            return ()
        return tuple(e.text(3) for e in self.records if e.type == "O" and e.text(26) == "I" and not _control(e))

    @property
    def normal_end(self) -> bool:
        """L.3 is N, F or empty."""
        return self.records[-1].text(3) in ("", "N", "F")

    def chart_results(self) -> tuple[Result, ...]:
        """Results about a patient; empty for control, training and debugging."""
        return tuple(self._results()) if self.processing == "P" else ()

    @property
    def has_other_results(self) -> bool:
        """Results that are about no patient."""
        return sum(entry.type == "R" for entry in self.records) > len(self.chart_results())

    def _results(self) -> Iterator[Result]:
        sample, control = "", False
        for entry in self.records:
            if entry.type == "P":
                sample, control = "", False
            elif entry.type == "O":
                sample, control = entry.text(3), _control(entry)
            elif entry.type == "R" and not control:
                yield _result(entry, sample)


def ends_message(text: bytes) -> bool:
    """Whether the last line is a terminator (L): then, and only then, the records before it are complete."""
    last = text.replace(b"\n", b"\r").rstrip(b"\r").rpartition(b"\r")[2]
    return last[:1] == b"L" and not last[1:2].isalnum()


def iso_time(stamp: str) -> str | None:
    """`20261122101530` as ISO without zone; anything shorter or other as it is sent, nothing as None."""
    if len(stamp) == 14 and stamp.isascii() and stamp.isdigit():
        return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[8:10]}:{stamp[10:12]}:{stamp[12:]}"
    return stamp or None


def _control(order: Record) -> bool:
    """O.12, action code: Q is a control sample."""
    return order.text(12) == "Q"


def _result(entry: Record, sample: str) -> Result:
    value = LabValue.parse(entry.text(4), entry.text(7))
    return Result(
        sample=sample,
        code=entry.text(3, 4) or entry.text(3, 1),
        name=entry.text(3, 5),
        comparator=value.comparator,
        value=value.number,
        text=value.text,
        unit=entry.text(5),
        reference_range="^".join(entry.fields[5][0]) if len(entry.fields) > 5 else "",
        abnormal=entry.text(7),
        status=entry.text(9),
        completed=entry.text(13),
        instrument=entry.text(14),
        refused=value.refused,
    )
