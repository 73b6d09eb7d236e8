"""What spoils a made-up sound, each with its truth: mains hum, a telephone's buzz, handling, clicks, lost samples.

Every sound has unit power while it sounds, follows from its seed, and a longer one begins like the shorter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GSM_FRAME_S = 0.00461538
"""A telephone of the second generation sends one burst of 577 us in each frame: 216.7 a second."""
_GSM_BURST_S = 0.000577
_HUM_HARMONICS = (1.0, 0.25, 0.4, 0.1, 0.2)
_CLICK_S = 0.0015


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Samples to add, and the spans (first sample, end) in which there is anything."""

    samples: Floats
    spans: NDArray[np.int64]


def hum(n: int, rate_hz: int, mains_hz: float = 50.0, phase: float = 0.0) -> Disturbance:
    """Mains and its harmonics."""
    t = np.arange(n) / rate_hz
    wave = np.zeros(n)
    for number, level in enumerate(_HUM_HARMONICS, start=1):
        if number * mains_hz < 0.45 * rate_hz:
            wave += level * np.sin(2 * np.pi * number * mains_hz * t + number * phase)
    return Disturbance(_unit(wave, np.ones(n, bool)), np.array([[0, n]], dtype=np.int64))


def telephone(seed: int, n: int, rate_hz: int) -> Disturbance:
    """The buzz of a telephone beside a cable: bursts at 217 Hz, for a second or two, again and again."""
    spans = _spans(seed, n, rate_hz, wait_s=(0.5, 4.0), length_s=(0.3, 2.0))
    t = np.arange(n) / rate_hz
    on = np.zeros(n, bool)
    for start, end in spans:
        on[start:end] = True
    wave = np.where((t % GSM_FRAME_S < max(_GSM_BURST_S, 1.01 / rate_hz)) & on, 1.0, 0.0)
    return Disturbance(_unit(wave - 0.125 * on, on), spans)


def handling(seed: int, n: int, rate_hz: int) -> Disturbance:
    """Rubbing of the chest piece: dull noise that comes and goes."""
    spans = _spans(seed, n, rate_hz, wait_s=(0.5, 5.0), length_s=(0.05, 0.8))
    wave = np.zeros(n)
    for number, (start, end) in enumerate(spans):
        rng = np.random.default_rng([seed, 1, number])
        whole = int(end - start)
        burst = np.cumsum(rng.normal(size=whole)) * np.hanning(whole)
        burst -= np.hanning(whole) * burst.sum() / max(np.hanning(whole).sum(), 1e-9)
        wave[start:end] = (burst / max(burst.std(), 1e-9))[: max(n - start, 0)]
    return Disturbance(wave, spans)


def clicks(seed: int, n: int, rate_hz: int, per_min: float = 40.0) -> Disturbance:
    """Knocks and crackling contacts: single clicks of 1.5 ms, of amplitude 1."""
    rng = np.random.default_rng([seed, 2])
    length = max(2, round(_CLICK_S * rate_hz))
    at, wave, spans = 0.0, np.zeros(n), []
    while (at := at + rng.exponential(60 / per_min)) * rate_hz < n:
        start = round(at * rate_hz)
        shape = rng.choice([-1.0, 1.0]) * np.hanning(length + 2)[1:-1]
        wave[start : start + length] += shape[: n - start]
        spans.append((start, min(start + length, n)))
    return Disturbance(wave, np.array(spans, dtype=np.int64).reshape(-1, 2))


def lost(seed: int, n: int, rate_hz: int) -> tuple[tuple[int, int], ...]:
    """(first sample, samples) that never arrived: pieces of 20 ms to 2 s, in order, never touching."""
    spans = _spans(seed, n, rate_hz, wait_s=(2.0, 15.0), length_s=(0.02, 2.0))
    return tuple((int(start), int(min(end, n) - start)) for start, end in spans)


def _spans(
    seed: int, n: int, rate_hz: int, wait_s: tuple[float, float], length_s: tuple[float, float]
) -> NDArray[np.int64]:
    """(m, 2): beginnings and ends; the last may reach beyond `n`."""
    rng = np.random.default_rng([seed, 3])
    found, at = [], 0
    while (start := at + round(float(rng.uniform(*wait_s)) * rate_hz)) < n:
        at = start + max(1, round(float(rng.uniform(*length_s)) * rate_hz))
        found.append((start, at))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _unit(wave: Floats, where: NDArray[np.bool_]) -> Floats:
    power = float(np.mean(wave[where] ** 2)) if where.any() else 0.0
    return wave / np.sqrt(power) if power > 0 else wave
