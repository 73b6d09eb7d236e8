"""Sound as a picture of its frequencies."""

import numpy as np
from numpy.typing import NDArray

_WINDOW_S = 0.064
_RANGE_DB = 55.0
_STOPS = np.array([[255, 255, 255], [208, 226, 240], [120, 172, 210], [44, 98, 150], [16, 32, 64]], dtype=np.float64)
"""Paper to ink: loud is dark, and prints."""


def log_power(
    values: NDArray[np.int16] | NDArray[np.float64], rate_hz: int, highest_hz: float, columns: int
) -> NDArray[np.float64]:
    """(bins, columns) in dB, the highest frequency first; empty if the piece is shorter than one window."""
    length = max(16, round(_WINDOW_S * rate_hz))
    if values.size < length:
        return np.zeros((0, 0))
    starts = np.linspace(0, values.size - length, max(columns, 1)).astype(int)
    n_fft = 1 << (length - 1).bit_length()
    bins = max(1, round(highest_hz / rate_hz * n_fft))
    window = np.hanning(length)
    found = np.empty((bins, starts.size))
    for first in range(0, starts.size, 256):
        some = starts[first : first + 256]
        pieces = values[some[:, None] + np.arange(length)].astype(np.float64)
        spectrum = np.fft.rfft((pieces - pieces.mean(axis=1, keepdims=True)) * window, n_fft, axis=1)
        found[:, first : first + 256] = 10 * np.log10(np.abs(spectrum[:, :bins]).T ** 2 + 1e-3)
    return found[::-1]


def colours(power_db: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(rows, columns, 3): 55 dB below the loudest is paper."""
    top = float(np.percentile(power_db, 99.8))
    share = np.clip((power_db - (top - _RANGE_DB)) / _RANGE_DB, 0.0, 1.0) * (len(_STOPS) - 1)
    return np.stack(
        [np.interp(share, np.arange(len(_STOPS)), _STOPS[:, channel]) for channel in range(3)], axis=-1
    ).astype(np.uint8)
