"""How loud a sound is, in dB of full scale, and whether the hand that tests a stethoscope was heard. Pure.

The limits are our choice, made with the sounds of the simulator; they never change what is recorded.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 32768
SILENCE_DBFS = -100.0
"""Shown for nothing but zeros."""
GOOD_DBFS, HOT_DBFS = -36.0, -3.0
CLIPPED_AT = 32767
CLIPPED_RUN = 3
"""So many samples at the end of the scale, one after the other, are a cut-off top and not a touch of it."""

Word = Literal["quiet", "good", "hot", "clipped"]
Heard = Literal["heard", "too_quiet", "clipped", "silent"]

BLOCK_S = 0.05
ABOVE_NOISE_DB = 15.0
"""So far the loudest moment of a tap or scratch stands out of the rest."""
SILENT_DBFS = -72.0
"""Below it there is no microphone, or a dead one: electronic noise alone is louder."""


@dataclass(frozen=True)
class Level:
    word: Word
    peak_dbfs: float


class Loudness:
    """Gathers samples between two messages; what the driver says itself goes before."""

    def __init__(self) -> None:
        self._peak = 0
        self._clipped = False
        self._said: Level | None = None

    def hear(self, samples: NDArray[np.int16]) -> None:
        if samples.size:
            self._peak = max(self._peak, peak_of(samples))
            self._clipped |= is_clipped(samples)

    def said(self, level: Level) -> None:
        self._said = Level(level.word, round(level.peak_dbfs, 1)) if math.isfinite(level.peak_dbfs) else None

    def taken(self) -> Level:
        """The level since the last time, which begins anew."""
        heard = level_of(self._peak, self._clipped)
        level, self._peak, self._clipped, self._said = self._said or heard, 0, False, None
        return level


def peak_of(samples: NDArray[np.int16]) -> int:
    return int(np.abs(samples.astype(np.int32)).max(initial=0))


def is_clipped(samples: NDArray[np.int16]) -> bool:
    at_end = np.abs(samples.astype(np.int32)) >= CLIPPED_AT
    if not at_end.any():
        return False
    return bool(np.convolve(at_end, np.ones(CLIPPED_RUN, dtype=np.int32)).max() >= CLIPPED_RUN)


def dbfs(amplitude: float) -> float:
    """Of an amplitude in sample units, to a tenth."""
    return max(SILENCE_DBFS, round(20 * math.log10(amplitude / FULL_SCALE), 1)) if amplitude > 0 else SILENCE_DBFS


def level_of(peak: int, clipped: bool) -> Level:
    at = dbfs(peak)
    if clipped:
        return Level("clipped", at)
    return Level("hot" if at >= HOT_DBFS else "good" if at >= GOOD_DBFS else "quiet", at)


def judge(samples: NDArray[np.int16], rate_hz: int) -> tuple[Heard, float]:
    """Whether taps or scratches are in some seconds of sound, and the peak in dB of full scale."""
    peak = dbfs(peak_of(samples))
    if is_clipped(samples):
        return "clipped", peak
    if peak <= SILENT_DBFS:
        return "silent", peak
    block = max(1, int(BLOCK_S * rate_hz))
    blocks = samples[: samples.size // block * block].reshape(-1, block)
    peaks = np.abs(blocks.astype(np.int32)).max(axis=1) if blocks.size else np.zeros(1)
    stands_out = peak - dbfs(float(np.median(peaks)))
    return ("heard" if peak >= GOOD_DBFS and stands_out >= ABOVE_NOISE_DB else "too_quiet"), peak
