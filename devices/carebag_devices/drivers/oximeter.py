"""Pulse oximeters with the standard service: every 0x2A5F becomes a sample, every 0x2A5E a measurement."""

from decimal import Decimal

from carebag_devices.catalog import Model
from carebag_devices.codecs.ieee11073 import Number
from carebag_devices.codecs.plx import Continuous, MeasurementStatus, SpotCheck, remarks, withheld
from carebag_devices.drivers.session import Reporter
from carebag_devices.errors import Malformed
from carebag_devices.events import DeviceState, Measured, OximeterSample, Value
from carebag_devices.link import Link
from carebag_devices.plausible import doubts

SPOT, CONTINUOUS = "2A5E", "2A5F"


class OximeterDriver:
    """Ready without a finger, measuring (`streaming`) with one."""

    def __init__(self, link: Link, report: Reporter, _model: Model) -> None:
        self._link, self._report = link, report
        self._streaming = False

    @property
    def busy(self) -> bool:
        return self._streaming

    async def subscribe(self) -> None:
        if self._link.has(CONTINUOUS):
            await self._link.subscribe(CONTINUOUS, self.on_continuous)
        if self._link.has(SPOT):
            await self._link.subscribe(SPOT, self.on_spot)

    def ready(self) -> None:
        if not self._streaming:
            self._report.enter(DeviceState.READY)

    def close(self) -> None:
        self._streaming = False

    def on_continuous(self, raw: bytes) -> None:
        """0x2A5F."""
        try:
            said = Continuous.parse(raw)
        except Malformed as error:
            self._report.tell(OximeterSample(self._report.identity, None, None, error.code, (error.reason,), raw))
            return
        problem = withheld(said.status, said.sensor) or _missing(said.reading.spo2, said.reading.pulse)
        values = () if problem else _values(said.reading.spo2, said.reading.pulse, said.perfusion)
        found = {value.name: value.value for value in values}
        flags = (*remarks(said.status, said.sensor), *doubts(values))
        self._report.tell(
            OximeterSample(self._report.identity, found.get("spo2"), found.get("pulse"), problem, flags, raw)
        )
        self._show(streaming=problem is None)

    def on_spot(self, raw: bytes) -> None:
        """0x2A5E."""
        try:
            measurement = self._spot(SpotCheck.parse(raw), raw)
        except Malformed as error:
            measurement = self._measured((), error.code, (error.reason,), raw, None)
        self._report.measured(measurement)

    def _spot(self, said: SpotCheck, raw: bytes) -> Measured:
        problem = withheld(said.status, said.sensor) or _missing(said.reading.spo2, said.reading.pulse)
        values = () if problem else _values(said.reading.spo2, said.reading.pulse, said.perfusion)
        flags = (*remarks(said.status, said.sensor), *doubts(values))
        if said.clock_not_set:
            flags = (*flags, "device_clock_not_set")
        stored = bool(said.status and said.status & MeasurementStatus.FROM_STORAGE)
        return self._measured(values, problem, flags, raw, str(said.time) if said.time else None, stored=stored)

    def _measured(
        self,
        values: tuple[Value, ...],
        problem: str | None,
        flags: tuple[str, ...],
        raw: bytes,
        time: str | None,
        *,
        stored: bool = False,
    ) -> Measured:
        return Measured(
            identity=self._report.identity,
            kind="oximetry",
            values=values,
            problem=problem,
            flags=flags,
            device_time=time,
            raw=raw,
            provenance="stored" if stored else "live",
            measurement_id=self._report.measurement_id(time or "", raw=raw),
        )

    def _show(self, *, streaming: bool) -> None:
        self._streaming = streaming
        if streaming:
            self._report.enter(DeviceState.MEASURING, "streaming")
        else:
            self._report.enter(DeviceState.READY)


def _missing(spo2: Number, pulse: Number) -> str | None:
    both = isinstance(spo2, Decimal) or isinstance(pulse, Decimal)
    return None if both else "measurement_unavailable"


def _values(spo2: Number, pulse: Number, perfusion: Number | None) -> tuple[Value, ...]:
    said = (("spo2", spo2, "%"), ("pulse", pulse, "/min"), ("perfusion", perfusion, "%"))
    return tuple(Value(name, number, unit) for name, number, unit in said if isinstance(number, Decimal))  # type: ignore[arg-type]
