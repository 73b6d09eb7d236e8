"""What the simulated stethoscope hears: first a made-up heart, and when asked again the sweep."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from carebag.live_bench.response import sweep
from carebag.sound_sources import endless, read_heart
from carebag_signal.synthetic import Body, heart_sound

RATE_HZ = 4000
HEART_S = 60.0
SWEEP_FILE = "2-sweep.wav"


def write_sounds(folder: Path, seed: int) -> Path:
    """A folder for `--recordings`; taken in the order of their names, one for each listening."""
    folder.mkdir(parents=True, exist_ok=True)
    heart = heart_sound(Body(seed=seed), HEART_S, RATE_HZ).samples
    wavfile.write(folder / "1-heart.wav", RATE_HZ, heart)
    wavfile.write(folder / SWEEP_FILE, RATE_HZ, sweep(RATE_HZ))
    return folder


def swept(folder: Path, rate_hz: int, seconds: float) -> NDArray[np.int16]:
    """What the stethoscope hears of the sweep from the start of listening on."""
    blocks, length = [], 0
    for block in endless(read_heart(folder / SWEEP_FILE, rate_hz), rate_hz):
        blocks.append(block)
        length += len(block)
        if length >= seconds * rate_hz:
            break
    return np.concatenate(blocks)[: int(seconds * rate_hz)]
