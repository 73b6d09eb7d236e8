"""Blood pressure cuffs with the standard service: inflation by 0x2A36, the result by indication of 0x2A35."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from carebag_devices.catalog import UCUM, Model
from carebag_devices.codecs.blood_pressure import BloodPressureMeasurement
from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.ieee11073 import Number
from carebag_devices.drivers.session import Reporter
from carebag_devices.errors import Malformed
from carebag_devices.events import DeviceState, Measured, Value
from carebag_devices.link import Link
from carebag_devices.plausible import doubts

MEASUREMENT, INTERMEDIATE = "2A35", "2A36"

USUAL_TARGET_MMHG = Decimal(180)
"""Inflation is shown as a share of this."""
GIVEN_UP_AFTER_S = 60.0
"""No more pressure and no result for so long: the nurse took the cuff off."""
LIVE_WITHIN = timedelta(minutes=10)
"""A result without inflation before our eyes counts as live if the cuff's clock says it is this new."""

_FAILURES = ("cuff_too_loose", "body_moved", "improper_position")


class CuffDriver:
    """Tells inflation as `measuring`, a result as `Measured`, a failed one with a problem and no values."""

    def __init__(self, link: Link, report: Reporter, _model: Model) -> None:
        self._link, self._report = link, report
        self._inflated = False
        self._giving_up: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        return self._giving_up is not None

    async def subscribe(self) -> None:
        await self._link.subscribe(MEASUREMENT, self.on_measurement)
        if self._link.has(INTERMEDIATE):
            await self._link.subscribe(INTERMEDIATE, self.on_intermediate)

    def ready(self) -> None:
        if not self.busy:
            self._report.enter(DeviceState.READY)

    def close(self) -> None:
        self._stop_waiting()

    def on_intermediate(self, raw: bytes) -> None:
        """0x2A36: the pressure in the cuff now. An unreadable one is left out; the result decides."""
        try:
            pressure = BloodPressureMeasurement.parse(raw)
        except Malformed:
            return
        self._inflated = True
        self._stop_waiting()
        self._giving_up = asyncio.get_running_loop().call_later(GIVEN_UP_AFTER_S, self._give_up)
        self._report.enter(DeviceState.MEASURING, "inflating", _share(pressure.systolic))

    def on_measurement(self, raw: bytes) -> None:
        """0x2A35."""
        try:
            measurement = self._measured(BloodPressureMeasurement.parse(raw), raw)
        except Malformed as error:
            measurement = self._unreadable(raw, error)
        self._report.measured(measurement)
        self._inflated = False
        self._stop_waiting()
        self._report.enter(DeviceState.READY)

    def _measured(self, said: BloodPressureMeasurement, raw: bytes) -> Measured:
        codes = said.status.codes() if said.status else ()
        values = _values(said) if said.has_values else ()
        problem = None if values else next((code for code in codes if code in _FAILURES), "measurement_failed")
        time = str(said.time) if said.time else None
        return Measured(
            identity=self._report.identity,
            kind="blood_pressure",
            values=values,
            problem=problem,
            flags=(*(code for code in codes if code != problem), *doubts(values)),
            device_time=time,
            raw=raw,
            provenance=self._provenance(said.time),
            measurement_id=self._report.measurement_id(time or "", raw=raw),
        )

    def _unreadable(self, raw: bytes, error: Malformed) -> Measured:
        return Measured(
            identity=self._report.identity,
            kind="blood_pressure",
            values=(),
            problem=error.code,
            flags=(error.reason,),
            device_time=None,
            raw=raw,
            measurement_id=self._report.measurement_id("", raw=raw),
        )

    def _provenance(self, time: DateTime | None) -> Literal["live", "stored"]:
        if self._inflated or time is None:
            return "live"
        try:
            taken = datetime(time.year, time.month, time.day, time.hours, time.minutes, time.seconds)  # noqa: DTZ001
        except ValueError:
            return "stored"
        # compared as wall clocks: the cuff's has no zone
        return "live" if abs(datetime.now() - taken) <= LIVE_WITHIN else "stored"  # noqa: DTZ005

    def _give_up(self) -> None:
        self._giving_up, self._inflated = None, False
        self._report.enter(DeviceState.READY, "no_result")

    def _stop_waiting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None


def _values(said: BloodPressureMeasurement) -> tuple[Value, ...]:
    unit = UCUM[said.unit]
    pressures = (("systolic", said.systolic), ("diastolic", said.diastolic), ("mean", said.mean))
    values = [Value(name, number, unit) for name, number in pressures if isinstance(number, Decimal)]  # type: ignore[arg-type]
    if isinstance(said.pulse, Decimal):
        values.append(Value("pulse", said.pulse, "/min"))
    return tuple(values)


def _share(pressure: Number) -> float | None:
    if not isinstance(pressure, Decimal):
        return None
    return float(min(Decimal(1), max(Decimal(0), pressure / USUAL_TARGET_MMHG)))
