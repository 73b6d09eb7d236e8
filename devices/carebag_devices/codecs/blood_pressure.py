"""Blood Pressure Service 1.1.1: Measurement 0x2A35, Intermediate Cuff Pressure 0x2A36 (same layout), Feature 0x2A49."""

import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Self

from carebag_devices.codecs.date_time import SIZE as DATE_TIME_SIZE
from carebag_devices.codecs.date_time import YEARS, DateTime
from carebag_devices.codecs.fields import Fields
from carebag_devices.codecs.ieee11073 import Number, SFloat, Special, sfloat
from carebag_devices.errors import Malformed

UNKNOWN_USER = 0xFF
_BEYOND_ANY_ARM = 1000
"""mmHg: a pressure read in the wrong byte order is nothing, or tens of millions."""

_KPA, _TIME, _PULSE, _USER, _STATUS = 1, 2, 4, 8, 16
_RESERVED_FLAGS = 0xE0


def _length(flags: int) -> int:
    """Of a value with these flags."""
    extras = ((_TIME, DATE_TIME_SIZE), (_PULSE, 2), (_USER, 1), (_STATUS, 2))
    return 7 + sum(size for flag, size in extras if flags & flag)


def _tail_words(flags: int) -> list[int]:
    """Where pulse and status begin, in a value with a user."""
    at = _length(flags & _TIME)
    return [at] * bool(flags & _PULSE) + [at + 2 * bool(flags & _PULSE) + 1] * bool(flags & _STATUS)


def _swap(raw: bytearray, *words: int) -> None:
    for at in words:
        raw[at], raw[at + 1] = raw[at + 1], raw[at]


def _as_specified(raw: bytes) -> bytes:
    """The bytes in the specified order and with the user's flag set, where they are one too many for their flags."""
    if not raw or raw[0] & _USER or len(raw) != _length(raw[0]) + 1:
        return raw
    mended = bytearray(raw)
    mended[0] |= _USER
    _swap(mended, *_tail_words(raw[0]))
    if raw[0] & _TIME and raw[7] << 8 | raw[8] in YEARS and raw[8] << 8 | raw[7] not in YEARS:
        _swap(mended, 1, 3, 5, 7)
    return bytes(mended)


class PulseRange(enum.Enum):
    """Status bits 3 and 4."""

    WITHIN = 0
    ABOVE = 1
    BELOW = 2
    RESERVED = 3


@dataclass(frozen=True)
class MeasurementStatus:
    """Measurement Status, 16 bits. `reserved` keeps bits 6 to 15 as sent."""

    body_moved: bool = False
    cuff_too_loose: bool = False
    irregular_pulse: bool = False
    pulse_range: PulseRange = PulseRange.WITHIN
    improper_position: bool = False
    reserved: int = 0

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        fields = Fields(raw)
        word = fields.unsigned(2)
        fields.end()
        return cls(
            bool(word & 1), bool(word & 2), bool(word & 4), PulseRange(word >> 3 & 3), bool(word & 0x20), word & 0xFFC0
        )

    def __bytes__(self) -> bytes:
        word = self.body_moved | self.cuff_too_loose << 1 | self.irregular_pulse << 2
        word |= self.pulse_range.value << 3 | self.improper_position << 5 | self.reserved
        return word.to_bytes(2, "little")

    def codes(self) -> tuple[str, ...]:
        """What the device says was not as it should be, as words of the catalogue."""
        said = {
            "body_moved": self.body_moved,
            "cuff_too_loose": self.cuff_too_loose,
            "irregular_pulse": self.irregular_pulse,
            "pulse_too_high": self.pulse_range is PulseRange.ABOVE,
            "pulse_too_low": self.pulse_range is PulseRange.BELOW,
            "improper_position": self.improper_position,
        }
        return tuple(code for code, is_set in said.items() if is_set)


@dataclass(frozen=True)
class BloodPressureMeasurement:
    """Pressures in `unit`; pulse per minute. `user` 255 is "unknown user". `reserved_flags` keeps flag bits 5 to 7."""

    systolic: Number
    diastolic: Number
    mean: Number
    unit: Literal["mmHg", "kPa"] = "mmHg"
    time: DateTime | None = None
    pulse: Number | None = None
    user: int | None = None
    status: MeasurementStatus | None = None
    reserved_flags: int = 0

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed` for short or over-long values and impossible dates."""
        fields = Fields(raw)
        flags = fields.unsigned(1)
        measurement = cls(
            systolic=sfloat(fields.take(2)),
            diastolic=sfloat(fields.take(2)),
            mean=sfloat(fields.take(2)),
            unit="kPa" if flags & _KPA else "mmHg",
            time=DateTime.parse(fields.take(DATE_TIME_SIZE)) if flags & _TIME else None,
            pulse=sfloat(fields.take(2)) if flags & _PULSE else None,
            user=fields.unsigned(1) if flags & _USER else None,
            status=MeasurementStatus.parse(fields.take(2)) if flags & _STATUS else None,
            reserved_flags=flags & _RESERVED_FLAGS,
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        flags = self.reserved_flags | (_KPA if self.unit == "kPa" else 0)
        body = b"".join(bytes(SFloat(number)) for number in (self.systolic, self.diastolic, self.mean))
        if self.time is not None:
            flags, body = flags | _TIME, body + bytes(self.time)
        if self.pulse is not None:
            flags, body = flags | _PULSE, body + bytes(SFloat(self.pulse))
        if self.user is not None:
            flags, body = flags | _USER, body + bytes([self.user])
        if self.status is not None:
            flags, body = flags | _STATUS, body + bytes(self.status)
        return bytes([flags]) + body

    @classmethod
    def parse_big_endian(cls, raw: bytes) -> Self:
        """As some of Beurer's cuffs send it: numbers in big-endian order, and a user whom its flag denies.

        The BM85 swaps pulse and status only, by recorded bytes (derdilla/blood-pressure-monitor-fl,
        ble_measurement_data_test.dart); pressures and year are swapped too where the year says so, which in little
        endian is then no year at all. By issue 740 there not every model that the maker's app counts in does any of
        it: a value of the specified length is read as specified. Raises `Malformed`, also where a number that no arm
        has shows that the order is yet another.
        """
        measurement = cls.parse(_as_specified(bytes(raw)))
        numbers = (measurement.systolic, measurement.diastolic, measurement.mean, measurement.pulse)
        if any(isinstance(number, Decimal) and number and not 1 <= number <= _BEYOND_ANY_ARM for number in numbers):
            raise Malformed("byte_order_unknown")
        return measurement

    def big_endian(self) -> bytes:
        """As the BM85 sends it: `user` without its flag, pulse and status swapped."""
        if self.user is None:
            raise ValueError("these devices always send a user")
        raw = bytearray(bytes(self))
        _swap(raw, *_tail_words(raw[0]))
        raw[0] &= ~_USER
        return bytes(raw)

    @property
    def has_values(self) -> bool:
        """Both pressures are numbers; else the cuff says that it could not measure."""
        return not isinstance(self.systolic, Special) and not isinstance(self.diastolic, Special)


@dataclass(frozen=True)
class BloodPressureFeature:
    """Blood Pressure Feature, 16 bits: which status bits and extras the cuff can send at all."""

    bits: int

    BODY_MOVEMENT = 1 << 0
    CUFF_FIT = 1 << 1
    IRREGULAR_PULSE = 1 << 2
    PULSE_RANGE = 1 << 3
    POSITION = 1 << 4
    MULTIPLE_BONDS = 1 << 5
    E2E_CRC = 1 << 6
    USER_DATA = 1 << 7
    USER_FACING_TIME = 1 << 8

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        if len(raw) != 2:
            raise Malformed("truncated" if len(raw) < 2 else "trailing_bytes")
        return cls(int.from_bytes(raw, "little"))

    def __bytes__(self) -> bytes:
        return self.bits.to_bytes(2, "little")
