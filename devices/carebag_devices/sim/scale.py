"""A simulated scale: somebody steps on it, and one indication follows."""

import asyncio
from decimal import Decimal
from typing import Any, Literal

from carebag_devices.codecs.weight_scale import Feature, WeightMeasurement, WeightScaleFeature
from carebag_devices.events import Value
from carebag_devices.sim.body import Body
from carebag_devices.sim.habits import Habits
from carebag_devices.sim.instrument import Instrument, Part
from carebag_devices.sim.memory import Entry
from carebag_devices.sim.peripheral import Clock, Gatt, Label
from carebag_devices.sim.truth import Taken

SETTLING_S = 4.0
KG_STEP, LB_STEP = Decimal("0.05"), Decimal("0.1")
LB_PER_KG = 2.2046226
_RESOLUTION_50_G = 4 << 3
LABEL = Label("CB Scale", "Simulated scale", "SC-0001", "C6:00:00:00:00:06", ("181D",), encrypted=True)


class Scale(Instrument):
    """Two people can have their keys on it: `user` 1 and 2."""

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
        super().__init__(hci_source, hci_sink, label, now=now, battery=93, habits=habits or Habits(), speed=speed)
        self._body = body
        self.measuring = False
        self.result = Gatt("2A9D", push="indicate")
        bits = int(Feature.TIMESTAMP | Feature.MULTIPLE_USERS) | _RESOLUTION_50_G
        self.serve_meter("181D", [self.result, Gatt("2A9E", read=WeightScaleFeature(bits).__bytes__)])

    def step_on(self, *, failing: bool = False) -> None:
        """Somebody steps on; `failing`: and does not stand still."""
        if not self.measuring:
            self.measuring = True
            self._spawn(self._measure(failing))

    async def _measure(self, failing: bool) -> None:
        try:
            await self.wake()
            await asyncio.sleep(SETTLING_S / self._speed)
            self._find(self.now(), None if failing else self._body.weight(self.now()))
        finally:
            self.measuring = False

    def remember(self, at_s: float) -> None:
        self._find(at_s, self._body.weight(at_s), past=True)

    def _find(self, at_s: float, kg: float | None, *, past: bool = False) -> None:
        shown = None if kg is None else self._in_unit(kg)
        values = () if shown is None else (Value("weight", shown, "[lb_av]" if self._unit == "lb" else "kg"),)
        user = None if self.user == 255 else self.user
        taken = Taken("weight", at_s, values, user, "" if values else "measurement_failed")
        self.keep(taken, (shown, self.user), at_s=at_s if past else None)

    @property
    def _unit(self) -> Literal["kg", "lb"]:
        return "lb" if self.habits.unit == "lb" else "kg"

    def _in_unit(self, kg: float) -> Decimal:
        """As it is sent: thousandths of a kilogram, hundredths of a pound."""
        if self._unit == "lb":
            return (round(kg * LB_PER_KG / float(LB_STEP)) * LB_STEP).quantize(Decimal("0.01"))
        return (round(kg / float(KG_STEP)) * KG_STEP).quantize(Decimal("0.001"))

    def parts(self, entry: Entry, *, stored: bool) -> list[Part]:
        weight, user = entry.content
        return [(self.result, bytes(WeightMeasurement(weight, self._unit, time=entry.stamp, user=user)))]
