"""A made-up body whose heart sound, lung sound, pulse wave and vitals belong together, with the truth known.

Used where no recording may or can be: demo, simulators, tests. One set of beat times drives S1/S2 and the pulse wave,
one breathing drives the beat-to-beat variation, the splitting of S2, the lung sound and the pulse wave's baseline.
Everything follows from the seed; a longer sound begins with the shorter one's beats. Invented shapes, not anybody's
recording.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal as scipy_signal

from carebag_signal.bands import check_rate

Floats = NDArray[np.float64]

_FULL_SCALE = 32767.0
_S1_LENGTH_S, _S2_LENGTH_S = 0.11, 0.09
_PULSE_DELAY_S = 0.22
"""From the first heart sound to the foot of the pulse wave at a finger."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a person is like for as long as we listen; the defaults are an adult at rest."""

    seed: int = 1
    heart_per_min: float = 68.0
    """30-220."""
    variability: float = 0.03
    """Spread of the beat-to-beat interval, relative; half of it follows the breathing."""
    breaths_per_min: float = 15.0
    """4-60."""
    murmur: Literal["none", "systolic", "diastolic"] = "none"
    murmur_level: float = 0.15
    """Of the first sound's amplitude."""
    noise_level: float = 0.01
    """Of the first sound's amplitude: the chest and the room, root mean square."""
    spo2_percent: float = 97.0
    systolic_mmhg: float = 128.0
    diastolic_mmhg: float = 78.0
    temperature_c: float = 36.9

    def __post_init__(self) -> None:
        """Raises: ValueError if a rate is none that a living body has."""
        if not 30 <= self.heart_per_min <= 220:
            raise ValueError("heart_per_min must be within 30 and 220")
        if not 4 <= self.breaths_per_min <= 60:
            raise ValueError("breaths_per_min must be within 4 and 60")
        if not 0 <= self.variability <= 0.2:
            raise ValueError("variability must be within 0 and 0.2")


@dataclass(frozen=True, slots=True)
class HeartSound:
    """Samples with the onsets (sample numbers) of all first and second sounds in them."""

    rate_hz: int
    samples: NDArray[np.int16]
    s1: NDArray[np.int64]
    s2: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LungSound:
    """Samples with the first samples of all breaths in."""

    rate_hz: int
    samples: NDArray[np.int16]
    inspirations: NDArray[np.int64]


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


def inspiration(body: Body, t: Floats) -> Floats:
    """How full the chest is at times `t` (s): 0 after breathing out, 1 after breathing in."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * body.breaths_per_min / 60 * t))


def beats_s(body: Body, seconds: float) -> Floats:
    """Onsets (s) of the first heart sounds before `seconds`; the heart is quicker while the chest fills."""
    rng = np.random.default_rng([body.seed, 1])
    mean = 60 / body.heart_per_min
    at, found = 0.35 * mean, []
    while at < seconds:
        found.append(at)
        breath = np.cos(2 * np.pi * body.breaths_per_min / 60 * at)
        away = body.variability * (0.7 * breath + 0.7 * np.clip(rng.normal(), -2.5, 2.5))
        at += mean * (1 + away)
    return np.array(found)


def systole_s(body: Body) -> float:
    """From the first to the second sound: shorter in fast hearts (after Weissler 1968), never more than half the
    cycle.
    """
    return min(0.40 - 0.0013 * body.heart_per_min, 0.5 * 60 / body.heart_per_min)


def _gabor(t: Floats, centre_s: float, width_s: float, frequency_hz: float) -> Floats:
    away = t - centre_s
    return np.asarray(np.exp(-0.5 * (away / width_s) ** 2) * np.cos(2 * np.pi * frequency_hz * away))


def _add(target: Floats, piece: Floats, start: int) -> None:
    low, high = max(start, 0), min(start + piece.size, target.size)
    if low < high:
        target[low:high] += piece[low - start : high - start]


def _noise(rng: np.random.Generator, n: int, rate_hz: int, band_hz: tuple[float, float]) -> Floats:
    """Noise within a band, of unit power; the same start for any length."""
    high = min(band_hz[1], 0.95 * rate_hz / 2)
    sos = scipy_signal.butter(2, (band_hz[0], high), "bandpass", fs=rate_hz, output="sos")
    noise = np.asarray(scipy_signal.sosfilt(sos, rng.normal(size=n)))
    return np.asarray(noise / np.sqrt((high - band_hz[0]) / (rate_hz / 2)))


def _first_sound(t: Floats, squeeze: float) -> Floats:
    """Mitral and tricuspid valve, 25 ms apart."""
    mitral = _gabor(t, 0.040 * squeeze, 0.013 * squeeze, 48)
    return np.asarray(mitral + 0.6 * _gabor(t, 0.065 * squeeze, 0.012 * squeeze, 62))


def _second_sound(t: Floats, squeeze: float, split_s: float) -> Floats:
    """Aortic, then pulmonary valve: further apart while the chest is full."""
    aortic = 0.75 * _gabor(t, 0.026 * squeeze, 0.009 * squeeze, 72)
    return np.asarray(aortic + 0.45 * _gabor(t, 0.026 * squeeze + split_s, 0.009 * squeeze, 60))


def _murmur(body: Body, noise: Floats, first: int, second: int, after: int, rate_hz: int) -> Floats:
    """Noise that swells and fades between S1 and S2, or fades after S2."""
    sound = np.zeros(noise.size)
    if body.murmur == "systolic":
        start, end = first + round(0.09 * rate_hz), second
        shape = np.hanning(max(end - start, 0))
    else:
        start, end = second + round(0.08 * rate_hz), second + round(0.6 * (after - second))
        shape = np.linspace(1.0, 0.0, max(end - start, 0))
    _add(sound, shape, start)
    return np.asarray(body.murmur_level * noise * sound)


def heart_sound(body: Body, seconds: float, rate_hz: int = 4000, level: float = 0.3) -> HeartSound:
    """Sound at the apex; `level` (0-1) is the first sound's amplitude as a part of the scale.

    Raises: ValueError if `rate_hz` or `seconds` is out of range.
    """
    check_rate(rate_hz)
    if not 0 <= seconds <= 3600:
        raise ValueError("seconds must be within 0 and 3600")
    n = round(seconds * rate_hz)
    onsets = beats_s(body, seconds + 4.0)
    squeeze = min(1.0, systole_s(body) / 0.27)
    sound = body.noise_level * _noise(np.random.default_rng([body.seed, 2]), n, rate_hz, (20.0, 400.0))
    breathy = _noise(np.random.default_rng([body.seed, 3]), n, rate_hz, (100.0, 350.0))
    rng = np.random.default_rng([body.seed, 4])
    s1 = np.round(onsets * rate_hz).astype(np.int64)
    s2 = np.round((onsets + systole_s(body)) * rate_hz).astype(np.int64)
    t1, t2 = np.arange(round(_S1_LENGTH_S * rate_hz)) / rate_hz, np.arange(round(_S2_LENGTH_S * rate_hz)) / rate_hz
    fullness = inspiration(body, onsets)
    for i in range(len(onsets) - 1):
        loud = (1 - 0.15 * fullness[i]) * (1 + 0.05 * rng.normal())
        _add(sound, loud * _first_sound(t1, squeeze), int(s1[i]))
        _add(sound, loud * _second_sound(t2, squeeze, squeeze * (0.012 + 0.02 * fullness[i])), int(s2[i]))
        if body.murmur != "none" and s1[i] < n:
            sound += _murmur(body, breathy, int(s1[i]), int(s2[i]), int(s1[i + 1]), rate_hz)
    return HeartSound(rate_hz, _as_int16(level * sound), s1[s1 < n], s2[s2 < n])


def lung_sound(body: Body, seconds: float, rate_hz: int = 4000, level: float = 0.05) -> LungSound:
    """Breathing heard on the back: in louder and longer than out, the heart faintly behind it.

    Raises: ValueError if `rate_hz` or `seconds` is out of range.
    """
    heart = heart_sound(body, seconds, rate_hz, level=level)
    n = heart.samples.size
    phase = (np.arange(n) / rate_hz * body.breaths_per_min / 60) % 1.0
    inward = np.where(phase < 0.5, np.sin(2 * np.pi * phase) ** 2, 0.0)
    outward = np.where(phase >= 0.5, np.sin(2 * np.pi * phase) ** 2 * np.exp(-6 * (phase - 0.5)), 0.0)
    bright = _noise(np.random.default_rng([body.seed, 5]), n, rate_hz, (120.0, 600.0))
    dull = _noise(np.random.default_rng([body.seed, 6]), n, rate_hz, (100.0, 350.0))
    breath = level * (inward * bright + 0.6 * outward * dull)
    cycle = 60 / body.breaths_per_min
    starts = np.round(np.arange(0, seconds, cycle) * rate_hz).astype(np.int64)
    return LungSound(rate_hz, _as_int16(breath + heart.samples / _FULL_SCALE * 0.3), starts[starts < n])


def pulse_wave(body: Body, seconds: float, rate_hz: int = 125) -> PulseWave:
    """Pulse wave at a finger: two humps a beat; breathing moves its baseline and its height.

    Raises: ValueError if `rate_hz` or `seconds` is out of range.
    """
    if not 20 <= rate_hz <= 1000 or not 0 <= seconds <= 3600:
        raise ValueError("rate_hz must be within 20 and 1000, seconds within 0 and 3600")
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    feet = beats_s(body, seconds + 4.0) + _PULSE_DELAY_S
    values = 1.0 + 0.01 * inspiration(body, t)
    stretch = min(1.0, 60 / body.heart_per_min / 0.8)
    for foot, full in zip(feet, inspiration(body, feet), strict=True):
        hump = np.exp(-0.5 * ((t - foot - 0.16 * stretch) / (0.06 * stretch)) ** 2)
        dicrotic = 0.4 * np.exp(-0.5 * ((t - foot - 0.42 * stretch) / (0.09 * stretch)) ** 2)
        values += 0.02 * (1 - 0.2 * full) * (hump + dicrotic)
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


def _as_int16(sound: Floats) -> NDArray[np.int16]:
    return np.asarray(np.clip(np.round(sound * _FULL_SCALE), -32768, 32767), dtype=np.int16)
