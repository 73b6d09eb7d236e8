"""Heart Rate Service 1.0: Measurement 0x2A37, Body Sensor Location 0x2A38, Control Point 0x2A39.

Source: GATT Specification Supplement, "Heart Rate Measurement", "Body Sensor Location", "Heart Rate Control Point".
"""

import struct
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from carebag_devices.codecs.fields import Fields
from carebag_devices.errors import Malformed

_WIDE, _DETECTED, _SUPPORTED, _ENERGY, _INTERVALS = 1, 2, 4, 8, 16

LOCATIONS = {0: "other", 1: "chest", 2: "wrist", 3: "finger", 4: "hand", 5: "ear_lobe", 6: "foot"}
"""Body Sensor Location; 7 to 255 are reserved."""


@dataclass(frozen=True)
class HeartRateMeasurement:
    """Rate per minute. `energy` in kJ, `intervals` (R to R, the oldest first) in 1/1024 s; None where not sent."""

    rate: int
    wide: bool = False
    """Sent as 16 bits."""
    contact_supported: bool = False
    contact_detected: bool = False
    """Means nothing unless `contact_supported`."""
    energy: int | None = None
    intervals: tuple[int, ...] | None = None
    reserved_flags: int = 0

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        flags = fields.unsigned(1)
        measurement = cls(
            rate=fields.unsigned(2 if flags & _WIDE else 1),
            wide=bool(flags & _WIDE),
            contact_supported=bool(flags & _SUPPORTED),
            contact_detected=bool(flags & _DETECTED),
            energy=fields.unsigned(2) if flags & _ENERGY else None,
            intervals=_intervals(fields.rest()) if flags & _INTERVALS else None,
            reserved_flags=flags & 0xE0,
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        flags = self.reserved_flags | self.wide * _WIDE
        flags |= self.contact_supported * _SUPPORTED | self.contact_detected * _DETECTED
        body = self.rate.to_bytes(2 if self.wide else 1, "little")
        if self.energy is not None:
            flags, body = flags | _ENERGY, body + struct.pack("<H", self.energy)
        if self.intervals is not None:
            flags, body = flags | _INTERVALS, body + struct.pack(f"<{len(self.intervals)}H", *self.intervals)
        return bytes([flags]) + body

    @property
    def withheld(self) -> str | None:
        """Why the rate must not be shown: the sensor says that it does not touch skin, or sends 0."""
        if self.contact_supported and not self.contact_detected:
            return "no_contact"
        return None if self.rate else "measurement_unavailable"

    @property
    def intervals_ms(self) -> tuple[Decimal, ...]:
        """Rounded to 0.1 ms, finer than 1/1024 s is."""
        return tuple(Decimal(f"{(count * 20000 + 1024) // 2048}E-1") for count in self.intervals or ())


def _intervals(raw: bytes) -> tuple[int, ...]:
    if len(raw) % 2:
        raise Malformed("truncated")
    return struct.unpack(f"<{len(raw) // 2}H", raw)


@dataclass(frozen=True)
class BodySensorLocation:
    """0x2A38."""

    location: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        location = cls(fields.unsigned(1))
        fields.end()
        return location

    def __bytes__(self) -> bytes:
        return bytes([self.location])


@dataclass(frozen=True)
class ResetEnergy:
    """0x2A39, the only command there is."""

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`, for the reserved commands too."""
        fields = Fields(raw)
        command = fields.unsigned(1)
        fields.end()
        if command != 1:
            raise Malformed("unknown_opcode")
        return cls()

    def __bytes__(self) -> bytes:
        return b"\x01"
