"""Sound as band energies: fifty frames a second, the same numbers for any way the samples arrive.

Frames are worked on in blocks of fixed size that are counted from the start, so that every number is computed by the
same operations on the same arrays whether a recording comes in one piece or sample by sample: equal to the last bit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_SECOND = 50
BLOCK_FRAMES = 8
WINDOW_S = 0.05
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 2000, 96_000

HEART_EDGES_HZ = (25.0, 45.0, 65.0, 90.0, 120.0, 160.0, 220.0, 300.0, 450.0, 800.0)
"""Edges of the bands in which S1 and S2 differ from each other and from what lies between them."""
WIDE_EDGES_HZ = (25.0, 150.0, 400.0, 800.0, 1000.0)
"""Edges of the bands that tell a heart from a room; the lowest rate that we take still has all of them."""

VOICE_EDGES_HZ = (150.0, 1000.0)
"""Where speech is heard through a chest piece, and the heart hardly."""
PITCH_HZ = (80.0, 330.0)
_PITCH_LAGS = 48
_WHITENING = 0.3
"""Power to this power: one strong tone must not pass for a voice."""

CLIP_LEVEL = 32_700
_QUANTISATION = 1.0 / 12.0


@dataclass(frozen=True, slots=True)
class Frames:
    """What became of `n` frames of sound, one row each."""

    heart: NDArray[np.float64]
    """(n, 9): natural logarithm of the energy in each band of `HEART_EDGES_HZ`, in squared sample units per Hz."""
    wide: NDArray[np.float64]
    """(n, 4): mean squared sample value in each band of `WIDE_EDGES_HZ`."""
    level: NDArray[np.float64]
    """(n,): mean of the samples: what goes on below 20 Hz."""
    peak: NDArray[np.float64]
    """(n,): largest absolute sample."""
    clipped: NDArray[np.int64]
    """(n,): samples at the end of the scale."""
    voice: NDArray[np.float64]
    """(n, 2), of 150-1000 Hz: how much the spectrum repeats at the distance of a voice's pitch (autocorrelation of the
    whitened frame, highest at 80-330 Hz), and how flat it is (logarithm of geometric by arithmetic mean, 0 flat).
    """


def frame_start(frame: int, rate_hz: int) -> int:
    """First sample of a frame."""
    return (frame * rate_hz + FRAMES_PER_SECOND // 2) // FRAMES_PER_SECOND


def check_rate(rate_hz: int) -> None:
    """Raises: ValueError if heart sounds cannot be judged at this sampling rate."""
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise ValueError(f"rate_hz must be within {LOWEST_RATE_HZ} and {HIGHEST_RATE_HZ}")


def check_samples(samples: NDArray[np.int16]) -> None:
    """Raises: ValueError unless the samples are one channel of 16-bit integers."""
    if samples.ndim != 1 or samples.dtype != np.int16:
        raise ValueError("samples must be one channel of int16")


def _weights(edges_hz: tuple[float, ...], n_fft: int, rate_hz: int) -> NDArray[np.float64]:
    """(bins, bands): the share of every FFT bin that lies in every band."""
    width = rate_hz / n_fft
    low = (np.arange(n_fft // 2 + 1) - 0.5) * width
    lower = np.maximum(low[:, None], np.asarray(edges_hz[:-1]))
    upper = np.minimum(low[:, None] + width, np.asarray(edges_hz[1:]))
    return np.asarray(np.clip((upper - lower) / width, 0.0, 1.0))


class BandEnergies:
    """Turns samples into `Frames`, a block of eight frames (160 ms) at a time."""

    def __init__(self, rate_hz: int) -> None:
        """Raises: ValueError if `rate_hz` is out of range."""
        check_rate(rate_hz)
        self.rate_hz = rate_hz
        self._length = round(WINDOW_S * rate_hz)
        self._n_fft = 1 << (self._length - 1).bit_length()
        window = np.hanning(self._length + 2)[1:-1]
        self._window = window / np.sqrt(np.sum(window**2))
        self._heart = _weights(HEART_EDGES_HZ, self._n_fft, rate_hz) / np.diff(HEART_EDGES_HZ) * 2.0 / self._n_fft
        self._wide = _weights(WIDE_EDGES_HZ, self._n_fft, rate_hz) * 2.0 / self._n_fft
        at_hz = np.arange(self._n_fft // 2 + 1) * (rate_hz / self._n_fft)
        low, high = np.searchsorted(at_hz, VOICE_EDGES_HZ)
        self._voice = slice(int(low), int(high))
        lags = np.linspace(1.0 / PITCH_HZ[1], 1.0 / PITCH_HZ[0], _PITCH_LAGS)
        self._pitch = np.cos(2.0 * np.pi * at_hz[self._voice, None] * lags)
        # white noise of one quantisation step keeps digital silence finite, in the same unit as the bands
        self._floor = _QUANTISATION / (rate_hz / 2.0)
        self._waiting = np.zeros(0, np.int16)
        self._first = 0
        self._frame = 0

    def feed(self, samples: NDArray[np.int16]) -> list[Frames]:
        """Blocks that are complete now.

        Raises: ValueError unless the samples are one channel of int16.
        """
        check_samples(samples)
        self._waiting = np.concatenate((self._waiting, samples))
        blocks = []
        while (end := frame_start(self._frame + BLOCK_FRAMES - 1, self.rate_hz) + self._length) <= (
            self._first + self._waiting.size
        ):
            start = frame_start(self._frame, self.rate_hz)
            blocks.append(self._block(self._waiting[start - self._first : end - self._first], start))
            self._frame += BLOCK_FRAMES
        keep = min(frame_start(self._frame, self.rate_hz) - self._first, self._waiting.size)
        self._waiting, self._first = self._waiting[keep:].copy(), self._first + keep
        return blocks

    def _block(self, samples: NDArray[np.int16], start: int) -> Frames:
        offsets = np.array([frame_start(self._frame + i, self.rate_hz) - start for i in range(BLOCK_FRAMES)])
        rows = samples[offsets[:, None] + np.arange(self._length)].astype(np.float64)
        level = rows.mean(axis=1)
        spectrum = np.fft.rfft((rows - level[:, None]) * self._window, self._n_fft, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        height = np.abs(rows)
        return Frames(
            heart=np.log(power @ self._heart + self._floor),
            wide=power @ self._wide,
            level=level,
            peak=height.max(axis=1),
            clipped=np.count_nonzero(height >= CLIP_LEVEL, axis=1).astype(np.int64),
            voice=self._voiced(power[:, self._voice] + self._floor * self._n_fft),
        )

    def _voiced(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        loudness = np.log(power)
        white = np.exp(_WHITENING * loudness)
        white /= white.mean(axis=1, keepdims=True)
        repeats = ((white - 1.0) @ self._pitch).max(axis=1) / power.shape[1]
        return np.column_stack((repeats, loudness.mean(axis=1) - np.log(power.mean(axis=1))))
