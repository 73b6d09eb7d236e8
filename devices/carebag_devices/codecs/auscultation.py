"""Open Auscultation Stream v1, our documented GATT profile for digital stethoscopes: what carries sound.

The whole profile, for makers: `docs/open-auscultation-stream.md`. Little endian; LE Secure Connections demanded.

Service 5b5e0001-9f2a-4c7e-8a3d-6d1c0a7e5c01, and in it

    0002 Audio    notify           seq u16 | first_sample u32 | fmt u8 | n u8 | data
    0003 Control  write, indicate  see `auscultation_control`
    0004 Digest   notify           first_sample u32 | n u16 | CRC-32C u32, after every 64 frames and the last
    0005 Info     read             version u8 | rates u8 | formats u8 | bits u8 | ring u16 | full scale SFLOAT (Pa)

fmt bits 0..3: 0 PCM16, 1 Rice; bit 4 the device's buffer overran before this frame, 5 clipped, 6 no skin contact,
7 retransmission. `n` samples are in the frame, 1..255; the count also tells a notification that a stack cut short.
The digest is the CRC-32C of the samples as PCM16 little endian, so that bit-exactness is proved.
"""

import enum
import struct
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from carebag_devices.codecs import rice
from carebag_devices.codecs.fields import Fields
from carebag_devices.codecs.ieee11073 import Number, SFloat, sfloat
from carebag_devices.errors import Malformed

SERVICE = "5b5e0001-9f2a-4c7e-8a3d-6d1c0a7e5c01"
AUDIO = "5b5e0002-9f2a-4c7e-8a3d-6d1c0a7e5c01"
CONTROL = "5b5e0003-9f2a-4c7e-8a3d-6d1c0a7e5c01"
DIGEST = "5b5e0004-9f2a-4c7e-8a3d-6d1c0a7e5c01"
INFO = "5b5e0005-9f2a-4c7e-8a3d-6d1c0a7e5c01"

VERSION = 1
MIN_MTU = 100
"""Below this ATT MTU a device refuses to start: headers would outweigh sound."""
FRAME_SAMPLES = 118
"""8 bytes of header and 236 of samples fill one notification at an ATT MTU of 247."""
MAX_FRAME_SAMPLES = 255
DIGEST_FRAMES = 64
RATES_HZ = (4000, 8000, 16000)
"""Bit 0, 1, 2 of Info's rates."""


class Format(enum.IntEnum):
    """How a frame's samples are written, and the bit in Info's formats. Number 2 (IMA-ADPCM) is reserved: lossy."""

    PCM16 = 0
    RICE = 1


@dataclass(frozen=True)
class AudioFrame:
    """`data` is PCM16 little endian. `seq` counts frames mod 2^16, `first_sample` samples mod 2^32, from 0.

    `fmt` is how it travels and no part of what was heard: RICE becomes PCM16 where that is not longer.
    """

    seq: int
    first_sample: int
    data: bytes
    overrun: bool = False
    clipped: bool = False
    no_contact: bool = False
    retransmitted: bool = False
    fmt: Format = field(default=Format.PCM16, compare=False)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`, also where sample count and length differ, and for formats that we do not decode."""
        fields = Fields(raw)
        seq, first_sample, head, count = (fields.unsigned(size) for size in (2, 4, 1, 1))
        if head & 0x0F > Format.RICE:
            raise Malformed("unknown_format")
        if count == 0:
            raise Malformed("no_samples")
        fmt = Format(head & 0x0F)
        if fmt is Format.RICE:
            data = rice.decode(fields.rest(), count).astype("<i2").tobytes()
        else:
            data = fields.take(2 * count)
        fields.end()
        overrun, clipped, no_contact, again = (bool(head & bit) for bit in (0x10, 0x20, 0x40, 0x80))
        return cls(seq, first_sample, data, overrun, clipped, no_contact, again, fmt)

    def __bytes__(self) -> bytes:
        coded = rice.encode(self.samples) if self.fmt is Format.RICE else None
        fmt = Format.PCM16 if coded is None else Format.RICE
        head = fmt | self.overrun << 4 | self.clipped << 5 | self.no_contact << 6 | self.retransmitted << 7
        body = self.data if coded is None else coded
        return struct.pack("<HIBB", self.seq, self.first_sample, head, self.count) + body

    @property
    def count(self) -> int:
        """Samples in the frame."""
        return len(self.data) // 2

    @property
    def samples(self) -> NDArray[np.int16]:
        """A read-only view, mono."""
        return np.frombuffer(self.data, dtype="<i2")


@dataclass(frozen=True)
class Digest:
    """CRC-32C over `samples` samples from `first_sample` on."""

    first_sample: int
    samples: int
    crc: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
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
        """Raises `Malformed`. Another `version` than ours parses; its meaning is unknown."""
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

    def offers(self, fmt: Format) -> bool:
        return bool(self.formats >> fmt & 1)
