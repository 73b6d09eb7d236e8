"""Synthetic bodies as training examples: hearts slower and faster than any in the recordings."""

import numpy as np
from circor import Recording

from carebag_signal.synthetic import Body, heart_sound

SECONDS = 15.0
RATE_HZ = 4000


def made_up(count: int, seed: int) -> list[Recording]:
    """Bodies of all rates, murmurs and noise levels, annotated as recordings are; each is its own patient."""
    rng = np.random.default_rng(seed)
    return [_recording(i, _body(rng, 10_000 + i)) for i in range(count)]


def _body(rng: np.random.Generator, seed: int) -> Body:
    return Body(
        seed=seed,
        heart_per_min=float(np.exp(rng.uniform(np.log(35), np.log(215)))),
        variability=float(rng.uniform(0.0, 0.06)),
        breaths_per_min=float(rng.uniform(8, 40)),
        murmur=("none", "none", "systolic", "diastolic")[int(rng.integers(4))],
        murmur_level=float(rng.uniform(0.02, 0.3)),
        noise_level=float(np.exp(rng.uniform(np.log(0.002), np.log(0.1)))),
    )


def _recording(number: int, body: Body) -> Recording:
    heard = heart_sound(body, SECONDS, RATE_HZ)
    squeeze = min(1.0, 60 / body.heart_per_min / 0.55)
    segments = []
    for s1, s2, after in zip(heard.s1, heard.s2, heard.s1[1:], strict=False):
        edges = np.array([s1, s1 + 0.115 * squeeze * RATE_HZ, s2, s2 + 0.09 * squeeze * RATE_HZ, after]) / RATE_HZ
        segments += [(edges[i], edges[i + 1], i + 1.0) for i in range(4)]
    return Recording(f"body{number}", f"body{number}", RATE_HZ, heard.samples, np.array(segments))
