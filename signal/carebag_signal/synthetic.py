"""A made-up body whose heart sound, lung sound, pulse wave and vitals belong together, with the truth known.

Used where no recording may or can be: demo, simulators, tests. One set of beat times drives S1/S2 and the pulse wave,
one breathing drives the beat-to-beat variation, the splitting of S2, the lung sound and the pulse wave's baseline.
Everything follows from the seed; a longer sound begins with the shorter one's beats, and `HeartStream` and
`LungStream` give the same sound piece by piece. Invented shapes, not anybody's recording.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carebag_signal.body import Body, beats_s, breaths_s, inspiration, systole_s
from carebag_signal.synthetic_heart import HeartSound, HeartStream, heart_sound
from carebag_signal.synthetic_lungs import LungSound, LungStream, lung_sound

__all__ = [
    "Body",
    "HeartSound",
    "HeartStream",
    "LungSound",
    "LungStream",
    "PulseWave",
    "Vitals",
    "beats_s",
    "breaths_s",
    "heart_sound",
    "inspiration",
    "lung_sound",
    "pulse_wave",
    "systole_s",
    "vitals",
]
Floats = NDArray[np.float64]

_PULSE_DELAY_S = 0.22
"""From the first heart sound to the foot of the pulse wave at a finger."""


@dataclass(frozen=True, slots=True)
class PulseWave:
    """Light seen through a finger, in arbitrary units around 1, with the feet (s) of its beats."""

    rate_hz: int
    values: Floats
    feet_s: Floats


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a bag of instruments would read from this body at one time."""

    heart_per_min: float
    breaths_per_min: float
    spo2_percent: float
    systolic_mmhg: float
    diastolic_mmhg: float
    temperature_c: float


def pulse_wave(body: Body, seconds: float, rate_hz: int = 125) -> PulseWave:
    """Pulse wave at a finger: two humps a beat; breathing moves its baseline and its height.

    Raises: ValueError if `rate_hz` or `seconds` is out of range.
    """
    if not 20 <= rate_hz <= 1000 or not 0 <= seconds <= 3600:
        raise ValueError("rate_hz must be within 20 and 1000, seconds within 0 and 3600")
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    feet = beats_s(body, seconds + 4.0) + _PULSE_DELAY_S
    values = 1.0 + body.pulse_baseline * inspiration(body, t)
    stretch = min(1.0, 60 / body.heart_per_min / 0.8)
    for foot, full in zip(feet, inspiration(body, feet), strict=True):
        hump = np.exp(-0.5 * ((t - foot - 0.16 * stretch) / (0.06 * stretch)) ** 2)
        dicrotic = 0.4 * np.exp(-0.5 * ((t - foot - 0.42 * stretch) / (0.09 * stretch)) ** 2)
        values += body.perfusion_percent / 100 * (1 - body.pulse_height * full) * (hump + dicrotic)
    values += np.random.default_rng([body.seed, 7]).normal(0.0, 0.0002, t.size)
    return PulseWave(rate_hz, values, feet[feet < seconds])


def vitals(body: Body, at_s: float) -> Vitals:
    """What instruments would read around a time: the rates that the sounds have there, small wander in the rest."""
    beats = beats_s(body, at_s + 15.0)
    near = beats[beats >= at_s - 1.0][:10]
    rng = np.random.default_rng([body.seed, 8, round(at_s)])
    wander = rng.normal(size=4)
    return Vitals(
        heart_per_min=60 / float(np.mean(np.diff(near))),
        breaths_per_min=body.breaths_per_min,
        spo2_percent=float(np.clip(np.round(body.spo2_percent + 0.4 * wander[0]), 0, 100)),
        systolic_mmhg=float(np.round(body.systolic_mmhg + 3 * wander[1])),
        diastolic_mmhg=float(np.round(body.diastolic_mmhg + 2 * wander[2])),
        temperature_c=float(np.round(body.temperature_c + 0.05 * wander[3], 1)),
    )
