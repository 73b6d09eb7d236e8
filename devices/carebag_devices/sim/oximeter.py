"""A simulated pulse oximeter: continuous measurement once a second while it is connected, spot check on request."""

import asyncio
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from carebag_devices.codecs.ieee11073 import Special
from carebag_devices.codecs.plx import Continuous, MeasurementStatus, Reading, SensorStatus, SpotCheck
from carebag_devices.events import Value
from carebag_devices.sim.body import Body
from carebag_devices.sim.habits import Habits
from carebag_devices.sim.instrument import Instrument, Part
from carebag_devices.sim.memory import Entry
from carebag_devices.sim.peripheral import Clock, Gatt, Label
from carebag_devices.sim.truth import Taken

PERIOD_S = 1.0
SETTLING_S = 3
"""Seconds after the finger is in until the device vouches for its numbers."""
LABEL = Label("CB Oximeter", "Simulated oximeter", "OX-0001", "C6:00:00:00:00:02", ("1822",))

Pretence = Literal["", "demonstration_data", "test_data", "measurement_questionable", "measurement_invalid"]
"""What the status bits say of the numbers, which look like any others."""
_BITS = {
    "": MeasurementStatus(0),
    "demonstration_data": MeasurementStatus.DEMONSTRATION,
    "test_data": MeasurementStatus.TESTING,
    "measurement_questionable": MeasurementStatus.QUESTIONABLE,
    "measurement_invalid": MeasurementStatus.INVALID,
}


@dataclass(frozen=True)
class Sample:
    """One second's pair as its sensor had it; None where it had nothing."""

    at_s: float
    spo2: Decimal | None
    pulse: Decimal | None


class Oximeter(Instrument):
    """Without a finger it says so every second and gives no number. `pretence` holds until it is changed."""

    def __init__(
        self,
        hci_source: Any,
        hci_sink: Any,
        *,
        body: Body,
        now: Clock,
        period_s: float = PERIOD_S,
        label: Label = LABEL,
        habits: Habits | None = None,
    ) -> None:
        super().__init__(hci_source, hci_sink, label, now=now, battery=74, habits=habits or Habits(), speed=1.0)
        self._body, self._period_s = body, period_s
        # without time stamps nothing may be stored
        self.keeps = bool(self.habits.clock)
        self._finger_since: int | None = None
        self.pretence: Pretence = ""
        self.streamed: deque[Sample] = deque(maxlen=4096)
        """What its sensor had each second, newest last."""
        self.result = self._spot = Gatt("2A5E", push="indicate")
        self._continuous = Gatt("2A5F", push="notify")
        features = Gatt("2A60", read=lambda: b"\x07\x00" + b"\x60\x21" + b"\x00\x08\x00")
        streams = [] if self.habits.spot_only else [self._continuous]
        self.serve_meter("1822", [self._spot, *streams, features])
        self._sent = 0

    async def start(self) -> None:
        await super().start()
        if not self.habits.spot_only:
            self._spawn(self._stream())

    def finger_on(self) -> None:
        """A finger was put in."""
        if self._finger_since is None:
            self._finger_since = self._sent

    def finger_off(self) -> None:
        self._finger_since = None

    def give_spot(self) -> None:
        """Some oximeters indicate one checked value; this one does when told to."""
        self._spawn(self._take_spot())

    async def _take_spot(self) -> None:
        await self.wake()
        self._find(self.now())

    def remember(self, at_s: float) -> None:
        self._find(at_s, past=True)

    def _find(self, at_s: float, *, past: bool = False) -> None:
        reading, pretence = self._reading(at_s), "" if past else self.pretence
        values = (Value("spo2", reading.spo2, "%"), Value("pulse", reading.pulse, "/min"))  # type: ignore[arg-type]
        taken = Taken("oximetry", at_s, () if pretence else values, problem=pretence)
        self.keep(taken, (reading, _BITS[pretence]), at_s=at_s if past else None)

    def parts(self, entry: Entry, *, stored: bool) -> list[Part]:
        reading, status = entry.content
        status |= MeasurementStatus.VALIDATED | MeasurementStatus.FULLY_QUALIFIED
        if stored:
            status |= MeasurementStatus.FROM_STORAGE
        stamp = entry.stamp if self.habits.clock else None
        unset = bool(stamp and not stamp.year)
        return [(self._spot, bytes(SpotCheck(reading, time=stamp, status=status, clock_not_set=unset)))]

    async def _stream(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += self._period_s
            await asyncio.sleep(due - loop.time())
            self._sent += 1
            await self.notify(self._continuous, bytes(self._measurement()))

    def _measurement(self) -> Continuous:
        at = self.now()
        if self._finger_since is None:
            self.streamed.append(Sample(at, None, None))
            nothing = Reading(Special.NAN, Special.NAN)
            return Continuous(nothing, status=MeasurementStatus.INVALID, sensor=SensorStatus.NOT_ON_USER)
        settled = self._sent - self._finger_since > SETTLING_S
        status = MeasurementStatus.FULLY_QUALIFIED if settled else MeasurementStatus.EARLY_ESTIMATE
        perfusion = Decimal(round(self._body.perfusion(at) * 10)).scaleb(-1)
        reading = self._reading(at)
        self.streamed.append(_sample(at, reading, hidden=bool(self.pretence)))
        return Continuous(
            reading,
            status=MeasurementStatus.ONGOING | status | _BITS[self.pretence],
            sensor=SensorStatus(0),
            perfusion=perfusion,
        )

    def _reading(self, at_s: float) -> Reading:
        return Reading(Decimal(round(self._body.spo2(at_s))), Decimal(round(self._body.pulse(at_s))))


def _sample(at_s: float, reading: Reading, *, hidden: bool) -> Sample:
    if hidden or not isinstance(reading.spo2, Decimal) or not isinstance(reading.pulse, Decimal):
        return Sample(at_s, None, None)
    return Sample(at_s, reading.spo2, reading.pulse)
