"""Device Information Service 1.1: the text characteristics (0x2A24 to 0x2A29) and System ID 0x2A23."""

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
