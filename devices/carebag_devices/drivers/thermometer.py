"""Thermometers with the standard service: intermediate values by 0x2A1E, the result by indication of 0x2A1C."""

from typing import ClassVar

from carebag_devices.drivers.meter import MeterDriver

MEASUREMENT, INTERMEDIATE = "2A1C", "2A1E"


class ThermometerDriver(MeterDriver):
    """An intermediate temperature is shown as `measuring`, never as a value."""

    results: ClassVar = ((MEASUREMENT,),)

    async def subscribe(self) -> None:
        await super().subscribe()
        if self._link.has(INTERMEDIATE):
            await self._link.subscribe(INTERMEDIATE, lambda _raw: self._watch("measuring_temperature"))
