"""What a simulated sensor really found: what tests and demonstrations hold against what the kit was told."""

from dataclasses import dataclass

from carebag_devices.events import MeasurementKind, Value


@dataclass(frozen=True)
class Taken:
    """One finished measurement. `values` are exactly what the device sends, empty where it has nothing to show."""

    kind: MeasurementKind
    at_s: float
    """Unix time."""
    values: tuple[Value, ...]
    user: int | None = None
    """Person in the device's memory; None also for 255, unknown."""
    problem: str = ""
    """Why these are no values of a patient: `cuff_too_loose`, `demonstration_data`, `control_solution`, …"""
