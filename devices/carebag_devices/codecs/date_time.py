"""Date Time characteristic, 0x2A08 (GATT Specification Supplement): a clock without zone, where 0 means unknown."""

import calendar
import struct
from dataclasses import dataclass
from typing import Self

from carebag_devices.errors import Malformed

SIZE = 7
YEARS = range(1582, 10000)


@dataclass(frozen=True)
class DateTime:
    """As the device sent it: year 1582..9999, month and day may be 0 (unknown), no zone. Never made an instant here."""

    year: int
    month: int
    day: int
    hours: int
    minutes: int
    seconds: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed` for another length than 7 and for fields outside their ranges."""
        if len(raw) != SIZE:
            raise Malformed("truncated" if len(raw) < SIZE else "trailing_bytes")
        stamp = cls(*struct.unpack("<H5B", raw))
        if not stamp._in_range():
            raise Malformed("date_out_of_range")
        return stamp

    def _in_range(self) -> bool:
        return (
            (self.year == 0 or self.year in YEARS)
            and self.month <= 12
            and self.day <= self._days()
            and self.hours <= 23
            and self.minutes <= 59
            and self.seconds <= 59
        )

    def _days(self) -> int:
        """In this month; where month or year is unknown, in the longest it could be."""
        return calendar.monthrange(self.year or 2000, self.month)[1] if self.month else 31

    def __bytes__(self) -> bytes:
        return struct.pack("<H5B", self.year, self.month, self.day, self.hours, self.minutes, self.seconds)

    def __str__(self) -> str:
        """ISO 8601 shape, unknown fields as zeros: `2026-00-00T00:00:00`."""
        date = f"{self.year:04}-{self.month:02}-{self.day:02}"
        return f"{date}T{self.hours:02}:{self.minutes:02}:{self.seconds:02}"
