"""A simulated blood pressure cuff: intermediate pressure while it inflates, then one indication."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from carebag_devices.catalog import UCUM
from carebag_devices.codecs.blood_pressure import BloodPressureFeature, BloodPressureMeasurement, MeasurementStatus
from carebag_devices.codecs.blood_pressure_enhanced import EnhancedBloodPressure, EnhancedCuffPressure
from carebag_devices.codecs.device_information import Udi
from carebag_devices.codecs.ieee11073 import Number, Special
from carebag_devices.events import Value, ValueName
from carebag_devices.sim.beurer import in_its_order
from carebag_devices.sim.body import Body
from carebag_devices.sim.habits import Habits
from carebag_devices.sim.instrument import Instrument, Part
from carebag_devices.sim.memory import Entry
from carebag_devices.sim.peripheral import Clock, Gatt, Label
from carebag_devices.sim.truth import Taken

INFLATION_S = 4.0
STEP_S = 0.2
OVERSHOOT_MMHG = 30
"""How far above the systolic pressure a cuff inflates."""
KPA_PER_MMHG = Decimal("0.1333224")

Trouble = Literal["cuff_too_loose", "body_moved"]
UDI = Udi("(01)02000000000015(11)260101(21)BP-0001", "02000000000015", "2.51.1.1")
"""Of nobody's product: GS1 prefix 200 is for numbers within one house (General Specifications, section 1.4)."""
LABEL = Label("CB Cuff", "Simulated cuff", "BP-0001", "C6:00:00:00:00:01", ("1810",), encrypted=True, udi=UDI)


class Cuff(Instrument):
    """`speed` 2 inflates in half the time. With `sleep_after_s` it leaves the air when nobody used it for so long.

    `nan_mean`: the next result has no mean pressure, as many cuffs send it.
    """

    def __init__(
        self,
        hci_source: Any,
        hci_sink: Any,
        *,
        body: Body,
        now: Clock,
        speed: float = 1.0,
        sleep_after_s: float | None = None,
        label: Label = LABEL,
        habits: Habits | None = None,
        step_s: float = STEP_S,
    ) -> None:
        super().__init__(hci_source, hci_sink, label, now=now, battery=87, habits=habits or Habits(), speed=speed)
        self._body, self._sleep_after_s, self._step_s = body, sleep_after_s, step_s
        self._nap: asyncio.TimerHandle | None = None
        self.measuring = False
        self.nan_mean = False
        if self.habits.byte_order != "little":
            self.user = 1  # these always send one
        features = BloodPressureFeature.BODY_MOVEMENT | BloodPressureFeature.CUFF_FIT
        features |= BloodPressureFeature.IRREGULAR_PULSE | BloodPressureFeature.POSITION
        enhanced = self.habits.enhanced
        self.result = self._measurement = Gatt("2B34" if enhanced else "2A35", push="indicate")
        self._intermediate = Gatt("2B35" if enhanced else "2A36", push="notify")
        feature = Gatt("2A49", read=BloodPressureFeature(features).__bytes__)
        self.serve_meter("1810", [self._measurement, self._intermediate, feature])

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
        if not self.measuring:
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
            self._find(self.now(), trouble)
        finally:
            self.measuring = False
            self._sleep_later()

    async def _inflate(self, share: float) -> None:
        """Pressure rises evenly to a share of its target; each step is told to whom it interests."""
        target = float(self._body.pressures(self.now()).systolic + OVERSHOOT_MMHG) * share
        steps = max(1, round(INFLATION_S * share / self._step_s))
        for step in range(1, steps + 1):
            await asyncio.sleep(self._step_s / self._speed)
            self._stay_a_little()
            pressure = self._in_unit(Decimal(round(target * step / steps)))
            await self.notify(self._intermediate, self._rising(pressure))

    def _rising(self, pressure: Decimal) -> bytes:
        if self.habits.enhanced:
            return bytes(EnhancedCuffPressure(pressure=pressure, unit=self._unit))
        return bytes(BloodPressureMeasurement(pressure, Special.NAN, Special.NAN, unit=self._unit))

    def remember(self, at_s: float) -> None:
        self._find(at_s, None, past=True)

    def _find(self, at_s: float, trouble: Trouble | None, *, past: bool = False) -> None:
        """What the arm says at this moment goes into the memory, or why it says nothing."""
        said = _failed(trouble) if trouble else self._measured(at_s)
        said = replace(said, user=self.user, unit=self._unit)
        if not past:
            self.nan_mean = False
        taken = Taken("blood_pressure", at_s, _values(said), None if self.user == 255 else self.user, trouble or "")
        self.keep(taken, said, at_s=at_s if past else None)

    def _measured(self, at_s: float) -> BloodPressureMeasurement:
        found = self._body.pressures(at_s)
        status = MeasurementStatus(irregular_pulse=self._body.scenario.irregular)
        mean: Number = Special.NAN if self.nan_mean else self._in_unit(found.mean)
        systolic, diastolic = self._in_unit(found.systolic), self._in_unit(found.diastolic)
        return BloodPressureMeasurement(systolic, diastolic, mean, pulse=found.pulse, status=status)

    @property
    def _unit(self) -> Literal["mmHg", "kPa"]:
        return "kPa" if self.habits.unit == "kPa" else "mmHg"

    def _in_unit(self, mmhg: Decimal) -> Decimal:
        return mmhg if self._unit == "mmHg" else (mmhg * KPA_PER_MMHG).quantize(Decimal("0.1"))

    def parts(self, entry: Entry, *, stored: bool) -> list[Part]:
        said: BloodPressureMeasurement = replace(entry.content, time=entry.stamp)
        if self.habits.enhanced:
            return [(self._measurement, bytes(_enhanced(said)))]
        return [(self._measurement, in_its_order(said, self.habits.byte_order))]


def _enhanced(said: BloodPressureMeasurement) -> EnhancedBloodPressure:
    """Seconds since 2000, or 1900 for a clock that shows less; none from one that shows no date."""
    seconds, epoch = None, 2000
    with contextlib.suppress(ValueError, TypeError):
        shown = datetime.fromisoformat(str(said.time))
        epoch = 2000 if shown.year >= 2000 else 1900
        seconds = int((shown - datetime(epoch, 1, 1)).total_seconds())  # noqa: DTZ001 - a device's clock has no zone
    return EnhancedBloodPressure(
        systolic=said.systolic,
        diastolic=said.diastolic,
        mean=said.mean,
        unit=said.unit,
        epoch_2000=epoch == 2000,
        time=seconds,
        pulse=said.pulse,
        user=said.user,
        status=said.status,
    )


def _failed(trouble: Trouble) -> BloodPressureMeasurement:
    nothing = Special.NAN
    status = MeasurementStatus(cuff_too_loose=trouble == "cuff_too_loose", body_moved=trouble == "body_moved")
    return BloodPressureMeasurement(nothing, nothing, nothing, pulse=nothing, status=status)


def _values(said: BloodPressureMeasurement) -> tuple[Value, ...]:
    unit = UCUM[said.unit]
    found: tuple[tuple[ValueName, Number | None, str], ...] = (
        ("systolic", said.systolic, unit),
        ("diastolic", said.diastolic, unit),
        ("mean", said.mean, unit),
        ("pulse", said.pulse, "/min"),
    )
    return tuple(Value(name, number, unit) for name, number, unit in found if isinstance(number, Decimal))
