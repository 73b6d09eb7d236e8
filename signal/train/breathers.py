"""Made-up people who breathe, as different as a generator can make them, and what is heard beside them.

There is no lung recording that this project may train on: everything here is synthetic, and harder than most rooms:
the method that finds 56 % of the rates of real recordings (ICBHI 2017, as published baselines go) finds about 60 % of
these.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import disturbances
import numpy as np
from numpy.typing import NDArray

from carebag_signal.body import Body
from carebag_signal.synthetic_lungs import LungSound, lung_sound

RATE_HZ = 4000
LEVEL = 0.02
Background = Callable[[np.random.Generator, int], NDArray[np.float64]]
"""Gives so many samples of something that is heard beside the lungs, in any unit."""


@dataclass(frozen=True, slots=True)
class Breather:
    """One made-up recording, and the truth."""

    body: Body
    samples: NDArray[np.int16]
    truth: LungSound
    snr_db: float
    """Of the breath against the steady noise."""

    @property
    def per_min(self) -> float | None:
        """60 over the mean time from breath to breath; None with fewer than three breaths."""
        starts = self.truth.inspirations / RATE_HZ
        return 60 / float(np.mean(np.diff(starts))) if starts.size >= 3 else None


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def drawn_body(rng: np.random.Generator, seed: int, seconds: float) -> Body:
    """Rates of 6 to 60, breathing out from hardly heard to louder than in, hearts from faint to 25 times as loud."""
    dull = float(rng.uniform(80, 220))
    rate = _log_uniform(rng, 6, 60) if rng.random() < 0.4 else _log_uniform(rng, 9, 36)
    apnoea = ((float(rng.uniform(4, seconds - 8)), float(rng.uniform(8, 15))),) if rng.random() < 0.08 else ()
    return Body(
        seed=seed,
        heart_per_min=_log_uniform(rng, 50, 150),
        breaths_per_min=rate,
        breath_variability=float(rng.uniform(0.03, 0.3)),
        inspired_share=float(rng.uniform(0.28, 0.58)),
        expired_share=float(rng.uniform(0.3, 1.0)),
        expiration_level=_log_uniform(rng, 0.1, 1.6),
        breath_in_hz=(dull, dull + _log_uniform(rng, 200, 900)),
        breath_out_hz=(dull * float(rng.uniform(0.7, 1.05)), dull * 1.05 + _log_uniform(rng, 150, 800)),
        heart_behind=_log_uniform(rng, 0.2, 25),
        murmur=("none", "none", "none", "systolic", "diastolic")[int(rng.integers(5))],
        apnoeas=apnoea,
        wheeze_level=_log_uniform(rng, 0.3, 2) if rng.random() < 0.2 else 0.0,
        wheeze_hz=float(rng.uniform(150, 800)),
        wheeze_phase=("in", "out")[int(rng.integers(2))],
        crackles_per_breath=float(rng.uniform(1, 8)) if rng.random() < 0.2 else 0.0,
        crackle_kind=("fine", "coarse")[int(rng.integers(2))],
    )


def _unit(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    return sound / (float(sound.std()) + 1e-9)


def drawn(seed: int, background: Background | None = None, hearts: Background | None = None) -> Breather:
    """One breather of 15 to 32 s.

    `background` replaces half of the made-up noises, `hearts` half of the made-up hearts.
    """
    rng = np.random.default_rng([seed, 77])
    seconds = float(rng.uniform(15, 32))
    body = drawn_body(rng, seed, seconds)
    real_heart = hearts is not None and rng.random() < 0.5
    truth = lung_sound(replace(body, heart_behind=0.0) if real_heart else body, seconds, RATE_HZ, LEVEL)
    sound, n = truth.samples.astype(np.float64), truth.samples.size
    breath = 0.5 * LEVEL * 32767
    if hearts is not None and real_heart:
        heart = hearts(rng, n)
        sound += heart / (np.percentile(np.abs(heart), 99) + 1e-9) * min(body.heart_behind, 8.0) * 2 * breath
    snr_db = float(rng.uniform(-12, 15))
    sound += _unit(_noise(rng, n, background)) * breath * 10 ** (-snr_db / 20)
    if rng.random() < 0.5:
        sound += _unit(disturbances.handling(rng, n, RATE_HZ)) * breath * 10 ** (-rng.uniform(-12, 10) / 20)
    if rng.random() < 0.5:
        turn = 2 * np.pi * np.arange(n) / RATE_HZ / rng.uniform(8, 60) + rng.uniform(0, 6)
        sound *= np.exp(rng.uniform(0.2, 1.2) * np.sin(turn))
    return Breather(body, np.clip(np.round(sound), -32768, 32767).astype(np.int16), truth, snr_db)


def _noise(rng: np.random.Generator, n: int, background: Background | None) -> NDArray[np.float64]:
    kind = int(rng.integers(6))
    if background is not None and kind >= 3:
        return background(rng, n)
    if kind == 4:
        return disturbances.talk(rng, n, RATE_HZ)
    if kind == 5:
        return disturbances.handling(rng, n, RATE_HZ)
    return disturbances.coloured(rng, n, rng.uniform(0, 2))
