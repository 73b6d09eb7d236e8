"""How a simulated meter behaves, taken from the catalog's entry of the model it plays."""

from dataclasses import dataclass
from typing import Literal

from carebag_devices.catalog import Model
from carebag_devices.catalog.model import Memory
from carebag_devices.sim.memory import CAPACITY

LEAVES_AFTER_S = 4.0
DEAF_S = 0.8
"""Devices that need a pause stay silent for the whole link when they are subscribed to sooner after connecting."""

ByteOrder = Literal["little", "tail_big", "big"]
"""`tail_big`: pulse and status only, as recorded from a BM85. `big`: every number, as the catalog's vectors."""


@dataclass(frozen=True)
class Habits:
    """The defaults are a device without memory and clock that does all as the specification says."""

    memory: Memory = "none"
    capacity: int = CAPACITY
    deletes: bool = False
    """Forgets what was confirmed."""
    sends_all: bool = False
    """Pushes its whole memory on every connection, oldest first."""
    clock: str = ""
    clock_refuses: bool = False
    leaves_after_s: float | None = None
    """Hangs up and switches off when idle for so long."""
    deaf_s: float = 0.0
    byte_order: ByteOrder = "little"
    unit: Literal["", "kPa", "°F", "lb", "mg/dL"] = ""
    """Other than the usual one."""
    command: tuple[str, bytes] | None = None
    farewell: tuple[str, bytes] | None = None
    battery_steps: bool = False
    spot_only: bool = False
    enhanced: bool = False
    """Cuffs: the enhanced measurement of Blood Pressure Service 1.1 in place of the first form."""
    passkey: bool = False


def habits_of(model: Model) -> Habits:
    """What the catalog knows of the model, and nothing more."""
    return Habits(
        memory=model.memory,
        deletes=model.deletes,
        sends_all=model.has("newest_last"),
        clock=model.clock,
        clock_refuses=model.has("clock_write_refused"),
        leaves_after_s=LEAVES_AFTER_S if model.has("leaves_quickly") else None,
        deaf_s=DEAF_S if model.has("silent_without_pause") else 0.0,
        byte_order="tail_big" if model.has("big_endian") else "little",
        unit="kPa" if model.has("unit_by_exponent") else "",
        command=model.memory_command,
        farewell=model.farewell,
        battery_steps=model.has("battery_in_steps"),
        spot_only=model.has("spot_only"),
        passkey=model.passkey,
    )
