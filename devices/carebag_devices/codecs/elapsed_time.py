"""Elapsed Time Service 1.0: Current Elapsed Time 0x2BF2, a clock or a mere counter.

Source: GATT Specification Supplement, "Elapsed Time"; Elapsed Time Service, 3.1.1, for the two bytes that a read adds.
"""

import datetime
import enum
from dataclasses import dataclass
from typing import Self

from carebag_devices.codecs.fields import Fields

_TICKS, _UTC, _ZONE_USED, _CURRENT = 1, 2, 16, 32
_RESOLUTION_US = (1_000_000, 100_000, 1_000, 100)


class Capability(enum.IntFlag, boundary=enum.KEEP):
    """What the clock does by itself; the other bits are reserved and kept."""

    SUMMER_TIME = 1 << 0
    ZONE = 1 << 1


@dataclass(frozen=True)
class ClockState:
    """Sent when the clock is read, not when it is set. `status` bit 0: it needs to be set."""

    status: int
    capabilities: Capability

    @property
    def needs_set(self) -> bool:
        return bool(self.status & 1)


@dataclass(frozen=True)
class ElapsedTime:
    """`value` counts steps of `resolution` (0: 1 s, 1: 0.1 s, 2: 1 ms, 3: 0.1 ms) from 2000-01-01, or from anywhere.

    `offset` is zone and summer time in quarters of an hour. `source` is a Time Source (see `current_time.SOURCES`).
    """

    value: int
    resolution: int = 0
    ticks: bool = False
    """A counter: says nothing about the time of day."""
    utc: bool = False
    zone_used: bool = False
    current: bool = True
    """Of the clock's present timeline."""
    source: int = 0
    offset: int = 0
    state: ClockState | None = None
    reserved_flags: int = 0

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """9 bytes, or 11 with the clock's state. Raises `Malformed`."""
        fields = Fields(raw)
        flags = fields.unsigned(1)
        time = cls(
            value=fields.unsigned(6),
            resolution=flags >> 2 & 3,
            ticks=bool(flags & _TICKS),
            utc=bool(flags & _UTC),
            zone_used=bool(flags & _ZONE_USED),
            current=bool(flags & _CURRENT),
            source=fields.unsigned(1),
            offset=fields.signed(1),
            state=ClockState(fields.unsigned(1), Capability(fields.unsigned(1))) if len(raw) > 9 else None,
            reserved_flags=flags & 0xC0,
        )
        fields.end()
        return time

    def __bytes__(self) -> bytes:
        flags = self.ticks * _TICKS | self.utc * _UTC | self.resolution << 2
        flags |= self.zone_used * _ZONE_USED | self.current * _CURRENT | self.reserved_flags
        raw = bytes([flags]) + self.value.to_bytes(6, "little") + bytes([self.source])
        raw += self.offset.to_bytes(1, "little", signed=True)
        return raw if self.state is None else raw + bytes([self.state.status, int(self.state.capabilities)])

    @property
    def clock(self) -> datetime.datetime | None:
        """The time of day that was sent, without zone; None for a counter, and beyond the year 9999."""
        if self.ticks:
            return None
        try:
            elapsed = datetime.timedelta(microseconds=self.value * _RESOLUTION_US[self.resolution])
            return datetime.datetime(2000, 1, 1) + elapsed  # noqa: DTZ001 - as sent; `utc` and `offset` say what it is
        except OverflowError:
            return None
