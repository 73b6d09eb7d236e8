"""Trains the regression that says how long a breath takes, from made-up people only: no recording is needed.

    python signal/train/breathing.py [--people 600] [--out signal/carebag_signal/breathing.npz]

About two minutes.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from breathers import RATE_HZ, drawn
from numpy.typing import NDArray
from scipy import optimize

from carebag_signal.breath_frames import FRAMES_PER_SECOND, BreathFrames
from carebag_signal.breath_period import candidates

FIRST_SEED = 1_000_000
NEAR_PER_MIN = 1.5
DECAY = 1e-3


def examples(people: int, first_seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Evidence of all candidates of all people, and whether each is the breath's rate."""
    rows, right = [], []
    for seed in range(first_seed, first_seed + people):
        someone = drawn(seed)
        if someone.per_min is None or someone.body.apnoeas:
            continue
        found = candidates(BreathFrames(RATE_HZ).feed(someone.samples))
        if found.periods.size:
            rows.append(found.evidence)
            per_min = 60 * FRAMES_PER_SECOND / found.periods
            right.append((np.abs(per_min - someone.per_min) <= NEAR_PER_MIN).astype(np.float64))
    return np.concatenate(rows), np.concatenate(right)


def fitted(rows: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights and, last, the offset of a logistic regression over normalised rows."""
    inputs = np.column_stack((rows, np.ones(len(rows))))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = inputs @ weights
        error = 1 / (1 + np.exp(-odds)) - right
        value = float(np.mean(np.logaddexp(0, odds) - right * odds) + DECAY / 2 * weights @ weights)
        return value, inputs.T @ error / len(right) + DECAY * weights

    return np.asarray(optimize.minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B").x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=600)
    parser.add_argument("--out", type=Path, default=Path("signal/carebag_signal/breathing.npz"))
    asked = parser.parse_args()
    rows, right = examples(asked.people, FIRST_SEED)
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    weights = fitted(np.clip((rows - mean) / spread, -4.0, 4.0), right)
    np.savez(asked.out, mean=mean, spread=spread, weights=weights[:-1], offset=weights[-1])
    sys.stdout.write(f"{len(right)} candidates, {right.mean():.3f} of them right; weights {np.round(weights, 2)}\n")


if __name__ == "__main__":
    main()
