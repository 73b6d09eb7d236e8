"""Current Time Service 1.1: Current Time 0x2A2B, Local Time Information 0x2A0F, Reference Time Information 0x2A14.

Source: GATT Specification Supplement, characteristics of the same names.
"""

import enum
import struct
from dataclasses import dataclass
from typing import Self

from carebag_devices.codecs.date_time import SIZE as DATE_TIME_SIZE
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.fields import Fields
from carebag_devices.errors import Malformed

UNKNOWN_ZONE = -128
UNKNOWN_DST = 255
OVERDUE = 255

SOURCES = {
    0: "unknown",
    1: "network_time_protocol",
    2: "gps",
    3: "radio_time_signal",
    4: "manual",
    5: "atomic_clock",
    6: "cellular_network",
    7: "not_synchronized",
}
"""Time Source; 8 to 255 are reserved."""


class Adjusted(enum.IntFlag, boundary=enum.KEEP):
    """Adjust Reason; bits 4 to 7 are reserved and kept."""

    BY_HAND = 1 << 0
    BY_REFERENCE = 1 << 1
    ZONE_CHANGED = 1 << 2
    DST_CHANGED = 1 << 3


_NOT_ADJUSTED = Adjusted(0)


@dataclass(frozen=True)
class CurrentTime:
    """A clock without zone. `weekday` 1 Monday to 7 Sunday, 0 unknown; `fractions` in 1/256 s."""

    time: DateTime
    weekday: int = 0
    fractions: int = 0
    adjusted: Adjusted = _NOT_ADJUSTED

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        time, weekday = DateTime.parse(fields.take(DATE_TIME_SIZE)), fields.unsigned(1)
        if weekday > 7:
            raise Malformed("weekday_out_of_range")
        now = cls(time, weekday, fields.unsigned(1), Adjusted(fields.unsigned(1)))
        fields.end()
        return now

    def __bytes__(self) -> bytes:
        return bytes(self.time) + bytes([self.weekday, self.fractions, int(self.adjusted)])


@dataclass(frozen=True)
class LocalTimeInformation:
    """Offset from UTC and, apart from it, summer time, both in quarters of an hour: -48..56 and 0, 2, 4, 8.

    `zone` -128 and `dst` 255: unknown.
    """

    zone: int
    dst: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`, for reserved values too."""
        fields = Fields(raw)
        zone, dst = fields.signed(1), fields.unsigned(1)
        fields.end()
        if not -48 <= zone <= 56 and zone != UNKNOWN_ZONE:
            raise Malformed("zone_out_of_range")
        if dst not in (0, 2, 4, 8, UNKNOWN_DST):
            raise Malformed("dst_out_of_range")
        return cls(zone, dst)

    def __bytes__(self) -> bytes:
        return struct.pack("<bB", self.zone, self.dst)


@dataclass(frozen=True)
class ReferenceTimeInformation:
    """Where the clock was last set from. `accuracy` in 1/8 s (254 more than 31.6 s, 255 unknown).

    `days` and `hours` since then, both 255 for 255 days or more.
    """

    source: int
    accuracy: int
    days: int
    hours: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        information = cls(*(fields.unsigned(1) for _ in range(4)))
        fields.end()
        if information.hours > 23 and information.hours != OVERDUE:
            raise Malformed("hours_out_of_range")
        if (information.hours == OVERDUE) != (information.days == OVERDUE):
            raise Malformed("hours_out_of_range")
        return information

    def __bytes__(self) -> bytes:
        return bytes([self.source, self.accuracy, self.days, self.hours])
