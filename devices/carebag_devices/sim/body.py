"""A body to measure: every instrument asks the same one, so that what they say belongs together.

Time is given in seconds, usually unix time; nothing here asks a clock. The same seed, scenario and time give the same
value. Values breathe (about 15 times a minute), follow slow waves (10 s and 71 s) and wander over the hours.
"""

import math
import random
from dataclasses import dataclass
from decimal import Decimal

from carebag_devices.sim.scenarios import SCENARIOS, WEEK_S, ScenarioName

_SLOW_S, _HOURS_S, _DAY_S = 71.0, 4.3 * 3600, 24 * 3600.0
_MEALS_S = (7.5 * 3600, 12.2 * 3600, 17.8 * 3600)
"""Seconds after midnight UTC at which glucose begins to rise."""
_PLETH_FULL = 100


@dataclass(frozen=True)
class Pressures:
    """One measurement of the arm, mmHg and beats per minute, whole numbers as cuffs send them."""

    systolic: Decimal
    diastolic: Decimal
    mean: Decimal
    pulse: Decimal


class Body:
    """`began_s`: when the simulation began; what the scenario says holds from then on, trends lead up to it."""

    def __init__(self, seed: int = 1, scenario: ScenarioName = "everyday", *, began_s: float = 0.0) -> None:
        self.seed, self.name, self.scenario = seed, scenario, SCENARIOS[scenario]
        self._began_s = began_s
        draw = random.Random(seed)  # noqa: S311 - a simulated patient, not a secret
        said = self.scenario
        self._pulse = draw.uniform(*said.pulse_per_min)
        self._systolic = draw.uniform(*said.systolic_mmhg)
        self._diastolic = draw.uniform(*said.diastolic_mmhg)
        self._spo2 = draw.uniform(*said.spo2_percent)
        self._phase = draw.uniform(0, 2 * math.pi)
        self._temperature = draw.uniform(*said.temperature_c)
        self._weight = draw.uniform(*said.weight_kg)
        self._glucose = draw.uniform(*said.glucose_mmol_l)
        self._perfusion = draw.uniform(*said.perfusion_percent)
        self.breaths_per_min = draw.uniform(*said.breaths_per_min)
        self.crp = draw.choice(said.crp)
        """What an analyser prints, mg/L."""
        breath_s = 60 / self.breaths_per_min
        self._waves = (
            (0.0 if said.irregular else 2.2, breath_s, self._phase),
            (1.3, 10.3, 0.0),
            (2.0, _SLOW_S, self._phase),
            (1.0, _HOURS_S, self._phase),
        )

    def _wave(self, at_s: float, period_s: float = _SLOW_S) -> float:
        return math.sin(2 * math.pi * at_s / period_s + self._phase)

    def pulse(self, at_s: float) -> float:
        """Beats per minute, averaged over a few beats as instruments do."""
        return self._pulse + sum(
            height * math.sin(2 * math.pi * at_s / period + phase) for height, period, phase in self._waves
        )

    def beats(self, at_s: float) -> float:
        """Heart beats since an origin far back: `pulse` summed up. The whole part numbers the beat."""
        waves = sum(
            height * period / (2 * math.pi) * -math.cos(2 * math.pi * at_s / period + phase)
            for height, period, phase in self._waves
        )
        return (self._pulse * at_s + waves) / 60

    def phase(self, at_s: float) -> float:
        """How far the present beat has come, 0 to 1: onset to next onset."""
        beats = self.beats(at_s)
        for number in range(math.floor(beats) + 1, math.floor(beats) - 3, -1):
            onset = number + self._early(number)
            if onset <= beats:
                return (beats - onset) / (number + 1 + self._early(number + 1) - onset)
        raise AssertionError("onsets are less than a beat out of place")

    def _early(self, number: int) -> float:
        """Where an irregular heart puts a beat, in beats from its even place."""
        if not self.scenario.irregular:
            return 0.0
        return random.Random(f"{self.seed} {number}").uniform(-0.28, 0.28)  # noqa: S311 - not a secret

    def pleth(self, at_s: float) -> int:
        """Pulse wave at a finger, 0 to 100: a steep rise, a notch, a slow fall; breathing moves its height."""
        phase = self.phase(at_s)
        rise = math.exp(-0.5 * ((phase - 0.2) / 0.08) ** 2)
        second = 0.4 * math.exp(-0.5 * ((phase - 0.52) / 0.12) ** 2)
        breath = 1 - 0.08 * math.sin(2 * math.pi * at_s * self.breaths_per_min / 60)
        return round(_PLETH_FULL * min(1.0, 0.08 + 0.85 * breath * (rise + second)))

    def spo2(self, at_s: float) -> float:
        """Percent."""
        return self._spo2 + self.scenario.spo2_swing * self._wave(at_s, 53)

    def perfusion(self, at_s: float) -> float:
        """Perfusion index, percent."""
        return self._perfusion * (1 + 0.15 * math.sin(2 * math.pi * at_s / 31))

    def temperature(self, at_s: float) -> float:
        """Degrees Celsius: a little lower in the early morning, in a fever rising for two days."""
        ill = min(1.0, max(0.0, 1 + (at_s - self._began_s) / (2 * _DAY_S)))
        day = 0.1 * math.sin(2 * math.pi * (at_s / _DAY_S - 0.45))
        return self._temperature + day * (self.scenario.fever_rise_c == 0) - self.scenario.fever_rise_c * (1 - ill)

    def weight(self, at_s: float) -> float:
        """Kilograms: heavier in the evening; what the last week brought has come when the simulation begins."""
        come = min(1.0, max(0.0, 1 + (at_s - self._began_s) / WEEK_S))
        day = 0.25 * math.sin(2 * math.pi * (at_s / _DAY_S - 0.55))
        return self._weight + day + self.scenario.weight_gain_kg * come

    def glucose(self, at_s: float) -> float:
        """mmol/L in capillary blood: three meals a day, each gone in about two hours."""
        clock = at_s % _DAY_S
        since = min((clock - meal) % _DAY_S for meal in _MEALS_S)
        bump = since / 2700 * math.exp(1 - since / 2700)
        return self._glucose + 2.4 * bump + 0.15 * self._wave(at_s, 5400)

    def pressures(self, at_s: float) -> Pressures:
        """What a cuff finds at this moment: the slow waves move pressure as they move the pulse."""
        wave = self._wave(at_s)
        hours = self._wave(at_s, _HOURS_S)
        systolic = round(self._systolic + 3 * wave + 2 * hours)
        diastolic = round(self._diastolic + 2 * wave + hours)
        mean = round(diastolic + (systolic - diastolic) / 3)
        return Pressures(Decimal(systolic), Decimal(diastolic), Decimal(mean), Decimal(round(self.pulse(at_s))))
