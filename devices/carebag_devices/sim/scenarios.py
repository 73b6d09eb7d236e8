"""Whose body it is: the people whom the simulated bag can be carried to. Invented, within what clinics see."""

from dataclasses import dataclass
from typing import Literal, get_args

ScenarioName = Literal["everyday", "healthy_old_age", "septic", "heart_failure", "copd"]

WEEK_S = 7 * 24 * 3600.0
Range = tuple[float, float]
"""The seed chooses within; both ends included."""


@dataclass(frozen=True)
class Scenario:
    """Resting values around which everything drifts. Trends are what the week before the visit brought."""

    pulse_per_min: Range
    systolic_mmhg: Range
    diastolic_mmhg: Range
    spo2_percent: Range
    temperature_c: Range
    weight_kg: Range
    glucose_mmol_l: Range
    crp: tuple[str, ...]
    """What the analyser prints, mg/L; the seed chooses one."""
    breaths_per_min: Range = (13.0, 16.0)
    perfusion_percent: Range = (3.0, 3.8)
    spo2_swing: float = 0.6
    """Slow swings up and down, percent."""
    irregular: bool = False
    """Atrial fibrillation: no two beats alike, and no breathing in the pulse."""
    weight_gain_kg: float = 0.0
    fever_rise_c: float = 0.0
    """How much colder it was two days ago."""


SCENARIOS: dict[ScenarioName, Scenario] = {
    "everyday": Scenario(
        pulse_per_min=(64, 82),
        systolic_mmhg=(126, 152),
        diastolic_mmhg=(76, 90),
        spo2_percent=(95.6, 97.4),
        temperature_c=(36.4, 37.0),
        weight_kg=(58, 84),
        glucose_mmol_l=(5.2, 6.8),
        crp=("12",),
    ),
    "healthy_old_age": Scenario(
        pulse_per_min=(60, 68),
        systolic_mmhg=(128, 138),
        diastolic_mmhg=(72, 80),
        spo2_percent=(95.4, 96.6),
        temperature_c=(36.1, 36.6),
        weight_kg=(62, 74),
        glucose_mmol_l=(5.2, 6.0),
        crp=("<5",),
    ),
    "septic": Scenario(
        pulse_per_min=(117, 119),
        systolic_mmhg=(93, 95),
        diastolic_mmhg=(51, 53),
        spo2_percent=(91.9, 92.1),
        temperature_c=(38.85, 38.95),
        weight_kg=(60, 78),
        glucose_mmol_l=(8.6, 10.4),
        crp=("186", ">200"),
        breaths_per_min=(25, 28),
        perfusion_percent=(0.6, 0.9),
        fever_rise_c=2.1,
    ),
    "heart_failure": Scenario(
        pulse_per_min=(94, 100),
        systolic_mmhg=(144, 152),
        diastolic_mmhg=(84, 92),
        spo2_percent=(90.9, 91.1),
        temperature_c=(36.2, 36.6),
        weight_kg=(82, 92),
        glucose_mmol_l=(6.0, 7.4),
        crp=("9",),
        breaths_per_min=(21, 24),
        perfusion_percent=(1.0, 1.6),
        irregular=True,
        weight_gain_kg=4.0,
    ),
    "copd": Scenario(
        pulse_per_min=(88, 94),
        systolic_mmhg=(134, 144),
        diastolic_mmhg=(76, 84),
        spo2_percent=(88.0, 88.0),
        temperature_c=(37.1, 37.5),
        weight_kg=(50, 60),
        glucose_mmol_l=(6.2, 7.8),
        crp=("34",),
        breaths_per_min=(22, 26),
        perfusion_percent=(1.8, 2.4),
        spo2_swing=1.2,
    ),
}
NAMES: tuple[ScenarioName, ...] = get_args(ScenarioName)
