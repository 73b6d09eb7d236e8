"""Pulse oximeters with the standard service: every 0x2A5F becomes a sample, every 0x2A5E a measurement."""

from typing import ClassVar

from carebag_devices.drivers.recorded_meter import RecordedMeterDriver
from carebag_devices.events import DeviceState, OximeterSample
from carebag_devices.meaning import meaning_of

SPOT, CONTINUOUS = "2A5E", "2A5F"


class OximeterDriver(RecordedMeterDriver):
    """Ready without a finger, measuring (`streaming`) with one."""

    results: ClassVar = ((SPOT,),)
    _streaming = False

    @property
    def busy(self) -> bool:
        return self._streaming or super().busy

    async def subscribe(self) -> None:
        if self._link.has(CONTINUOUS):
            await self._link.subscribe(CONTINUOUS, self.on_continuous)
        await super().subscribe()

    def close(self) -> None:
        super().close()
        self._streaming = False

    def on_spot(self, raw: bytes) -> None:
        """0x2A5E."""
        self.on_result(SPOT, raw)

    def on_continuous(self, raw: bytes) -> None:
        """0x2A5F."""
        meant = meaning_of(self._model, CONTINUOUS, raw)
        found = {value.name: value.value for value in meant.values}
        self._report.tell(
            OximeterSample(
                self._report.identity, found.get("spo2"), found.get("pulse"), meant.problem, meant.flags, raw
            )
        )
        self._streaming = meant.problem is None
        # a finger that is in while the device measures is somebody before our eyes
        self._watched = self._streaming
        if not self._streaming:
            self._report.began_at = None
        elif self._report.began_at is None:
            self._report.began_at = self._monotonic()
        self._show()

    def _show(self) -> None:
        if self._synchronising:
            return
        if self._streaming:
            self._report.enter(DeviceState.MEASURING, "streaming")
        else:
            self._report.enter(DeviceState.READY)
