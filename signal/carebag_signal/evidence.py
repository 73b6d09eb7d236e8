"""What each frame says about S1, systole, S2 and diastole, before anything is known of rhythm.

A small network (`docs/model-cards/heart-sounds.md`) looks at half a second of normalised band energies around each
frame.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import HEART_EDGES_HZ
from carebag_signal.normalisation import Normaliser
from carebag_signal.segmentation import STATES

AHEAD_FRAMES = 12
"""A frame is judged with 240 ms on either side of it."""
CONTEXT_FRAMES = 2 * AHEAD_FRAMES + 1
COLUMNS = len(HEART_EDGES_HZ) - 1
_FURTHEST = 4.0
"""Normalised energies beyond this many spreads say no more."""


@dataclass(frozen=True, slots=True)
class Network:
    """Weights and biases of the layers, alternating, and the shares of the states in what it was trained on."""

    layers: tuple[NDArray[np.float32], ...]
    log_prior: NDArray[np.float64]

    def log_likelihood(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, context * columns) in, (n, 4) out: log-posterior less log-prior."""
        values = rows.astype(np.float32)
        for i in range(0, len(self.layers), 2):
            values = values @ self.layers[i] + self.layers[i + 1]
            if i + 2 < len(self.layers):
                values = np.maximum(values, 0.0)
        out = values.astype(np.float64)
        out -= out.max(axis=1, keepdims=True)
        return np.asarray(out - np.log(np.sum(np.exp(out), axis=1, keepdims=True)) - self.log_prior)


@cache
def trained_network() -> Network:
    """The network that comes with the package."""
    with resources.files("carebag_signal").joinpath("heart_sounds.npz").open("rb") as file, np.load(file) as stored:
        layers = tuple(stored[f"layer_{i}"] for i in range(int(stored["layers"])))
        return Network(layers, stored["log_prior"].astype(np.float64))


class Context:
    """Rows for the network from log-energies: each frame with its surroundings, at the level known when they are
    complete.
    """

    def __init__(self) -> None:
        self._normaliser = Normaliser(COLUMNS)
        self._rows = np.full((CONTEXT_FRAMES - 1, COLUMNS), np.nan)
        self._skip = AHEAD_FRAMES

    def feed(self, energies: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, columns) log-energies in; (m, context * columns) out: row k is frame k of the sound, 240 ms late."""
        mean, spread = self._normaliser.feed(energies)
        rows = np.concatenate((self._rows, energies))
        self._rows = rows[-(CONTEXT_FRAMES - 1) :].copy()
        around = rows[np.arange(len(energies))[:, None] + np.arange(CONTEXT_FRAMES)]
        around -= mean[:, None, :]
        around /= spread[:, None, :]
        np.clip(around, -_FURTHEST, _FURTHEST, out=around)
        # before the sound began there is nothing out of the ordinary
        around[np.isnan(around)] = 0.0
        ready = around.reshape(len(energies), -1)[self._skip :]
        self._skip = max(0, self._skip - len(energies))
        return np.asarray(ready)


class HeartEvidence:
    """Log-likelihoods of the four states from band energies, 240 ms late."""

    def __init__(self, network: Network | None = None) -> None:
        self._network = network or trained_network()
        self._context = Context()

    def feed(self, energies: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, columns) log-energies in; (m, 4) out, for the frames whose surroundings are complete."""
        rows = self._context.feed(energies)
        return self._network.log_likelihood(rows) if len(rows) else np.empty((0, STATES))
