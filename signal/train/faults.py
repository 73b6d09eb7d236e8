"""What spoils listening in a home, made or taken from recordings: speech, rooms, hands, a chest piece in the air.

The makers here are for judging quality; `disturbances.py` makes what the network of heart sounds is trained against.
"""

from dataclasses import dataclass
from pathlib import Path

import disturbances
import numpy as np
from disturbances import Samples
from scipy.io import wavfile
from scipy.signal import butter, lfilter, resample_poly, sosfilt

RATE_HZ = 4000
WORDS_PER_S = (0.8, 2.5)


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker's words."""

    name: str
    words: tuple[Samples, ...]

    def sound(self, rng: np.random.Generator, n: int) -> Samples:
        """Words one after another, with pauses, some louder than others, as the chest piece lets them through."""
        sound, at = np.zeros(n), int(rng.integers(0, RATE_HZ))
        pause = rng.uniform(0.03, 0.4)
        while at < n:
            word = self.words[int(rng.integers(len(self.words)))]
            end = min(n, at + word.size)
            sound[at:end] += word[: end - at] / (word.std() + 1e-9) * rng.lognormal(0.0, 0.3)
            at = end + round(RATE_HZ * rng.exponential(pause))
            if rng.random() < 0.08:
                at += round(RATE_HZ * rng.uniform(0.5, 2.0))
        return muffled(rng, sound) if rng.random() < 0.5 else sound


def voices(folder: Path) -> list[Voice]:
    """The speakers of a folder of `DIGIT_SPEAKER_TAKE.wav` (free spoken digit dataset, CC BY-SA 4.0)."""
    words: dict[str, list[Samples]] = {}
    for file in sorted(folder.glob("*_*_*.wav")):
        rate_hz, samples = wavfile.read(file)
        found = resample_poly(samples.astype(np.float64), RATE_HZ, rate_hz)
        words.setdefault(file.stem.split("_")[1], []).append(found)
    return [Voice(name, tuple(said)) for name, said in sorted(words.items())]


def muffled(rng: np.random.Generator, sound: Samples) -> Samples:
    """Through clothes or flesh: the high notes are gone."""
    return np.asarray(sosfilt(butter(2, rng.uniform(250.0, 1200.0), fs=RATE_HZ, output="sos"), sound))


def knocks(rng: np.random.Generator, n: int) -> Samples:
    """Knocks and thuds: short damped tones, in bouts."""
    sound, at = np.zeros(n), 0
    gap = rng.uniform(0.15, 1.0)
    t = np.arange(RATE_HZ // 2) / RATE_HZ
    while (at := at + round(RATE_HZ * rng.exponential(gap))) < n:
        tone = np.sin(2 * np.pi * rng.uniform(25.0, 350.0) * t + rng.uniform(0, 6))
        thud = tone * np.exp(-t / rng.uniform(0.008, 0.07)) * rng.lognormal(0.0, 0.7)
        sound[at : at + t.size] += thud[: n - at]
    return sound


def sliding(rng: np.random.Generator, n: int) -> Samples:
    """The chest piece slides: rustle that swells and fades with the hand, over a swing of the whole level."""
    slow = np.interp(
        np.arange(n),
        np.arange(0, n + RATE_HZ, RATE_HZ // 5),
        rng.normal(size=n // (RATE_HZ // 5) + 6)[: len(np.arange(0, n + RATE_HZ, RATE_HZ // 5))],
    )
    rustle = disturbances.coloured(rng, n, rng.uniform(0.3, 2.0))
    rustle *= np.maximum(slow, 0.0) ** 2 / (rustle.std() + 1e-9)
    swing = sosfilt(butter(2, 15.0, fs=RATE_HZ, output="sos"), rng.normal(size=n))
    return np.asarray(rustle + swing / (swing.std() + 1e-9) * rng.uniform(0.0, 1.5) * np.abs(slow))


def scratches(rng: np.random.Generator, n: int) -> Samples:
    """Hair or cloth that sticks and slips: trains of clicks."""
    sound, at = np.zeros(n), 0
    while at < n:
        length = round(RATE_HZ * rng.uniform(0.1, 0.9))
        clicks = np.zeros(length)
        where = rng.integers(0, length, max(1, round(length / RATE_HZ * rng.uniform(30, 300))))
        clicks[where] = rng.normal(size=where.size)
        pole = rng.uniform(0.3, 0.9)
        bout = lfilter([1.0], [1.0, -pole], clicks)[: n - at]
        sound[at : at + length] += bout / (bout.std() + 1e-9) * rng.lognormal(0.0, 0.5)
        at += length + round(RATE_HZ * rng.exponential(0.6))
    return sound


HANDS = {
    "rubbing": lambda rng, n: disturbances.handling(rng, n, RATE_HZ),
    "knocks": knocks,
    "sliding": sliding,
    "scratches": scratches,
}


def hands(rng: np.random.Generator, n: int, families: tuple[str, ...] = tuple(HANDS)) -> Samples:
    """One or two kinds of handling at once."""
    chosen = rng.choice(families, size=min(len(families), int(rng.integers(1, 3))), replace=False)
    made = [HANDS[name](rng, n) for name in chosen]
    return np.asarray(sum(m / (m.std() + 1e-9) * rng.uniform(0.3, 1.0) for m in made))


def in_the_air(rng: np.random.Generator, n: int, room: disturbances.Room, voice: Voice) -> Samples:
    """A chest piece that touches nothing: its own noise, some hum, the room or a voice from afar."""
    if rng.random() < 0.4:
        return disturbances.in_the_air(rng, n, RATE_HZ, room)
    sound = disturbances.coloured(rng, n, rng.uniform(0.0, 2.0))
    sound /= sound.std()
    for multiple in range(1, 1 + int(rng.integers(0, 4))):
        sound += rng.uniform(0.0, 1.0) * np.sin(2 * np.pi * 50 * multiple * np.arange(n) / RATE_HZ)
    if rng.random() < 0.5:
        far = voice.sound(rng, n) if rng.random() < 0.6 else room.sound(rng, n)
        sound += rng.uniform(0.1, 1.5) * far / (far.std() + 1e-9)
    return np.asarray(sound * np.exp(rng.uniform(np.log(0.5), np.log(300.0))))


def through_device(rng: np.random.Generator, sound: Samples) -> Samples:
    """As another instrument would give it: its own lower and upper edge, a tilt, a standing offset."""
    low, high = rng.uniform(8.0, 45.0), np.exp(rng.uniform(np.log(350.0), np.log(1900.0)))
    heard = sosfilt(butter(1, low, "highpass", fs=RATE_HZ, output="sos"), sound)
    heard = sosfilt(butter(int(rng.integers(1, 4)), high, fs=RATE_HZ, output="sos"), heard)
    share = rng.uniform(0.0, 0.7)
    tilted = lfilter([1.0, -share], [1.0], heard) if rng.random() < 0.5 else heard
    return np.asarray(tilted + rng.uniform(-0.3, 0.3) * np.abs(tilted).max(initial=1.0))
