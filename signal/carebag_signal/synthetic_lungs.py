"""Lung sound of a made-up body: breath in and out, the heart behind them, wheezes and crackles where asked for.

Crackles after Kiyokawa et al. (2001): a chirp that slows down, under a lopsided window; wheezes are tones of at least
a quarter of a second that glide a little.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import check_rate
from carebag_signal.body import Body, Breath, Breathing
from carebag_signal.synthetic_heart import HeartStream
from carebag_signal.synthetic_shapes import Noise, add, as_int16

Floats = NDArray[np.float64]

_LONGEST_S = 3600.0
_CRACKLE_S = {"fine": 0.005, "coarse": 0.010}
"""Length of two cycles (American Thoracic Society 1977: 5 and 10 ms)."""
_FIRST_SHARE = {"fine": 0.13, "coarse": 0.15}
"""Of the initial deflection in the whole crackle."""
_RISE_S = 0.04
"""A wheeze comes and goes this softly."""


@dataclass(frozen=True, slots=True)
class LungSound:
    """Samples with the first samples of all breaths in and out, and what else is to be heard."""

    rate_hz: int
    samples: NDArray[np.int16]
    inspirations: NDArray[np.int64]
    expirations: NDArray[np.int64]
    wheezes: NDArray[np.int64]
    """(n, 2): first and last sample of each."""
    crackles: NDArray[np.int64]
    """First samples."""


@dataclass(frozen=True, slots=True)
class _Extra:
    """A wheeze or a crackle: where it begins, and its samples."""

    start: int
    sound: Floats


class LungStream:
    """Breathing heard on the back, piece by piece, without end; the same however it is cut."""

    def __init__(self, body: Body, rate_hz: int = 4000, level: float = 0.05) -> None:
        """`level` (0-1) is the power of a usual breath in at its loudest, as a root mean square.

        Raises: ValueError if `rate_hz` is out of range.
        """
        check_rate(rate_hz)
        self._body, self._rate_hz, self._level = body, rate_hz, level
        self._heart = HeartStream(body, rate_hz)
        self._bright = Noise([body.seed, 5], rate_hz, body.breath_in_hz)
        self._dull = Noise([body.seed, 6], rate_hz, body.breath_out_hz)
        self._breathing = Breathing(body)
        self._at = 0

    def take(self, n: int) -> LungSound:
        """The next `n` samples; all truth is counted from the stream's first sample."""
        start, end, rate = self._at, self._at + n, self._rate_hz
        self._breathing.forget(start / rate)
        breaths = [b for b in self._breathing.until(end / rate) if (b.start_s + b.length_s + 1.0) * rate >= start]
        inward, outward = np.zeros(n), np.zeros(n)
        for breath in breaths:
            add(inward, self._shape(breath, "in"), self._start(breath, "in") - start)
            add(outward, self._shape(breath, "out"), self._start(breath, "out") - start)
        sound = inward * self._bright.take(n) + outward * self._dull.take(n)
        extras = [(self._wheeze(b), self._crackles(b)) for b in breaths]
        wheezes = [w for w, _ in extras if w is not None]
        crackles = [c for _, found in extras for c in found]
        for extra in (*wheezes, *crackles):
            add(sound, extra.sound, extra.start - start)
        heart = self._body.heart_behind * self._heart.wave(n)
        self._at = end

        def inside(found: list[int]) -> NDArray[np.int64]:
            return np.array([at for at in found if start <= at < end], dtype=np.int64)

        spans = [(w.start, w.start + w.sound.size) for w in wheezes if start <= w.start < end]
        return LungSound(
            rate,
            as_int16(self._level * (sound + heart)),
            inside([self._start(b, "in") for b in breaths]),
            inside([self._start(b, "out") for b in breaths]),
            np.array(spans, dtype=np.int64).reshape(-1, 2),
            inside([c.start for c in crackles]),
        )

    def _start(self, breath: Breath, phase: str) -> int:
        inward = 0.0 if phase == "in" else self._body.inspired_share * breath.length_s
        return round((breath.start_s + inward) * self._rate_hz)

    def _seconds(self, breath: Breath, phase: str) -> float:
        share = self._body.inspired_share
        return breath.length_s * (share if phase == "in" else (1 - share) * self._body.expired_share)

    def _shape(self, breath: Breath, phase: str) -> Floats:
        """Loudness of one breath in (a round hump) or out (early, then fading)."""
        u = np.linspace(0.0, 1.0, max(2, round(self._seconds(breath, phase) * self._rate_hz)))
        if phase == "in":
            return np.asarray(breath.loudness * np.sin(np.pi * u) ** 0.7)
        fading = np.sin(np.pi * np.sqrt(u)) ** 0.7
        return np.asarray(breath.loudness * self._body.expiration_level * np.clip(fading, 0.0, 1.0))

    def _wheeze(self, breath: Breath) -> _Extra | None:
        body, rate = self._body, self._rate_hz
        if not body.wheeze_level:
            return None
        rng = np.random.default_rng([body.seed, 11, breath.number])
        phase_s = self._seconds(breath, body.wheeze_phase)
        length = max(0.25, float(rng.uniform(0.4, 0.8)) * phase_s)
        start = self._start(breath, body.wheeze_phase) + round(0.12 * phase_s * rate)
        t = np.arange(round(length * rate)) / rate
        pitch = body.wheeze_hz * float(rng.uniform(0.93, 1.07)) * (1 + float(rng.uniform(-0.08, 0.08)) * t / length)
        angle = 2 * np.pi * np.cumsum(pitch) / rate
        tone = np.sin(angle) + float(rng.uniform(0.0, 0.3)) * np.sin(2 * angle) * (2 * body.wheeze_hz < 0.45 * rate)
        edge = np.clip(np.minimum(t, length - t) / _RISE_S, 0.0, 1.0)
        return _Extra(start, np.asarray(np.sqrt(2) * body.wheeze_level * breath.loudness * tone * edge))

    def _crackles(self, breath: Breath) -> list[_Extra]:
        body, rate = self._body, self._rate_hz
        if not body.crackles_per_breath:
            return []
        rng = np.random.default_rng([body.seed, 12, breath.number])
        n = int(rng.poisson(body.crackles_per_breath))
        # fine crackles come late while breathing in, coarse ones early
        early, late = (0.4, 0.95) if body.crackle_kind == "fine" else (0.1, 0.7)
        at = np.sort(rng.uniform(early, late, n)) * self._seconds(breath, "in")
        return [
            _Extra(
                self._start(breath, "in") + round(float(t) * rate),
                float(rng.uniform(0.7, 1.4)) * body.crackle_level * crackle(body.crackle_kind, rate),
            )
            for t in at
        ]


def crackle(kind: str, rate_hz: int) -> Floats:
    """One crackle of amplitude about 1, "fine" or "coarse"."""
    length_s, first = _CRACKLE_S[kind], _FIRST_SHARE[kind]
    t = (np.arange(max(4, round(length_s * rate_hz))) + 0.5) / max(4, round(length_s * rate_hz))
    slowing = np.log(0.25) / np.log(first)
    window = 0.5 * (1 + np.cos(2 * np.pi * (np.sqrt(t) - 0.5)))
    return np.asarray(np.sin(4 * np.pi * t**slowing) * window)


def lung_sound(body: Body, seconds: float, rate_hz: int = 4000, level: float = 0.05) -> LungSound:
    """Breathing heard on the back: in louder and longer than out, the heart faintly behind it.

    Raises: ValueError if `rate_hz` or `seconds` is out of range.
    """
    if not 0 <= seconds <= _LONGEST_S:
        raise ValueError(f"seconds must be within 0 and {_LONGEST_S:.0f}")
    return LungStream(body, rate_hz, level).take(round(seconds * rate_hz))
