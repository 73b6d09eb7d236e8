"""A simulated thermometer: intermediate values while the probe warms, then one indication."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from carebag_devices.codecs.ieee11073 import Special
from carebag_devices.codecs.thermometer import TemperatureMeasurement, TemperatureType
from carebag_devices.events import Value
from carebag_devices.sim.body import Body
from carebag_devices.sim.habits import Habits
from carebag_devices.sim.instrument import Instrument, Part
from carebag_devices.sim.memory import Entry
from carebag_devices.sim.peripheral import Clock, Gatt, Label
from carebag_devices.sim.truth import Taken

WARMING_S = 8.0
ROOM_C = 24.0
MOUTH = 6
LABEL = Label("CB Thermo", "Simulated thermometer", "TH-0001", "C6:00:00:00:00:05", ("1809",), encrypted=True)


@dataclass(frozen=True)
class _Found:
    temperature: Decimal | None
    """In the unit it shows; None: the probe was taken out too early."""


class Thermometer(Instrument):
    """Measures in the mouth. `speed` 2 takes half the time."""

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
        super().__init__(hci_source, hci_sink, label, now=now, battery=71, habits=habits or Habits(), speed=speed)
        self._body = body
        self.measuring = False
        self.result = Gatt("2A1C", push="indicate")
        self._intermediate = Gatt("2A1E", push="notify")
        site = Gatt("2A1D", read=lambda: bytes(TemperatureType(MOUTH)))
        self.serve_meter("1809", [self.result, self._intermediate, site])

    def measure(self, *, failing: bool = False) -> None:
        """A probe is put in; `failing`: and taken out too early."""
        if not self.measuring:
            self.measuring = True
            self._spawn(self._measure(failing))

    async def _measure(self, failing: bool) -> None:
        try:
            await self.wake()
            steps = round(WARMING_S / 2) if failing else round(WARMING_S)
            for step in range(1, steps + 1):
                await asyncio.sleep(1 / self._speed)
                self._stay_a_little()
                warm = ROOM_C + (self._body.temperature(self.now()) - ROOM_C) * step / WARMING_S
                await self.notify(self._intermediate, bytes(self._said(self._in_unit(warm))))
            self._find(self.now(), None if failing else self._body.temperature(self.now()))
        finally:
            self.measuring = False

    def remember(self, at_s: float) -> None:
        self._find(at_s, self._body.temperature(at_s), past=True)

    def _find(self, at_s: float, celsius: float | None, *, past: bool = False) -> None:
        found = None if celsius is None else self._in_unit(celsius)
        values = () if found is None else (Value("temperature", found, "[degF]" if self._unit == "°F" else "Cel"),)
        taken = Taken("temperature", at_s, values, problem="" if values else "measurement_failed")
        self.keep(taken, _Found(found), at_s=at_s if past else None)

    @property
    def _unit(self) -> Literal["°C", "°F"]:
        return "°F" if self.habits.unit == "°F" else "°C"

    def _in_unit(self, celsius: float) -> Decimal:
        shown = celsius * 9 / 5 + 32 if self._unit == "°F" else celsius
        return Decimal(round(shown * 10)).scaleb(-1)

    def _said(self, temperature: Decimal | None) -> TemperatureMeasurement:
        return TemperatureMeasurement(Special.NAN if temperature is None else temperature, self._unit, site=MOUTH)

    def parts(self, entry: Entry, *, stored: bool) -> list[Part]:
        found: _Found = entry.content
        number = Special.NAN if found.temperature is None else found.temperature
        return [(self.result, bytes(TemperatureMeasurement(number, self._unit, time=entry.stamp, site=MOUTH)))]
