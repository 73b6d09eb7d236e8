"""Blood Pressure Record 0x2B36 (Blood Pressure Service 1.1): a stored characteristic value in numbered segments.

Source: GATT Specification Supplement, "Blood Pressure Record" and "CRC calculation".
"""

import struct
from dataclasses import dataclass
from typing import Self

from carebag_devices.codecs.fields import Fields
from carebag_devices.errors import Malformed

MAX_BYTES = 512
"""A characteristic value is no longer."""
_HEADER = 5


def crc16(data: bytes, crc: int = 0xFFFF) -> int:
    """CRC-16 of the CCITT polynomial, least significant bit first, seed 0xFFFF: 0x6F91 for `123456789`."""
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc


@dataclass(frozen=True)
class Segment:
    """One notification. `counter` rolls from 63 to 0; `part` holds the CRC's two bytes too where there is one."""

    first: bool
    last: bool
    counter: int
    sequence: int
    uuid: int
    part: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        header, sequence, uuid = fields.unsigned(1), fields.unsigned(2), fields.unsigned(2)
        if len(raw) > MAX_BYTES:
            raise Malformed("record_too_long")
        return cls(bool(header & 1), bool(header & 2), header >> 2, sequence, uuid, fields.rest())

    def __bytes__(self) -> bytes:
        return (
            struct.pack("<BHH", self.first | self.last << 1 | self.counter << 2, self.sequence, self.uuid) + self.part
        )


@dataclass(frozen=True)
class Record:
    """A complete value: of the characteristic `uuid` (16 bits), stored as number `sequence`."""

    sequence: int
    uuid: int
    value: bytes

    def segments(self, size: int, *, crc: bool, counter: int = 0) -> tuple[Segment, ...]:
        """As a device sends it: notifications of at most `size` bytes. The CRC is never torn apart."""
        room = size - _HEADER - 2 * crc
        parts = [self.value[at : at + room] for at in range(0, len(self.value), room)] or [b""]
        segments = [
            Segment(at == 0, at == len(parts) - 1, (counter + at) % 64, self.sequence, self.uuid, part)
            for at, part in enumerate(parts)
        ]
        if crc:
            check = crc16(b"".join(bytes(segment) for segment in segments)).to_bytes(2, "little")
            last = segments[-1]
            segments[-1] = Segment(last.first, last.last, last.counter, last.sequence, last.uuid, last.part + check)
        return tuple(segments)


class RecordAssembler:
    """Puts segments together. `crc`: the service protects records with an end-to-end CRC (its Feature bit says so)."""

    def __init__(self, *, crc: bool) -> None:
        self._crc = crc
        self._open: list[Segment] = []
        self._before: Segment | None = None
        self.unfinished = 0
        """Records that were begun and never ended."""

    def feed(self, segment: Segment) -> Record | None:
        """The record that this segment ends. A segment heard twice in a row counts once.

        Raises `Malformed` where a segment is missing, belongs elsewhere or the CRC differs; nothing of that record is
        given.
        """
        if segment == self._before:
            return None
        self._before = segment
        if segment.first:
            self.unfinished += bool(self._open)
            self._open = [segment]
        else:
            self._follow(segment)
        return self._ended() if segment.last else None

    def _follow(self, segment: Segment) -> None:
        if not self._open:
            raise Malformed("segment_missing")
        before = self._open[-1]
        self._open.append(segment)
        problem = None
        if segment.counter != (before.counter + 1) % 64:
            problem = "segment_missing"
        elif (segment.sequence, segment.uuid) != (before.sequence, before.uuid):
            problem = "records_mixed"
        elif sum(len(each.part) for each in self._open) > MAX_BYTES + 2:
            problem = "record_too_long"
        if problem:
            self._open = []
            raise Malformed(problem)

    def _ended(self) -> Record:
        segments, self._open = self._open, []
        value = b"".join(segment.part for segment in segments)
        if self._crc:
            sent, value = value[-2:], value[:-2]
            whole = b"".join(bytes(segment) for segment in segments)
            if len(sent) < 2 or crc16(whole[:-2]) != int.from_bytes(sent, "little"):
                raise Malformed("crc_differs")
        return Record(segments[0].sequence, segments[0].uuid, value)
