"""Trains the pointer to extra sound between S1 and S2: about four minutes on a free core.

    python signal/train/extra_sounds.py --circor DIR [--networks FOLDS_DIR] [--keep FILE] [--report-only]

Writes signal/carebag_signal/extra_sounds.npz and prints areas under the ROC curve, calibration and coverage with 95 %
intervals over patients, every patient judged by a regression (and, with --networks, a heart sound network) that has not
heard him. A recording counts as murmur if the physicians heard one at that place; murmurs of a patient who has them
elsewhere teach nothing. --keep FILE stores the beats so that a second run need not listen again.
"""

import argparse
import pickle
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import circor
import numpy as np
from areas import area, over_patients
from numpy.typing import NDArray
from quality import stored_network

from carebag_signal.bands import HEART_EDGES_HZ
from carebag_signal.evidence import Network
from carebag_signal.extra_sounds import FURTHEST, POINT_FROM, ExtraSound, ExtraSoundMonitor, Pointing, Regression

TARGET = Path(__file__).parents[1] / "carebag_signal" / "extra_sounds.npz"
FOLDS = 5
PENALTY = 20.0
"""Of squared weights, in units of one recording's log-likelihood."""
Floats = NDArray[np.float64]
Chosen = NDArray[np.bool_]
FEATURES = 6 * (len(HEART_EDGES_HZ) - 1)
SILENT = Regression(np.zeros(FEATURES), np.ones(FEATURES), np.zeros(FEATURES), -9.0)
"""Points at nothing: stands in while there is no other."""


@dataclass(frozen=True, slots=True)
class Place:
    """One recording: what the physicians heard in the patient and at this place, and what the beats look like."""

    patient: str
    murmur: str
    """Present, Absent or Unknown, of the patient."""
    here: bool
    row: Floats | None
    """None where nothing would be said."""
    why_not: str
    course: tuple[Floats | None, ...]
    """The same every half second, as a visit would have it."""


def about(folder: Path, patient: str) -> tuple[str, set[str]]:
    """The physicians' word on a patient's murmur, and the places where they heard it."""
    lines = (folder / f"{patient}.txt").read_text(encoding="utf-8").splitlines()
    said = dict(line[1:].split(": ", 1) for line in lines if line.startswith("#") and ": " in line)
    return said["Murmur"].strip(), set(said["Murmur locations"].strip().split("+"))


def listen(folder: Path, networks: list[Network | None]) -> list[Place]:
    """Every recording once, by the code that runs in use, with a heart sound network that has not heard the patient."""
    found = []
    for recording in circor.read(folder):
        murmur, places = about(folder, recording.patient)
        row, why_not, course = seen(recording, networks[circor.fold(recording.patient)])
        here = murmur == "Present" and recording.name.split("_")[1] in places
        found.append(Place(recording.patient, murmur, here, row, why_not, course))
    return found


def seen(recording: circor.Recording, network: Network | None) -> tuple[Floats | None, str, tuple[Floats | None, ...]]:
    """The features at the end of a recording, or why there are none; and what they were on the way."""
    monitor = ExtraSoundMonitor(recording.rate_hz, network=network, regression=SILENT)
    course = []
    for first in range(0, recording.samples.size, recording.rate_hz // 2):
        monitor.feed(recording.samples[first : first + recording.rate_hz // 2])
        course.append(monitor.pointer.row())
    row = monitor.pointer.row()
    return row, monitor.pointer.says().why_not or "", tuple(course)


def fit(rows: Floats, here: NDArray[np.bool_]) -> Regression:
    """Logistic regression with a penalty on its weights, by Newton's method."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    away = np.clip((rows - mean) / spread, -FURTHEST, FURTHEST)
    inputs = np.column_stack((away, np.ones(len(away))))
    penalty = np.full(inputs.shape[1], PENALTY)
    penalty[-1] = 1e-6
    weights = np.zeros(inputs.shape[1])
    for _ in range(50):
        likely = 1.0 / (1.0 + np.exp(-inputs @ weights))
        slope = inputs.T @ (likely - here) + penalty * weights
        curve = (inputs * (likely * (1 - likely))[:, None]).T @ inputs + np.diag(penalty)
        weights = weights - np.linalg.solve(curve, slope)
    return Regression(mean, spread, weights[:-1], float(weights[-1]))


def teaches(place: Place) -> bool:
    """Murmurs that are heard elsewhere in the patient may be heard here as well."""
    return place.row is not None and (place.murmur == "Absent" or place.here)


def cross_validated(places: list[Place]) -> tuple[Floats, list[Chosen]]:
    """Probabilities at the end, NaN where nothing is said; and whether a visit would have pointed, as it went on."""
    found, visits = np.full(len(places), np.nan), [np.zeros(0, bool)] * len(places)
    for fold in range(FOLDS):
        others = [p for p in places if circor.fold(p.patient) != fold and teaches(p)]
        regression = fit(np.array([p.row for p in others]), np.array([p.here for p in others]))
        for i, place in enumerate(places):
            if circor.fold(place.patient) == fold:
                found[i] = np.nan if place.row is None else regression.probability(place.row)
                visits[i] = pointed(place.course, regression)
    return found, visits


def pointed(course: tuple[Floats | None, ...], regression: Regression) -> Chosen:
    """Whether a page would have pointed, every half second. As in a visit, only what is new is taken."""
    pointing, shown = Pointing(), []
    before: Floats | None = np.zeros(0)
    for row in course:
        if not _same(row, before):
            probability = None if row is None else regression.probability(row)
            listen = ((0, 1),) if probability is not None and probability >= POINT_FROM else ()
            pointing.take(ExtraSound(0, 0, probability, None, listen))
        before = row
        shown.append(bool(pointing.listen))
    return np.array(shown, bool)


def _same(row: Floats | None, before: Floats | None) -> bool:
    return row is before or (row is not None and before is not None and np.array_equal(row, before))


def report(places: list[Place], likely: Floats, visits: list[Chosen]) -> None:
    """Prints areas, calibration, coverage and what would be pointed at."""
    patient = np.array([p.patient for p in places])
    here, shown = np.array([p.here for p in places]), ~np.isnan(likely)
    absent = np.array([p.murmur == "Absent" for p in places])
    _area("recordings", likely, patient, shown & here, shown & absent)
    names = np.unique(patient)
    mine = [shown & (patient == name) for name in names]
    judged = np.array([bool(m.any()) for m in mine])
    highest = np.array([likely[m].max() if m.any() else np.nan for m in mine])
    ever = np.array([bool(shown.any()) for shown in visits])
    murmur = np.array([next(p.murmur for p in places if p.patient == name) for name in names])
    _area("patients", highest, names, judged & (murmur == "Present"), judged & (murmur == "Absent"))
    for word in ("Present", "Absent", "Unknown"):
        of_word = np.array([p.murmur == word for p in places])
        points = shown & of_word & (likely >= POINT_FROM)
        known, people = shown & of_word, murmur == word
        sys.stdout.write(
            f"{word:8s} recordings {of_word.sum():4d}, judged {known.sum():4d}, pointed at {points.sum():3d},"
            f" in a visit at any time {(ever & of_word).sum():3d};"
            f" patients {people.sum():3d}, judged {(judged & people).sum():3d}\n"
        )
    sys.stdout.write(
        f"places with a murmur: {here.sum()}, pointed at {(here & shown & (likely >= POINT_FROM)).sum()}\n"
    )
    changes = [np.flatnonzero(np.diff(shown.astype(int))) for shown in visits]
    quick = sum(int(np.sum(np.diff(at) < 6)) for at in changes)
    sys.stdout.write(
        f"in a visit it comes or goes {sum(map(len, changes))} times, {quick} times within three seconds\n"
    )
    reasons = [p.why_not for p in places if p.why_not]
    sys.stdout.write("not judged: " + ", ".join(f"{r} {reasons.count(r)}" for r in sorted(set(reasons))) + "\n")
    _calibration(likely[shown & (here | absent)], here[shown & (here | absent)])


def _area(
    name: str, likely: Floats, patient: NDArray[np.str_], good: NDArray[np.bool_], bad: NDArray[np.bool_]
) -> None:
    low, high = over_patients(likely, patient, good, bad)
    value = area(likely[good], likely[bad])
    sys.stdout.write(f"{name}: {good.sum()} with, {bad.sum()} without, AUC {value:.3f} ({low:.3f}-{high:.3f})\n")


def _calibration(likely: Floats, here: NDArray[np.bool_]) -> None:
    edges = (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.01)
    for low, high in pairwise(edges):
        among = (likely >= low) & (likely < high)
        if among.any():
            said, was = likely[among].mean(), here[among].mean()
            sys.stdout.write(
                f"  said {low:.2f}-{min(high, 1.0):.2f}: n {among.sum():3d}, mean {said:.2f}, was {was:.2f}\n"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--circor", type=Path, required=True)
    parser.add_argument("--networks", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--report-only", action="store_true")
    asked = parser.parse_args()
    if asked.keep and asked.keep.exists():
        places: list[Place] = pickle.loads(asked.keep.read_bytes())  # noqa: S301 - written by ourselves
    else:
        networks = [stored_network(asked.networks / f"{i}.npz") if asked.networks else None for i in range(FOLDS)]
        places = listen(asked.circor, networks)
        if asked.keep:
            asked.keep.write_bytes(pickle.dumps(places))
    report(places, *cross_validated(places))
    if not asked.report_only:
        taught = [p for p in places if teaches(p)]
        made = fit(np.array([p.row for p in taught]), np.array([p.here for p in taught]))
        digest = np.array(circor.digest(circor.read(asked.circor)))
        np.savez_compressed(
            TARGET, mean=made.mean, spread=made.spread, weights=made.weights, offset=made.offset, data_sha256=digest
        )


if __name__ == "__main__":
    main()
