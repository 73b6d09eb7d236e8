"""The figures of the model cards on lung sound, on made-up people whom the training has not met.

    python signal/train/evaluate_lungs.py [--people 400] [--circor DIR] [--esc10 DIR]

With the two folders half of the hearts are real ones (CirCor) and half of the noises are real (ESC-10), and false marks
are counted on both. Everything is streamed as in use.
"""

import argparse
import sys
from pathlib import Path

import disturbances
import numpy as np
from breathers import RATE_HZ, Background, Breather, drawn
from numpy.typing import NDArray
from scipy.io import wavfile

from carebag_signal.breathing import BreathFinding, BreathingMonitor, BreathMark, BreathRate

FIRST_SEED = 9_000_000
DRAWS = 1000


def hearts_of(folder: Path) -> Background:
    """Real heart sounds of a random child, repeated to length."""
    files = sorted(folder.glob("*.wav"))

    def some(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        _, samples = wavfile.read(files[int(rng.integers(len(files)))])
        return np.take(samples.astype(np.float64), np.arange(n) + int(rng.integers(samples.size)), mode="wrap")

    return some


def listened(samples: NDArray[np.int16], rate_hz: int) -> list[BreathFinding]:
    monitor = BreathingMonitor(rate_hz)
    return monitor.feed(samples) + monitor.finish()


def interval(values: NDArray[np.float64]) -> str:
    """Share in per cent with its 95 % interval over people drawn with replacement."""
    rng = np.random.default_rng(1)
    means = [values[rng.integers(values.size, size=values.size)].mean() for _ in range(DRAWS)]
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{100 * values.mean():.1f} % ({100 * low:.1f}-{100 * high:.1f})"


def rates(people: list[Breather], heard: list[list[BreathFinding]], limits: tuple[float, ...]) -> None:
    """Whole recordings: the last rate of each against 60 over the mean breath."""
    rows = []
    for someone, findings in zip(people, heard, strict=True):
        if someone.per_min is not None and not someone.body.apnoeas:
            last = [f for f in findings if isinstance(f, BreathRate)][-1]
            guess = last.guess_per_min or 0.0
            odds = last.log_odds if last.log_odds is not None else -99.0
            rows.append((someone.per_min, guess, odds, last.per_min is not None))
    truth, guess, odds, shown = (np.array(column) for column in zip(*rows, strict=True))
    near = (np.abs(guess - truth) <= 2).astype(np.float64)
    sys.stdout.write(f"rate within 2/min: of all, shown or not {interval(near)}, n {len(rows)}\n")
    sys.stdout.write(f"  shown {shown.mean():.3f}: {interval(near[shown])}\n")
    sys.stdout.write(f"  half the rate {np.mean(np.abs(guess / truth - 0.5) < 0.1):.3f}, ")
    sys.stdout.write(f"twice {np.mean(np.abs(guess / truth - 2) < 0.3):.3f} of all\n")
    for limit in limits:
        some = odds >= limit
        sys.stdout.write(f"  log-odds >= {limit}: shown {some.mean():.3f}, {interval(near[some])}\n")
    for low, high in ((6, 12), (12, 20), (20, 30), (30, 62)):
        some = (truth >= low) & (truth < high)
        sys.stdout.write(f"  {low}-{high}/min: n {some.sum()}, of all {near[some].mean():.3f}, ")
        sys.stdout.write(f"shown {shown[some].mean():.3f}, of shown {near[some & shown].mean():.3f}\n")


def looks(people: list[Breather], heard: list[list[BreathFinding]]) -> None:
    """Every rate shown while listening, against the breaths of its half minute; also where breathing stopped."""
    right, asked, stopped = [], 0, 0
    for someone, findings in zip(people, heard, strict=True):
        starts = someone.truth.inspirations / RATE_HZ
        for rate in (f for f in findings if isinstance(f, BreathRate)):
            now = rate.at_sample / RATE_HZ
            inside = starts[(starts > now - 30) & (starts <= now)]
            if inside.size >= 3 and now >= 12:
                asked += 1
                if rate.per_min is not None:
                    right.append(abs(rate.per_min - 60 / float(np.mean(np.diff(inside)))) <= 2)
                    stopped += bool(someone.body.apnoeas)
    sys.stdout.write(
        f"every look: shown {len(right) / asked:.3f}, within 2/min {np.mean(right):.3f} of shown, n {asked}\n"
    )


def marks(people: list[Breather], heard: list[list[BreathFinding]]) -> None:
    """In and out against the nearest truth within a quarter of a breath."""
    right = wrong = far = total = 0
    for someone, findings in zip(people, heard, strict=True):
        near = 0.25 * 60 / someone.body.breaths_per_min * RATE_HZ
        total += someone.truth.inspirations.size + someone.truth.expirations.size
        for mark in (f for f in findings if isinstance(f, BreathMark)):
            own, other = someone.truth.inspirations, someone.truth.expirations
            if mark.phase == "out":
                own, other = other, own
            distance = [float(np.abs(at - mark.sample).min(initial=1e9)) for at in (own, other)]
            if min(distance) > near:
                far += 1
            elif distance[0] <= distance[1]:
                right += 1
            else:
                wrong += 1
    given = max(right + wrong + far, 1)
    sys.stdout.write(
        f"in/out marks: {given} given for {total} breaths in and out, right {right / given:.3f}, "
        f"the other phase {wrong / given:.3f}, neither near {far / given:.3f}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--first", type=int, default=FIRST_SEED)
    parser.add_argument("--circor", type=Path)
    parser.add_argument("--esc10", type=Path)
    asked = parser.parse_args()
    hearts = hearts_of(asked.circor) if asked.circor else None
    room = disturbances.Room(sorted(asked.esc10.glob("*/*.ogg")), RATE_HZ).sound if asked.esc10 else None
    people = [drawn(seed, room, hearts) for seed in range(asked.first, asked.first + asked.people)]
    heard = [listened(someone.samples, RATE_HZ) for someone in people]
    rates(people, heard, (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0))
    looks(people, heard)
    marks(people, heard)


if __name__ == "__main__":
    main()
