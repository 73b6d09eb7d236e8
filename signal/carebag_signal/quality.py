"""Can this sound be judged? One word for the nurse, from three seconds of sound, steady enough to act on."""

from collections import deque
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import FRAMES_PER_SECOND, Frames

Word = Literal["good", "no_contact", "noisy", "movement", "clipped"]

WINDOW_FRAMES = 3 * FRAMES_PER_SECOND
FIRST_FRAMES = 2 * FRAMES_PER_SECOND
HOP_FRAMES = 24
_TIMES_IN_A_ROW = 2


class QualityJudge:
    """Says a word when it changes; a new word must be heard twice in a row before it is said."""

    def __init__(self) -> None:
        self._frames: deque[Frames] = deque(maxlen=-(-WINDOW_FRAMES // 8))
        self._seen = 0
        self._said: Word | None = None
        self._candidate: Word | None = None
        self._times = 0

    @property
    def word(self) -> Word | None:
        """The word said last; None until the first."""
        return self._said

    def feed(self, frames: Frames) -> Word | None:
        """The new word, if this block of frames changed it."""
        self._frames.append(frames)
        self._seen += len(frames.level)
        if self._seen < FIRST_FRAMES or self._seen % HOP_FRAMES:
            return None
        return self._settle(self._judge())

    def _settle(self, word: Word) -> Word | None:
        self._times = self._times + 1 if word == self._candidate else 1
        self._candidate = word
        if word == self._said or (self._said is not None and self._times < _TIMES_IN_A_ROW):
            return None
        self._said = word
        return word

    def _judge(self) -> Word:
        clipped = np.concatenate([f.clipped for f in self._frames])
        heart = np.concatenate([f.heart for f in self._frames])[:, 1:6].mean(axis=1)
        wide = np.concatenate([f.wide for f in self._frames])
        if float(np.mean(clipped > 0)) > 0.04:
            return "clipped"
        return _word_for(heart, wide)


def _word_for(heart: NDArray[np.float64], wide: NDArray[np.float64]) -> Word:
    low, high = np.percentile(heart, [10, 95])
    energy = np.median(wide, axis=0)
    loudest, usual = np.max(wide.sum(axis=1)), np.median(wide.sum(axis=1))
    if high - low < 1.6 or high < 0.0:
        return "no_contact"
    if energy[2:].sum() > energy[:2].sum():
        return "noisy"
    if loudest > 3000.0 * usual:
        return "movement"
    return "good"
