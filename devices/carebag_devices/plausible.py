"""Numbers that are more often a mistake than a patient: flagged for the eye, never blocked, never changed.

The limits are our choice, wide on purpose; each says what it leans on.
"""

from collections.abc import Sequence
from decimal import Decimal

from carebag_devices.catalog.codes import UCUM_OF
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
    # beyond what a living body in a kitchen shows (our choice)
    "temperature": (Decimal(30), Decimal(43)),
    # adults; a child or a bag on the scale is likelier beyond (our choice)
    "weight": (Decimal(25), Decimal(300)),
    # mmol/L; home meters measure 0.6 to 33.3 (ISO 15197 asks for 2.8 to 22.2 at least)
    "glucose": (Decimal("0.6"), Decimal("33.3")),
    # breaths of an adult that a nurse can count in a kitchen (our choice)
    "respiration": (Decimal(4), Decimal(60)),
    # litres a minute: from the least of a cannula to the most of a reservoir mask (our choice)
    "oxygen_flow": (Decimal("0.1"), Decimal(15)),
}
_TO_TABLE_UNIT: dict[tuple[str, str], Decimal] = {
    ("mm[Hg]", "kPa"): Decimal("7.50062"),
    ("mg/L", "mg/dL"): Decimal(10),
    ("mmol/L", "mg/dL"): 1 / Decimal("18.016"),
    ("kg", "[lb_av]"): Decimal("0.45359237"),
}


def in_usual_unit(value: Value) -> Decimal:
    """The number in the unit that `LIMITS` are in; for comparing, never for showing."""
    usual = UCUM_OF[value.name][0]
    if value.unit == "[degF]" and usual == "Cel":
        return (value.value - 32) / Decimal("1.8")
    return value.value * _TO_TABLE_UNIT.get((usual, value.unit), Decimal(1))


def doubts(values: Sequence[Value]) -> tuple[str, ...]:
    """`implausible_<name>` for each value outside its limits, `implausible_pressures` where diastolic is not below."""
    found = []
    for value in values:
        low, high = LIMITS[value.name]
        if not low <= in_usual_unit(value) <= high:
            found.append(f"implausible_{value.name}")
    by_name = {value.name: value.value for value in values}
    if "systolic" in by_name and "diastolic" in by_name and by_name["systolic"] <= by_name["diastolic"]:
        found.append("implausible_pressures")
    return tuple(found)
