"""A quieter view for ears: steady noise, mains hum, a telephone's buzz and clicks taken down, murmurs left alone.

For listening only. It never feeds a measurement (an import rule and a test say so), and the raw sound stays what is
kept. Gains come from a decision-directed Wiener rule (Ephraim & Malah 1984; Scalart & Filho 1996) and never go below
-6 dB: what is taken away wrongly stays audible. The noise is what the quietest moments of the last seconds sound like
(after Martin 2001), which between heart beats is the diastole. The console's page computes the same
(`web/src/shared/sound/quieter.ts`); `tests/signal/golden_listening.json` holds the numbers that both sides are tested
against.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import signal as scipy_signal

from carebag_signal.views import check_view_rate

Floats = NDArray[np.float64]

FLOOR = 0.5
"""Lowest gain: -6 dB."""
_HOP_S = 0.016
"""Near this: a power of two of samples."""
_SMOOTH = 0.85
_MEMORY_S = 3.0
_SLICES = 6
"""The minimum is kept over so many slices of the memory."""
_BIAS = 2.6
"""How far the mean lies above the minimum of a smoothed noise."""
_TRUST = 0.96
"""Of the decision-directed rule: how much the last frame counts."""
_CAUTIOUS = 3.0
"""Noise is taken to be so much stronger where nothing says that there is a sound."""
_CLEAR = 3.4
"""So much above the noise a frame is left alone."""
_SPIKE_S, _SPIKE_TIMES = 0.002, 12.0
_HUM_HZ = (50.0, 60.0)
_BUZZ_HZ = 216.68
_HARMONICS = 5
_TONE_TIMES = 20.0
_HUM_LOOKS, _BUZZ_LOOKS = 2, 1
"""Seconds in a row with the tone before anything is done: a heart is no hum, and a buzz does not wait."""
_NOTCH_HZ = 2.0
_FADE_S = 0.05


class ListeningNoise:
    """One stream made quieter, sample for sample, `delay` samples late. The same for any chunking; memory is fixed.

    A gap is fed as zeros: it is passed on, and teaches no noise.
    """

    def __init__(self, rate_hz: int) -> None:
        """Raises: ValueError if the rate is too low for a stethoscope's sound."""
        check_view_rate(rate_hz)
        self._rate_hz = rate_hz
        self._hop = 2 ** round(math.log2(_HOP_S * rate_hz))
        self.delay = 3 * self._hop
        """Samples between what comes in and the same moment going out."""
        self.reset()

    def reset(self) -> None:
        """Forgets the past: another stream."""
        self._waiting = np.zeros(0)
        self._ready = np.zeros(self._hop)
        self._block = np.zeros(3 * self._hop)
        self._tones = _Notches(self._rate_hz)
        self._wiener = _Wiener(self._hop, self._rate_hz)

    def feed(self, samples: NDArray[np.int16] | Floats) -> Floats:
        """As many samples as came in, in the same unit, `delay` samples late (zeros at first).

        Raises: ValueError unless the samples are one channel of finite numbers; the state is untouched then.
        """
        values = np.asarray(samples, dtype=np.float64)
        if values.ndim != 1 or not np.isfinite(values).all():
            raise ValueError("samples must be one channel of finite numbers")
        self._waiting = np.concatenate((self._waiting, values))
        ready = [self._ready]
        hops = self._waiting.size // self._hop
        for hop in range(hops):
            piece = self._waiting[hop * self._hop : (hop + 1) * self._hop]
            self._block = np.concatenate((self._block[self._hop :], piece))
            # the middle hop is the newest that has a neighbour on either side
            middle = repaired(self._block, self._rate_hz)[self._hop : 2 * self._hop]
            ready.append(self._wiener.hop(self._tones.hop(middle), silent=not middle.any()))
        self._waiting = self._waiting[hops * self._hop :].copy()
        out = np.concatenate(ready)
        self._ready = out[values.size :].copy()
        return out[: values.size]


def repaired(block: Floats, rate_hz: int) -> Floats:
    """The block with its clicks (up to 2 ms) replaced by straight lines."""
    steps = np.abs(np.diff(block, 2, prepend=block[:1], append=block[-1:]))
    usual = float(np.percentile(steps, 80))
    if usual <= 0.0:
        return block
    bad = steps > _SPIKE_TIMES * usual
    # heart sounds have steep slopes too, for longer
    reach = max(1, round(_SPIKE_S / 2 * rate_hz))
    if not bad.any() or np.count_nonzero(bad) > 2 * reach:
        return block
    bad = np.convolve(bad, np.ones(2 * (reach // 2) + 1), "same") > 0
    good = np.flatnonzero(~bad)
    return block if good.size < 2 else np.interp(np.arange(block.size), good, block[good])


class _Wiener:
    """Frames of two hops, half overlapping, each bin with its own gain. A gap, which is silence, teaches no noise."""

    def __init__(self, hop: int, rate_hz: int) -> None:
        self._hop = hop
        self._window = np.sqrt(np.hanning(2 * hop + 1)[:-1])
        self._past = np.zeros(hop)
        self._tail = np.zeros(hop)
        bins = hop + 1
        self._smooth = np.zeros(bins)
        # nothing is taken for noise before the memory is full
        self._slice = np.zeros(bins)
        self._slices = np.full((_SLICES, bins), np.inf)
        self._per_slice = max(1, round(_MEMORY_S / _SLICES * rate_hz / hop))
        self._frames = 0
        self._last = np.zeros(bins)
        self._silent = True

    def hop(self, piece: Floats, silent: bool) -> Floats:
        frame = np.concatenate((self._past, piece))
        self._past = piece
        spectrum = np.fft.rfft(frame * self._window)
        power = spectrum.real**2 + spectrum.imag**2
        if not (silent or self._silent):
            self._learn(power)
        self._silent = silent
        noise = _BIAS * np.minimum(self._slices.min(axis=0), self._slice)
        cleaned = np.fft.irfft(spectrum * self._gain(power, noise), frame.size) * self._window
        out = self._tail + cleaned[: self._hop]
        self._tail = cleaned[self._hop :]
        return np.asarray(out)

    def _learn(self, power: Floats) -> None:
        self._smooth = _SMOOTH * self._smooth + (1 - _SMOOTH) * power
        self._slice = np.minimum(self._slice, self._smooth)
        self._frames += 1
        if self._frames % self._per_slice == 0:
            self._slices = np.concatenate((self._slices[1:], self._slice[None]))
            self._slice = np.full(power.size, np.inf)

    def _gain(self, power: Floats, noise: Floats) -> Floats:
        noise = noise + 1e-12
        above = np.maximum(power / noise - 1.0, 0.0)
        prior = _TRUST * self._last / noise + (1 - _TRUST) * above
        gain = np.maximum(prior / (prior + _CAUTIOUS), FLOOR)
        # neighbours in frequency tell of a sound better than one bin does
        near = scipy_signal.convolve(np.pad(power / noise, 1, "edge"), [1 / 3, 1 / 3, 1 / 3], "valid")
        gain = np.maximum(gain, np.clip(near / _CLEAR, FLOOR, 1.0) * (near > _CLEAR / 2))
        self._last = gain**2 * power
        return np.asarray(gain)


class _Notches:
    """Narrow notches at mains and its harmonics, and at a telephone's bursts, while these tones stand still."""

    def __init__(self, rate_hz: int) -> None:
        combs = [_Comb(base, rate_hz, _HUM_LOOKS) for base in _HUM_HZ]
        self._combs = [*combs, _Comb(_BUZZ_HZ, rate_hz, _BUZZ_LOOKS)]
        self._heard = np.zeros(0)
        self._rate_hz = rate_hz
        self._seen = 0

    def hop(self, piece: Floats) -> Floats:
        self._heard = np.concatenate((self._heard, piece))
        if self._heard.size >= self._rate_hz:
            spectrum = np.abs(np.fft.rfft(self._heard * np.hanning(self._heard.size))) ** 2
            for comb in self._combs:
                comb.look(spectrum, self._rate_hz / self._heard.size)
            self._heard = np.zeros(0)
        for comb in self._combs:
            piece = comb.hop(piece)
        return piece


class _Comb:
    """One tone and its harmonics: filtered all the time, heard only while the tone is there."""

    def __init__(self, base_hz: float, rate_hz: int, enough: int) -> None:
        self._enough = enough
        self._lines = [n * base_hz for n in range(1, _HARMONICS + 1) if n * base_hz < 0.45 * rate_hz]
        sections = [scipy_signal.tf2sos(*scipy_signal.iirnotch(f, f / _NOTCH_HZ, fs=rate_hz)) for f in self._lines]
        self._sections = np.concatenate(sections)
        self._state = np.zeros((len(self._sections), 2))
        self._looks = 0
        self._share = 0.0
        self._step = 1.0 / max(1, round(_FADE_S * rate_hz))

    def look(self, spectrum: Floats, step_hz: float) -> None:
        """A second of sound: is the tone there?"""
        above = 0
        for line in self._lines:
            at = round(line / step_hz)
            usual = float(np.median(spectrum[max(at - round(12 / step_hz), 1) : at + round(12 / step_hz) + 1]))
            above += float(spectrum[at - 1 : at + 2].max()) > _TONE_TIMES * usual + 1e-9
        there = above >= min(2, len(self._lines))
        self._looks = min(self._looks + 1, self._enough + 1) if there else max(self._looks - 1, 0)

    def hop(self, piece: Floats) -> Floats:
        notched, self._state = scipy_signal.sosfilt(self._sections, piece, zi=self._state)
        aim = 1.0 if self._looks >= self._enough else 0.0
        if self._share == aim == 0.0:
            return piece
        ramp = self._step * np.arange(1, piece.size + 1) * (1 if aim > self._share else -1)
        share = np.clip(self._share + ramp, 0.0, 1.0) if aim != self._share else np.full(piece.size, aim)
        self._share = float(share[-1])
        return np.asarray(piece + share * (notched - piece))
