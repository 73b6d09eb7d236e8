"""What each frame says about S1, systole, S2 and diastole, before anything is known of rhythm."""

import numpy as np
from numpy.typing import NDArray

from carebag_signal.normalisation import Normaliser
from carebag_signal.segmentation import STATES

AHEAD_FRAMES = 12
"""A frame is judged with 240 ms on either side of it."""
CONTEXT_FRAMES = 2 * AHEAD_FRAMES + 1


class HeartEvidence:
    """Log-likelihoods of the four states from band energies, 240 ms late."""

    def __init__(self, columns: int) -> None:
        self._normaliser = Normaliser(columns)
        self._rows = np.zeros((AHEAD_FRAMES, columns))
        self._seen = 0

    def feed(self, energies: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, columns) log-energies in; (m, 4) out, for the frames that have their context now."""
        mean, spread = self._normaliser.feed(energies)
        loud = ((energies - mean) / spread)[:, 1:6].mean(axis=1)
        evidence = np.empty((len(energies), STATES))
        evidence[:, [0, 2]] = -0.5 * ((loud[:, None] - 1.2) / 0.8) ** 2
        evidence[:, [1, 3]] = -0.5 * ((loud[:, None] + 0.5) / 0.6) ** 2
        self._seen += len(energies)
        return evidence
