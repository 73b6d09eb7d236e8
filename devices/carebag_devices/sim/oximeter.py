"""A simulated pulse oximeter: continuous measurement once a second while it is connected, spot check on request."""

import asyncio
from decimal import Decimal
from typing import Any

from carebag_devices.codecs.ieee11073 import Special
from carebag_devices.codecs.plx import Continuous, MeasurementStatus, Reading, SensorStatus, SpotCheck
from carebag_devices.sim.body import Body
from carebag_devices.sim.peripheral import Clock, Gatt, Label, Peripheral

PERIOD_S = 1.0
SETTLING_S = 3
"""Seconds after the finger is in until the device vouches for its numbers."""


class Oximeter(Peripheral):
    """Without a finger it says so every second and gives no number."""

    def __init__(
        self,
        hci_source: Any,
        hci_sink: Any,
        *,
        body: Body,
        now: Clock,
        period_s: float = PERIOD_S,
        address: str = "C6:00:00:00:00:02",
    ) -> None:
        label = Label("CB Oximeter", "Simulated oximeter", "OX-0001", address, ("1822",))
        super().__init__(hci_source, hci_sink, label, now=now, battery=74)
        self._body, self._period_s = body, period_s
        self._finger_since: int | None = None
        self._spot = Gatt("2A5E", push="indicate")
        self._continuous = Gatt("2A5F", push="notify")
        features = Gatt("2A60", read=lambda: b"\x07\x00" + b"\x60\x21" + b"\x00\x08\x00")
        self.serve("1822", [self._spot, self._continuous, features])
        self._sent = 0

    async def start(self) -> None:
        await super().start()
        self._spawn(self._stream())

    def finger_on(self) -> None:
        """A finger was put in."""
        if self._finger_since is None:
            self._finger_since = self._sent

    def finger_off(self) -> None:
        self._finger_since = None

    def give_spot(self) -> None:
        """Some oximeters indicate one checked value; this one does when told to."""
        reading = self._reading()
        status = MeasurementStatus.VALIDATED | MeasurementStatus.FULLY_QUALIFIED
        self._spawn(self.indicate(self._spot, bytes(SpotCheck(reading, status=status))))

    async def _stream(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += self._period_s
            await asyncio.sleep(due - loop.time())
            self._sent += 1
            await self.notify(self._continuous, bytes(self._measurement()))

    def _measurement(self) -> Continuous:
        if self._finger_since is None:
            nothing = Reading(Special.NAN, Special.NAN)
            return Continuous(nothing, status=MeasurementStatus.INVALID, sensor=SensorStatus.NOT_ON_USER)
        settled = self._sent - self._finger_since > SETTLING_S
        status = MeasurementStatus.FULLY_QUALIFIED if settled else MeasurementStatus.EARLY_ESTIMATE
        perfusion = Decimal(round(self._body.perfusion(self._now()) * 10)).scaleb(-1)
        return Continuous(
            self._reading(),
            status=MeasurementStatus.ONGOING | status,
            sensor=SensorStatus(0),
            perfusion=perfusion,
        )

    def _reading(self) -> Reading:
        at = self._now()
        return Reading(Decimal(round(self._body.spo2(at))), Decimal(round(self._body.pulse(at))))
