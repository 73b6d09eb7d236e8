"""Afinion's own serial protocol (AS100, Afinion 2): packets, the records in them, and the kit's side of the talk.

    DLE STX nnnn body DLE ETB cccc DLE ETX        DLE in the body is doubled
    kit → 0021 `0025:record,patient@20261122 00:00:00`     analyser → 0021 ACK
    analyser → 0007 `0025:record,patient@` 10 × 256 bytes  kit → 0007 ACK, 0022 `0025:cmdack@`

`nnnn` is the sender's packet number in decimal, `cccc` the CRC-16 (reflected 0x8408, start FFFF, as it is) over all
before it, in upper-case hex. Whether it counts a doubled DLE once or twice is not documented: both are accepted.
Source: driver of elexis-3-base, `ch.elexis.connect.afinion`. Its "8 bytes footer" are DLE ETB cccc DLE ETX.
"""

import enum
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

from carebag_devices.codecs.fields import Fields
from carebag_devices.codecs.lab_value import LabValue
from carebag_devices.errors import Malformed

DLE, STX, ETX, ACK, NAK, ETB = b"\x10", b"\x02", b"\x03", b"\x06", b"\x15", b"\x17"

MAX_PACKET = 8192
"""Bytes on the wire; a full reply has 2.6 kB."""
RECORDS = 10
RECORD_SIZE = 256
ASSAYS = 4
MOST = 1_000_000
"""No assay measures more, in whatever unit."""
ANSWER_WITHIN_S = 10.0
ATTEMPTS = 3
PATIENT_RECORDS = b"0025:record,patient@"
COMMAND_TAKEN = b"0025:cmdack@"


def crc16(data: bytes) -> int:
    """CRC-16/MCRF4XX."""
    crc = 0xFFFF
    for octet in data:
        crc = crc >> 8 ^ _CRC[(crc ^ octet) & 0xFF]
    return crc


def _crc_of(octet: int) -> int:
    for _ in range(8):
        octet = octet >> 1 ^ (0x8408 if octet & 1 else 0)
    return octet


_CRC = [_crc_of(octet) for octet in range(256)]


@dataclass(frozen=True)
class Packet:
    """`number` 0 to 9999."""

    number: int
    body: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """From DLE STX to DLE ETX. Raises `Malformed`."""
        if len(raw) < 14 or raw[:2] != DLE + STX or raw[-2:] != DLE + ETX or raw[-8:-6] != DLE + ETB:
            raise Malformed("not_a_packet")
        content = _undoubled(raw[2:-8])
        if raw[-6:-2] not in (_hex(raw[:-6]), _hex(DLE + STX + content + DLE + ETB)):
            raise Malformed("bad_checksum")
        if not (content[:4].isdigit() and len(content) >= 4):
            raise Malformed("bad_packet_number")
        return cls(int(content[:4]), content[4:])

    def __bytes__(self) -> bytes:
        head = DLE + STX + b"%04d" % self.number + self.body.replace(DLE, DLE + DLE) + DLE + ETB
        return head + _hex(head) + DLE + ETX


def _hex(data: bytes) -> bytes:
    return b"%04X" % crc16(data)


def _undoubled(data: bytes) -> bytes:
    parts = data.split(DLE + DLE)
    if any(DLE in part for part in parts):
        raise Malformed("control_character")
    return DLE.join(parts)


class Splitter:
    """Bytes of the line → whole packets as sent. What is between them (the analyser prints texts) is passed over."""

    def __init__(self) -> None:
        self._packet: bytearray | None = None
        self._after_dle = False

    def feed(self, data: bytes) -> list[bytes]:
        """Any chunking gives the same packets."""
        return [packet for octet in data if (packet := self._octet(bytes([octet])))]

    def _octet(self, octet: bytes) -> bytes:
        marked, self._after_dle = self._after_dle, False
        if not marked:
            self._after_dle = octet == DLE
        elif octet == STX:
            self._packet = bytearray(DLE + STX)
            return b""
        if self._packet is None:
            return b""
        self._packet += octet
        if marked and octet == ETX:
            done, self._packet = bytes(self._packet), None
            return done
        if len(self._packet) > MAX_PACKET:
            self._packet = None
        return b""


@dataclass(frozen=True)
class Assay:
    """One result as the analyser holds it: numbers are float32, given here by their shortest decimals."""

    code: str
    unit: str
    low: Decimal
    high: Decimal
    """What it can measure."""
    result: Decimal
    decimals: int
    """How many the analyser shows."""

    @property
    def printed(self) -> LabValue:
        """What the analyser shows: `<5` and `>200` beyond its range."""
        if self.result < self.low:
            return LabValue(f"<{self.low:f}", self.low, "<")
        if self.result > self.high:
            return LabValue(f">{self.high:f}", self.high, ">")
        shown = self.result.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP)
        return LabValue(f"{shown:f}", shown)

    @classmethod
    def parse(cls, raw: bytes) -> Self | None:
        """40 bytes; None for a place that holds no valid result. Raises `Malformed`."""
        fields = Fields(raw)
        numbers = [fields.take(4) for _ in range(3)]
        decimals, valid = fields.signed(4), fields.signed(4)
        unit, code = _text(fields.take(9)), _text(fields.take(9))
        fields.take(2)
        fields.end()
        if valid <= 0:
            return None
        low, high, result = (_shortest(number) for number in numbers)
        if not 0 <= decimals <= 6:
            raise Malformed("bad_decimals")
        if not 0 <= low < high <= MOST or result < 0:
            raise Malformed("bad_limits")
        return cls(code, unit, low, high, result, decimals)

    def __bytes__(self) -> bytes:
        numbers = struct.pack("<fffii", float(self.low), float(self.high), float(self.result), self.decimals, 1)
        return numbers + _padded(self.unit, 9) + _padded(self.code, 9) + b"\0\0"


@dataclass(frozen=True)
class Record:
    """One run. `identity` is what was typed as the patient's. Bytes of unknown meaning are not kept."""

    number: int
    run: int
    lot: str
    identity: str
    seconds: int
    """Since 1970 in UTC, by the analyser's clock."""
    assays: tuple[Assay, ...]
    """Empty: an empty place, or a run without valid result."""

    @property
    def completed(self) -> str:
        """ISO, UTC."""
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)).isoformat()

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """256 bytes. Raises `Malformed`."""
        fields = Fields(raw)
        number, run = fields.signed(4), fields.signed(4)
        fields.take(17)
        lot, identity = _text(fields.take(17)), _text(fields.take(17))
        fields.take(1)
        seconds = fields.unsigned(4)
        fields.take(4)
        places = [Assay.parse(fields.take(40)) for _ in range(ASSAYS)]
        fields.take(28)
        fields.end()
        return cls(number, run, lot, identity, seconds, tuple(place for place in places if place is not None))

    def __bytes__(self) -> bytes:
        head = (
            struct.pack("<ii", self.number, self.run) + bytes(17) + _padded(self.lot, 17) + _padded(self.identity, 17)
        )
        head += b"\0" + struct.pack("<I", self.seconds) + bytes(4)
        assays = b"".join(bytes(assay) for assay in self.assays).ljust(ASSAYS * 40, b"\0")
        return head + assays + bytes(28)


EMPTY = bytes(RECORD_SIZE)


def split_reply(data: bytes) -> list[bytes]:
    """The ten records of a reply, after its `@`; some drivers count eight bytes more. Raises `Malformed`."""
    if len(data) not in (RECORDS * RECORD_SIZE, RECORDS * RECORD_SIZE + 8):
        raise Malformed("bad_reply_size")
    return [data[at : at + RECORD_SIZE] for at in range(0, RECORDS * RECORD_SIZE, RECORD_SIZE)]


def request(since: datetime) -> bytes:
    """Asks for the oldest ten patient records from then on; the time is written as it is."""
    return PATIENT_RECORDS + since.strftime("%Y%m%d %H:%M:%S").encode()


def _text(raw: bytes) -> str:
    """Up to the first NUL; behind it may be anything."""
    text = raw.partition(b"\0")[0].decode("latin-1").strip()
    if not text.isprintable():
        raise Malformed("control_character")
    return text


def _padded(text: str, size: int) -> bytes:
    return text.encode("latin-1")[:size].ljust(size, b"\0")


def _shortest(raw: bytes) -> Decimal:
    """The shortest decimal that is this float32 and no other: 12.3, not 12.300000190734863."""
    (number,) = struct.unpack("<f", raw)
    if not math.isfinite(number):
        raise Malformed("not_a_number")
    for digits in range(1, 10):
        text = f"{number:.{digits}g}"
        if _float32(text) == raw:
            # without exponent: 200 and not 2E+2
            return Decimal(f"{Decimal(text):f}")
    raise Malformed("not_a_number")


def _float32(text: str) -> bytes:
    """Empty for what rounds beyond the largest."""
    try:
        return struct.pack("<f", float(text))
    except OverflowError:
        return b""


class Outcome(enum.Enum):
    """How a question ended."""

    ANSWERED = "answered"
    NOTHING = "nothing"
    """It has no records from then on."""
    REFUSED = "refused"
    """It did not understand, or not take the question."""
    NOT_KEPT = "not_kept"
    """The kit could not keep the records: ask again later."""
    SILENT = "silent"


class Host:
    """The kit's side. `keep` gets a reply's records before they are acknowledged; false: they are refused.

    The timer of 10 s belongs to the caller (`timeout`), and runs while `asking`.
    """

    def __init__(self, keep: Callable[[list[bytes]], bool]) -> None:
        self._keep = keep
        self._splitter = Splitter()
        self._number = 20
        self._question: Packet | None = None
        self._attempts = 0

    @property
    def asking(self) -> bool:
        return self._question is not None

    def ask(self, since: datetime) -> bytes:
        """What to send; an unanswered question before is forgotten."""
        self._question, self._attempts = self._packet(request(since)), 1
        return bytes(self._question)

    def feed(self, data: bytes) -> list[bytes | Outcome]:
        """What to send, and how the question ended. Raises for no bytes, only what `keep` raises."""
        happened: list[bytes | Outcome] = []
        for raw in self._splitter.feed(data):
            try:
                happened += self._packet_came(Packet.parse(raw))
            except Malformed:
                if raw[2:6].isdigit():
                    happened.append(bytes(Packet(int(raw[2:6]), NAK)))
        return happened

    def timeout(self) -> list[bytes | Outcome]:
        """No answer: ask again, three times in all."""
        return self._again(Outcome.SILENT) if self.asking else []

    def _again(self, otherwise: Outcome) -> list[bytes | Outcome]:
        if self._question is None:
            return []
        if self._attempts >= ATTEMPTS:
            return self._ended(otherwise)
        self._attempts += 1
        return [bytes(self._question)]

    def _packet_came(self, packet: Packet) -> list[bytes | Outcome]:
        body = packet.body
        if body in (ACK, NAK):
            ours = self._question is not None and packet.number == self._question.number
            return self._again(Outcome.REFUSED) if body == NAK and ours else []
        taken = bytes(Packet(packet.number, ACK))
        if body.startswith(PATIENT_RECORDS):
            return self._records_came(packet)
        if b"cmderr" in body[:16]:
            return [taken, *self._ended(Outcome.REFUSED)]
        if b"cmdcmpl" in body[:16]:
            return [taken, *self._ended(Outcome.NOTHING)]
        # controls, messages to a technician, and what newer software may say: taken, and of no use to a patient
        return [taken]

    def _records_came(self, packet: Packet) -> list[bytes | Outcome]:
        if not self._keep(split_reply(packet.body[len(PATIENT_RECORDS) :])):
            return [bytes(Packet(packet.number, NAK)), *self._ended(Outcome.NOT_KEPT)]
        taken = bytes(Packet(packet.number, ACK))
        return [taken, bytes(self._packet(COMMAND_TAKEN)), *self._ended(Outcome.ANSWERED)]

    def _ended(self, outcome: Outcome) -> list[bytes | Outcome]:
        if self._question is None:
            return []
        self._question = None
        return [outcome]

    def _packet(self, body: bytes) -> Packet:
        self._number = self._number % 9999 + 1
        return Packet(self._number, body)
