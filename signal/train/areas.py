"""Areas under ROC curves, and how far they would have come out differently with other patients."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Chosen = NDArray[np.bool_]
_DRAWS = 300
_FEW = 400
"""Windows per patient and side that take part in a draw: more say nothing new."""


def area(good: Floats, bad: Floats) -> float:
    """How often a good one has the higher score, ties half; NaN if there are none of one side."""
    if not good.size or not bad.size:
        return float("nan")
    below = np.searchsorted(np.sort(bad), good, side="left")
    until = np.searchsorted(np.sort(bad), good, side="right")
    return float((below + until).sum() / 2 / (good.size * bad.size))


def over_patients(scores: Floats, patients: NDArray[np.str_], good: Chosen, bad: Chosen) -> tuple[float, float]:
    """95 % interval of the area, patients drawn with replacement."""
    names, at = np.unique(patients, return_inverse=True)
    sides = [[scores[side & (at == i)][:_FEW] for i in range(names.size)] for side in (good, bad)]
    rng, found = np.random.default_rng(7), []
    for _ in range(_DRAWS):
        drawn = rng.integers(names.size, size=names.size)
        found.append(area(*(np.concatenate([side[i] for i in drawn]) for side in sides)))
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return float(low), float(high)
