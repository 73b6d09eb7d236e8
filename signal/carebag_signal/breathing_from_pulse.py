"""Breathing rate from a pulse wave, or why there is none. Decision support, no diagnosis.

The chest moves the baseline of the wave, the peaks and the feet of its beats. Every four seconds the spectra of these
three over the last 32 s are added up; what frequency the breathing has is then followed from look to look by a
Bayesian filter over all rates from 4 to 45 a minute: a rate may drift, and seldom leaps. So a passing artefact or a
slow wave of the vessels' tone does not win over what has been there all along. Shown is the mean of the likeliest
rates, only where most of the probability is near it and the present look still holds power there. The three
modulations are those of Karlen et al. (IEEE Trans Biomed Eng 2013) and Pimentel et al. (ibid. 2017); the filter over
them is ours.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal as scipy_signal

Floats = NDArray[np.float64]
BreathingWhyNot = Literal["assessing", "weak", "disagree"]

LOWEST_BREATHS, HIGHEST_BREATHS = 4, 45
WINDOW_S, STEP_S = 32, 4
_GRID_HZ = 4.0
_FEWEST_BEATS = 12
_BAND = scipy_signal.butter(2, (0.08, 0.75), "bandpass", fs=_GRID_HZ, output="sos")
_POINTS = 4096
_FREQUENCIES = np.fft.rfftfreq(_POINTS, 1 / _GRID_HZ)
_RATES = np.arange(LOWEST_BREATHS, HIGHEST_BREATHS + 0.25, 0.5)
_SLOPE = 0.5
"""Power is weighted by frequency to this power: the wander of the vessels is strongest where it is slowest."""
_NEAR_PER_MIN = 1.0
"""Power within this counts for a rate."""
_LIKELY_WITHIN_PER_MIN = 1.5


@dataclass(frozen=True, slots=True)
class Following:
    """How the rate is followed, and how sure it must be to be shown."""

    trust: float = 0.5
    """Exponent of a look's evidence: seven eighths of it were in the look before."""
    floor: float = 0.02
    """Added to each rate's share of power: no look rules any rate out."""
    drift_per_min: float = 0.5
    """Standard deviation of the rate from look to look."""
    leap: float = 0.01
    """Probability that the rate is suddenly any other."""
    least_probability: float = 0.6
    """Within 1.5 a minute of the likeliest."""
    least_power: float = 0.06
    """Share of the present look's power at the rate; even noise would give 0.05."""


def _moves(how: Following) -> Floats:
    kernel = np.exp(-0.5 * ((_RATES[:, None] - _RATES[None, :]) / how.drift_per_min) ** 2)
    return np.asarray((1 - how.leap) * kernel / kernel.sum(axis=1, keepdims=True) + how.leap / _RATES.size)


def modulations(wave: Floats, rate_hz: int, beats: Floats) -> Floats:
    """Mean, foot and peak of the wave beat by beat, at 4 Hz: three rows. `beats` in samples, at least two."""
    tops = np.clip(np.rint(beats).astype(np.int64), 0, wave.size - 1)
    sums = np.concatenate(([0.0], np.cumsum(wave)))
    means = np.diff(sums[tops]) / np.diff(tops)
    feet = np.minimum.reduceat(wave, tops)[:-1]
    grid = np.arange(0, wave.size / rate_hz, 1 / _GRID_HZ)
    middles = (tops[1:] + tops[:-1]) / 2 / rate_hz
    return np.stack(
        [np.interp(grid, middles, means), np.interp(grid, middles, feet), np.interp(grid, tops / rate_hz, wave[tops])]
    )


def evidence(tracks: Floats, pulse_per_min: float) -> Floats | None:
    """Share of power near each rate (4 to 45 in halves), of all tracks; None if there is none.

    A pulse samples the breathing once a beat: above half its rate there is nothing to be seen.
    """
    filtered = scipy_signal.sosfiltfilt(_BAND, scipy_signal.detrend(tracks, axis=1), axis=1)
    power = np.abs(np.fft.rfft(filtered * np.hanning(filtered.shape[1]), _POINTS, axis=1)) ** 2
    per_min = 60 * _FREQUENCIES
    power = power * ((per_min >= LOWEST_BREATHS) & (per_min <= min(HIGHEST_BREATHS, pulse_per_min / 2)))
    totals = power.sum(axis=1, keepdims=True)
    if not np.all(totals > 0):
        return None
    summed = (power / totals).sum(axis=0) * _FREQUENCIES**_SLOPE
    below = np.concatenate(([0.0], np.cumsum(summed)))
    low = np.searchsorted(per_min, _RATES - _NEAR_PER_MIN)
    high = np.searchsorted(per_min, _RATES + _NEAR_PER_MIN)
    return np.asarray((below[high] - below[low]) / below[-1])


class BreathingTracker:
    """Follows the breathing rate from look to look; memory of 83 numbers."""

    def __init__(self, how: Following | None = None) -> None:
        self._how = how or Following()
        self._moves = _moves(self._how)
        self.reset()

    def reset(self) -> None:
        """Everything is as likely as anything."""
        self._probability = np.full(_RATES.size, 1 / _RATES.size)

    def look(self, wave: Floats, rate_hz: int, beats: Floats) -> tuple[float | None, BreathingWhyNot | None]:
        """Takes in a window of 32 s with its beats (in samples): a rate of 4-45 a minute, or a reason."""
        if beats.size < _FEWEST_BEATS:
            return None, "assessing"
        pulse_per_min = 60 * rate_hz / float(np.mean(np.diff(beats)))
        seen = evidence(modulations(wave, rate_hz, beats), pulse_per_min)
        return (None, "weak") if seen is None else self.follow(seen)

    def follow(self, seen: Floats) -> tuple[float | None, BreathingWhyNot | None]:
        """Takes in the evidence of one look, as `evidence` gives it."""
        how = self._how
        self._probability = (self._probability @ self._moves) * (seen / seen.sum() + how.floor) ** how.trust
        self._probability /= self._probability.sum()
        likeliest = int(self._probability.argmax())
        near = np.abs(_RATES - _RATES[likeliest]) <= _LIKELY_WITHIN_PER_MIN
        probability = float(self._probability[near].sum())
        if probability < how.least_probability or seen[likeliest] < how.least_power:
            return None, "disagree"
        return float((self._probability * _RATES)[near].sum() / probability), None
