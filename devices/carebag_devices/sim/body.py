"""A body to measure: pulse, pressure and saturation that belong together, the same for the same seed."""

import math
import random
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Pressures:
    """One measurement of the arm, mmHg and beats per minute, whole numbers as cuffs send them."""

    systolic: Decimal
    diastolic: Decimal
    mean: Decimal
    pulse: Decimal


class Body:
    """Resting and a little hypertensive. Time is given in seconds from any origin; nothing here asks a clock."""

    def __init__(self, seed: int = 1) -> None:
        draw = random.Random(seed)  # noqa: S311 - a simulated patient, not a secret
        self._pulse = draw.uniform(64, 82)
        self._systolic = draw.uniform(126, 152)
        self._diastolic = draw.uniform(76, 90)
        self._spo2 = draw.uniform(95.6, 97.4)
        self._phase = draw.uniform(0, 2 * math.pi)

    def pulse(self, at_s: float) -> float:
        """Beats per minute, with breathing (period 4.4 s) and slow waves (about 10 s and 70 s)."""
        breath = 2.2 * math.sin(2 * math.pi * at_s / 4.4 + self._phase)
        waves = 1.3 * math.sin(2 * math.pi * at_s / 10.3) + 2.0 * math.sin(2 * math.pi * at_s / 71 + self._phase)
        return self._pulse + breath + waves

    def spo2(self, at_s: float) -> float:
        """Percent."""
        return self._spo2 + 0.6 * math.sin(2 * math.pi * at_s / 53 + self._phase)

    def perfusion(self, at_s: float) -> float:
        """Perfusion index, percent."""
        return 3.4 + 0.5 * math.sin(2 * math.pi * at_s / 31)

    def pressures(self, at_s: float) -> Pressures:
        """What a cuff finds at this moment: the slow waves move pressure as they move the pulse."""
        wave = math.sin(2 * math.pi * at_s / 71 + self._phase)
        systolic, diastolic = round(self._systolic + 3 * wave), round(self._diastolic + 2 * wave)
        mean = round(diastolic + (systolic - diastolic) / 3)
        return Pressures(Decimal(systolic), Decimal(diastolic), Decimal(mean), Decimal(round(self.pulse(at_s))))
