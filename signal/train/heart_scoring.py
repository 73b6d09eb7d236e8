"""Scores of heart sounds, and their 95 % intervals over patients drawn with replacement."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

TOLERANCE_S = 0.1
WITHIN_PER_MIN = 5
DRAWS = 500
SEED = 7


@dataclass(frozen=True, slots=True)
class Result:
    """One recording: right, surplus and missed sounds, and the heart rate with its reference."""

    patient: str
    counts: NDArray[np.int64]
    swapped: bool
    rate: float | None
    reference: float | None
    first_rate_s: float = float("inf")
    """When the first rate was shown; infinite for never."""
    named: tuple[int, int, int] = (0, 0, 0)
    """Sounds found where there is an annotation, those that keep their names, and those that do although swapped."""
    nameless: tuple[int, int, int] = (0, 0, 0)
    """As `counts`, whichever name a sound bears."""


def match(wanted: NDArray[np.float64], found: NDArray[np.float64]) -> NDArray[np.int64]:
    """Right, surplus, missed: one to one within the tolerance, the nearest first in time."""
    left, hits = list(found), 0
    for onset in wanted:
        near = min(left, key=lambda t: abs(t - onset), default=None)
        if near is not None and abs(near - onset) <= TOLERANCE_S:
            left.remove(near)
            hits += 1
    return np.array([hits, len(found) - hits, len(wanted) - hits])


def f1(results: list[Result], *, named: bool = True) -> float:
    total = np.sum([r.counts if named else r.nameless for r in results], axis=0)
    return float(200 * total[0] / max(2 * total[0] + total[1] + total[2], 1))


def mean_f1(results: list[Result]) -> float:
    """Of the recordings, each as heavy as the other."""
    return float(np.mean([f1([r]) for r in results]))


def within(results: list[Result]) -> float:
    """Share of the heart rates that are right, of all with a reference: one that is not shown is not right."""
    asked = [r for r in results if r.reference is not None]
    right = [r for r in asked if r.rate is not None and abs(r.rate - (r.reference or 0.0)) <= WITHIN_PER_MIN]
    return len(right) / max(len(asked), 1)


def over_patients(patients: list[str], figure: Callable[[list[int]], float]) -> tuple[float, float]:
    """95 % of a figure over patients drawn with replacement; it gets the places in `patients` that were drawn."""
    rng = np.random.default_rng(SEED)
    each = sorted(set(patients))
    of = {p: [i for i, other in enumerate(patients) if other == p] for p in each}
    drawn = [figure([i for p in rng.choice(each, len(each)) for i in of[p]]) for _ in range(DRAWS)]
    return float(np.percentile(drawn, 2.5)), float(np.percentile(drawn, 97.5))


def interval(results: list[Result], figure: Callable[[list[Result]], float] = f1) -> tuple[float, float]:
    """95 % of a figure of results."""
    return over_patients([r.patient for r in results], lambda chosen: figure([results[i] for i in chosen]))


def loss(better: list[Result], worse: list[Result]) -> tuple[float, float, float]:
    """How much F1 the second of two hearings of the same recordings, in the same order, has less; and its interval."""

    def lost(chosen: list[int]) -> float:
        return f1([better[i] for i in chosen]) - f1([worse[i] for i in chosen])

    return lost(list(range(len(better)))), *over_patients([r.patient for r in better], lost)


def without_fastest(results: list[Result], patients: int) -> list[Result]:
    """Results without those of the patients with the fastest hearts, by the median of their recordings' references."""
    of: dict[str, list[float]] = {}
    for r in results:
        if r.reference is not None:
            of.setdefault(r.patient, []).append(r.reference)
    fastest = sorted(of, key=lambda p: (float(np.median(of[p])), p))[-patients:]
    return [r for r in results if r.patient not in fastest]


def tell(name: str, results: list[Result]) -> None:
    """One line of figures."""
    if not results:
        return
    low, high = interval(results)
    least, most = interval(results, lambda chosen: f1(chosen, named=False))
    nameless = f"whichever name {f1(results, named=False):.1f} ({least:.1f}-{most:.1f}), " if most else ""
    asked = [r for r in results if r.reference is not None]
    errors = np.array([abs(r.rate - r.reference) for r in asked if r.rate is not None and r.reference is not None])
    few, many = interval(asked, within)
    sounds, kept, crossed = np.sum([r.named for r in results], axis=0)
    first, late = np.percentile([r.first_rate_s for r in results], (50, 90), method="lower")
    sys.stdout.write(
        f"{name}: n {len(results)} ({len({r.patient for r in results})} patients), F1 {f1(results):.1f} "
        f"({low:.1f}-{high:.1f}), mean of records {mean_f1(results):.1f}, {nameless}"
        f"swapped {sum(r.swapped for r in results)}, names kept {kept / max(sounds, 1):.3f}, swapped of these "
        f"{crossed / max(kept, 1):.4f} in {sum(r.named[2] > 0 for r in results)} recordings, "
        f"heart rate shown {len(errors)}/{len(asked)}, within {WITHIN_PER_MIN}/min "
        f"{np.mean(errors <= WITHIN_PER_MIN):.3f} of shown, {within(results):.3f} ({few:.3f}-{many:.3f}) of asked, "
        f"median error {np.median(errors):.2f}, first after {first:.1f} s (nine in ten {late:.1f})\n"
    )
    sys.stdout.flush()


def tell_loss(name: str, better: list[Result], worse: list[Result]) -> None:
    """One line: what is lost between two hearings of the same recordings."""
    if not better:
        return
    lost, low, high = loss(better, worse)
    sys.stdout.write(
        f"{name}: n {len(better)} ({len({r.patient for r in better})} patients), F1 {f1(better):.2f} to "
        f"{f1(worse):.2f}, lost {lost:.2f} ({low:.2f}-{high:.2f})\n"
    )
    sys.stdout.flush()


def tell_between(name: str, results: list[Result], edges: tuple[float, ...]) -> None:
    """One line: mean F1 of the recordings by their reference rate, to set beside another set of other rates."""
    parts = []
    for low, high in pairwise(edges):
        chosen = [r for r in results if r.reference is not None and low <= r.reference < high]
        if chosen:
            least, most = interval(chosen, mean_f1)
            parts.append(f"{low:.0f}-{high:.0f}/min {mean_f1(chosen):.1f} ({least:.1f}-{most:.1f}, n {len(chosen)})")
    sys.stdout.write(f"{name}: {'; '.join(parts)}\n")
    sys.stdout.flush()
