"""Flags for the eye: never a change, never a refusal."""

from decimal import Decimal

import pytest

from carebag_devices.events import Value
from carebag_devices.plausible import doubts


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([("systolic", "138", "mm[Hg]"), ("diastolic", "84", "mm[Hg]")], ()),
        ([("systolic", "17.6", "kPa"), ("diastolic", "11.2", "kPa")], ()),
        ([("systolic", "3.1", "kPa")], ("implausible_systolic",)),
        ([("systolic", "80", "mm[Hg]"), ("diastolic", "80", "mm[Hg]")], ("implausible_pressures",)),
        ([("spo2", "69", "%"), ("pulse", "221", "/min")], ("implausible_spo2", "implausible_pulse")),
        ([("crp", "49", "mg/dL")], ()),
        ([("crp", "51", "mg/dL")], ("implausible_crp",)),
    ],
)
def test_doubts(values: list[tuple[str, str, str]], expected: tuple[str, ...]) -> None:
    assert doubts([Value(name, Decimal(number), unit) for name, number, unit in values]) == expected  # type: ignore[arg-type]
