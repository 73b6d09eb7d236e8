"""Blood Pressure Service 1.1: Enhanced Measurement 0x2B34 and Enhanced Intermediate Cuff Pressure 0x2B35.

Their time stamps count seconds since the start of 1900 or of 2000. Source: GATT Specification Supplement, "Enhanced
Blood Pressure Measurement" and "Enhanced Intermediate Cuff Pressure" (which has one pressure, not 0x2A36's three).
"""

import datetime
import struct
from dataclasses import dataclass
from typing import Literal, Self, TypedDict

from carebag_devices.codecs.blood_pressure import MeasurementStatus
from carebag_devices.codecs.fields import Fields
from carebag_devices.codecs.ieee11073 import Number, SFloat, Special, sfloat

_KPA, _TIME, _PULSE, _USER, _STATUS, _USER_TIME, _EPOCH_2000, _RESERVED = (1 << bit for bit in range(8))


class _Tail(TypedDict):
    unit: Literal["mmHg", "kPa"]
    epoch_2000: bool
    time: int | None
    pulse: Number | None
    user: int | None
    status: MeasurementStatus | None
    user_facing_time: int | None
    reserved_flag: bool


@dataclass(frozen=True, kw_only=True)
class _Enhanced:
    """`time` (device's base time) and `user_facing_time` (as on its display) in s since the epoch; pulse per minute."""

    unit: Literal["mmHg", "kPa"] = "mmHg"
    epoch_2000: bool = True
    time: int | None = None
    pulse: Number | None = None
    user: int | None = None
    status: MeasurementStatus | None = None
    user_facing_time: int | None = None
    reserved_flag: bool = False

    @property
    def clock(self) -> datetime.datetime | None:
        """What the display showed: user-facing time where it was sent, else the base time. No zone, as sent."""
        seconds = self.time if self.user_facing_time is None else self.user_facing_time
        if seconds is None:
            return None
        epoch = datetime.datetime(2000 if self.epoch_2000 else 1900, 1, 1)  # noqa: DTZ001 - the device sends no zone
        return epoch + datetime.timedelta(seconds=seconds)

    def _encoded(self, pressures: tuple[Number, ...]) -> bytes:
        flags = (self.unit == "kPa") * _KPA | self.epoch_2000 * _EPOCH_2000 | self.reserved_flag * _RESERVED
        body = b"".join(bytes(SFloat(number)) for number in pressures)
        parts = (
            (_TIME, None if self.time is None else struct.pack("<I", self.time)),
            (_PULSE, None if self.pulse is None else bytes(SFloat(self.pulse))),
            (_USER, None if self.user is None else bytes([self.user])),
            (_STATUS, None if self.status is None else bytes(self.status)),
            (_USER_TIME, None if self.user_facing_time is None else struct.pack("<I", self.user_facing_time)),
        )
        for flag, part in parts:
            if part is not None:
                flags, body = flags | flag, body + part
        return bytes([flags]) + body


def _tail(fields: Fields, flags: int) -> _Tail:
    return {
        "unit": "kPa" if flags & _KPA else "mmHg",
        "epoch_2000": bool(flags & _EPOCH_2000),
        "time": fields.unsigned(4) if flags & _TIME else None,
        "pulse": sfloat(fields.take(2)) if flags & _PULSE else None,
        "user": fields.unsigned(1) if flags & _USER else None,
        "status": MeasurementStatus.parse(fields.take(2)) if flags & _STATUS else None,
        "user_facing_time": fields.unsigned(4) if flags & _USER_TIME else None,
        "reserved_flag": bool(flags & _RESERVED),
    }


@dataclass(frozen=True, kw_only=True)
class EnhancedBloodPressure(_Enhanced):
    """0x2B34. Pressures in `unit`."""

    systolic: Number
    diastolic: Number
    mean: Number

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        flags = fields.unsigned(1)
        systolic, diastolic, mean = (sfloat(fields.take(2)) for _ in range(3))
        measurement = cls(systolic=systolic, diastolic=diastolic, mean=mean, **_tail(fields, flags))
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        return self._encoded((self.systolic, self.diastolic, self.mean))

    @property
    def has_values(self) -> bool:
        """Both pressures are numbers; else the cuff says that it could not measure."""
        return not isinstance(self.systolic, Special) and not isinstance(self.diastolic, Special)


@dataclass(frozen=True, kw_only=True)
class EnhancedCuffPressure(_Enhanced):
    """0x2B35, while the cuff inflates: the pressure in it, in `unit`. Not a blood pressure."""

    pressure: Number

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        flags = fields.unsigned(1)
        measurement = cls(pressure=sfloat(fields.take(2)), **_tail(fields, flags))
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        return self._encoded((self.pressure,))
