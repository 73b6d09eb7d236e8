"""What synthetic sounds are put together from: pulses, noise in a band, pieces that are added where they belong."""

import numpy as np
from numpy.typing import NDArray
from scipy import signal as scipy_signal

Floats = NDArray[np.float64]

FULL_SCALE = 32767.0


class Noise:
    """Noise within a band, of unit power, piece by piece: the same however it is cut."""

    def __init__(self, key: list[int], rate_hz: int, band_hz: tuple[float, float]) -> None:
        high = min(band_hz[1], 0.95 * rate_hz / 2)
        self._rng = np.random.default_rng(key)
        self._sections = scipy_signal.butter(2, (band_hz[0], high), "bandpass", fs=rate_hz, output="sos")
        self._state = np.zeros((len(self._sections), 2))
        self._power = np.sqrt((high - band_hz[0]) / (rate_hz / 2))

    def take(self, n: int) -> Floats:
        """The next `n` samples."""
        if not n:
            return np.zeros(0)
        noise, self._state = scipy_signal.sosfilt(self._sections, self._rng.normal(size=n), zi=self._state)
        return np.asarray(noise / self._power)


def gabor(t: Floats, centre_s: float, width_s: float, frequency_hz: float) -> Floats:
    """A short tone under a bell curve: 1 at its centre."""
    away = t - centre_s
    return np.asarray(np.exp(-0.5 * (away / width_s) ** 2) * np.cos(2 * np.pi * frequency_hz * away))


def add(target: Floats, piece: Floats, start: int) -> None:
    """Adds a piece that begins at a sample of the target, or before it; what sticks out is cut."""
    low, high = max(start, 0), min(start + piece.size, target.size)
    if low < high:
        target[low:high] += piece[low - start : high - start]


def as_int16(sound: Floats) -> NDArray[np.int16]:
    """Full scale is 1; what is louder is clipped."""
    return np.asarray(np.clip(np.round(sound * FULL_SCALE), -32768, 32767), dtype=np.int16)
