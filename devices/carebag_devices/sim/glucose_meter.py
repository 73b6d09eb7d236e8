"""A simulated glucose meter: records with numbers, given out by the Record Access Control Point only."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from carebag_devices.codecs.glucose import (
    Concentration,
    Feature,
    GlucoseFeature,
    GlucoseMeasurement,
    SensorStatus,
)
from carebag_devices.codecs.glucose_context import GlucoseContext
from carebag_devices.events import Value
from carebag_devices.sim.body import Body
from carebag_devices.sim.habits import Habits
from carebag_devices.sim.instrument import Instrument, Part
from carebag_devices.sim.memory import Entry
from carebag_devices.sim.peripheral import Clock, Gatt, Label
from carebag_devices.sim.truth import Taken

STRIP_S = 5.0
MG_DL_PER_MMOL_L = 18.016
_BLOOD, _CONTROL = 1, 10
_FINGER, _CONTROL_SITE = 1, 4
BEFORE_MEAL = 1
CONTROL_MMOL_L = 6.1
"""What the control solution holds."""

What = Literal["blood", "control", "too_high", "short_sample"]
_FAULTS: dict[str, tuple[SensorStatus, str]] = {
    "too_high": (SensorStatus.RESULT_TOO_HIGH, "above_range"),
    "short_sample": (SensorStatus.SAMPLE_INSUFFICIENT, "sample_size_insufficient"),
}
LABEL = Label("CB Gluco", "Simulated glucose meter", "GL-0001", "C6:00:00:00:00:07", ("1808",), encrypted=True)


@dataclass(frozen=True)
class _Found:
    concentration: Concentration
    status: SensorStatus
    meal: int | None


class GlucoseMeter(Instrument):
    """A strip ends its connection, as in real ones; with the result it is on the air again."""

    pushes_live = False

    def __init__(
        self,
        hci_source: Any,
        hci_sink: Any,
        *,
        body: Body,
        now: Clock,
        speed: float = 1.0,
        label: Label = LABEL,
        habits: Habits | None = None,
    ) -> None:
        habits = habits or Habits(memory="racp", clock="2A2B")
        super().__init__(hci_source, hci_sink, label, now=now, battery=58, habits=habits, speed=speed)
        self._body = body
        self.measuring = False
        self.meal: int | None = None
        """What the person marked: with it each record has a context."""
        self.result = Gatt("2A18", push="notify")
        self._context = Gatt("2A34", push="notify")
        feature = GlucoseFeature(Feature.BATTERY_LOW | Feature.SAMPLE_SIZE | Feature.RESULT_RANGE)
        self.serve_meter("1808", [self.result, self._context, Gatt("2A51", read=feature.__bytes__)])

    def measure(self, what: What = "blood") -> None:
        """A strip with a drop of blood, or of control solution."""
        if not self.measuring:
            self.measuring = True
            self._spawn(self._measure(what))

    async def _measure(self, what: What) -> None:
        try:
            await self.sleep()
            await asyncio.sleep(STRIP_S / self._speed)
            self._find(self.now(), what)
        finally:
            self.measuring = False
            await self.wake()

    def remember(self, at_s: float) -> None:
        self._find(at_s, "blood", past=True)

    def _find(self, at_s: float, what: What, *, past: bool = False) -> None:
        mmol = CONTROL_MMOL_L if what == "control" else self._body.glucose(at_s)
        control, (status, problem) = what == "control", _FAULTS.get(what, (SensorStatus(0), ""))
        value, shown = self._numbers(mmol)
        concentration = Concentration(
            value,
            "kg/L" if self.habits.unit == "mg/dL" else "mol/L",
            _CONTROL if control else _BLOOD,
            _CONTROL_SITE if control else _FINGER,
        )
        problem = "control_solution" if control else problem
        taken = Taken("glucose", at_s, () if problem else (shown,), problem=problem)
        self.keep(taken, _Found(concentration, status, self.meal), at_s=at_s if past else None)

    def _numbers(self, mmol: float) -> tuple[Decimal, Value]:
        """As it is sent (mol/L or kg/L) and as it is shown."""
        if self.habits.unit == "mg/dL":
            whole = Decimal(round(mmol * MG_DL_PER_MMOL_L))
            return whole.scaleb(-5), Value("glucose", whole, "mg/dL")
        tenths = round(mmol * 10)
        return Decimal(tenths).scaleb(-4), Value("glucose", Decimal(tenths).scaleb(-1), "mmol/L")

    def parts(self, entry: Entry, *, stored: bool) -> list[Part]:
        found: _Found = entry.content
        said = GlucoseMeasurement(
            entry.sequence,
            entry.stamp,
            offset=0,
            concentration=found.concentration,
            status=found.status,
            context=found.meal is not None,
        )
        parts = [(self.result, bytes(said))]
        if found.meal is not None:
            parts.append((self._context, bytes(GlucoseContext(entry.sequence, meal=found.meal))))
        return parts
