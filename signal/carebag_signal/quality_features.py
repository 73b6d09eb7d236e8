"""What three seconds of sound look like to the judge of quality: numbers that do not depend on the loudness."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import FRAMES_PER_SECOND, Frames
from carebag_signal.evidence import AHEAD_FRAMES
from carebag_signal.segmentation import STATES

_SMALLEST = 0.01
"""Keeps the logarithm of nothing finite, in squared sample units."""
_FEW_FRAMES = 20
"""With fewer decoded frames nothing is said about what the states explain."""
_MODULATION_FFT = 256


@dataclass(frozen=True, slots=True)
class Window(Frames):
    """The frames of three seconds (at least 2.4) of sound, and what was made of them."""

    evidence: NDArray[np.float64]
    """(m, 4) log-likelihoods of the states, for the frames that have their context; m may be less than the rest's n."""
    states: NDArray[np.int64]
    """(m,): the decoded state of the same frames, -1 where none is known."""


def features(window: Window) -> NDArray[np.float64]:
    """(n,) finite numbers about a window."""
    posterior = _posterior(window.evidence)
    sounds = posterior[:, 0] + posterior[:, 2]
    # evidence is the younger part of the window, less the frames still without context
    judged = slice(-len(posterior) - AHEAD_FRAMES, -AHEAD_FRAMES)
    wide = np.log(window.wide + _SMALLEST)
    return np.concatenate(
        (
            _loudness(window, wide),
            _spread(window.heart),
            _contrast(wide[judged], sounds),
            _explained(window.heart[judged], window.states),
            _beside_the_heart(np.log(window.wide[judged, 1:3].sum(axis=1) + _SMALLEST), sounds),
            _swing(window),
            _voice(window.voice, wide[:, 1]),
            _rhythm(posterior),
            _belief(posterior, window.states),
        )
    )


def _at(ordered: NDArray[np.float64], percent: float) -> NDArray[np.float64]:
    """The percentile of sorted rows, to the nearest row."""
    return np.asarray(ordered[round((len(ordered) - 1) * percent / 100)])


def _posterior(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    likely = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))


def _loudness(window: Window, wide: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far loud and quiet are apart, and how bright the sound is: throughout, where quiet, at its brightest."""
    loud = window.heart[:, 1:6].mean(axis=1)
    ordered = np.sort(loud)
    p5, p25, p50, p75, p95 = (float(_at(ordered, percent)) for percent in (5, 25, 50, 75, 95))
    total = np.log(window.wide.sum(axis=1) + _SMALLEST)
    ratios = wide[:, 1:] - wide[:, :1]
    return np.concatenate(
        (
            [p95 - p5, p75 - p25, p95 - p50],
            ratios.mean(axis=0),
            ratios[loud <= p50].mean(axis=0),
            _at(np.sort(ratios, axis=0), 90),
            [total.max() - _at(np.sort(total), 90), np.diff(total).std()],
        )
    )


def _spread(heart: NDArray[np.float64]) -> NDArray[np.float64]:
    """Per band: from quiet to loud, from frame to frame, and the colour of what is left when the heart is silent."""
    ordered = np.sort(heart, axis=0)
    low, high = _at(ordered, 10), _at(ordered, 90)
    return np.concatenate((high - low, np.diff(heart, axis=0).std(axis=0), low - low.mean()))


def _contrast(heard: NDArray[np.float64], sounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Per band: how much louder the heart's sounds are than what lies between them, and how far they explain the
    loudness.
    """
    sounds = sounds[-len(heard) :]
    louder = (sounds @ heard) / (sounds.sum() + 0.1) - ((1 - sounds) @ heard) / ((1 - sounds).sum() + 0.1)
    away, sounds = heard - heard.mean(axis=0), sounds - sounds.mean()
    scale = np.sqrt(np.sum(away**2, axis=0) * np.sum(sounds**2)) + 1e-6
    return np.concatenate((louder, (sounds @ away) / scale))


def _explained(heard: NDArray[np.float64], states: NDArray[np.int64]) -> NDArray[np.float64]:
    """Per band: the share of its variance that the decoded beat explains, 0-1."""
    states = states[-len(heard) :]
    known = states >= 0
    if np.count_nonzero(known) < _FEW_FRAMES:
        return np.zeros(heard.shape[1])
    heard, member = heard[known], np.eye(STATES)[states[known]]
    counts = member.sum(axis=0)
    means = member.T @ heard / np.maximum(counts, 1.0)[:, None]
    between = counts @ (means - heard.mean(axis=0)) ** 2 / len(heard)
    return np.asarray(between / (heard.var(axis=0) + 1e-6))


def _beside_the_heart(bright: NDArray[np.float64], sounds: NDArray[np.float64]) -> list[float]:
    """What 150-800 Hz does that the heart does not explain: how much, how suddenly, and whether at the pace of
    syllables (2-8 Hz; Houtgast & Steeneken 1985).
    """
    away, beat = bright - bright.mean(), sounds[-len(bright) :] - sounds[-len(bright) :].mean()
    rest = away - (away @ beat) / (beat @ beat + 1e-6) * beat
    power = np.abs(np.fft.rfft(rest * np.hanning(rest.size), _MODULATION_FFT)) ** 2
    at_hz = np.fft.rfftfreq(_MODULATION_FFT, 1.0 / FRAMES_PER_SECOND)
    slow, syllables, fast = (
        float(np.log(power[(at_hz >= low) & (at_hz < high)].sum() + 1e-3))
        for low, high in ((0.3, 2.0), (2.0, 8.0), (8.0, 26.0))
    )
    ordered = np.sort(rest)
    return [
        float(rest.std()),
        float(_at(ordered, 95) - _at(ordered, 50)),
        float(away.std()),
        syllables - fast,
        slow - syllables,
    ]


def _voice(voice: NDArray[np.float64], bright: NDArray[np.float64]) -> NDArray[np.float64]:
    """How voiced and how flat the sound is: at its lowest, middle and highest, and in its loudest quarter."""
    ordered = np.sort(voice, axis=0)
    loudest = voice[np.argsort(bright, kind="stable")[-(len(bright) // 4) :]].mean(axis=0)
    return np.concatenate((_at(ordered, 5), _at(ordered, 50), _at(ordered, 75), _at(ordered, 95), loudest))


def _swing(window: Window) -> list[float]:
    """What a moving hand does: the level wanders, and some frames stand out from all others."""
    energy = window.wide.sum(axis=1)
    steps = np.diff(window.level)
    # a constant offset is no sound
    height = np.abs(window.peak - abs(float(np.median(window.level))))
    total, peak = np.sort(np.log(energy + _SMALLEST)), np.sort(np.log(height + 1.0))
    typical, usual = float(np.exp(_at(total, 50))), float(_at(total, 50))
    return [
        float(np.log(window.level.var() + _SMALLEST) - np.log(energy.mean() + _SMALLEST)),
        float(np.log(steps.var() + _SMALLEST) - np.log(typical + _SMALLEST)),
        float(np.log(np.max(steps**2) + _SMALLEST) - np.log(steps.var() + _SMALLEST)),
        float(_at(total, 99) - _at(total, 75)),
        float(np.mean(total > usual + 3.0)),
        float(peak[-1] - _at(peak, 80)),
        float(_at(peak, 20) - np.log(np.sqrt(typical) + 1.0)),
    ]


def _rhythm(posterior: NDArray[np.float64]) -> list[float]:
    """How much the sounds repeat: highest autocorrelation of the sound probability at 0.27-1.6 s, and of S1 alone."""
    found = []
    for track in (posterior[:, 0] + posterior[:, 2], posterior[:, 0] - posterior[:, 2]):
        away = track - track.mean()
        whole = np.correlate(away, away, "full")[away.size - 1 :]
        whole = whole[: 4 * FRAMES_PER_SECOND // 2] / np.maximum(away.size - np.arange(min(whole.size, 100)), 1)
        found.append(float(whole[13:80].max() / (whole[0] + 1e-6)))
    return found


def _belief(posterior: NDArray[np.float64], states: NDArray[np.int64]) -> list[float]:
    """How sure the network is, frame by frame, and how far the decoded rhythm agrees with it."""
    sure = float(posterior.max(axis=1).mean())
    known = states >= 0
    if not known.any():
        return [sure, 0.25, 0.0]
    chosen = posterior[known, states[known]]
    return [sure, float(chosen.mean()), float(np.mean(chosen >= posterior[known].max(axis=1)))]
