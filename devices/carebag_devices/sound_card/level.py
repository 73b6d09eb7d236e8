"""How loud a sound is, in dB of full scale, and the one word for it that the nurse sees. Pure.

The word follows the loudest moment of the last two seconds, so that it stays between two heart beats, and leaves
downwards only when the sound is clearly below the limit, so that it does not flicker. The limits are our choice; they
change nothing of what is recorded.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 32768
CLIPPED_AT = 32767
CLIPPED_RUN = 3
"""So many samples at full scale, one after the other, are a cut-off top and not a touch of it."""
SILENCE_DBFS = -100.0
"""Told for nothing but zeros; one step of 16 bits is -90.3."""
GOOD_DBFS, HOT_DBFS = -36.0, -3.0
HYSTERESIS_DB = 3.0
WINDOW_S = 0.25
HOLD_S = 2.0

Word = Literal["quiet", "good", "hot", "clipped"]


@dataclass(frozen=True)
class Level:
    """Of one window of a quarter of a second; `word` looks back two seconds."""

    peak_dbfs: float
    rms_dbfs: float
    word: Word


def dbfs(amplitude: float) -> float:
    """Of an amplitude in int16 steps, 0..32768; never below `SILENCE_DBFS`."""
    return max(SILENCE_DBFS, 20 * math.log10(amplitude / FULL_SCALE)) if amplitude > 0 else SILENCE_DBFS


def peak(samples: NDArray[np.int16]) -> int:
    """Largest amplitude, 0..32768."""
    return int(np.abs(samples.astype(np.int32)).max(initial=0))


def rms(samples: NDArray[np.int16]) -> float:
    """Root mean square in int16 steps; 0 for no samples."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


class Clipping:
    """Finds samples cut off at full scale, also across the borders of blocks."""

    def __init__(self) -> None:
        self._run = 0

    def feed(self, samples: NDArray[np.int16]) -> bool:
        """Whether a run of at least three reaches into this block."""
        free = np.flatnonzero(np.abs(samples.astype(np.int32)) < CLIPPED_AT)
        # runs between samples that are not at full scale; the first one goes on from the block before
        borders = np.concatenate([[-1 - self._run], free, [len(samples)]])
        runs = np.diff(borders) - 1
        self._run = int(runs[-1])
        reaching = runs if len(samples) and (len(free) == 0 or free[0] > 0) else runs[1:]
        return bool((reaching >= CLIPPED_RUN).any()) and len(samples) > 0


class Meter:
    """Gives a `Level` for every full quarter of a second."""

    def __init__(self, rate_hz: int) -> None:
        self._window = max(1, round(WINDOW_S * rate_hz))
        self._peaks: deque[float] = deque(maxlen=round(HOLD_S / WINDOW_S))
        self._clips: deque[bool] = deque(maxlen=round(HOLD_S / WINDOW_S))
        self._word: Word = "quiet"
        self._count, self._peak, self._power, self._clipped = 0, 0, 0.0, False

    def feed(self, samples: NDArray[np.int16], *, clipped: bool) -> Level | None:
        """A block, and whether it was found clipped. A window may end up to one block late."""
        self._count += len(samples)
        self._peak = max(self._peak, peak(samples))
        self._power += float(np.square(samples, dtype=np.float64).sum())
        self._clipped |= clipped
        if self._count < self._window:
            return None
        level = self._level()
        self._count, self._peak, self._power, self._clipped = 0, 0, 0.0, False
        return level

    def _level(self) -> Level:
        now = dbfs(self._peak)
        self._peaks.append(now)
        self._clips.append(self._clipped)
        self._word = "clipped" if any(self._clips) else word_for(max(self._peaks), self._word)
        return Level(now, dbfs(math.sqrt(self._power / self._count)), self._word)


def word_for(peak_dbfs: float, before: Word) -> Word:
    """The word for the loudest moment, given the word before."""
    hot = HOT_DBFS - (HYSTERESIS_DB if before in ("hot", "clipped") else 0)
    good = GOOD_DBFS - (HYSTERESIS_DB if before != "quiet" else 0)
    if peak_dbfs >= hot:
        return "hot"
    return "good" if peak_dbfs >= good else "quiet"
