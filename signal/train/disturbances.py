"""What happens to heart sounds in a home: noise, talk, handling, another stethoscope, another pace."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter, resample_poly

Samples = NDArray[np.float64]


def coloured(rng: np.random.Generator, n: int, slope: float) -> Samples:
    """Noise whose power falls with frequency to the power `slope`: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.normal(size=n))
    spectrum[1:] /= np.arange(1, spectrum.size) ** (slope / 2)
    spectrum[0] = 0.0
    return np.fft.irfft(spectrum, n)


def talk(rng: np.random.Generator, n: int, rate_hz: int) -> Samples:
    """Voiced syllables with pauses: a pulse train of moving pitch through two resonances."""
    t = np.arange(n) / rate_hz
    pitch = rng.uniform(90, 240) * (1 + 0.15 * np.sin(2 * np.pi * rng.uniform(0.3, 1.0) * t + rng.uniform(0, 6)))
    sound = np.sin(np.cumsum(2 * np.pi * pitch / rate_hz))
    sound = np.maximum(sound - 0.8, 0.0)
    for centre, width in ((rng.uniform(300, 700), 90.0), (rng.uniform(900, 1700), 130.0)):
        radius = np.exp(-np.pi * width / rate_hz)
        sound = lfilter([1.0], [1.0, -2 * radius * np.cos(2 * np.pi * centre / rate_hz), radius**2], sound) + sound
    syllables = np.maximum(np.sin(2 * np.pi * rng.uniform(2.5, 5.5) * t + rng.uniform(0, 6)), 0.0)
    words = np.sin(2 * np.pi * rng.uniform(0.15, 0.6) * t + rng.uniform(0, 6)) > -0.3
    return sound * syllables * words


def handling(rng: np.random.Generator, n: int, rate_hz: int) -> Samples:
    """Rubbing and knocks of a hand on the chest piece."""
    sound = np.zeros(n)
    for _ in range(max(1, round(n / rate_hz * rng.uniform(0.3, 1.5)))):
        length = round(rate_hz * rng.uniform(0.03, 0.6))
        start = int(rng.integers(0, max(1, n - length)))
        burst = coloured(rng, length, rng.uniform(0.5, 2.0)) * np.hanning(length)
        sound[start : start + length] += (burst / (burst.std() + 1e-9))[: n - start] * rng.lognormal(0.0, 0.6)
    return sound


def _decoded(file: Path) -> tuple[Samples, int]:
    with av.open(str(file)) as container:
        frames = [frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)]
        return np.concatenate(frames).astype(np.float64), container.streams.audio[0].rate


class Room:
    """Environmental sounds from files (ESC-10, CC BY 3.0), as they reach the chest piece."""

    def __init__(self, files: list[Path], rate_hz: int) -> None:
        self._clips = []
        for file in files:
            samples, file_rate = _decoded(file)
            self._clips.append(resample_poly(samples, rate_hz, file_rate))

    def sound(self, rng: np.random.Generator, n: int) -> Samples:
        """A random clip from a random start, repeated to length."""
        clip = self._clips[int(rng.integers(len(self._clips)))]
        return np.take(clip, np.arange(n) + int(rng.integers(clip.size)), mode="wrap")


def mix(sound: Samples, noise: Samples, snr_db: float) -> Samples:
    """Sound with noise at a signal-to-noise ratio over the whole length."""
    power = float(np.mean(noise**2))
    if power <= 0.0:
        return sound
    return sound + noise * np.sqrt(float(np.mean((sound - sound.mean()) ** 2)) / power / 10 ** (snr_db / 10))


def disturb(rng: np.random.Generator, samples: Samples, rate_hz: int, room: Room | None) -> Samples:
    """One random disturbance at a random strength, then a random gain, as 16-bit steps."""
    kind = rng.integers(0, 5 if room else 4)
    n = samples.size
    if kind == 0:
        noise = coloured(rng, n, rng.uniform(0.0, 2.0))
    elif kind == 1:
        noise = talk(rng, n, rate_hz)
    elif kind == 2:
        noise = handling(rng, n, rate_hz)
    elif kind == 3:
        noise = np.zeros(n)
    else:
        assert room is not None
        noise = room.sound(rng, n)
    mixed = mix(samples, noise, rng.uniform(-3.0, 20.0))
    return np.clip(np.round(mixed * 10 ** (rng.uniform(-30.0, 6.0) / 20)), -32768, 32767)


def faster(samples: Samples, speed_percent: int) -> Samples:
    """The same beats at another pace; the pitch goes along."""
    return np.asarray(resample_poly(samples, 100, speed_percent))


def in_the_air(rng: np.random.Generator, n: int, rate_hz: int, room: Room | None) -> Samples:
    """A chest piece that touches nothing: its own noise, some hum, the room from afar."""
    t = np.arange(n) / rate_hz
    sound = coloured(rng, n, rng.uniform(0.0, 1.5))
    sound /= sound.std()
    if rng.random() < 0.4:
        sound += rng.uniform(0.2, 2.0) * np.sin(2 * np.pi * 50 * t + rng.uniform(0, 6))
    if rng.random() < 0.5:
        far = talk(rng, n, rate_hz) if room is None or rng.random() < 0.5 else room.sound(rng, n)
        sound += rng.uniform(0.1, 1.5) * far / (far.std() + 1e-9)
    return np.asarray(sound * np.exp(rng.uniform(np.log(1.0), np.log(300.0))))
