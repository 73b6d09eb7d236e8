"""Open Auscultation Stream v1, our documented GATT profile for digital stethoscopes.

Little endian; LE Secure Connections demanded.

Service 5b5e0001-9f2a-4c7e-8a3d-6d1c0a7e5c01, and in it

    0002 Audio    notify           seq u16 | first_sample u32 | fmt u8 | n u8 | n samples
    0003 Control  write, indicate  op u8 | operands; answered by 80 | op | status | result
    0004 Digest   notify           first_sample u32 | n u16 | CRC-32C u32, after every 64 frames
    0005 Info     read             version u8 | rates u8 | formats u8 | bits u8 | ring u16 | full scale SFLOAT (Pa)

fmt bits 0..3: 0 PCM16 (the only one here), 1 Rice, 2 IMA-ADPCM; bit 4 the device's buffer overran before this
frame, 5 clipped, 6 no skin contact, 7 retransmission. `n` is there because a stack may cut a notification short.
The digest is the CRC-32C (Castagnoli) of the samples as PCM16 little endian, so that bit-exactness is proved.
"""

import enum
import functools
import struct
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from carebag_devices.codecs.fields import Fields
from carebag_devices.codecs.ieee11073 import Number, SFloat, sfloat
from carebag_devices.errors import Malformed

SERVICE = "5b5e0001-9f2a-4c7e-8a3d-6d1c0a7e5c01"
AUDIO = "5b5e0002-9f2a-4c7e-8a3d-6d1c0a7e5c01"
CONTROL = "5b5e0003-9f2a-4c7e-8a3d-6d1c0a7e5c01"
DIGEST = "5b5e0004-9f2a-4c7e-8a3d-6d1c0a7e5c01"
INFO = "5b5e0005-9f2a-4c7e-8a3d-6d1c0a7e5c01"

FRAME_SAMPLES = 118
"""8 bytes of header and 236 of samples fill one notification at an ATT MTU of 247."""
DIGEST_FRAMES = 64
RATES_HZ = (4000, 8000, 16000)
"""Bit 0, 1, 2 of Info's rates."""

_PCM16 = 0


@dataclass(frozen=True)
class AudioFrame:
    """`data` is PCM16 little endian. `seq` counts frames mod 2^16, `first_sample` samples mod 2^32, from 0."""

    seq: int
    first_sample: int
    data: bytes
    overrun: bool = False
    clipped: bool = False
    no_contact: bool = False
    retransmitted: bool = False

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`, also where sample count and length differ, and for formats that we do not decode."""
        fields = Fields(raw)
        seq, first_sample, fmt, count = (fields.unsigned(size) for size in (2, 4, 1, 1))
        if fmt & 0x0F != _PCM16:
            raise Malformed("unknown_format")
        data = fields.take(2 * count)
        fields.end()
        return cls(seq, first_sample, data, bool(fmt & 0x10), bool(fmt & 0x20), bool(fmt & 0x40), bool(fmt & 0x80))

    def __bytes__(self) -> bytes:
        fmt = self.overrun << 4 | self.clipped << 5 | self.no_contact << 6 | self.retransmitted << 7
        return struct.pack("<HIBB", self.seq, self.first_sample, fmt, len(self.data) // 2) + self.data

    @property
    def samples(self) -> NDArray[np.int16]:
        """A read-only view, mono."""
        return np.frombuffer(self.data, dtype="<i2")


class Opcode(enum.IntEnum):
    START = 0x01
    STOP = 0x02
    GAIN = 0x03
    RESEND = 0x04
    TIME = 0x05
    MARK = 0x06


_RESPONSE = 0x80


class Status(enum.IntEnum):
    """Byte 2 of an answer."""

    DONE = 0x00
    NOT_SUPPORTED = 0x01
    BAD_OPERAND = 0x02
    WRONG_STATE = 0x03
    NOT_IN_RING = 0x04
    """The frames asked for have left the ring buffer."""


@dataclass(frozen=True)
class Start:
    """Begin stream `stream` (u32) from sample 0. `gain` in dB; `filter` 0 is none."""

    opcode: ClassVar[Opcode] = Opcode.START
    rate_hz: int
    stream: int
    fmt: int = _PCM16
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
    """The nurse pressed the mark key."""

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
    """Indicated by Control. `result` is empty but for TIME (u32)."""

    opcode: int
    status: int
    result: bytes = b""

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        fields = Fields(raw)
        if fields.unsigned(1) != _RESPONSE:
            raise Malformed("not_a_response")
        return cls(fields.unsigned(1), fields.unsigned(1), fields.rest())

    def __bytes__(self) -> bytes:
        return bytes([_RESPONSE, self.opcode, self.status]) + self.result


@dataclass(frozen=True)
class Digest:
    """CRC-32C over `samples` samples from `first_sample` on."""

    first_sample: int
    samples: int
    crc: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        fields = Fields(raw)
        digest = cls(fields.unsigned(4), fields.unsigned(2), fields.unsigned(4))
        fields.end()
        return digest

    def __bytes__(self) -> bytes:
        return struct.pack("<IHI", self.first_sample, self.samples, self.crc)


@dataclass(frozen=True)
class Info:
    """What the device can do. `ring_frames`: how far back RESEND reaches. `full_scale` in Pa, 0 unknown."""

    version: int
    rates: int
    formats: int
    bits: int
    ring_frames: int
    full_scale: Number

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        fields = Fields(raw)
        version, rates, formats, bits = (fields.unsigned(1) for _ in range(4))
        info = cls(version, rates, formats, bits, fields.unsigned(2), sfloat(fields.take(2)))
        fields.end()
        return info

    def __bytes__(self) -> bytes:
        head = struct.pack("<BBBBH", self.version, self.rates, self.formats, self.bits, self.ring_frames)
        return head + bytes(SFloat(self.full_scale))

    def supports(self, rate_hz: int) -> bool:
        return rate_hz in RATES_HZ and bool(self.rates >> RATES_HZ.index(rate_hz) & 1)


@functools.cache
def _castagnoli() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


def crc32c(data: bytes, crc: int = 0) -> int:
    """CRC-32C (RFC 3720, appendix B.4). Give the former result as `crc` to go on."""
    table = _castagnoli()
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF
