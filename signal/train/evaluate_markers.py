"""Lung markers: F1 on made-up bodies, and how many marks a minute come where there is nothing of the kind.

    python signal/train/evaluate_markers.py [--people 30] [--circor DIR] [--esc10 DIR] [--every N]

The environmental clips last five seconds each: they are joined in a random order to pieces of a minute.
"""

import argparse
import sys
from pathlib import Path

import disturbances
import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

from carebag_signal.body import Body
from carebag_signal.lung_markers import LungMark, LungMonitor
from carebag_signal.synthetic_lungs import LungSound, lung_sound

FIRST_SEED = 7_000_000
RATE_HZ = 4000
SECONDS = 45.0


def marks(samples: NDArray[np.int16], kind: str | None = None) -> list[LungMark]:
    monitor = LungMonitor(RATE_HZ, markers=True)
    found = monitor.feed(samples) + monitor.finish()
    return [f for f in found if isinstance(f, LungMark) and kind in (None, f.kind)]


def someone(seed: int, kind: str) -> tuple[LungSound, list[tuple[int, int]]]:
    """A breather with wheezes or crackles, and where they are."""
    rng = np.random.default_rng(seed)
    body = Body(
        seed=seed,
        breaths_per_min=float(rng.uniform(10, 30)),
        breath_variability=float(rng.uniform(0.02, 0.12)),
        inspired_share=float(rng.uniform(0.35, 0.5)),
        expired_share=float(rng.uniform(0.5, 0.9)),
        heart_behind=float(rng.uniform(0.2, 1.5)),
        wheeze_level=float(rng.uniform(0.5, 1.5)) if kind == "wheeze" else 0.0,
        wheeze_hz=float(rng.uniform(180, 800)),
        wheeze_phase=("in", "out")[int(rng.integers(2))],
        crackles_per_breath=float(rng.uniform(2, 5)) if kind == "crackle" else 0.0,
        crackle_level=float(rng.uniform(8, 16)),
        crackle_kind=("fine", "coarse")[int(rng.integers(2))],
    )
    heard = lung_sound(body, SECONDS, RATE_HZ)
    if kind == "wheeze":
        return heard, [(int(a), int(b)) for a, b in heard.wheezes]
    return heard, [(int(at), int(at) + RATE_HZ // 100) for at in heard.crackles]


def synthetic(people: int, kind: str) -> None:
    right = hit = given = wanted = 0
    for seed in range(FIRST_SEED, FIRST_SEED + people):
        heard, truth = someone(seed, kind)
        found = marks(heard.samples, kind)
        right += sum(any(a < m.end and m.start < b for a, b in truth) for m in found)
        hit += sum(any(a < m.end and m.start < b for m in found) for a, b in truth)
        given, wanted = given + len(found), wanted + len(truth)
    precision, recall = right / max(given, 1), hit / max(wanted, 1)
    sys.stdout.write(
        f"made-up {kind}s: n {wanted} in {people} people, right {precision:.3f} of {given} marks, found {recall:.3f}, "
        f"F1 {2 * precision * recall / max(precision + recall, 1e-9):.3f}\n"
    )


def false_marks(name: str, pieces: list[NDArray[np.int16]]) -> None:
    minutes = sum(p.size for p in pieces) / RATE_HZ / 60
    found = [m.kind for p in pieces for m in marks(p)]
    counts = {kind: found.count(kind) for kind in ("wheeze", "crackle")}
    told = ", ".join(f"{n} {kind} ({n / minutes:.2f} a minute)" for kind, n in counts.items())
    sys.stdout.write(f"marks on {name}: {told}; n {len(pieces)}, {minutes:.0f} minutes\n")


def clips(folder: Path) -> list[NDArray[np.int16]]:
    rng = np.random.default_rng(3)
    decoded = []
    for file in sorted(folder.glob("*/*.ogg")):
        samples, rate_hz = disturbances._decoded(file)
        at_rate = resample_poly(samples, RATE_HZ, rate_hz)
        decoded.append(at_rate / max(float(np.abs(at_rate).max()), 1e-9) * 12_000)
    order = rng.permutation(len(decoded))
    joined = np.concatenate([decoded[i] for i in order])
    size = 60 * RATE_HZ
    return [np.round(joined[at : at + size]).astype(np.int16) for at in range(0, joined.size, size)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--circor", type=Path)
    parser.add_argument("--esc10", type=Path)
    parser.add_argument("--every", type=int, default=1, help="only every Nth heart recording")
    asked = parser.parse_args()
    for kind in ("wheeze", "crackle"):
        synthetic(asked.people, kind)
    if asked.circor:
        files = sorted(asked.circor.glob("*.wav"))[:: asked.every]
        false_marks("hearts (CirCor)", [wavfile.read(file)[1] for file in files])
    if asked.esc10:
        false_marks("environment (ESC-10)", clips(asked.esc10))


if __name__ == "__main__":
    main()
