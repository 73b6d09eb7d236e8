"""Device Information Service 1.2: the texts 0x2A24 to 0x2A29, System ID 0x2A23, certifications 0x2A2A, PnP ID 0x2A50
and the UDI for medical devices 0x2BFF.

Source: GATT Specification Supplement, characteristics of the same names.
"""

import struct
from dataclasses import dataclass
from typing import Self

from carebag_devices.codecs.fields import Fields
from carebag_devices.errors import Malformed

MAX_BYTES = 512


@dataclass(frozen=True)
class Text:
    """One UTF-8 text: maker, model, serial number, revision. Without the zeros and spaces devices pad it with."""

    text: str

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed` for what is not UTF-8, longer than 512 bytes, or holds control characters."""
        if len(raw) > MAX_BYTES:
            raise Malformed("text_too_long")
        try:
            text = bytes(raw).decode().rstrip("\0 ")
        except UnicodeDecodeError:
            raise Malformed("not_utf8") from None
        if any(ord(character) < 0x20 for character in text):
            raise Malformed("control_character")
        return cls(text)

    def __bytes__(self) -> bytes:
        return self.text.encode()


@dataclass(frozen=True)
class SystemId:
    """40-bit manufacturer's identifier, then the 24-bit organizationally unique identifier, little endian."""

    manufacturer: int
    organization: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        fields = Fields(raw)
        system = cls(fields.unsigned(5), fields.unsigned(3))
        fields.end()
        return system

    def __bytes__(self) -> bytes:
        return self.manufacturer.to_bytes(5, "little") + self.organization.to_bytes(3, "little")


@dataclass(frozen=True)
class Certifications:
    """0x2A2A, IEEE 11073-20601 regulatory certification data list, kept as sent: many devices put a mere text there."""

    data: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed` for more than 512 bytes."""
        if len(raw) > MAX_BYTES:
            raise Malformed("text_too_long")
        return cls(bytes(raw))

    def __bytes__(self) -> bytes:
        return self.data


@dataclass(frozen=True)
class PnpId:
    """0x2A50. `source` 1: `vendor` is a Bluetooth company identifier, 2: one of the USB Implementers Forum."""

    source: int
    vendor: int
    product: int
    version: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        identity = cls(fields.unsigned(1), *(fields.unsigned(2) for _ in range(3)))
        fields.end()
        return identity

    def __bytes__(self) -> bytes:
        return struct.pack("<BHHH", self.source, self.vendor, self.product, self.version)


@dataclass(frozen=True)
class Udi:
    """0x2BFF, unique device identification. Issuer and authority are object identifiers. None: not sent."""

    label: str | None = None
    device: str | None = None
    issuer: str | None = None
    authority: str | None = None
    reserved_flags: int = 0

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`: each text ends with a zero byte, is UTF-8 and holds no control characters."""
        fields = Fields(raw)
        flags, rest = fields.unsigned(1), fields.rest()
        texts: list[str | None] = [None] * 4
        for bit in range(4):
            if flags >> bit & 1:
                part, zero, rest = rest.partition(b"\0")
                texts[bit] = _text(part, zero)
        if rest:
            raise Malformed("trailing_bytes")
        label, device, issuer, authority = texts
        return cls(label, device, issuer, authority, flags & 0xF0)

    def __bytes__(self) -> bytes:
        flags, body = self.reserved_flags, b""
        for bit, text in enumerate((self.label, self.device, self.issuer, self.authority)):
            if text is not None:
                flags, body = flags | 1 << bit, body + text.encode() + b"\0"
        return bytes([flags]) + body


def _text(part: bytes, zero: bytes) -> str:
    if not zero:
        raise Malformed("truncated")
    try:
        text = part.decode()
    except UnicodeDecodeError:
        raise Malformed("not_utf8") from None
    if any(ord(character) < 0x20 for character in text):
        raise Malformed("control_character")
    return text
