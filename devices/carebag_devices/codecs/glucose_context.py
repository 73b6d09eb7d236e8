"""Glucose Service 1.0: Glucose Measurement Context 0x2A34, what the person entered beside a measurement.

Source: GATT Specification Supplement, "Glucose Measurement Context".
"""

import struct
from dataclasses import dataclass
from typing import Literal, Self

from carebag_devices.codecs.fields import Fields
from carebag_devices.codecs.ieee11073 import Number, SFloat, sfloat

_CARBOHYDRATE, _MEAL, _TESTER, _EXERCISE, _MEDICATION, _LITRES, _HBA1C, _EXTENDED = (1 << bit for bit in range(8))

CARBOHYDRATES = {1: "breakfast", 2: "lunch", 3: "dinner", 4: "snack", 5: "drink", 6: "supper", 7: "brunch"}
MEALS = {1: "before_meal", 2: "after_meal", 3: "fasting", 4: "casual", 5: "bedtime"}
TESTERS = {1: "self", 2: "health_care_professional", 3: "laboratory", 15: "tester_not_available"}
HEALTH = {
    1: "minor_health_issues",
    2: "major_health_issues",
    3: "during_menses",
    4: "under_stress",
    5: "no_health_issues",
    15: "health_not_available",
}
MEDICATIONS = {
    1: "rapid_acting_insulin",
    2: "short_acting_insulin",
    3: "intermediate_acting_insulin",
    4: "long_acting_insulin",
    5: "pre_mixed_insulin",
}
EXERCISE_OVERRUN = 0xFFFF


@dataclass(frozen=True)
class Carbohydrate:
    """In kg, as sent."""

    kind: int
    mass: Number


@dataclass(frozen=True)
class Exercise:
    """Duration in s (0xFFFF: overrun), intensity in percent."""

    seconds: int
    intensity: int


@dataclass(frozen=True)
class Medication:
    """In kg or L, as sent."""

    kind: int
    amount: Number
    unit: Literal["kg", "L"]


@dataclass(frozen=True)
class GlucoseContext:
    """`sequence` is that of its Glucose Measurement. HbA1c in percent. Codes are kept as sent, reserved ones too."""

    sequence: int
    extended_flags: int | None = None
    carbohydrate: Carbohydrate | None = None
    meal: int | None = None
    tester_health: tuple[int, int] | None = None
    exercise: Exercise | None = None
    medication: Medication | None = None
    hba1c: Number | None = None
    idle_unit_flag: bool = False
    """Flag 5 (litres) where no medication was sent."""

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises `Malformed`."""
        fields = Fields(raw)
        flags = fields.unsigned(1)
        context = cls(
            sequence=fields.unsigned(2),
            extended_flags=fields.unsigned(1) if flags & _EXTENDED else None,
            carbohydrate=_carbohydrate(fields) if flags & _CARBOHYDRATE else None,
            meal=fields.unsigned(1) if flags & _MEAL else None,
            tester_health=_nibbles(fields.unsigned(1)) if flags & _TESTER else None,
            exercise=Exercise(fields.unsigned(2), fields.unsigned(1)) if flags & _EXERCISE else None,
            medication=_medication(fields, flags) if flags & _MEDICATION else None,
            hba1c=sfloat(fields.take(2)) if flags & _HBA1C else None,
            idle_unit_flag=bool(flags & _LITRES and not flags & _MEDICATION),
        )
        fields.end()
        return context

    def __bytes__(self) -> bytes:
        flags, body = self.idle_unit_flag * _LITRES, struct.pack("<H", self.sequence)
        for flag, part in self._parts():
            if part is not None:
                flags, body = flags | flag, body + part
        if self.medication is not None and self.medication.unit == "L":
            flags |= _LITRES
        return bytes([flags]) + body

    def _parts(self) -> tuple[tuple[int, bytes | None], ...]:
        eaten, sport, drug, person = self.carbohydrate, self.exercise, self.medication, self.tester_health
        return (
            (_EXTENDED, None if self.extended_flags is None else bytes([self.extended_flags])),
            (_CARBOHYDRATE, None if eaten is None else bytes([eaten.kind]) + bytes(SFloat(eaten.mass))),
            (_MEAL, None if self.meal is None else bytes([self.meal])),
            (_TESTER, None if person is None else bytes([person[1] << 4 | person[0]])),
            (_EXERCISE, None if sport is None else struct.pack("<HB", sport.seconds, sport.intensity)),
            (_MEDICATION, None if drug is None else bytes([drug.kind]) + bytes(SFloat(drug.amount))),
            (_HBA1C, None if self.hba1c is None else bytes(SFloat(self.hba1c))),
        )


def _carbohydrate(fields: Fields) -> Carbohydrate:
    return Carbohydrate(fields.unsigned(1), sfloat(fields.take(2)))


def _medication(fields: Fields, flags: int) -> Medication:
    return Medication(fields.unsigned(1), sfloat(fields.take(2)), "L" if flags & _LITRES else "kg")


def _nibbles(byte: int) -> tuple[int, int]:
    """Tester in the low nibble, health in the high one."""
    return byte & 0x0F, byte >> 4
