"""Levels that follow the sound: the loudness of a chest, a hand or a device must not matter to what is recognised."""

import numpy as np
from numpy.typing import NDArray

_MEMORY_FRAMES = 200
"""Four seconds: some heartbeats, so that the level is the level of the place and not of the beat."""
_SMALLEST_SPREAD = 0.3


class Normaliser:
    """Running mean and spread of each column; all frames so far weigh the same until the memory is full."""

    def __init__(self, columns: int) -> None:
        self._mean = np.zeros(columns)
        self._square = np.zeros(columns)
        self._seen = 0

    def feed(self, rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n, columns) in; mean and spread, (n, columns) each, as they were known at each row."""
        means, spreads = np.empty_like(rows), np.empty_like(rows)
        for i, row in enumerate(rows):
            self._seen += 1
            weight = max(1.0 / self._seen, 1.0 / _MEMORY_FRAMES)
            away = row - self._mean
            self._mean = self._mean + weight * away
            self._square = (1.0 - weight) * (self._square + weight * away**2)
            means[i], spreads[i] = self._mean, np.sqrt(self._square)
        return means, np.maximum(spreads, _SMALLEST_SPREAD)
