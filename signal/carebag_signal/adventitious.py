"""Sounds beside the breath's own: long tones (wheezes) and short clicks (crackles), as places to listen to again.

A mark says "listen here", never what it is, and no mark says nothing: off unless asked for. On real recordings nobody
tells these sounds apart well; a marker is shown only where breathing itself is heard surely, and where such sounds
come again and again in the same part of a breath. Voices, dogs and clocks keep no such time.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy import signal as scipy_signal

from carebag_signal.bands import check_rate, check_samples
from carebag_signal.breath_frames import frame_start

MarkKind = Literal["wheeze", "crackle"]

WHEEZE_HZ = (120.0, 1000.0)
_WHEEZE_WINDOW_S = 0.1
_AROUND_HZ = 150.0
_CRACKLE_HZ = (150.0, 1800.0)
_CRACKLE_TIMES = 12.0
"""How far a crackle's energy stands above what is usual around it."""
_CRACKLE_LONGEST_S, _CRACKLE_APART_S = 0.014, 0.012
_BREATH_PERCENTILE = 60
_SMOOTH_S, _AROUND_S = 0.003, 0.2
_BLOCK_S, _MARGIN_S = 2, 0.5


@dataclass(frozen=True, slots=True)
class Tones:
    """The most prominent tone of each frame (50 ms apart, 100 ms wide)."""

    frequency_hz: NDArray[np.float64]
    prominence_db: NDArray[np.float64]
    """Above the median of what is within 150 Hz."""


class ToneFrames:
    """Looks for one tone in each frame. Memory does not grow."""

    def __init__(self, rate_hz: int) -> None:
        """Raises: ValueError if `rate_hz` is out of range."""
        check_rate(rate_hz)
        self._rate_hz = rate_hz
        self._length = round(_WHEEZE_WINDOW_S * rate_hz)
        self._window = np.hanning(self._length + 2)[1:-1]
        self._n_fft = 1 << (2 * self._length - 1).bit_length()
        step = rate_hz / self._n_fft
        self._low = round(WHEEZE_HZ[0] / step)
        self._high = round(min(WHEEZE_HZ[1], 0.45 * rate_hz) / step)
        self._around = round(_AROUND_HZ / step)
        self._waiting = np.zeros(0, np.int16)
        self._first = 0
        self.seen = 0

    def feed(self, samples: NDArray[np.int16]) -> Tones:
        """The frames that are complete now.

        Raises: ValueError unless the samples are one channel of int16.
        """
        check_samples(samples)
        self._waiting = np.concatenate((self._waiting, samples))
        found = []
        while (start := frame_start(self.seen, self._rate_hz)) + self._length <= self._first + self._waiting.size:
            found.append(self._tone(self._waiting[start - self._first :][: self._length]))
            self.seen += 1
        keep = min(frame_start(self.seen, self._rate_hz) - self._first, self._waiting.size)
        self._waiting, self._first = self._waiting[keep:].copy(), self._first + keep
        rows = np.array(found).reshape(-1, 2)
        return Tones(rows[:, 0], rows[:, 1])

    def _tone(self, piece: NDArray[np.int16]) -> tuple[float, float]:
        values = piece.astype(np.float64)
        power = np.abs(np.fft.rfft((values - values.mean()) * self._window, self._n_fft)) ** 2 + 1.0
        inside = power[self._low : self._high]
        at = int(inside.argmax()) + self._low
        usual = float(np.median(power[max(at - self._around, 1) : at + self._around]))
        return at * self._rate_hz / self._n_fft, 10 * float(np.log10(power[at] / usual))


class CrackleBlocks:
    """Looks for short clicks, two seconds at a time. Memory does not grow."""

    def __init__(self, rate_hz: int) -> None:
        """Raises: ValueError if `rate_hz` is out of range."""
        check_rate(rate_hz)
        self._rate_hz = rate_hz
        high = min(_CRACKLE_HZ[1], 0.95 * rate_hz / 2)
        self._sections = scipy_signal.butter(2, (_CRACKLE_HZ[0], high), "bandpass", fs=rate_hz, output="sos")
        self._waiting = np.zeros(0, np.int16)
        self._first = 0
        self._block = 0

    def feed(self, samples: NDArray[np.int16]) -> list[int]:
        """Sample numbers of clicks that are known now.

        Raises: ValueError unless the samples are one channel of int16.
        """
        check_samples(samples)
        self._waiting = np.concatenate((self._waiting, samples))
        rate, margin = self._rate_hz, round(_MARGIN_S * self._rate_hz)
        found: list[int] = []
        while (end := (self._block + 1) * _BLOCK_S * rate) + margin <= self._first + self._waiting.size:
            start = max(end - _BLOCK_S * rate - margin, 0)
            piece = self._waiting[start - self._first : end + margin - self._first]
            found += [
                start + at for at in clicks(piece, rate, self._sections) if end - _BLOCK_S * rate <= start + at < end
            ]
            self._block += 1
        keep = max(self._block * _BLOCK_S * rate - margin - self._first, 0)
        self._waiting, self._first = self._waiting[keep:].copy(), self._first + keep
        return found

    def finish(self) -> list[int]:
        """The clicks of the last, incomplete two seconds; nothing may be fed after it."""
        edge = self._block * _BLOCK_S * self._rate_hz
        if self._waiting.size < _BLOCK_S * self._rate_hz // 4:
            return []
        return [at for top in clicks(self._waiting, self._rate_hz, self._sections) if (at := self._first + top) >= edge]


def clicks(piece: NDArray[np.int16], rate_hz: int, sections: NDArray[np.float64]) -> list[int]:
    """Where a piece of at least half a second has sounds of 2 to 14 ms that stand out from what is around them."""
    filtered = scipy_signal.sosfiltfilt(sections, piece.astype(np.float64))
    energy = ndimage.uniform_filter1d(filtered**2, max(3, round(_SMOOTH_S * rate_hz)), mode="nearest")
    step = max(1, round(0.002 * rate_hz))
    coarse = ndimage.median_filter(energy[::step], max(3, round(_AROUND_S * rate_hz / step)), mode="nearest")
    around = np.interp(np.arange(energy.size), np.arange(coarse.size) * step, coarse)
    # in the pause after a breath a heart beat stands out too: what counts is how loud the breath is
    usual = np.maximum(around, np.percentile(coarse, _BREATH_PERCENTILE)) + 0.5
    apart = max(1, round(_CRACKLE_APART_S * rate_hz))
    tops, _ = scipy_signal.find_peaks(energy / usual, height=_CRACKLE_TIMES, distance=apart)
    if not tops.size:
        return []
    return [int(top) for top in tops if _short(energy, float(usual[top]), int(top), rate_hz)]


def _short(energy: NDArray[np.float64], usual: float, top: int, rate_hz: int) -> bool:
    """Heart sounds and steps of a hand are longer than a crackle: a tenth of the height is reached on both sides."""
    reach, limit = round(_CRACKLE_LONGEST_S * rate_hz), usual + 0.1 * (energy[top] - usual)
    before = np.flatnonzero(energy[max(top - reach, 0) : top] < limit)
    after = np.flatnonzero(energy[top : top + reach] < limit)
    if not before.size or not after.size:
        return False
    return bool(min(top, reach) - before[-1] + after[0] <= reach)
