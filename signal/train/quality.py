"""Trains the judge of sound quality: about five minutes on a free core.

    python signal/train/quality.py --circor DIR --esc10 DIR --fsdd DIR [--pn2016a DIR] [--networks FOLDS_DIR]
        [--places N] [--keep FILE] [--report-only]

Writes signal/carebag_signal/quality.npz and prints the areas under the ROC curve of good windows against each fault,
with 95 % intervals over patients. In these every patient is judged by a judge (and, with --networks, a heart sound
network) that has not heard him, nor the speaker, the rooms or the kinds of handling that he is spoilt with.

The score says how surely beats and sounds can be told. It is taught by what came of each window: 1 where the recording
is as it should be and the sounds were found; 0 where they were found wrong, or where what was added is four times as
strong as the heart; in between by how faint the noise was. Stretches that the annotators left out and recordings in
which they could not hear enough count against it, with less weight: many of them are as good as any other. Made-up
hearts with murmurs count as good.
--keep FILE stores the windows so that a second run need not listen again.
"""

import argparse
import pickle
import sys
from pathlib import Path

import circor
import network
import numpy as np
import quality_data
from areas import area, over_patients
from numpy.typing import NDArray
from quality_data import FOLDS, KINDS, SPOILT, Heard

from carebag_signal.evidence import Network
from carebag_signal.quality import FAULTS, Judge

TARGET = Path(__file__).parents[1] / "carebag_signal" / "quality.npz"
HIDDEN, GOOD_NETWORKS = 16, 5
SEED = 20261126
DRAWN = 40_000
EPOCHS = 30
SPOILT_PER_TAKE = 2
DROWNED_DB, FAINT_DB = -6.0, 12.0
"""What is added at this signal-to-noise ratio within the window is a fault even where the marks survived it; and from
this on hardly one."""
BEST_SPOILT = 0.6
WEIGHT_LEFT_OUT, WEIGHT_POOR, WEIGHT_MADE_UP = 0.3, 0.5, 0.3
BODIES = 40
FAULT_OF = {
    "no_contact": "no_contact",
    "white": "noisy",
    "room": "noisy",
    "speech": "speaking",
    "talk": "speaking",
    "handling": "movement",
}
Floats = NDArray[np.float64]


class Windows:
    """Everything that was heard, as columns."""

    def __init__(self, heard: list[Heard]) -> None:
        self.rows = np.array([h.row for h in heard], dtype=np.float64)
        self.kind = np.array([h.kind for h in heard])
        self.take = np.array([h.take.name for h in heard])
        self.patient = np.array([h.take.patient for h in heard])
        self.fold = np.array([h.take.fold for h in heard])
        self.adult = np.array([h.take.annotated is None for h in heard])
        self.made_up = np.array([h.take.patient.startswith("body") for h in heard])
        self.poor = np.array([h.take.poor for h in heard])
        self.voice = np.array([h.voice for h in heard])
        self.right = np.array([h.right for h in heard])
        self.snr_db = np.array([h.snr_db for h in heard])
        self.as_recorded = np.array([h.as_recorded for h in heard])
        self.good = self.as_recorded & (self.right >= 0.9) & ~self.poor
        self.left_out = self.as_recorded & np.isnan(self.right)
        self.spoilt = ~self.as_recorded & (self.kind != "no_contact")
        self.a_fault = (self.kind == "no_contact") | (self.spoilt & ((self.right < 0.85) | (self.snr_db <= DROWNED_DB)))

    def wanted(self) -> tuple[Floats, Floats]:
        """Score that each window should have, NaN for those that teach nothing, and its weight."""
        score, weight = np.full(len(self.rows), np.nan), np.zeros(len(self.rows))
        faint = np.clip((self.snr_db - DROWNED_DB) / (FAINT_DB - DROWNED_DB), 0.0, 1.0)
        score[self.spoilt] = np.where(self.a_fault, 0.0, BEST_SPOILT * faint)[self.spoilt]
        score[self.kind == "no_contact"] = 0.0
        for kind in SPOILT:
            weight[self.kind == kind] = 1.0 / max(1, np.count_nonzero(self.kind == kind))
        score[self.left_out | (self.as_recorded & self.poor)] = 0.0
        usual = 1.0 / max(1, np.count_nonzero(self.left_out))
        weight[self.left_out], weight[self.as_recorded & self.poor] = WEIGHT_LEFT_OUT * usual, WEIGHT_POOR * usual
        score[self.good], weight[self.good] = 1.0, 2.5 / max(1, np.count_nonzero(self.good & ~self.made_up))
        weight[self.made_up] *= WEIGHT_MADE_UP
        return score, weight

    def judge(self, among: NDArray[np.bool_]) -> Judge:
        """A judge taught by some of the windows."""
        score, weight = self.wanted()
        known = among & ~np.isnan(score)
        mean, spread = self.rows[known].mean(axis=0), self.rows[known].std(axis=0) + 1e-9
        away = np.clip((self.rows - mean) / spread, -4.0, 4.0).astype(np.float32)
        target = np.stack([score, 1 - score], axis=1)[known]
        good = tuple(_network(away[known], target, weight[known], SEED + k) for k in range(GOOD_NETWORKS))
        faulty = among & self.a_fault & (self.adult | ~self.poor)
        member = np.array([[f == FAULT_OF.get(k) for f in FAULTS] for k in KINDS], dtype=np.float64)
        which = np.array([KINDS.index(k) for k in self.kind[faulty]])
        share = member[which].mean(axis=0)
        fault = _network(away[faulty], member[which], (member / share)[which].sum(axis=1), SEED)
        return Judge(mean, spread, good, fault)

    def unheard(self, fold: int) -> NDArray[np.bool_]:
        """What a judge of this fold's patients may have heard: other patients, speakers, rooms, hands."""
        known_voice = np.isin(self.kind, ("speech", "no_contact")) & (self.voice == self.voice[self.fold == fold][0])
        known_hand = (self.kind == "handling") & (self.fold % 2 == fold % 2)
        return (self.fold != fold) & ~known_voice & ~known_hand


def _network(rows: network.Array, wanted: Floats, weight: Floats, seed: int) -> Network:
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(rows), size=DRAWN, p=weight / weight.sum())
    layers = network.start(rng, (rows.shape[1], HIDDEN, wanted.shape[1]))
    target = wanted.astype(np.float32)

    def batch(at: NDArray[np.int64]) -> tuple[network.Array, network.Array]:
        return rows[drawn[at]], target[drawn[at]]

    network.train(layers, batch, DRAWN, rng, EPOCHS, size=256, rate=5e-3, decay=1e-3)
    return Network(tuple(layers), np.zeros(wanted.shape[1]))


def cross_validated(windows: Windows) -> tuple[Floats, Floats]:
    """Scores and shares of the faults, each from the judge that has not heard it."""
    scores, shares = np.zeros(len(windows.rows)), np.zeros((len(windows.rows), len(FAULTS)))
    for fold in range(FOLDS):
        mine = windows.fold == fold
        scores[mine], shares[mine] = windows.judge(windows.unheard(fold)).judge(windows.rows[mine])
    return scores, shares


def report(windows: Windows, scores: Floats, shares: Floats) -> None:
    """Prints areas, levels and words."""
    for name, people in (("children", ~windows.adult & ~windows.made_up), ("adults", windows.adult)):
        good = people & windows.good & (windows.kind == "as_it_is")
        if not good.any():
            continue
        sys.stdout.write(f"{name}: {good.sum()} good windows, {np.unique(windows.patient[good]).size} patients; ")
        low = np.percentile(scores[good], [1, 3, 5, 10])
        sys.stdout.write("1, 3, 5, 10 % of them score below " + ", ".join(f"{s:.2f}" for s in low) + "\n")
        _line(windows, scores, "good, other device", good, people & windows.good & (windows.kind == "other_device"))
        for kind in SPOILT:
            of_kind = people & (windows.kind == kind)
            _line(windows, scores, kind, good, of_kind)
            if kind != "no_contact":
                _line(windows, scores, "  where it is a fault", good, of_kind & windows.a_fault)
                for floor, top in ((-99, -5), (-5, 0), (0, 5), (5, 99)):
                    level = of_kind & (windows.snr_db > floor) & (windows.snr_db <= top)
                    _line(windows, scores, f"  {floor} to {top} dB", good, level)
            _words(of_kind & windows.a_fault, shares)
        if name == "children":
            left = people & windows.left_out & (windows.kind == "as_it_is") & ~windows.poor
            _line(windows, scores, "left out by annotators", good, left)
            _patients(windows, scores, people & (windows.kind == "as_it_is"))


def _line(windows: Windows, scores: Floats, name: str, good: NDArray[np.bool_], bad: NDArray[np.bool_]) -> None:
    if not bad.any():
        return
    low, high = over_patients(scores, windows.patient, good, bad)
    sys.stdout.write(
        f"  {name:24s} n {bad.sum():6d} AUC {area(scores[good], scores[bad]):.3f} ({low:.3f}-{high:.3f})\n"
    )


def _words(fault: NDArray[np.bool_], shares: Floats) -> None:
    said = np.bincount(shares[fault].argmax(axis=1), minlength=len(FAULTS)) / max(1, fault.sum())
    sys.stdout.write("    said " + ", ".join(f"{w} {s:.2f}" for w, s in zip(FAULTS, said, strict=True)) + "\n")


def _patients(windows: Windows, scores: Floats, among: NDArray[np.bool_]) -> None:
    """Whole patients: mean score, those in whom the annotators could not hear enough against the others."""
    names, at = np.unique(windows.patient[among], return_inverse=True)
    mean = np.bincount(at, scores[among]) / np.bincount(at)
    poor = np.bincount(at, windows.poor[among]) > 0
    low, high = over_patients(mean, names, ~poor, poor)
    value = area(mean[~poor], mean[poor])
    sys.stdout.write(f"  poor recordings, patients n {poor.sum():4d} AUC {value:.3f} ({low:.3f}-{high:.3f})\n")


def store(judge: Judge, digest: str) -> None:
    layers = {f"good{k}_{i}": layer for k, one in enumerate(judge.good) for i, layer in enumerate(one.layers)}
    layers |= {f"fault_{i}": layer for i, layer in enumerate(judge.fault.layers)}
    count, sha256 = np.array(len(judge.fault.layers)), np.array(digest)
    np.savez_compressed(
        TARGET,
        mean=judge.mean.astype(np.float32),
        spread=judge.spread.astype(np.float32),
        layers=count,
        good=np.array(len(judge.good)),
        data_sha256=sha256,
        **layers,
    )


def stored_network(file: Path) -> Network:
    """A network as `heart_sounds.py` stores it."""
    with np.load(file) as stored:
        layers = tuple(stored[f"layer_{i}"] for i in range(int(stored["layers"])))
        return Network(layers, stored["log_prior"].astype(np.float64))


def heard(asked: argparse.Namespace) -> list[Heard]:
    """All windows, from the file that keeps them if it is there."""
    if asked.keep and asked.keep.exists():
        with asked.keep.open("rb") as file:
            return list(pickle.load(file))  # noqa: S301 - written by ourselves
    networks = [stored_network(asked.networks / f"{i}.npz") if asked.networks else None for i in range(FOLDS)]
    takes = quality_data.children(asked.circor, asked.places) + quality_data.made_up(BODIES)
    if asked.pn2016a:
        takes += quality_data.adults(asked.pn2016a)
    found = list(quality_data.listen(takes, quality_data.world(asked.esc10, asked.fsdd), networks, SPOILT_PER_TAKE))
    if asked.keep:
        asked.keep.write_bytes(pickle.dumps(found))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("circor", "esc10", "fsdd"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("pn2016a", "networks", "keep"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--places", type=int, default=4, help="recordings of each child at most")
    parser.add_argument("--report-only", action="store_true")
    asked = parser.parse_args()
    windows = Windows(heard(asked))
    report(windows, *cross_validated(windows))
    if not asked.report_only:
        store(windows.judge(np.ones(len(windows.rows), bool)), circor.digest(circor.read(asked.circor)))


if __name__ == "__main__":
    main()
