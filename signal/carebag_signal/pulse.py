"""Pulse wave at a finger: beats, pulse rate and breathing rate, or why there is none. Decision support, no diagnosis.

Beats: energy of the band-passed wave against two moving averages (Elgendi et al. 2013). Breathing: the baseline that
rises and falls with the chest, its rate taken from the spectrum and by counting, and shown only where the two agree
(after the smart fusion of Karlen et al. 2013). Every second the last eight are looked at, always cut at the same
places: the same for any chunking.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal as scipy_signal

Floats = NDArray[np.float64]
PulseWhyNot = Literal["assessing", "weak", "unsteady", "out_of_range"]
BreathingWhyNot = Literal["assessing", "disagree"]

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 25, 1000
LOWEST_PER_MIN, HIGHEST_PER_MIN = 30, 220
LOWEST_BREATHS, HIGHEST_BREATHS = 4, 45
LOOK_S = 8
_SETTLED_S = 1.5
"""Beats older than this are final."""
RATE_WINDOW_S = 10.0
BREATHING_WINDOW_S = 32
_LONGEST_TO_SHORTEST = 2.2
"""Of the intervals of a window (Orphanidou et al. 2015): beyond it a beat was missed or made up."""
_AGREE_PER_MIN = 3.0
_BREATH_PROMINENCE = 0.5
_GRID_HZ = 4.0


@dataclass(frozen=True, slots=True)
class PulseBeat:
    """Peak of one pulse wave; final."""

    at_s: float


@dataclass(frozen=True, slots=True)
class PulseRate:
    """Beats per minute over the last ten seconds, or why not."""

    at_s: float
    per_min: float | None
    why_not: PulseWhyNot | None


@dataclass(frozen=True, slots=True)
class BreathingRate:
    """Breaths per minute over the last 32 seconds, or why not."""

    at_s: float
    per_min: float | None
    why_not: BreathingWhyNot | None


PulseFinding = PulseBeat | PulseRate | BreathingRate


def beats_in(wave: Floats, rate_hz: int) -> NDArray[np.int64]:
    """Sample numbers of the pulse peaks in a piece of at least two seconds."""
    sos = scipy_signal.butter(2, (0.5, min(8.0, 0.45 * rate_hz)), "bandpass", fs=rate_hz, output="sos")
    filtered = scipy_signal.sosfiltfilt(sos, wave - wave.mean())
    energy = np.maximum(filtered, 0.0) ** 2
    peak = _smoothed(energy, round(0.111 * rate_hz) | 1)
    beat = _smoothed(energy, round(0.667 * rate_hz) | 1)
    above = np.concatenate(([False], peak > beat + 0.02 * energy.mean(), [False]))
    starts, ends = (
        np.flatnonzero(np.diff(above.astype(np.int8)) == 1),
        np.flatnonzero(np.diff(above.astype(np.int8)) == -1),
    )
    found: list[int] = []
    for start, end in zip(starts, ends, strict=True):
        if end - start < 0.111 * rate_hz:
            continue
        at = int(start + filtered[start:end].argmax())
        if found and at - found[-1] < 0.27 * rate_hz:
            found[-1] = max(found[-1], at, key=lambda i: filtered[i])
        else:
            found.append(at)
    return np.array(found, dtype=np.int64)


def _smoothed(values: Floats, width: int) -> Floats:
    return np.convolve(values, np.full(width, 1.0 / width), "same")


def pulse_rate(beats_s: Floats) -> tuple[float | None, PulseWhyNot | None]:
    """Rate of the beats of a window."""
    intervals = np.diff(beats_s)
    if intervals.size < 3:
        return None, "assessing"
    # all intervals count: in an irregular heart the mean is the rate, and the median is not
    if intervals.max() > _LONGEST_TO_SHORTEST * intervals.min():
        return None, "unsteady"
    rate = 60.0 / float(intervals.mean())
    if not LOWEST_PER_MIN <= rate <= HIGHEST_PER_MIN:
        return None, "out_of_range"
    return rate, None


def baseline(wave: Floats, rate_hz: int, beats: NDArray[np.int64]) -> Floats:
    """Mean of the wave over each beat, at 4 Hz."""
    edges = np.concatenate(([0], np.cumsum(wave)))
    means = np.diff(edges[beats]) / np.diff(beats)
    middles = (beats[1:] + beats[:-1]) / 2 / rate_hz
    grid = np.arange(0, wave.size / rate_hz, 1 / _GRID_HZ)
    return np.asarray(np.interp(grid, middles, means))


def breathing_rates(track: Floats) -> tuple[float, float]:
    """Breaths per minute from the spectrum and by counting."""
    sos = scipy_signal.butter(2, (0.08, 0.75), "bandpass", fs=_GRID_HZ, output="sos")
    filtered = scipy_signal.sosfiltfilt(sos, scipy_signal.detrend(track))
    power = np.abs(np.fft.rfft(filtered * np.hanning(filtered.size), 4096)) ** 2
    frequency = np.fft.rfftfreq(4096, 1 / _GRID_HZ)
    band = (frequency >= LOWEST_BREATHS / 60) & (frequency <= HIGHEST_BREATHS / 60)
    spectral = 60 * float(frequency[band][power[band].argmax()])
    # small ripples are no breaths
    high, _ = scipy_signal.find_peaks(filtered, prominence=_BREATH_PROMINENCE * filtered.std())
    return spectral, 60 * _GRID_HZ / float(np.mean(np.diff(high))) if high.size >= 2 else 0.0


def breathing_rate(wave: Floats, rate_hz: int, beats: NDArray[np.int64]) -> tuple[float | None, BreathingWhyNot | None]:
    """Rate over a window of 32 s with its beats."""
    if beats.size < 12:
        return None, "assessing"
    spectral, counted = breathing_rates(baseline(wave, rate_hz, beats))
    if abs(spectral - counted) > _AGREE_PER_MIN:
        return None, "disagree"
    return spectral, None


class PulseMonitor:
    """One finger. Beats are final after 2.5 s; a rate comes every second, a breathing rate every four."""

    def __init__(self, rate_hz: int) -> None:
        """Raises: ValueError unless 25 <= rate_hz <= 1000."""
        if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
            raise ValueError(f"rate_hz must be within {LOWEST_RATE_HZ} and {HIGHEST_RATE_HZ}")
        self._rate_hz = rate_hz
        self._fed = 0
        self._begin()

    def _begin(self) -> None:
        self._base = self._fed
        self._wave = np.zeros(0)
        self._first = 0
        self._second = 0
        self._settled = 0
        self._beats: list[int] = []

    def feed(self, values: Floats) -> list[PulseFinding]:
        """Findings of the seconds that are complete now; any unit, the loudness does not matter.

        Raises: ValueError unless the values are one channel of finite numbers.
        """
        wave = np.asarray(values, dtype=np.float64)
        if wave.ndim != 1 or not np.isfinite(wave).all():
            raise ValueError("values must be one channel of finite numbers")
        self._fed += wave.size
        self._wave = np.concatenate((self._wave, wave))
        found: list[PulseFinding] = []
        while self._first + self._wave.size >= (self._second + 1) * self._rate_hz:
            self._second += 1
            found += self._look(self._second * self._rate_hz)
        keep = max(0, self._second * self._rate_hz - BREATHING_WINDOW_S * self._rate_hz - self._first)
        self._wave, self._first = self._wave[keep:].copy(), self._first + keep
        return found

    def gap(self, n_samples: int) -> None:
        """Samples that were lost: everything starts anew behind them.

        Raises: ValueError if `n_samples` is negative.
        """
        if n_samples < 0:
            raise ValueError("n_samples must not be negative")
        if n_samples:
            self._fed += n_samples
            self._begin()

    def _look(self, end: int) -> list[PulseFinding]:
        if self._second < 3:
            return []
        start = max(0, end - LOOK_S * self._rate_hz)
        piece = self._wave[start - self._first : end - self._first]
        now = (self._base + end) / self._rate_hz
        if np.ptp(piece) <= 0.0:
            self._settled = end - round(_SETTLED_S * self._rate_hz)
            return [PulseRate(now, None, "weak")]
        beats = start + beats_in(piece, self._rate_hz)
        settled = end - round(_SETTLED_S * self._rate_hz)
        fresh = [int(b) for b in beats if self._settled <= b < settled]
        fresh = [b for b in fresh if not self._beats or b - self._beats[-1] >= 0.27 * self._rate_hz]
        self._beats, self._settled = self._beats + fresh, settled
        found: list[PulseFinding] = [PulseBeat((self._base + b) / self._rate_hz) for b in fresh]
        known = np.array(self._beats + [int(b) for b in beats if b >= settled], dtype=np.int64)
        recent = known[known > end - RATE_WINDOW_S * self._rate_hz]
        found.append(PulseRate(now, *pulse_rate(recent / self._rate_hz)))
        if self._second >= BREATHING_WINDOW_S and self._second % 4 == 0:
            found.append(self._breathing(end, known, now))
        self._beats = [b for b in self._beats if b > end - (BREATHING_WINDOW_S + 2) * self._rate_hz]
        return found

    def _breathing(self, end: int, known: NDArray[np.int64], now: float) -> BreathingRate:
        start = end - BREATHING_WINDOW_S * self._rate_hz
        wave = self._wave[start - self._first : end - self._first]
        beats = known[known >= start] - start
        return BreathingRate(now, *breathing_rate(wave, self._rate_hz, beats))
