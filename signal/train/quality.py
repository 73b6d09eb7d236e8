"""Trains the judge of sound quality: about two minutes.

    python signal/train/quality.py --circor DIR --esc10 DIR [--networks FOLDS_DIR]

Writes signal/carebag_signal/quality.npz and prints the area under the ROC curve of `good` against each fault, each
patient judged by a judge (and, with --networks, a heart sound network) that has not heard him, in rooms that it has
not heard either. Faults are made: a chest piece that hangs in the air, noise and talk and handling at -10 to +3 dB. A
disturbed window is a fault only where the marks went wrong.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import circor
import disturbances
import network
import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import FRAMES_PER_SECOND, BandEnergies
from carebag_signal.evidence import HeartEvidence, Network
from carebag_signal.quality import LEARNT, Judge, Listening, features
from carebag_signal.segmentation import S1, S2, Segment, Segmenter

TARGET = Path(__file__).parents[1] / "carebag_signal" / "quality.npz"
HIDDEN = (16,)
DROWNED_DB, FAINT_DB = -6.0, 0.0
"""Noise so loud that a fault is a fault even where the marks survived it, and so weak that it may be none."""
SEED = 20261124
KINDS = ("clean", "unannotated", "white", "talk", "handling", "room", "no_contact")
WORD_OF = {"white": "noisy", "talk": "noisy", "room": "noisy", "handling": "movement", "no_contact": "no_contact"}


@dataclass(frozen=True, slots=True)
class Heard:
    """One window: what the judge sees, how it was made, and whether the marks in it were right."""

    row: NDArray[np.float64]
    kind: str
    right: float
    """Share of sounds found where they are (F1, 100 ms); NaN where the truth is not known."""
    recording: int
    snr_db: float
    """Of the recording against what was added, within the window."""


def windows(
    samples: NDArray[np.int16], rate_hz: int, trained: Network | None
) -> Iterator[tuple[NDArray[np.float64], int, list[Segment]]]:
    """Features, last frame and path of every window, as they would be in use."""
    evidence, segmenter, listening = HeartEvidence(trained), Segmenter(), Listening()
    for frames in BandEnergies(rate_hz).feed(samples):
        rows = evidence.feed(frames.heart)
        segmenter.feed(rows)
        listening.feed(frames, rows)
        if listening.due:
            path = segmenter.path(3.0)
            yield features(listening.window(path, segmenter.frames)), segmenter.frames, path


def rightness(path: list[Segment], recording: circor.Recording, start_s: float, end_s: float) -> float:
    """F1 of the sounds within a span that is annotated throughout, else NaN."""
    inside = (recording.segments[:, 1] > start_s) & (recording.segments[:, 0] < end_s)
    if not inside.any() or (recording.segments[inside, 2] == 0).any() or recording.segments[-1, 1] < end_s:
        return float("nan")
    hits = total = 0
    for state, code in ((S1, 1), (S2, 3)):
        found = np.array([s.start / FRAMES_PER_SECOND + 0.015 for s in path if s.state == state])
        found = found[(found > start_s) & (found < end_s)]
        wanted = recording.segments[inside & (recording.segments[:, 2] == code), 0]
        wanted = wanted[(wanted > start_s) & (wanted < end_s)]
        near = np.abs(found[:, None] - wanted[None, :]) <= 0.1
        hits += int(near.any(axis=0).sum() + near.any(axis=1).sum()) if near.size else 0
        total += found.size + wanted.size
    return hits / max(total, 1)


def disturbed(
    rng: np.random.Generator, samples: NDArray[np.int16], rate_hz: int, kind: str, room: disturbances.Room
) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """The recording as it sounds with a fault of one kind, and what was added at the recording's own loudness."""
    sound, n = samples.astype(np.float64), samples.size
    added = np.zeros(n)
    noise = {
        "white": lambda: disturbances.coloured(rng, n, rng.uniform(0.0, 1.5)),
        "talk": lambda: disturbances.talk(rng, n, rate_hz),
        "handling": lambda: disturbances.handling(rng, n, rate_hz),
        "room": lambda: room.sound(rng, n),
        "no_contact": lambda: disturbances.in_the_air(rng, n, rate_hz, room),
    }
    if kind == "no_contact":
        made = noise[kind]()
    elif kind in noise:
        mixed = disturbances.mix(sound, noise[kind](), rng.uniform(-10.0, 6.0))
        added, made = mixed - sound, mixed * 10 ** (rng.uniform(-20.0, 0.0) / 20)
    else:
        made = sound
    return np.asarray(np.clip(np.round(made), -32768, 32767), dtype=np.int16), added


def local_snr_db(sound: NDArray[np.int16], added: NDArray[np.float64], start: int, end: int) -> float:
    """Signal-to-noise ratio of a window."""
    piece, noise = sound[start:end].astype(np.float64), added[start:end]
    return float(10 * np.log10((piece.var() + 1.0) / (noise.var() + 1e-3)))


def listen(
    recordings: list[circor.Recording], rooms: list[disturbances.Room], trained: list[Network | None]
) -> list[Heard]:
    """All windows of all recordings with all faults; each fold of patients has its own rooms and networks."""
    rng, found = np.random.default_rng(SEED), []
    for i, recording in enumerate(recordings):
        fold = circor.fold(recording.patient)
        for kind in ("clean", *WORD_OF):
            whole = recording.samples[: 20 * recording.rate_hz]
            samples, added = disturbed(rng, whole, recording.rate_hz, kind, rooms[fold])
            for row, frame, path in windows(samples, recording.rate_hz, trained[fold]):
                end_s = frame / FRAMES_PER_SECOND
                right = rightness(path, recording, max(end_s - 2.9, 0.0), end_s - 0.1)
                known = kind if kind != "clean" or not np.isnan(right) else "unannotated"
                end = round(end_s * recording.rate_hz)
                snr_db = local_snr_db(whole, added, max(0, end - 3 * recording.rate_hz), end)
                found.append(Heard(row, known, right, i, snr_db))
    return found


def label(heard: Heard) -> int | None:
    """Index in LEARNT, or None for a window that teaches nothing."""
    if heard.kind in ("clean", "unannotated"):
        return 0 if heard.kind == "clean" and heard.right >= 0.9 else None
    if heard.kind == "no_contact":
        return LEARNT.index("no_contact")
    if heard.snr_db <= DROWNED_DB or heard.right < 0.85:
        return LEARNT.index(WORD_OF[heard.kind])
    return 0 if heard.right >= 0.99 and heard.snr_db > FAINT_DB else None


def fit(heard: list[Heard]) -> Judge:
    """A judge from labelled windows, every word weighing the same."""
    labels = [label(h) for h in heard]
    rows = np.array([h.row for h, known in zip(heard, labels, strict=True) if known is not None])
    wanted = np.array([known for known in labels if known is not None])
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    away = np.clip((rows - mean) / spread, -4, 4).astype(np.float32)
    rng = np.random.default_rng(SEED)
    share = np.bincount(wanted, minlength=len(LEARNT)) / len(wanted)
    chosen = rng.choice(len(wanted), size=40_000, p=(1 / share)[wanted] / (1 / share)[wanted].sum())
    layers = network.start(rng, (rows.shape[1], *HIDDEN, len(LEARNT)))

    def batch(at: NDArray[np.int64]) -> tuple[network.Array, network.Array]:
        return away[chosen[at]], np.eye(len(LEARNT), dtype=np.float32)[wanted[chosen[at]]]

    network.train(layers, batch, len(chosen), rng, 15, size=256, rate=5e-3, decay=1e-4)
    return Judge(mean, spread, Network(tuple(layers), np.zeros(len(LEARNT))))


def area(good: NDArray[np.float64], bad: NDArray[np.float64]) -> float:
    """Under the ROC curve: how often a good window has the higher score."""
    order = np.argsort(np.concatenate((good, bad)), kind="stable")
    ranks = np.empty(order.size)
    ranks[order] = np.arange(1, order.size + 1)
    return float((ranks[: good.size].sum() - good.size * (good.size + 1) / 2) / (good.size * bad.size))


def stored_network(file: Path) -> Network:
    """A network as `heart_sounds.py` stores it."""
    with np.load(file) as stored:
        layers = tuple(stored[f"layer_{i}"] for i in range(int(stored["layers"])))
        return Network(layers, stored["log_prior"].astype(np.float64))


def report(heard: list[Heard], folds: list[int]) -> None:
    """Prints areas and confusion, every patient judged by a judge that has not seen him."""
    shares = np.zeros((len(heard), len(LEARNT)))
    at = np.array(folds)[[h.recording for h in heard]]
    for fold in range(5):
        judge = fit([h for h, f in zip(heard, at, strict=True) if f != fold])
        shares[at == fold] = judge.probabilities(np.array([h.row for h in heard])[at == fold])
    kinds = np.array([h.kind for h in heard])
    right, snr_db = np.array([h.right for h in heard]), np.array([h.snr_db for h in heard])
    good = shares[kinds == "clean", 0]
    sys.stdout.write(f"good windows {good.size}, called good {np.mean(good >= 0.5):.3f}\n")
    for kind in KINDS[1:]:
        of_kind = kinds == kind
        bad = of_kind & ((right < 0.85) | (snr_db <= DROWNED_DB) if kind in WORD_OF else of_kind)
        words = np.bincount(shares[bad].argmax(axis=1), minlength=4) / bad.sum()
        spread = " ".join(f"{w} {s:.2f}" for w, s in zip(LEARNT, words, strict=True))
        line = f"{kind:12s} n {of_kind.sum():6d} AUC {area(good, shares[of_kind, 0]):.3f}"
        sys.stdout.write(
            f"{line}, where it is a fault n {bad.sum():6d} AUC {area(good, shares[bad, 0]):.3f}; {spread}\n"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--circor", type=Path, required=True)
    parser.add_argument("--esc10", type=Path, required=True)
    parser.add_argument("--networks", type=Path)
    asked = parser.parse_args()
    recordings = circor.read(asked.circor)
    clips = sorted(asked.esc10.glob("*/*.ogg"))
    rooms = [disturbances.Room(clips[fold::5], 4000) for fold in range(5)]
    trained = [stored_network(asked.networks / f"{i}.npz") if asked.networks else None for i in range(5)]
    heard = listen(recordings, rooms, trained)
    report(heard, [circor.fold(r.patient) for r in recordings])
    judge = fit(heard)
    layers = {f"layer_{i}": layer for i, layer in enumerate(judge.network.layers)}
    digest = np.array(circor.digest(recordings))
    np.savez_compressed(
        TARGET, mean=judge.mean, spread=judge.spread, layers=np.array(len(layers)), data_sha256=digest, **layers
    )


if __name__ == "__main__":
    main()
