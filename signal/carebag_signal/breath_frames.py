"""Lung sound as loudness: twenty frames a second in three bands, the same numbers for any way the samples arrive.

A frame's loudness is the median of its squared samples, not their mean: heart sounds and clicks are shorter than half a
frame in these bands and leave a median nearly alone.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import signal as scipy_signal

from carebag_signal.bands import check_rate, check_samples

FRAMES_PER_SECOND = 20
BANDS_HZ = ((100.0, 200.0), (200.0, 500.0), (450.0, 900.0))
"""Dull, the breath itself, bright: a breath in is brighter than a breath out."""
_ORDER = 2
_QUIETEST = 1e-2
"""Squared sample steps: keeps digital silence finite."""


def frame_start(frame: int, rate_hz: int) -> int:
    """First sample of a frame."""
    return (frame * rate_hz + FRAMES_PER_SECOND // 2) // FRAMES_PER_SECOND


class BreathFrames:
    """Turns samples into rows of three log-loudnesses. Memory does not grow."""

    def __init__(self, rate_hz: int) -> None:
        """Raises: ValueError if `rate_hz` is out of range."""
        check_rate(rate_hz)
        self._rate_hz = rate_hz
        self._filters = [
            scipy_signal.butter(_ORDER, (low, min(high, 0.95 * rate_hz / 2)), "bandpass", fs=rate_hz, output="sos")
            for low, high in BANDS_HZ
        ]
        self._states = [np.zeros((len(sections), 2)) for sections in self._filters]
        self._waiting = np.zeros((len(BANDS_HZ), 0))
        self._first = 0
        self.seen = 0
        """Frames given so far."""

    def feed(self, samples: NDArray[np.int16]) -> NDArray[np.float64]:
        """(n, 3): natural logarithm of the squared sample values of the frames that are complete now.

        Raises: ValueError unless the samples are one channel of int16.
        """
        check_samples(samples)
        filtered = np.zeros((len(BANDS_HZ), samples.size))
        for i, sections in enumerate(self._filters):
            if samples.size:
                filtered[i], self._states[i] = scipy_signal.sosfilt(
                    sections, samples.astype(np.float64), zi=self._states[i]
                )
        self._waiting = np.concatenate((self._waiting, filtered**2), axis=1)
        rows = []
        while (end := frame_start(self.seen + 1, self._rate_hz)) <= self._first + self._waiting.shape[1]:
            start = frame_start(self.seen, self._rate_hz)
            rows.append(np.median(self._waiting[:, start - self._first : end - self._first], axis=1))
            self.seen += 1
        keep = frame_start(self.seen, self._rate_hz) - self._first
        self._waiting, self._first = self._waiting[:, keep:].copy(), self._first + keep
        return np.log(np.array(rows).reshape(-1, len(BANDS_HZ)) + _QUIETEST)
