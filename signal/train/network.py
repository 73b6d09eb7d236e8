"""A small network and its training: two hidden layers, softmax, Adam (Kingma & Ba 2015). numpy only."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from carebag_signal.evidence import Network

Array = NDArray[np.float32]


def start(rng: np.random.Generator, sizes: tuple[int, ...]) -> list[Array]:
    """Weights and biases, alternating; He initialisation."""
    layers: list[Array] = []
    for inputs, outputs in pairwise(sizes):
        layers.append((rng.normal(size=(inputs, outputs)) * np.sqrt(2.0 / inputs)).astype(np.float32))
        layers.append(np.zeros(outputs, np.float32))
    return layers


def forward(layers: list[Array], rows: Array) -> list[Array]:
    """Activations of every layer; the last are class probabilities."""
    values = [rows]
    for i in range(0, len(layers), 2):
        rows = values[-1] @ layers[i] + layers[i + 1]
        if i + 2 < len(layers):
            values.append(np.maximum(rows, 0.0))
    rows = np.exp(rows - rows.max(axis=1, keepdims=True))
    values.append(rows / rows.sum(axis=1, keepdims=True))
    return values


def gradients(layers: list[Array], values: list[Array], target: Array, decay: float) -> list[Array]:
    """Of the mean cross-entropy plus weight decay; `target` holds the wanted probabilities."""
    error = (values[-1] - target) / np.float32(len(target))
    found: list[Array] = []
    for i in range(len(layers) - 2, -1, -2):
        found += [error.sum(axis=0), values[i // 2].T @ error + np.float32(decay) * layers[i]]
        error = (error @ layers[i].T) * (values[i // 2] > 0)
    return found[::-1]


def train(
    layers: list[Array],
    batch: Callable[[NDArray[np.int64]], tuple[Array, Array]],
    rows: int,
    rng: np.random.Generator,
    epochs: int,
    *,
    size: int = 512,
    rate: float = 2e-3,
    decay: float = 1e-5,
) -> list[Array]:
    """Trains in place over `rows` examples; `batch` gives inputs and targets for row numbers. The step shrinks to
    nothing.
    """
    first = [np.zeros_like(layer) for layer in layers]
    second = [np.zeros_like(layer) for layer in layers]
    steps, done = epochs * (rows // size), 0
    for _ in range(epochs):
        order = rng.permutation(rows)
        for at in range(0, rows - size + 1, size):
            inputs, target = batch(order[at : at + size])
            done += 1
            step = rate * 0.5 * (1 + np.cos(np.pi * done / steps)) * np.sqrt(1 - 0.999**done) / (1 - 0.9**done)
            for layer, m, v, g in zip(
                layers, first, second, gradients(layers, forward(layers, inputs), target, decay), strict=True
            ):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                layer -= np.float32(step) * m / (np.sqrt(v) + 1e-8)
    return layers


def stored_network(file: Path) -> Network:
    """A network as `heart_sounds.py` stores it."""
    with np.load(file) as stored:
        layers = tuple(stored[f"layer_{i}"] for i in range(int(stored["layers"])))
        return Network(layers, stored["log_prior"].astype(np.float64))
