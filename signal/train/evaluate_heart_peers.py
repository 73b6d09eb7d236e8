"""Heart sounds and heart rate by Carebag and by what a user would install instead, in one run on the same children.

    python signal/train/evaluate_heart_peers.py --circor DIR --networks FOLDS_DIR [--every N]

Runs in an environment of its own (`make evaluate-peers`; signal/train/peers_heart.txt, from which torch is left out:
gigabytes for one filter and one normalisation, whose file is loaded alone). pcg-springer-features gives the four
features of Springer et al. 2016 and Schmidt's heart rate, but no marks. So its features get what they need: a logistic
regression of the states, with half a second of surroundings to either side or without, fitted to the children outside
the fold, and Carebag's decoder behind it. They are of the recording as a whole: it knows what comes, as Carebag's five
seconds of hindsight do in part.
"""

import argparse
import importlib.util
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import circor
import network
import numpy as np
from evaluate import child, inside, spans
from heart_scoring import Result, match, tell
from numpy.typing import NDArray
from scipy.signal import resample_poly

from carebag_signal.auscultation import RECORD_LAG_FRAMES
from carebag_signal.bands import FRAMES_PER_SECOND
from carebag_signal.evidence import Network
from carebag_signal.segmentation import S1, S2, Segmenter

Rows = NDArray[np.float32]
EPOCHS = 8
SEED = 11
PEER_HZ = 1000


def _alone(name: str, file: Path) -> ModuleType:
    """A file of a package as the module of this name, without the package's own start."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def the_package() -> ModuleType:
    """pcg_springer_features, with torch_ecg's file of filters and nothing else of torch_ecg.

    Raises: AttributeError if it used anything of torch_ecg beyond those filters.
    """
    spec = importlib.util.find_spec("torch_ecg")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    for name in ("torch_ecg", "torch_ecg.utils", "torch_ecg.utils.utils_data"):
        sys.modules[name] = ModuleType(name)
    sys.modules["torch_ecg.utils.utils_data"].ensure_siglen = None  # type: ignore[attr-defined]
    _alone("torch_ecg.utils.utils_signal", folder / "utils" / "utils_signal.py")
    return importlib.import_module("pcg_springer_features")


PACKAGE = the_package()


def at_1_khz(recording: circor.Recording) -> NDArray[np.float64]:
    """As Springer's original hears it."""
    return np.asarray(resample_poly(recording.samples.astype(np.float64), PEER_HZ, recording.rate_hz))


def features(recording: circor.Recording) -> Rows:
    """(frames, 4): homomorphic and Hilbert envelope, power around 50 Hz, wavelet detail, at 50 Hz."""
    found = PACKAGE.get_springer_features(
        at_1_khz(recording), PEER_HZ, FRAMES_PER_SECOND, feature_format="channel_last"
    )
    return np.nan_to_num(found).astype(np.float32)


def labels(recording: circor.Recording, frames: int) -> NDArray[np.int64]:
    """State 0-3 at k/50 s, where these features stand; -1 where nothing is annotated."""
    at = np.arange(frames) / FRAMES_PER_SECOND
    row = np.searchsorted(recording.segments[:, 0], at, side="right") - 1
    known = (row >= 0) & (at < recording.segments[np.maximum(row, 0), 1])
    return np.where(known, recording.segments[np.maximum(row, 0), 2].astype(int) - 1, -1)


def surrounded(rows: Rows, around: int) -> Rows:
    """(frames, 4 * (2 * around + 1)): each frame with so many before and after it."""
    padded = np.pad(rows, ((around, around), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * around + 1, axis=0).reshape(len(rows), -1)


def regression(parts: list[tuple[Rows, NDArray[np.int64]]], around: int) -> Network:
    """Multinomial logistic regression of the state."""
    rows = np.concatenate([surrounded(r, around)[k >= 0] for r, k in parts])
    known = np.concatenate([k[k >= 0] for _, k in parts])
    rng = np.random.default_rng(SEED)
    layers = network.start(rng, (rows.shape[1], 4))
    wanted = np.eye(4, dtype=np.float32)
    network.train(layers, lambda chosen: (rows[chosen], wanted[known[chosen]]), len(rows), rng, EPOCHS)
    return Network(tuple(layers), np.log(np.bincount(known, minlength=4) / len(known)))


def decoded(evidence: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Onsets of S1 and S2, s, each with five seconds of hindsight."""
    segmenter, marked = Segmenter(), 0
    onsets: dict[int, list[float]] = {S1: [], S2: []}
    for first in range(0, len(evidence), FRAMES_PER_SECOND):
        segmenter.feed(evidence[first : first + FRAMES_PER_SECOND])
        over = segmenter.frames == len(evidence)
        upto = segmenter.frames - (0 if over else RECORD_LAG_FRAMES)
        for segment in segmenter.path((segmenter.frames - marked) / FRAMES_PER_SECOND) if upto > marked else ():
            if marked < segment.start <= upto and segment.state in onsets:
                onsets[segment.state].append(segment.start / FRAMES_PER_SECOND)
        marked = max(marked, upto)
    return np.array(onsets[S1]), np.array(onsets[S2])


def peer(recording: circor.Recording, rows: Rows, trained: Network, around: int) -> Result | None:
    """As `evaluate.child`, for the package."""
    places = spans(recording.segments)
    if not places:
        return None
    s1, s2 = decoded(trained.log_likelihood(surrounded(rows, around).astype(np.float64)))
    wanted = [inside(recording.segments[recording.segments[:, 2] == k, 0], places) for k in (1, 3)]
    counts = sum(match(w, inside(f, places, 0.02)) for w, f in zip(wanted, (s1, s2), strict=True))
    crossed = sum(match(w, inside(f, places))[0] for w, f in zip(wanted, (s2, s1), strict=True))
    beats = np.concatenate([np.diff(inside(wanted[0], [place])) for place in places])
    beats = beats[(beats > 0.2) & (beats < 2.5)]
    reference = 60 / float(np.median(beats)) if beats.size >= 4 else None
    rate = float(PACKAGE.get_schmidt_heart_rate(at_1_khz(recording), PEER_HZ)[0])
    return Result(recording.patient, np.asarray(counts), bool(crossed > counts[0]), rate, reference)


def heard(recordings: list[circor.Recording], rows: list[Rows], around: int) -> list[Result]:
    """Every recording by a regression that has not seen its patient."""
    parts = [(r, labels(one, len(r))) for one, r in zip(recordings, rows, strict=True)]
    networks = {}
    for fold in range(5):
        others = [p for p, one in zip(parts, recordings, strict=True) if circor.fold(one.patient) != fold]
        networks[fold] = regression(others, around)
    found = [peer(one, r, networks[circor.fold(one.patient)], around) for one, r in zip(recordings, rows, strict=True)]
    return [result for result in found if result]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--circor", type=Path, required=True)
    parser.add_argument("--networks", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="only every Nth recording")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    recordings = circor.read(asked.circor)[:: asked.every]
    networks = [network.stored_network(asked.networks / f"{fold}.npz") for fold in range(5)]
    ours = [child(r, r.samples, networks[circor.fold(r.patient)], RECORD_LAG_FRAMES) for r in recordings]
    rows = [features(recording) for recording in recordings]
    name = f"pcg-springer-features {version('pcg-springer-features')}"
    methods: dict[str, Callable[[], list[Result]]] = {
        "Carebag, recording": lambda: [result for result in ours if result],
        f"{name}, its four features": lambda: heard(recordings, rows, 0),
        f"{name}, with half a second to either side": lambda: heard(recordings, rows, FRAMES_PER_SECOND // 2),
    }
    for told, method in methods.items():
        results = method()
        tell(told, results)
        tell(f"{told}, 140/min and more", [r for r in results if r.reference and r.reference >= 140])
    sys.stdout.write("heart rate of the package: its get_schmidt_heart_rate of the whole recording, shown always\n")


if __name__ == "__main__":
    main()
