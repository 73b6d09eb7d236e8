"""Battery Level, 0x2A19: percent in one byte."""

from dataclasses import dataclass
from typing import Self

from carebag_devices.errors import Malformed


@dataclass(frozen=True)
class BatteryLevel:
    """0..100 %."""

    percent: int

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed` for another length than 1 and for more than 100 %."""
        if len(raw) != 1:
            raise Malformed("truncated" if not raw else "trailing_bytes")
        if raw[0] > 100:
            raise Malformed("percent_out_of_range")
        return cls(raw[0])

    def __bytes__(self) -> bytes:
        return bytes([self.percent])
