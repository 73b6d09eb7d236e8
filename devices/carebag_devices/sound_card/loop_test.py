"""The morning's sound test: is what was to be heard in what was recorded? Pure.

Two ways. The kit's speaker plays three tones at once while the chest piece lies on it (`tones`, `judge_tones`); or the
nurse taps or scratches the diaphragm, for stethoscopes that are not near a speaker (`judge_taps`). Only what is above
300 Hz counts then: a heart under the chest piece, which beats as regularly as a finger taps, is no proof of a hand.

`heard` proves that this input is alive, connected and neither deaf nor overdriven at this moment. It does not prove
that the sound is faithful: no frequency response, no calibration, no noise figure is measured, and a microphone of the
computer itself hears the speaker and a tap on the table as well. To tell those from the chest piece, do it once with
the chest piece held in the air: that must not be `heard`.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from carebag_devices.sound_card.level import GOOD_DBFS, SILENCE_DBFS, Clipping, dbfs, peak, rms

TONES_HZ = (210.0, 470.0, 830.0)
"""In the band of heart and lung; no two in a ratio that a voice has, none a harmonic of 50 or 60 Hz mains."""
TONE_DBFS = -18.0
"""Each; the three together peak at -8.5."""
FADE_S = 0.05
WINDOW_S = 0.25
STANDS_OUT_DB = 15.0
TONE_WINDOWS = 3
"""All three tones must be there together in so many windows, that is for three quarters of a second."""
FAINTEST_TONE_DBFS = -60.0
SILENT_DBFS = -72.0
"""Below it there is no microphone, or a dead one: electronic noise alone is louder."""
TAP_S = 0.05
APART_S = 0.15
SHARP_HZ = 300.0
"""Heart sounds are 30 dB weaker above it than below, the strokes of a fingernail are not."""

Word = Literal["heard", "too_quiet", "clipped", "silent", "not_heard"]


@dataclass(frozen=True)
class Verdict:
    """`not_heard`: there is sound, but not the test's. `found`: windows with all tones, or taps."""

    word: Word
    peak_dbfs: float
    rms_dbfs: float
    found: int


def tones(rate_hz: int, seconds: float = 3.0) -> NDArray[np.int16]:
    """What the kit plays: mono, fading in and out. `rate_hz` at least 2000."""
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    amplitude = 32768 * 10 ** (TONE_DBFS / 20)
    sound = amplitude * sum(np.sin(2 * math.pi * tone * at) for tone in TONES_HZ)
    fade = np.clip(np.minimum(at, at[::-1]) / FADE_S, 0, 1)
    return np.round(sound * fade).astype(np.int16)


def judge_tones(samples: NDArray[np.int16], rate_hz: int) -> Verdict:
    """Whether the three tones are in it. `too_quiet`: they are, or something is, but barely."""
    spectra = _spectra(samples, rate_hz)
    together = np.ones(len(spectra), bool)
    loud = np.ones(len(spectra), bool)
    for tone in TONES_HZ:
        level, above = _tone(spectra, tone)
        together &= above >= STANDS_OUT_DB
        loud &= level >= FAINTEST_TONE_DBFS
    found = int((together & loud).sum())
    faint = int(together.sum()) >= TONE_WINDOWS
    return _verdict(samples, found, heard=found >= TONE_WINDOWS, faint=faint)


def judge_taps(samples: NDArray[np.int16], rate_hz: int, taps: int = 2) -> Verdict:
    """Whether at least so many taps stand out of the rest. A scratch that goes on may count as one or several."""
    block = max(1, round(TAP_S * rate_hz))
    sharp = _above(samples, rate_hz, SHARP_HZ)
    blocks = np.abs(sharp[: len(sharp) // block * block]).reshape(-1, block)
    peaks = np.array([dbfs(min(float(one.max()), 32768.0)) for one in blocks])
    out = peaks >= (np.median(peaks) if len(peaks) else 0.0) + STANDS_OUT_DB
    loud = _groups(np.flatnonzero(out & (peaks >= GOOD_DBFS)))
    faint = _groups(np.flatnonzero(out & (peaks > SILENT_DBFS)))
    return _verdict(samples, loud, heard=loud >= taps, faint=faint >= taps)


def _above(samples: NDArray[np.int16], rate_hz: int, lowest_hz: float) -> NDArray[np.float64]:
    """The same sound without what is below; the test is some seconds long and known whole."""
    if samples.size == 0:
        return np.zeros(0)
    spectrum = np.fft.rfft(samples.astype(np.float64))
    spectrum[: math.ceil(lowest_hz * samples.size / rate_hz)] = 0
    return np.asarray(np.fft.irfft(spectrum, samples.size), np.float64)


def _verdict(samples: NDArray[np.int16], found: int, *, heard: bool, faint: bool) -> Verdict:
    loudest = dbfs(peak(samples))
    word: Word = "heard" if heard else "too_quiet" if faint or loudest < GOOD_DBFS else "not_heard"
    if loudest <= SILENT_DBFS:
        word = "silent"
    elif Clipping().feed(samples):
        word = "clipped"
    return Verdict(word, loudest, dbfs(rms(samples)), found)


def _groups(places: NDArray[np.intp]) -> int:
    """How many, where places closer than `APART_S` are one."""
    return int((np.diff(places, prepend=-1_000_000) * TAP_S >= APART_S).sum())


def _spectra(samples: NDArray[np.int16], rate_hz: int) -> NDArray[np.float64]:
    """Amplitude in int16 steps by window and frequency, `1 / WINDOW_S` Hz apart."""
    length = round(WINDOW_S * rate_hz)
    windows = samples[: len(samples) // length * length].reshape(-1, length)
    weights = np.hanning(length)
    return np.asarray(np.abs(np.fft.rfft(windows * weights, axis=1)) * 2 / weights.sum(), np.float64)


def _tone(spectra: NDArray[np.float64], tone_hz: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By window: the tone's level in dBFS, and how far it stands above what is around it in dB."""
    middle = round(tone_hz * WINDOW_S)
    here = spectra[:, middle - 1 : middle + 2].max(axis=1, initial=0.0)
    around = np.concatenate([spectra[:, middle - 15 : middle - 3], spectra[:, middle + 4 : middle + 16]], axis=1)
    floor = np.median(around, axis=1) if around.size else np.zeros(len(spectra))
    smallest = 32768 * 10 ** (SILENCE_DBFS / 20)
    level = 20 * np.log10(np.maximum(here, smallest) / 32768)
    return level, level - 20 * np.log10(np.maximum(floor, smallest) / 32768)
