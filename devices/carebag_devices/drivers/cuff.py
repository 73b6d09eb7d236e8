"""Blood pressure cuffs with the standard service: inflation by 0x2A36 or 0x2B35, the result by indication."""

from decimal import Decimal
from typing import ClassVar

from carebag_devices.codecs.blood_pressure import BloodPressureMeasurement
from carebag_devices.codecs.blood_pressure_enhanced import EnhancedCuffPressure
from carebag_devices.codecs.ieee11073 import Number
from carebag_devices.drivers.recorded_meter import RecordedMeterDriver
from carebag_devices.errors import Malformed

MEASUREMENT, ENHANCED = "2A35", "2B34"
INTERMEDIATE, ENHANCED_INTERMEDIATE = "2A36", "2B35"

USUAL_TARGET_MMHG = Decimal(180)
"""Inflation is shown as a share of this."""
MMHG_PER_KPA = Decimal("7.50062")


class CuffDriver(RecordedMeterDriver):
    """Tells inflation as `measuring`, a result as `Measured`, a failed one with a problem and no values."""

    # cuffs with the enhanced form send the first one too, with less in it
    results: ClassVar = ((MEASUREMENT, ENHANCED),)

    async def subscribe(self) -> None:
        await super().subscribe()
        if self._link.has(INTERMEDIATE):
            await self._link.subscribe(INTERMEDIATE, self.on_intermediate)
        elif self._link.has(ENHANCED_INTERMEDIATE):
            await self._link.subscribe(ENHANCED_INTERMEDIATE, self.on_enhanced_intermediate)

    def on_measurement(self, raw: bytes) -> None:
        """0x2A35."""
        self.on_result(MEASUREMENT, raw)

    def on_intermediate(self, raw: bytes) -> None:
        """0x2A36: the pressure in the cuff now. An unreadable one is left out; the result decides."""
        try:
            said = BloodPressureMeasurement.parse(raw)
        except Malformed:
            return
        self._watch("inflating", _share(said.systolic, said.unit))

    def on_enhanced_intermediate(self, raw: bytes) -> None:
        """0x2B35."""
        try:
            said = EnhancedCuffPressure.parse(raw)
        except Malformed:
            return
        self._watch("inflating", _share(said.pressure, said.unit))


def _share(pressure: Number, unit: str) -> float | None:
    if not isinstance(pressure, Decimal):
        return None
    mmhg = pressure * MMHG_PER_KPA if unit == "kPa" else pressure
    return float(min(Decimal(1), max(Decimal(0), mmhg / USUAL_TARGET_MMHG)))
