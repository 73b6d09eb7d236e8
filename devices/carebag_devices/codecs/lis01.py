"""CLSI LIS01-A2 (ASTM E1381), the framed link of laboratory instruments: receiver and sender without I/O.

    ENQ            → ACK (or NAK: busy)
    STX n text ETX|ETB cc CR LF → ACK (or NAK: send it again)
    …
    EOT

`n` counts 1..7,0,1..; `cc` is the sum of everything from `n` to ETX/ETB modulo 256 as two upper-case hex digits; ETB
says that the text goes on in the next frame. A frame that comes twice is acknowledged twice and kept once.

There is no acknowledgement of a message. So the frame that ends one is answered only after the message is kept: the
ACK of that frame is the moment from which the instrument may forget, a NAK makes it keep and repeat the frame.

Timers belong to the caller: 30 s for the receiver, 15 s for the sender (`timeout`).
Source: public interface manuals (cobas e 411, OsmoTECH XT, Horiba RAA055DEN), the standard's text was not read.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from carebag_devices.errors import Malformed

STX, ETX, EOT, ENQ, ACK, LF, CR, NAK, ETB = b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\n", b"\r", b"\x15", b"\x17"

MAX_FRAME = 64_000
"""Text bytes of one frame in LIS01-A2 (240 in the older E1381)."""
MAX_TRANSFER = 1_000_000
RECEIVER_TIMEOUT_S = 30.0
SENDER_TIMEOUT_S = 15.0
BUSY_WAIT_S = 10.0
CONTENTION_WAIT_S = 1.0
"""An instrument whose ENQ met the host's asks again after this; the host gives way (20 s)."""
HOST_CONTENTION_WAIT_S = 20.0
ATTEMPTS = 6

# what the standard forbids inside a frame's text
_RESTRICTED = frozenset(b"\x00\x01\x02\x03\x04\x05\x06\x0a\x10\x11\x12\x13\x14\x15\x16\x17")


def checksum(body: bytes) -> bytes:
    """Two upper-case hex digits over frame number, text and the ETX or ETB."""
    return b"%02X" % (sum(body) % 256)


@dataclass(frozen=True)
class Frame:
    """One frame: `number` 0..7; `last` is ETX, else ETB."""

    number: int
    text: bytes
    last: bool

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """A whole frame from STX to LF. Raises `Malformed` with what is wrong with it."""
        if len(raw) < 7 or raw[:1] != STX or raw[-2:] != CR + LF:
            raise Malformed("not_a_frame")
        body, ending = raw[1:-4], raw[-5:-4]
        if ending not in (ETX, ETB):
            raise Malformed("frame_end_missing")
        if checksum(body) != raw[-4:-2]:
            raise Malformed("bad_checksum")
        if not b"0" <= body[:1] <= b"7":
            raise Malformed("bad_frame_number")
        text = body[1:-1]
        if _RESTRICTED.intersection(text):
            raise Malformed("control_character")
        return cls(int(body[:1]), text, ending == ETX)

    def __bytes__(self) -> bytes:
        body = b"%d" % self.number + self.text + (ETX if self.last else ETB)
        return STX + body + checksum(body) + CR + LF


@dataclass(frozen=True)
class Reply:
    """Bytes to send at once. `reason` tells why, for a NAK."""

    data: bytes
    reason: str = ""


@dataclass(frozen=True)
class Started:
    """The instrument asked for the line and has it: a result is coming."""


@dataclass(frozen=True)
class Ended:
    """The line is free again. `text` arrived whole but was not taken by `keep`; `discarded` bytes had no ETX."""

    text: bytes
    discarded: int = 0


Received = Reply | Started | Ended


class Verdict(enum.Enum):
    """What became of the text so far, asked at each frame that ends with ETX."""

    MORE = "more"
    """No whole message yet: acknowledge, and ask again with the next frame's text added."""
    KEPT = "kept"
    """A whole message, and it is safe now: acknowledge and begin anew."""
    REFUSED = "refused"
    """A whole message that could not be kept: the frame is answered by NAK and comes again."""


Keep = Callable[[bytes], Verdict]


def collect(_text: bytes) -> Verdict:
    """Leaves everything for `Ended`."""
    return Verdict.MORE


class Receiver:
    """The kit's side. Any chunking of the bytes gives the same answers; memory is bounded by `MAX_TRANSFER`.

    `keep` is called, synchronously, before the frame in question is answered.
    """

    def __init__(self, keep: Keep = collect) -> None:
        self._keep = keep
        self.busy = False
        """Answer an ENQ with NAK: the instrument waits at least 10 s and asks again."""
        self._clear()

    def _clear(self) -> None:
        self._receiving = False
        self._interrupting = False
        self._frame: bytearray | None = None
        self._accepted: int | None = None
        self._expected = 1
        self._pending = b""
        self._text = b""

    @property
    def receiving(self) -> bool:
        """Between ENQ and EOT: then the 30 s timer runs."""
        return self._receiving

    def interrupt(self) -> None:
        """Ask for the line: the next good frame is answered by EOT, which the sender takes for an ACK."""
        self._interrupting = self._receiving

    def feed(self, data: bytes) -> list[Received]:
        """What to send and what arrived, in order. Raises for no bytes, only what `keep` raises."""
        happened: list[Received] = []
        for value in data:
            happened += self._byte(bytes([value]))
        return happened

    def timeout(self) -> list[Received]:
        """30 s without a frame: give the line up, keep nothing unfinished."""
        return self._end() if self._receiving else []

    def _byte(self, byte: bytes) -> list[Received]:
        if byte == ENQ:
            return self._enquiry()
        if not self._receiving:
            return []
        if byte == EOT:
            return self._end()
        if byte == STX:
            self._frame = bytearray(STX)
        elif self._frame is not None:
            self._frame += byte
            if byte == LF or len(self._frame) > MAX_FRAME + 7:
                return [self._frame_done()]
        return []

    def _enquiry(self) -> list[Received]:
        # A second ENQ means that the sender began anew; what it had not finished comes again.
        self._clear()
        if self.busy:
            return [Reply(NAK, "busy")]
        self._receiving = True
        return [Started(), Reply(ACK)]

    def _frame_done(self) -> Reply:
        raw, self._frame = bytes(self._frame or b""), None
        try:
            frame = Frame.parse(raw)
        except Malformed as error:
            return Reply(NAK, error.reason)
        if frame.number == self._accepted:
            return Reply(self._acknowledgement(), "repeated")
        if frame.number != self._expected:
            return Reply(NAK, "unexpected_frame_number")
        if len(self._text) + len(self._pending) + len(frame.text) > MAX_TRANSFER:
            return Reply(NAK, "transfer_too_long")
        return self._accept(frame)

    def _accept(self, frame: Frame) -> Reply:
        pending = self._pending + frame.text
        if frame.last:
            text, pending = self._text + pending, b""
            verdict = self._keep(text)
            if verdict is Verdict.REFUSED:
                return Reply(NAK, "not_kept")
            self._text = b"" if verdict is Verdict.KEPT else text
        self._accepted, self._expected = frame.number, (frame.number + 1) % 8
        self._pending = pending
        return Reply(self._acknowledgement())

    def _acknowledgement(self) -> bytes:
        asked, self._interrupting = self._interrupting, False
        return EOT if asked else ACK

    def _end(self) -> list[Received]:
        ended = Ended(self._text, len(self._pending) + len(self._frame or b""))
        self._clear()
        return [ended]


class Outcome(enum.Enum):
    """How a transfer ended, or why it waits."""

    DONE = "done"
    BUSY = "busy"
    """NAK to the ENQ: `start` again after `BUSY_WAIT_S`."""
    CONTENTION = "contention"
    """Both asked for the line; the instrument wins: `start` again after `CONTENTION_WAIT_S`."""
    REFUSED = "refused"
    """The same frame was refused six times."""
    SILENT = "silent"


class Sender:
    """The instrument's side: `texts` are messages or records, each split into frames of at most `frame_text` bytes."""

    def __init__(self, texts: Sequence[bytes], *, frame_text: int = 240) -> None:
        if not 1 <= frame_text <= MAX_FRAME:
            raise ValueError("a frame carries 1 to 64 000 text bytes")
        self._frames = list(_framed(texts, frame_text))
        self._next = 0
        self._attempts = 0
        self._state: str = "idle"

    def start(self) -> bytes:
        """Asks for the line."""
        self._next, self._attempts, self._state = 0, 0, "enquiring"
        return ENQ

    def feed(self, data: bytes) -> list[bytes | Outcome]:
        """What to send next, and how it ended. Bytes that are no answer are ignored."""
        happened: list[bytes | Outcome] = []
        for value in data:
            if self._state == "enquiring":
                happened += self._answer_to_enquiry(bytes([value]))
            elif self._state == "sending":
                happened += self._answer_to_frame(bytes([value]))
        return happened

    def timeout(self) -> list[bytes | Outcome]:
        """15 s without an answer: free the line and give up."""
        return self._stop(Outcome.SILENT) if self._state in ("enquiring", "sending") else []

    def _answer_to_enquiry(self, byte: bytes) -> list[bytes | Outcome]:
        if byte == ACK:
            self._state = "sending"
            return self._send()
        if byte in (NAK, ENQ):
            self._state = "idle"
            return [Outcome.BUSY if byte == NAK else Outcome.CONTENTION]
        return []

    def _answer_to_frame(self, byte: bytes) -> list[bytes | Outcome]:
        # EOT from the receiver is an ACK that also asks for the line; we finish first, as the standard allows.
        if byte in (ACK, EOT):
            self._next, self._attempts = self._next + 1, 0
            return self._send()
        if byte == NAK:
            return self._stop(Outcome.REFUSED) if self._attempts >= ATTEMPTS else self._send()
        return []

    def _send(self) -> list[bytes | Outcome]:
        if self._next == len(self._frames):
            return self._stop(Outcome.DONE)
        self._attempts += 1
        return [bytes(self._frames[self._next])]

    def _stop(self, outcome: Outcome) -> list[bytes | Outcome]:
        self._state = "idle"
        return [EOT, outcome]


def _framed(texts: Sequence[bytes], size: int) -> list[Frame]:
    frames: list[Frame] = []
    for text in texts:
        parts = [text[at : at + size] for at in range(0, len(text), size)] or [b""]
        for index, part in enumerate(parts):
            frames.append(Frame((len(frames) + 1) % 8, part, index == len(parts) - 1))
    return frames
