"""The quieter listening view: what it takes from murmurs in systole, and from the noise in diastole.

    python signal/train/evaluate_listening.py --circor DIR [--every N]

CirCor recordings that their annotators call murmurs of systole, with white noise added at 10 % of the first sounds'
level; systoles and diastoles as annotated, without 60 ms at S1 and S2. Intervals: patients drawn with replacement.
"""

import argparse
import sys
from pathlib import Path

import circor
import numpy as np
from numpy.typing import NDArray

from carebag_signal.listening_noise import ListeningNoise

SYSTOLE, DIASTOLE = 2, 4
SETTLED_S, EDGE_S = 4.0, 0.03


def quieter(sound: NDArray[np.float64], rate_hz: int) -> NDArray[np.float64]:
    view = ListeningNoise(rate_hz)
    return view.feed(np.concatenate((sound, np.zeros(view.delay))))[view.delay :]


def power(sound: NDArray[np.float64], recording: circor.Recording, state: int) -> float:
    """Mean square over all of a state once the noise is known; NaN where there is none."""
    edge = round(EDGE_S * recording.rate_hz)
    pieces = [
        sound[round(a * recording.rate_hz) + edge : round(b * recording.rate_hz) - edge]
        for a, b, s in recording.segments
        if s == state and a > SETTLED_S
    ]
    pieces = [p for p in pieces if p.size > edge]
    return float(np.mean(np.concatenate(pieces) ** 2)) if pieces else float("nan")


def change_db(recording: circor.Recording, noise_share: float) -> tuple[float, float, float]:
    """Change of systole, of diastole, and how far the murmur stands above diastole, all in dB."""
    rng = np.random.default_rng(11)
    clean = recording.samples.astype(np.float64)
    loud = float(np.percentile(np.abs(clean), 98))
    noisy = clean + rng.normal(size=clean.size) * noise_share * loud
    calm = quieter(noisy, recording.rate_hz)
    before, after = ([power(x, recording, s) for s in (SYSTOLE, DIASTOLE)] for x in (noisy, calm))
    return (
        10 * float(np.log10(after[0] / before[0])),
        10 * float(np.log10(after[1] / before[1])),
        10 * float(np.log10(before[0] / before[1])),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--circor", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--noise", type=float, default=0.1)
    asked = parser.parse_args()
    rows, patients = [], []
    for recording in circor.read(asked.circor)[:: asked.every]:
        about = (asked.circor / f"{recording.patient}.txt").read_text()
        places = next((x.split(":")[1].strip() for x in about.splitlines() if x.startswith("#Murmur locations")), "")
        if recording.name.split("_")[1] in places.split("+"):
            rows.append(change_db(recording, asked.noise))
            patients.append(recording.patient)
    found = np.array(rows)
    found, names = found[np.isfinite(found).all(axis=1)], np.array(patients)[np.isfinite(found).all(axis=1)]
    rng = np.random.default_rng(1)
    kept = found[:, 2] >= 3.0
    for name, column, some in (
        ("systole", 0, np.ones(len(found), bool)),
        ("systole where the murmur is 3 dB above diastole", 0, kept),
        ("diastole", 1, np.ones(len(found), bool)),
    ):
        values, who = found[some, column], names[some]
        if not values.size:
            continue
        people = np.unique(who)
        means = [np.concatenate([values[who == p] for p in rng.choice(people, people.size)]).mean() for _ in range(500)]
        low, high = np.percentile(means, [2.5, 97.5])
        sys.stdout.write(
            f"{name}: {values.mean():.2f} dB ({low:.2f} to {high:.2f}), n {values.size} ({people.size} patients)\n"
        )


if __name__ == "__main__":
    main()
