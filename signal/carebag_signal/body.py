"""A made-up person: what beats and breathes when. The sounds and waves that follow from it are in `synthetic.py`.

Everything follows from the seed, and what happens early does not depend on how long we listen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Murmur = Literal["none", "systolic", "diastolic"]
MurmurShape = Literal["usual", "diamond", "plateau", "crescendo", "decrescendo"]
Rhythm = Literal["sinus", "extra_beats", "fibrillation"]
CrackleKind = Literal["fine", "coarse"]
BreathPhase = Literal["in", "out"]

_WIDEST = 2.5
"""Standard deviations: a wilder draw is cut."""
_REMEMBERED_S = 5.0
_EXTRA_BEAT_SHARE = 0.15
_EARLY, _PAUSE = 0.62, 1.38
"""An extra beat comes early, and the next one late by the same time."""


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
    murmur: Murmur = "none"
    murmur_level: float = 0.15
    """Of the first sound's amplitude."""
    noise_level: float = 0.01
    """Of the first sound's amplitude: the chest and the room, root mean square."""
    spo2_percent: float = 97.0
    systolic_mmhg: float = 128.0
    diastolic_mmhg: float = 78.0
    temperature_c: float = 36.9
    murmur_shape: MurmurShape = "usual"
    """usual: a diamond in systole, fading in diastole."""
    murmur_hz: tuple[float, float] = (100.0, 350.0)
    s3_level: float = 0.0
    """Of the first sound's amplitude; 0.15 s after the second sound begins."""
    s4_level: float = 0.0
    """Of the first sound's amplitude; 0.11 s before the first sound begins."""
    rhythm: Rhythm = "sinus"
    breath_variability: float = 0.0
    """Spread of the length and the loudness of a breath, relative."""
    inspired_share: float = 0.5
    """Of a breath; 0.2-0.7."""
    expired_share: float = 1.0
    """Of what is left of a breath: how long breathing out is heard; the rest is a pause."""
    expiration_level: float = 0.6
    """Of the breath in."""
    breath_in_hz: tuple[float, float] = (120.0, 600.0)
    breath_out_hz: tuple[float, float] = (100.0, 350.0)
    heart_behind: float = 0.3
    """How loud the first sound is in the lung sound: of the amplitude asked for."""
    apnoeas: tuple[tuple[float, float], ...] = ()
    """(start s, seconds): no breath begins there."""
    wheeze_level: float = 0.0
    """Of the breath in."""
    wheeze_hz: float = 400.0
    wheeze_phase: BreathPhase = "out"
    crackles_per_breath: float = 0.0
    """While breathing in, on average."""
    crackle_level: float = 8.0
    """Amplitude, of the breath in's root mean square."""
    crackle_kind: CrackleKind = "coarse"
    perfusion_percent: float = 2.0
    """Height of the pulse wave, of the standing light."""
    pulse_baseline: float = 0.01
    """How far breathing moves the pulse wave's baseline, of the standing light."""
    pulse_height: float = 0.2
    """How far breathing changes the pulse wave's height, relative."""

    def __post_init__(self) -> None:
        """Raises: ValueError if a rate is none that a living body has."""
        ranges: tuple[tuple[str, float, float], ...] = (
            ("heart_per_min", 30, 220),
            ("breaths_per_min", 4, 60),
            ("variability", 0, 0.2),
            ("breath_variability", 0, 0.3),
            ("inspired_share", 0.2, 0.7),
            ("expired_share", 0.1, 1.0),
            ("wheeze_hz", 100, 1000),
            ("crackles_per_breath", 0, 20),
        )
        for name, low, high in ranges:
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be within {low} and {high}")


@dataclass(frozen=True, slots=True)
class Breath:
    """One breath: in, out, and perhaps a pause before the next."""

    number: int
    start_s: float
    length_s: float
    loudness: float
    """1 is usual."""


class Breathing:
    """The breaths of a body, found as far as they are asked for."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._rng = np.random.default_rng([body.seed, 9])
        self._regular = not body.breath_variability and not body.apnoeas
        self._next_s = 0.0
        self._count = 0
        self.found: list[Breath] = []

    def until(self, end_s: float) -> list[Breath]:
        """All breaths that begin before a time."""
        while self._next_s < end_s:
            self.found.append(self._breath(self._count))
            self._count += 1
        return [breath for breath in self.found if breath.start_s < end_s]

    def forget(self, before_s: float) -> None:
        """Breaths that are long over when a time comes are not kept."""
        self.found = [breath for breath in self.found if breath.start_s + breath.length_s + _REMEMBERED_S > before_s]

    def _breath(self, number: int) -> Breath:
        body, cycle = self._body, 60 / self._body.breaths_per_min
        start = number * cycle if self._regular else self._resumed(self._next_s)
        away = body.breath_variability * np.clip(self._rng.normal(size=2), -_WIDEST, _WIDEST)
        length = cycle * float(1 + away[0])
        self._next_s = (number + 1) * cycle if self._regular else self._resumed(start + length)
        return Breath(number, start, length, float(np.exp(away[1])))

    def _resumed(self, at: float) -> float:
        for start, seconds in self._body.apnoeas:
            if start <= at < start + seconds:
                at = start + seconds
        return at

    def angle(self, t: Floats | float) -> Floats:
        """Where in a breath the times (s) are: 0 at its beginning, pi when the chest is full, 2 pi at its end."""
        body, t = self._body, np.asarray(t, dtype=np.float64)
        if self._regular and body.inspired_share == 0.5:
            return np.asarray(2 * np.pi * body.breaths_per_min / 60 * t)
        breaths = self.until(float(t.max(initial=0.0)) + 1e-9)
        if not breaths:
            return np.zeros(t.shape)
        starts = np.array([b.start_s for b in breaths])
        lengths = np.array([b.length_s for b in breaths])
        at = np.searchsorted(starts, t, side="right") - 1
        # before the first breath, in an apnoea that we listen into, the chest is empty
        share = np.where(at >= 0, np.clip((t - starts[at]) / lengths[at], 0.0, 1.0), 0.0)
        inward = np.pi * share / body.inspired_share
        outward = np.pi * (1 + (share - body.inspired_share) / (1 - body.inspired_share))
        return np.where(share < body.inspired_share, inward, outward)


def inspiration(body: Body, t: Floats) -> Floats:
    """How full the chest is at times `t` (s): 0 after breathing out, 1 after breathing in."""
    return np.asarray(0.5 - 0.5 * np.cos(Breathing(body).angle(t)))


def beat_times(body: Body) -> Iterator[float]:
    """Onsets (s) of the first heart sounds, without end; the heart is quicker while the chest fills."""
    rng, wild = np.random.default_rng([body.seed, 1]), np.random.default_rng([body.seed, 10])
    mean, breathing = 60 / body.heart_per_min, Breathing(body)
    at, late = 0.35 * mean, 0.0
    while True:
        yield float(at)
        breath = np.cos(breathing.angle(at))
        away = body.variability * (0.7 * breath + 0.7 * np.clip(rng.normal(), -_WIDEST, _WIDEST))
        step = mean * (1 + away)
        if body.rhythm == "fibrillation":
            step = mean * float(np.clip(1 + 0.22 * wild.normal(), 0.55, 1.7))
        elif body.rhythm == "extra_beats":
            if late:
                step, late = mean * _PAUSE, 0.0
            elif wild.random() < _EXTRA_BEAT_SHARE:
                step, late = mean * _EARLY, 1.0
        at += float(step)


def beats_s(body: Body, seconds: float) -> Floats:
    """Onsets (s) of the first heart sounds before `seconds`."""
    return np.array(list(takewhile(lambda at: at < seconds, beat_times(body))))


def breaths_s(body: Body, seconds: float) -> Floats:
    """Beginnings (s) of the breaths before `seconds`."""
    return np.array([breath.start_s for breath in Breathing(body).until(seconds)])


def systole_s(body: Body) -> float:
    """From the first to the second sound: shorter in fast hearts (after Weissler 1968), never more than half the
    cycle.
    """
    return min(0.40 - 0.0013 * body.heart_per_min, 0.5 * 60 / body.heart_per_min)
