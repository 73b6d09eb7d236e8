"""What the simulated stethoscope hears: real recordings where a folder of them is given, else synthetic sounds."""

import os
from collections.abc import Callable, Iterator
from itertools import count, cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

from carebag_signal.synthetic import Body, heart_sound

Samples = NDArray[np.int16]
SoundSource = Callable[[int], Iterator[Samples]]
"""Called at each start of listening with the rate in Hz; gives blocks of samples without end."""
Pulse = Callable[[], float]
"""Beats per minute at this moment."""
CROSS_FADE_S = 0.05
SYNTHETIC_S = 60.0
BEATS_AT_ONCE = 4
"""How far ahead of its sounding a beat is made: the pulse is asked for as often."""
BEFORE_S1_S = 0.05
REGULAR, IRREGULAR = 0.01, 0.2
"""Spread of the interval from beat to beat; the first lets the body's own breathing through."""


def recordings_folder(named: str | None) -> Path | None:
    """`--recordings DIR`, else the environment's `CAREBAG_RECORDINGS`; None means synthetic sound."""
    folder = named or os.environ.get("CAREBAG_RECORDINGS")
    return Path(folder) if folder else None


def read_heart(path: Path, rate_hz: int) -> Samples:
    """A mono WAV as int16 at `rate_hz`; other rates are resampled.

    Raises:
        ValueError: not a mono 16-bit WAV.
    """
    own_rate, samples = wavfile.read(path)
    if samples.ndim != 1 or samples.dtype != np.int16:
        raise ValueError(f"{path.name} is not a mono 16-bit WAV")
    if own_rate == rate_hz:
        return np.asarray(samples, dtype=np.int16)
    resampled = resample_poly(samples.astype(np.float64), rate_hz, own_rate)
    return np.clip(np.round(resampled), -32768, 32767).astype(np.int16)


def endless(samples: Samples, rate_hz: int) -> Iterator[Samples]:
    """The recording over and over, joined by a short cross-fade so that no click is heard at the seam."""
    fade = min(int(CROSS_FADE_S * rate_hz), len(samples) // 4)
    ramp = np.linspace(0.0, 1.0, fade, endpoint=False)
    seam = samples[-fade:] * (1 - ramp) + samples[:fade] * ramp
    yield samples[:-fade]
    while True:
        yield np.round(seam).astype(np.int16)
        yield samples[fade:-fade]


def heart_recordings(folder: Path) -> list[Path]:
    """Heart recordings in the folder, those from the mitral point first."""
    found = sorted(folder.rglob("*.wav"))
    circor = [path for path in found if path.parent.name == "circor"]
    chosen = circor or found
    return [path for path in chosen if path.stem.endswith("MV")] or chosen


def sound_source(folder: str | None, seed: int, *, pulse: Pulse | None = None, irregular: bool = False) -> SoundSource:
    """Each start of listening takes the next recording, so that asking again is not hearing the same again.

    Without recordings a made-up heart, which follows `pulse` where that is given.

    Raises:
        FileNotFoundError: the folder holds no WAV file.
    """
    named = recordings_folder(folder)
    if named is None:
        if pulse is None:
            return lambda rate_hz: synthetic_heart(rate_hz, seed)
        return lambda rate_hz: following_heart(rate_hz, seed, pulse, IRREGULAR if irregular else REGULAR)
    paths = heart_recordings(named)
    if not paths:
        raise FileNotFoundError(f"no .wav file in {named}")
    turn = cycle(paths)
    return lambda rate_hz: endless(read_heart(next(turn), rate_hz), rate_hz)


def synthetic_heart(rate_hz: int, seed: int) -> Iterator[Samples]:
    """A made-up heart at rest, minute after minute of the same body."""
    body = Body(seed=seed)
    return endless(heart_sound(body, SYNTHETIC_S, rate_hz).samples, rate_hz)


def following_heart(rate_hz: int, seed: int, pulse: Pulse, variability: float = REGULAR) -> Iterator[Samples]:
    """A made-up heart that beats as `pulse` says: a few beats at once, joined in the silence before a first sound."""
    for number in count():
        per_min = min(220.0, max(30.0, pulse()))
        body = Body(seed=seed + number, heart_per_min=per_min, variability=variability)
        sound = heart_sound(body, (BEATS_AT_ONCE + 3) * 60 / per_min * (1 + variability), rate_hz)
        before = round(BEFORE_S1_S * rate_hz)
        yield sound.samples[sound.s1[0] - before : sound.s1[BEATS_AT_ONCE] - before]
