"""The numbers that bind the quieter listening view of the console to `carebag_signal.listening_noise`.

    python signal/train/golden_listening.py > tests/signal/golden_listening.json

`samples`: what goes in, PCM16 little-endian, in base64. `heard`: every `step`-th sample of what comes out.
"""

import base64
import json
import sys

import numpy as np
from numpy.typing import NDArray

from carebag_signal.listening_noise import ListeningNoise
from carebag_signal.synthetic import Body, heart_sound

STEP = 13
Samples = NDArray[np.int16]


def as_sent(sound: NDArray[np.float64]) -> Samples:
    return np.clip(np.round(sound), -32768, 32767).astype(np.int16)


def heart_and_mains() -> Samples:
    """A murmur in noise, clicks, mains after a while, and a gap in it."""
    rate_hz, seconds = 4000, 6
    rng = np.random.default_rng(7)
    heard = heart_sound(Body(seed=4, murmur="systolic", murmur_level=0.1, noise_level=0.0), seconds)
    at = np.arange(heard.samples.size) / rate_hz
    mains = sum(2000 / n * np.sin(2 * np.pi * 50 * n * at) for n in (1, 2, 3))
    sound = heard.samples + rng.normal(size=at.size) * 90 + np.where(at > 1.0, mains, 0.0)
    sound[[5003, 9000, 9003, 17777]] += [9000, -7000, 5000, 12000]
    sound[(at > 4.5) & (at < 4.9)] = 0.0
    return as_sent(sound)


def noise_and_buzz() -> Samples:
    """Noise with a telephone's bursts, which end."""
    rate_hz, seconds = 8000, 2.4
    rng = np.random.default_rng(8)
    at = np.arange(round(rate_hz * seconds)) / rate_hz
    bursts = 600 * ((at * 216.68) % 1.0 < 0.125)
    return as_sent(rng.normal(size=at.size) * 200 + np.where(at < 1.2, bursts, 0.0))


def case(name: str, rate_hz: int, samples: Samples) -> dict[str, object]:
    view = ListeningNoise(rate_hz)
    heard = view.feed(samples)
    return {
        "name": name,
        "rate_hz": rate_hz,
        "delay": view.delay,
        "step": STEP,
        "samples": base64.b64encode(samples.astype("<i2").tobytes()).decode(),
        "heard": [round(float(value), 4) for value in heard[::STEP]],
    }


def main() -> None:
    cases = [
        case("heart and mains", 4000, heart_and_mains()),
        case("noise and buzz", 8000, noise_and_buzz()),
        case("a rate that is no power of two", 44_100, as_sent(np.random.default_rng(9).normal(size=4000) * 300)),
    ]
    sys.stdout.write(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
