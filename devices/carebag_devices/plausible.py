"""Numbers that are more often a mistake than a patient: flagged for the eye, never blocked, never changed.

The limits are our choice, wide on purpose; each says what it leans on.
"""

from collections.abc import Sequence
from decimal import Decimal

from carebag_devices.events import Value

LIMITS: dict[str, tuple[Decimal, Decimal]] = {
    # adult cuffs: beyond these a wrong size or a loose cuff is likelier than the value (our choice)
    "systolic": (Decimal(60), Decimal(260)),
    "diastolic": (Decimal(30), Decimal(160)),
    "mean": (Decimal(40), Decimal(200)),
    # heart rate that a resting adult hardly has (our choice)
    "pulse": (Decimal(25), Decimal(220)),
    # ISO 80601-2-61 asks for accuracy from 70 % on: below it no oximeter is tested
    "spo2": (Decimal(70), Decimal(100)),
    "perfusion": (Decimal(0), Decimal(25)),
    # above the range of point-of-care readers (our choice)
    "crp": (Decimal(0), Decimal(500)),
}
_TO_TABLE_UNIT = {"kPa": Decimal("7.50062"), "mg/dL": Decimal(10)}


def doubts(values: Sequence[Value]) -> tuple[str, ...]:
    """`implausible_<name>` for each value outside its limits, `implausible_pressures` where diastolic is not below."""
    found = []
    for value in values:
        low, high = LIMITS[value.name]
        if not low <= value.value * _TO_TABLE_UNIT.get(value.unit, Decimal(1)) <= high:
            found.append(f"implausible_{value.name}")
    by_name = {value.name: value.value for value in values}
    if "systolic" in by_name and "diastolic" in by_name and by_name["systolic"] <= by_name["diastolic"]:
        found.append("implausible_pressures")
    return tuple(found)
