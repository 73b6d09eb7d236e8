"""Trains the network that knows S1, systole, S2 and diastole: about two minutes.

    python signal/train/heart_sounds.py --circor DIR [--esc10 DIR] [--folds OUT_DIR] [--out FILE]

Writes signal/carebag_signal/heart_sounds.npz. With --folds it also trains five networks that have each not seen a
fifth of the patients, OUT_DIR/0.npz ... 4.npz: the figures of the model card come from these. Needs PyAV to read
ESC-10.
"""

import argparse
import sys
from pathlib import Path

import bodies
import circor
import disturbances
import network
import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import HEART_EDGES_HZ, BandEnergies
from carebag_signal.evidence import CONTEXT_FRAMES, Context

HIDDEN = (64, 32)
COPIES = 5
SPEEDS_PERCENT = (100, 100, 85, 115, 130)
PACES = (1.0, 0.6, 0.8, 1.5, 2.2, 3.0)
BODIES = 60
SEED = 20261123
TARGET = Path(__file__).parents[1] / "carebag_signal" / "heart_sounds.npz"


def rows_of(samples: NDArray[np.int16], rate_hz: int) -> NDArray[np.float32]:
    """What the network sees of a recording, frame by frame, made by the very code that runs in use."""
    context = Context()
    blocks = [context.feed(frames.heart) for frames in BandEnergies(rate_hz).feed(samples)]
    return np.concatenate(blocks).astype(np.float32)


def examples(
    recording: circor.Recording, rng: np.random.Generator, room: disturbances.Room | None
) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
    """Rows and labels of the annotated frames: the recording as it is, then disturbed copies of it."""
    rows, labels = [], []
    for copy in range(1 + COPIES):
        speed, pace = (int(rng.choice(SPEEDS_PERCENT)), float(rng.choice(PACES))) if copy else (100, 1.0)
        changed = circor.paced(recording, pace)
        samples = disturbances.faster(changed.samples.astype(np.float64), speed)
        if copy:
            samples = disturbances.disturb(rng, samples, recording.rate_hz, room)
        found = rows_of(np.clip(np.round(samples), -32768, 32767).astype(np.int16), recording.rate_hz)
        known = changed.labels(len(found), speed / 100)
        rows.append(found[known >= 0].astype(np.float16))
        labels.append(known[known >= 0])
    return np.concatenate(rows), np.concatenate(labels)


def fit(rows: NDArray[np.float16], labels: NDArray[np.int64], epochs: int) -> dict[str, NDArray[np.generic]]:
    """The network as it is stored."""
    rng = np.random.default_rng(SEED)
    layers = network.start(rng, (CONTEXT_FRAMES * (len(HEART_EDGES_HZ) - 1), *HIDDEN, 4))
    wanted = (0.97 * np.eye(4) + 0.03 / 4).astype(np.float32)

    def batch(chosen: NDArray[np.int64]) -> tuple[network.Array, network.Array]:
        return rows[chosen].astype(np.float32), wanted[labels[chosen]]

    network.train(layers, batch, len(rows), rng, epochs)
    stored: dict[str, NDArray[np.generic]] = {f"layer_{i}": layer for i, layer in enumerate(layers)}
    prior = np.bincount(labels, minlength=4) / len(labels)
    return stored | {"layers": np.array(len(layers)), "log_prior": np.log(prior)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--circor", type=Path, required=True)
    parser.add_argument("--esc10", type=Path)
    parser.add_argument("--folds", type=Path)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--out", type=Path, default=TARGET)
    asked = parser.parse_args()
    recordings = circor.read(asked.circor)
    room = disturbances.Room(sorted(asked.esc10.glob("*/*.ogg"))[::2], 4000) if asked.esc10 else None
    rng = np.random.default_rng(SEED)
    data_sha256 = circor.digest(recordings)
    recordings += bodies.made_up(BODIES, SEED)
    parts = [examples(recording, rng, room) for recording in recordings]
    sys.stderr.write(f"{len(recordings)} recordings, {sum(len(p[1]) for p in parts)} frames\n")
    if asked.folds:
        asked.folds.mkdir(exist_ok=True)
    for fold in [*range(5), None] if asked.folds else [None]:
        kept = [p for p, r in zip(parts, recordings, strict=True) if circor.fold(r.patient) != fold]
        stored = fit(np.concatenate([p[0] for p in kept]), np.concatenate([p[1] for p in kept]), asked.epochs)
        stored["data_sha256"] = np.array(data_sha256)
        np.savez_compressed(asked.out if fold is None else asked.folds / f"{fold}.npz", **stored)
        sys.stderr.write("final\n" if fold is None else f"fold {fold}\n")


if __name__ == "__main__":
    main()
