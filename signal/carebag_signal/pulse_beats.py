"""Where a pulse wave peaks. Decision support, no diagnosis.

Energy of the band-passed wave against two moving averages (Elgendi et al., PLoS ONE 2013). Three things are ours: the
energy is the 1.5th power of the wave instead of its square, so that a weak beat between strong ones is not drowned;
the lower edge is 0.8 Hz, so that a swaying baseline hides fewer; and what rises slowly between two beats that are no
further apart than beats are is their dicrotic wave, not a beat. So a pulse whose every second beat is very weak
counts as half of it.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal as scipy_signal

Floats = NDArray[np.float64]

BAND_HZ = (0.8, 8.0)
SHORTEST_INTERVAL_S = 0.27
"""220 beats per minute."""
_ENERGY_POWER = 1.5
_PEAK_S, _BEAT_S = 0.111, 0.667
"""Widths of the moving averages: a systolic peak, a beat."""
_OFFSET = 0.02
_MOST_OF_NYQUIST = 0.9
_RISE_S = 0.4
"""Longest rise to a peak."""
_STEEP = 0.35
"""Of the upper quartile of all rises: a dicrotic wave rises at about a quarter."""
_ROOM = 1.5
"""Median intervals between steep beats: in more than that there is room for a weak beat."""


def band_passed(wave: Floats, rate_hz: int) -> Floats:
    """The wave without baseline and noise, without delay; at least half a second of it."""
    return np.asarray(scipy_signal.sosfiltfilt(_band(rate_hz), wave - wave.mean()))


@cache
def _band(rate_hz: int) -> Floats:
    high = min(BAND_HZ[1], _MOST_OF_NYQUIST * rate_hz / 2)
    return np.asarray(scipy_signal.butter(2, (BAND_HZ[0], high), "bandpass", fs=rate_hz, output="sos"))


def uprightness(filtered: Floats) -> float:
    """Above 0 for a pulse that rises fast, falls slowly and is narrow at its top, as blood does; else upside down.

    Skewness of the slope and of the wave (Elgendi, Bioengineering 2016, for the latter), each within 2.
    """
    return _skewness(np.diff(filtered)) + _skewness(filtered)


def _skewness(values: Floats) -> float:
    away = values - values.mean()
    spread = float(np.sqrt(np.mean(away**2)))
    return float(np.clip(np.mean((away / spread) ** 3), -2.0, 2.0)) if spread > 0 else 0.0


def beats_in(filtered: Floats, rate_hz: int) -> Floats:
    """Peaks of a band-passed piece of at least two seconds, in samples, between them by a parabola."""
    energy = np.maximum(filtered, 0.0) ** _ENERGY_POWER
    peak = _smoothed(energy, round(_PEAK_S * rate_hz) | 1)
    beat = _smoothed(energy, round(_BEAT_S * rate_hz) | 1)
    above = np.concatenate(([False], peak > beat + _OFFSET * energy.mean(), [False])).astype(np.int8)
    starts, ends = np.flatnonzero(np.diff(above) == 1), np.flatnonzero(np.diff(above) == -1)
    found: list[int] = []
    for start, end in zip(starts, ends, strict=True):
        if end - start < _PEAK_S * rate_hz:
            continue
        at = int(start + filtered[start:end].argmax())
        if found and at - found[-1] < SHORTEST_INTERVAL_S * rate_hz:
            found[-1] = max(found[-1], at, key=lambda i: filtered[i])
        else:
            found.append(at)
    kept = _without_dicrotic(filtered, np.array(found, dtype=np.int64), rate_hz)
    return np.array([_between_samples(filtered, int(at)) for at in kept])


def _without_dicrotic(filtered: Floats, peaks: NDArray[np.int64], rate_hz: int) -> NDArray[np.int64]:
    if peaks.size < 2:
        return peaks
    slopes = np.diff(filtered, prepend=filtered[0])
    starts = np.maximum(peaks - round(_RISE_S * rate_hz), np.concatenate(([0], peaks[:-1])))
    rises = np.array([slopes[start : peak + 1].max() for start, peak in zip(starts, peaks, strict=True)])
    steep = rises >= _STEEP * np.quantile(rises, 0.75)
    firm = peaks[steep].astype(np.float64)
    if firm.size < 3:
        return peaks
    usual = float(np.median(np.diff(firm)))
    # beyond the first and last steep beat one is thought to stand where the next would be
    firm = np.concatenate(([firm[0] - 0.9 * usual], firm, [firm[-1] + 0.9 * usual]))
    place = np.searchsorted(firm, peaks).clip(1, firm.size - 1)
    outside = (peaks < firm[0]) | (peaks > firm[-1])
    return np.asarray(peaks[steep | outside | (firm[place] - firm[place - 1] > _ROOM * usual)])


def _smoothed(values: Floats, width: int) -> Floats:
    return np.convolve(values, np.full(width, 1.0 / width), "same")


def _between_samples(values: Floats, at: int) -> float:
    """Top of the parabola through a peak and its neighbours."""
    if not 0 < at < values.size - 1:
        return float(at)
    before, top, after = values[at - 1 : at + 2]
    bend = before - 2 * top + after
    return float(at + np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else float(at)
