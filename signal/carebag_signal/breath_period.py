"""How long a breath takes: all periods that half a minute of lung sound might have, and how sure each of them is.

Loudness repeats with the breath, but also with every second one, and with half of one where breathing out is as loud as
breathing in. So every peak of the autocorrelation is a candidate, and so is its half, and a logistic regression over
20 numbers says which one it is: how well brightness and loudness repeat at it, at its half, its double, its thirds,
what the spectrum has there, and what counting the breaths gives. Its weights come from synthetic bodies only.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy import signal as scipy_signal

from carebag_signal.breath_frames import FRAMES_PER_SECOND

Floats = NDArray[np.float64]

LOWEST_PER_MIN, HIGHEST_PER_MIN = 6.0, 60.0
EVIDENCE = 20
_SHORTEST = round(FRAMES_PER_SECOND * 60 / HIGHEST_PER_MIN) - 1
_LONGEST = round(FRAMES_PER_SECOND * 60 / LOWEST_PER_MIN) + 10
_LONGEST_SHARE = 0.72
"""Of the piece: a period must nearly fit in one and a half times."""
_SWING_HZ = (0.08, 1.2)
_DRIFT_FRAMES = 161
"""Eight seconds: what is slower is not breathing."""
_OUTLIER = 2.0
_N_FFT = 4096
_FREQUENCY_HZ = np.fft.rfftfreq(_N_FFT, 1 / FRAMES_PER_SECOND)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Periods (frames), and what speaks for each, one row each."""

    periods: Floats
    evidence: Floats
    """(n, 20)."""


@dataclass(frozen=True, slots=True)
class Chooser:
    """Mean and spread of the evidence in training, weights and offset of the regression."""

    mean: Floats
    spread: Floats
    weights: Floats
    offset: float

    def log_odds(self, evidence: Floats) -> Floats:
        """(n, 20) in, (n,) out: natural log-odds that the period is the breath's."""
        away = np.clip((evidence - self.mean) / self.spread, -4.0, 4.0)
        return np.asarray(away @ self.weights + self.offset)


@cache
def trained_chooser() -> Chooser:
    """The regression that comes with the package."""
    with resources.files("carebag_signal").joinpath("breathing.npz").open("rb") as file, np.load(file) as stored:
        return Chooser(stored["mean"], stored["spread"], stored["weights"], float(stored["offset"]))


def tracks(rows: Floats) -> Floats:
    """(4, n): how far dull, middle and bright loudness and the tilt from dull to bright swing with the breath.

    Steps and bursts are cut at twice the usual swing, and everything slower than eight seconds is taken out.
    """
    found = []
    for column in (rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 2] - rows[:, 0]):
        calm = ndimage.median_filter(column, 5, mode="nearest")
        half = _DRIFT_FRAMES // 2
        drift = np.convolve(np.pad(calm, (half, half), "edge"), np.full(_DRIFT_FRAMES, 1 / _DRIFT_FRAMES), "valid")
        away = calm - drift
        away = away - np.median(away)
        usual = 1.48 * float(np.median(np.abs(away))) + 1e-6
        found.append(_between(np.clip(away / usual, -_OUTLIER, _OUTLIER), *_SWING_HZ, order=2))
    return np.array(found)


def _between(track: Floats, low_hz: float, high_hz: float, order: int) -> Floats:
    sos = scipy_signal.butter(order, (low_hz, high_hz), "bandpass", fs=FRAMES_PER_SECOND, output="sos")
    return np.asarray(scipy_signal.sosfiltfilt(sos, track))


def _repetition(track: Floats, lags: int) -> Floats:
    """Correlation of the track with itself for each lag, -1 to 1."""
    away, n = track - track.mean(), track.size
    product = np.fft.irfft(np.abs(np.fft.rfft(away, 2 * n)) ** 2)[:n]
    energy = np.concatenate(([0.0], np.cumsum(away**2)))
    lag = np.arange(n)
    whole = product / (np.sqrt(energy[n - lag] * (energy[n] - energy[lag])) + 1e-9)
    return np.convolve(whole[:lags], [0.25, 0.5, 0.25], "same")


def _peak(curve: Floats, at: int) -> float:
    """Where between the samples a peak is, by a parabola."""
    before, top, after = curve[at - 1 : at + 2]
    bend = before - 2 * top + after
    return at + float(0.5 * (before - after) / bend) if bend < 0 else float(at)


def candidates(rows: Floats) -> Candidates:
    """All that (n, 3) rows of loudness may have as their period; n is at least 200 (ten seconds)."""
    swings = tracks(rows)
    lags = min(int(rows.shape[0] * _LONGEST_SHARE), _LONGEST)
    each = np.array([_repetition(swing, lags) for swing in swings])
    together = each[1:].mean(axis=0)
    peaks, _ = scipy_signal.find_peaks(together)
    peaks = peaks[(peaks >= _SHORTEST) & (peaks < lags - 1)]
    whole = {_peak(together, int(at)) for at in peaks}
    periods = sorted(whole | {period / 2 for period in whole if period / 2 >= _SHORTEST})
    best = max(float(together[peaks].max(initial=0.0)), 0.01)
    spectrum = _spectrum(swings[1:])
    mixed = np.sum(swings[1:] / (swings[1:].std(axis=1, keepdims=True) + 1e-9), axis=0)
    found = [_evidence(period, each, together, best, spectrum, mixed) for period in periods]
    return Candidates(np.array(periods), np.array(found).reshape(len(periods), EVIDENCE))


def _spectrum(swings: Floats) -> Floats:
    window = np.hanning(swings.shape[1])
    power = np.abs(np.fft.rfft(swings * window, _N_FFT, axis=1)) ** 2 / (np.sum(swings**2, axis=1)[:, None] + 1e-9)
    total = power.sum(axis=0)
    return np.asarray(total / (total[_inside(*_SWING_HZ)].max() + 1e-12))


def _inside(low_hz: float, high_hz: float) -> NDArray[np.bool_]:
    return (low_hz <= _FREQUENCY_HZ) & (high_hz > _FREQUENCY_HZ)


def _evidence(
    period: float, each: Floats, together: Floats, best: float, spectrum: Floats, mixed: Floats
) -> list[float]:
    lags = np.arange(together.size)

    def at(share: float, curve: Floats = together) -> float:
        return float(np.interp(share * period, lags, curve))

    def within(share: float) -> bool:
        return share * period < together.size - 1

    def power(low: float, high: float) -> float:
        frequency = FRAMES_PER_SECOND / period
        return float(spectrum[_inside(low * frequency, high * frequency)].max(initial=0.0))

    return [
        at(1.0),
        *(at(1.0, curve) for curve in each),
        at(1.0) / best,
        at(0.5),
        min(at(0.5, curve) for curve in each[1:]),
        at(2.0) if within(2.0) else at(1.0),
        at(1 / 3),
        at(2 / 3),
        at(1.5) if within(1.5) else at(0.5),
        power(0.85, 1.15),
        power(0.4, 0.6),
        power(1.8, 2.2),
        *_counted(period, mixed),
        float(np.log(period / FRAMES_PER_SECOND)),
        float(np.log(mixed.size / period)),
    ]


def _counted(period: float, mixed: Floats) -> tuple[float, float, float]:
    """How far the breaths that one can count disagree with a period: their spread, their mean, and the mean without
    looking only near the period.
    """
    rate = FRAMES_PER_SECOND / period
    near = _between(mixed, max(0.05, 0.6 * rate), min(1.6 * rate, 3.0), order=1)
    intervals = np.diff(scipy_signal.find_peaks(near, prominence=0.5 * near.std())[0])
    spread = float(np.median(np.abs(intervals / period - 1))) if intervals.size >= 2 else 1.0
    mean = float(intervals.mean()) if intervals.size else 3 * period
    smooth = np.convolve(mixed, np.hanning(max(3, int(0.3 * period) | 1)), "same")
    all_intervals = np.diff(scipy_signal.find_peaks(smooth)[0])
    middle = float(np.median(all_intervals)) if all_intervals.size else 3 * period
    return spread, abs(float(np.log(mean / period))), float(np.clip(np.log(middle / period), -2.0, 2.0))


def period_of(rows: Floats, chooser: Chooser | None = None) -> tuple[float, float]:
    """Period (s) and the log-odds that it is right; log-odds of minus infinity where nothing repeats."""
    found = candidates(rows)
    if not found.periods.size:
        return 0.0, float("-inf")
    odds = (chooser or trained_chooser()).log_odds(found.evidence)
    best = int(odds.argmax())
    return float(found.periods[best]) / FRAMES_PER_SECOND, float(odds[best])
