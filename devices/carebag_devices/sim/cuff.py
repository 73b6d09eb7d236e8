"""A simulated blood pressure cuff: intermediate pressure while it inflates, then one indication."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from carebag_devices.codecs.blood_pressure import BloodPressureFeature, BloodPressureMeasurement, MeasurementStatus
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.ieee11073 import Special
from carebag_devices.sim.body import Body
from carebag_devices.sim.peripheral import Clock, Gatt, Label, Peripheral

INFLATION_S = 4.0
STEP_S = 0.2
OVERSHOOT_MMHG = 30
"""How far above the systolic pressure a cuff inflates."""

Trouble = Literal["cuff_too_loose", "body_moved"]


class Cuff(Peripheral):
    """`speed` 2 inflates in half the time. With `sleep_after_s` it leaves the air when nobody used it for so long."""

    def __init__(
        self,
        hci_source: Any,
        hci_sink: Any,
        *,
        body: Body,
        now: Clock,
        speed: float = 1.0,
        sleep_after_s: float | None = None,
        address: str = "C6:00:00:00:00:01",
    ) -> None:
        label = Label("CB Cuff", "Simulated cuff", "BP-0001", address, ("1810",), encrypted=True)
        super().__init__(hci_source, hci_sink, label, now=now, battery=87)
        self._body, self._speed, self._sleep_after_s = body, speed, sleep_after_s
        self._nap: asyncio.TimerHandle | None = None
        self.measuring = False
        features = BloodPressureFeature.BODY_MOVEMENT | BloodPressureFeature.CUFF_FIT
        features |= BloodPressureFeature.IRREGULAR_PULSE | BloodPressureFeature.POSITION
        self._measurement = Gatt("2A35", push="indicate")
        self._intermediate = Gatt("2A36", push="notify")
        feature = Gatt("2A49", read=BloodPressureFeature(features).__bytes__)
        self.serve("1810", [self._measurement, self._intermediate, feature])

    async def wake(self) -> None:
        await super().wake()
        self._sleep_later()

    async def stop(self) -> None:
        if self._nap is not None:
            self._nap.cancel()
        await super().stop()

    def _sleep_later(self) -> None:
        if self._nap is not None:
            self._nap.cancel()
        if self._sleep_after_s is not None:
            loop = asyncio.get_running_loop()
            self._nap = loop.call_later(self._sleep_after_s, lambda: self._spawn(self._sleep_if_idle()))

    async def _sleep_if_idle(self) -> None:
        if self.measuring:
            self._sleep_later()
        else:
            await self.sleep()

    def start_measuring(self, trouble: Trouble | None = None) -> None:
        """The start key. Pressed while it measures it does nothing, as on most cuffs."""
        if not self.measuring:
            self.measuring = True
            self._spawn(self._measure(trouble))

    async def _measure(self, trouble: Trouble | None) -> None:
        try:
            await self.wake()
            await self._inflate(0.6 if trouble else 1.0)
            await self.indicate(self._measurement, bytes(self._result(trouble)))
        finally:
            self.measuring = False
            self._sleep_later()

    async def _inflate(self, share: float) -> None:
        """Pressure rises evenly to a share of its target; each step is told to whom it interests."""
        target = float(self._body.pressures(self._now()).systolic + OVERSHOOT_MMHG) * share
        steps = max(1, round(INFLATION_S * share / STEP_S))
        for step in range(1, steps + 1):
            await asyncio.sleep(STEP_S / self._speed)
            await self.notify(self._intermediate, bytes(_intermediate(round(target * step / steps))))

    def _result(self, trouble: Trouble | None) -> BloodPressureMeasurement:
        time = _stamp(self._now())
        if trouble is not None:
            status = MeasurementStatus(cuff_too_loose=trouble == "cuff_too_loose", body_moved=trouble == "body_moved")
            nothing = Special.NAN
            return BloodPressureMeasurement(nothing, nothing, nothing, time=time, pulse=nothing, status=status)
        found = self._body.pressures(self._now())
        return BloodPressureMeasurement(
            found.systolic, found.diastolic, found.mean, time=time, pulse=found.pulse, status=MeasurementStatus()
        )


def _intermediate(pressure: int) -> BloodPressureMeasurement:
    return BloodPressureMeasurement(Decimal(pressure), Special.NAN, Special.NAN)


def _stamp(unix: float) -> DateTime:
    """The cuff's own clock: local wall time without zone."""
    local = datetime.fromtimestamp(unix, UTC).astimezone()
    return DateTime(local.year, local.month, local.day, local.hour, local.minute, local.second)
