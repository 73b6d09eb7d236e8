"""Control of the Open Auscultation Stream: what the host writes, what the device indicates.

    written    op u8 | operands
    indicated  80 | op u8 | status u8 | result      the answer to a command; result is empty unless status is DONE
               81 01 | sample u32                   the key on the stethoscope was pressed
               81 02 | sample u32 | seq u16         the device ended the stream itself

    op        operands                                                   result
    01 START  rate u16 | fmt u8 | filter u8 | gain s8 | stream u32       stream u32
    02 STOP                                                              end: sample u32 | seq u16
    03 GAIN   gain s8                                                    gain s8, as set
    04 RESEND seq u16 | count u16
    05 TIME   host clock u64, ms                                         sample u32
    06 MARK                                                              sample u32

`docs/open-auscultation-stream.md` has the state machine and when each may be sent.
"""

import enum
import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from carebag_devices.codecs.auscultation import Format
from carebag_devices.codecs.fields import Fields
from carebag_devices.errors import Malformed


class Opcode(enum.IntEnum):
    START = 0x01
    STOP = 0x02
    GAIN = 0x03
    RESEND = 0x04
    TIME = 0x05
    MARK = 0x06


_RESPONSE, _NOTICE = 0x80, 0x81
_MARK_KEY, _ENDED = 0x01, 0x02


class Status(enum.IntEnum):
    """Byte 2 of an answer."""

    DONE = 0x00
    NOT_SUPPORTED = 0x01
    BAD_OPERAND = 0x02
    WRONG_STATE = 0x03
    NOT_IN_RING = 0x04
    """Some or all of the frames asked for have left the ring buffer; those that have not are sent."""
    MTU_TOO_SMALL = 0x05


@dataclass(frozen=True)
class Start:
    """Begin stream `stream` (u32) from sample 0. `gain` in dB; `filter` 0 is none."""

    opcode: ClassVar[Opcode] = Opcode.START
    rate_hz: int
    stream: int
    fmt: int = Format.PCM16
    filter: int = 0
    gain: int = 0

    @classmethod
    def operands(cls, fields: Fields) -> Self:
        rate, fmt, kind, gain = fields.unsigned(2), fields.unsigned(1), fields.unsigned(1), fields.signed(1)
        return cls(rate, fields.unsigned(4), fmt, kind, gain)

    def __bytes__(self) -> bytes:
        return struct.pack("<BHBBbI", self.opcode, self.rate_hz, self.fmt, self.filter, self.gain, self.stream)


@dataclass(frozen=True)
class Stop:
    opcode: ClassVar[Opcode] = Opcode.STOP

    @classmethod
    def operands(cls, _fields: Fields) -> Self:
        return cls()

    def __bytes__(self) -> bytes:
        return bytes([self.opcode])


@dataclass(frozen=True)
class Gain:
    """Analogue gain in dB, -128..127."""

    opcode: ClassVar[Opcode] = Opcode.GAIN
    gain: int

    @classmethod
    def operands(cls, fields: Fields) -> Self:
        return cls(fields.signed(1))

    def __bytes__(self) -> bytes:
        return struct.pack("<Bb", self.opcode, self.gain)


@dataclass(frozen=True)
class Resend:
    """Send `count` frames from `seq` on once more."""

    opcode: ClassVar[Opcode] = Opcode.RESEND
    seq: int
    count: int

    @classmethod
    def operands(cls, fields: Fields) -> Self:
        return cls(fields.unsigned(2), fields.unsigned(2))

    def __bytes__(self) -> bytes:
        return struct.pack("<BHH", self.opcode, self.seq, self.count)


@dataclass(frozen=True)
class Time:
    """The host's clock in ms; the answer's result is the sample (u32) that the device takes at this moment."""

    opcode: ClassVar[Opcode] = Opcode.TIME
    host_ms: int

    @classmethod
    def operands(cls, fields: Fields) -> Self:
        return cls(fields.unsigned(8))

    def __bytes__(self) -> bytes:
        return struct.pack("<BQ", self.opcode, self.host_ms)


@dataclass(frozen=True)
class Mark:
    """The nurse marks this moment on the host; the answer's result is the sample (u32) taken at it."""

    opcode: ClassVar[Opcode] = Opcode.MARK

    @classmethod
    def operands(cls, _fields: Fields) -> Self:
        return cls()

    def __bytes__(self) -> bytes:
        return bytes([self.opcode])


Command = Start | Stop | Gain | Resend | Time | Mark
_COMMANDS: dict[int, type[Command]] = {kind.opcode: kind for kind in (Start, Stop, Gain, Resend, Time, Mark)}


def parse_command(raw: bytes) -> Command:
    """What was written to Control. Raises `Malformed`."""
    fields = Fields(raw)
    kind = _COMMANDS.get(fields.unsigned(1))
    if kind is None:
        raise Malformed("unknown_opcode")
    command = kind.operands(fields)
    fields.end()
    return command


@dataclass(frozen=True)
class Response:
    """The answer to one command. `opcode` and `status` may be ones we do not know."""

    opcode: int
    status: int
    result: bytes = b""

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        if fields.unsigned(1) != _RESPONSE:
            raise Malformed("not_a_response")
        return cls(fields.unsigned(1), fields.unsigned(1), fields.rest())

    def __bytes__(self) -> bytes:
        return bytes([_RESPONSE, self.opcode, self.status]) + self.result

    def number(self, size: int, *, signed: bool = False) -> int:
        """The result as one integer of `size` bytes. Raises `Malformed`."""
        fields = Fields(self.result)
        value = fields.signed(size) if signed else fields.unsigned(size)
        fields.end()
        return value


@dataclass(frozen=True)
class End:
    """Where a stream ended: the sample and the frame that would have been next."""

    sample: int
    seq: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """The result of STOP. Raises `Malformed`."""
        fields = Fields(raw)
        end = cls(fields.unsigned(4), fields.unsigned(2))
        fields.end()
        return end

    def __bytes__(self) -> bytes:
        return struct.pack("<IH", self.sample, self.seq)


@dataclass(frozen=True)
class MarkKey:
    """The key on the stethoscope was pressed while `sample` was taken."""

    sample: int

    def __bytes__(self) -> bytes:
        return struct.pack("<BBI", _NOTICE, _MARK_KEY, self.sample)


@dataclass(frozen=True)
class Ended:
    """The device ended the stream itself: its battery, its key, its time-out."""

    end: End

    def __bytes__(self) -> bytes:
        return bytes([_NOTICE, _ENDED]) + bytes(self.end)


Indication = Response | MarkKey | Ended


def parse_indication(raw: bytes) -> Indication:
    """What Control indicated. Raises `Malformed`; a notice of a later version is `unknown_notice`: ignore it."""
    fields = Fields(raw)
    if fields.unsigned(1) != _NOTICE:
        return Response.parse(raw)
    code = fields.unsigned(1)
    if code == _ENDED:
        return Ended(End.parse(fields.rest()))
    if code != _MARK_KEY:
        raise Malformed("unknown_notice")
    mark = MarkKey(fields.unsigned(4))
    fields.end()
    return mark
