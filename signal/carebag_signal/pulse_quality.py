"""Is this pulse wave good enough to be believed, how strong is it, and what is wrong with it, in one word.

Beats of one finger look alike: the mean correlation of each with their mean must be 0.86 (Orphanidou et al., IEEE J
Biomed Health Inform 2015). Movement swings the wave much further than a beat does. The perfusion index is pulsating
light by steady light, and can be told only of raw light, not of a wave whose steady part the oximeter took away.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PulseWord = Literal["good", "assessing", "weak", "movement", "unclear"]

LOWEST_CORRELATION = 0.86
LOWEST_PERFUSION_PERCENT = 0.3
"""Down to here accuracy of oximeters is verified (Nonin 7500, operator's manual)."""
_MOVEMENT_SWING = 4.0
"""Swing of the whole wave by the height of a beat; breathing alone stays below 3."""
_TEMPLATE_REACH = 0.4
"""Of the median interval, to each side of a peak."""
_FEWEST_BEATS = 3
_FLAT = 1e-9
"""Of the mean level: less than the last digit of any converter."""


@dataclass(frozen=True, slots=True)
class PulseQuality:
    """The last ten seconds of a pulse wave."""

    at_s: float
    word: PulseWord
    correlation: float | None
    """Of the beats with their mean, -1 to 1; None with fewer than three beats."""
    perfusion_percent: float | None
    """Pulsating by steady light; None unless the values are raw light."""


def quality(
    at_s: float, wave: Floats, filtered: Floats, beats: Floats, rate_hz: int, *, raw_light: bool
) -> PulseQuality:
    """Judges a piece of a wave by itself, its band-passed form and its beats (in samples of the piece)."""
    if is_flat(wave):
        return PulseQuality(at_s, "weak", None, None)
    likeness = template_correlation(filtered, beats)
    height = beat_height(filtered, beats)
    perfusion = perfusion_percent(wave, height) if raw_light else None
    if likeness is None or height is None:
        word: PulseWord = "assessing" if wave.size < 6 * rate_hz else "unclear"
    elif perfusion is not None and perfusion < LOWEST_PERFUSION_PERCENT:
        word = "weak"
    elif np.ptp(wave) > _MOVEMENT_SWING * height:
        word = "movement"
    else:
        word = "good" if likeness >= LOWEST_CORRELATION else "unclear"
    return PulseQuality(at_s, word, likeness, perfusion)


def is_flat(wave: Floats) -> bool:
    """No light changes: no finger, or the sensor is blinded."""
    return bool(np.ptp(wave) <= _FLAT * abs(wave.mean()))


def template_correlation(filtered: Floats, beats: Floats) -> float | None:
    """Mean correlation of the beats with their mean; None if fewer than three lie wholly within the piece."""
    if beats.size < _FEWEST_BEATS:
        return None
    reach = max(2, int(_TEMPLATE_REACH * float(np.median(np.diff(beats)))))
    middles = np.rint(beats).astype(np.int64)
    middles = middles[(middles >= reach) & (middles + reach < filtered.size)]
    if middles.size < _FEWEST_BEATS:
        return None
    shapes = filtered[middles[:, None] + np.arange(-reach, reach + 1)]
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    template = shapes.mean(axis=0)
    lengths = np.sqrt((shapes**2).sum(axis=1) * (template**2).sum())
    alike = np.divide(shapes @ template, lengths, out=np.zeros(lengths.size), where=lengths > 0)
    return float(alike.mean())


def beat_height(filtered: Floats, beats: Floats) -> float | None:
    """Median height from the lowest point before a beat to its peak; None with fewer than two beats."""
    tops = np.rint(beats).astype(np.int64)
    heights = [filtered[peak] - filtered[before : peak + 1].min() for before, peak in pairwise(tops)]
    return float(np.median(heights)) if heights else None


def perfusion_percent(wave: Floats, height: float | None) -> float | None:
    """Perfusion index of raw light, 0-100 %; None where there is no beat, or less steady light than it: not raw."""
    steady = abs(float(wave.mean()))
    return None if height is None or steady <= height else 100.0 * height / steady
