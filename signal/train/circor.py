"""CirCor DigiScope recordings (Oliveira et al. 2022, ODC-By 1.0) and their annotations."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from carebag_signal.bands import FRAMES_PER_SECOND, WINDOW_S

UNKNOWN = -1
DIASTOLE = 4


@dataclass(frozen=True, slots=True)
class Recording:
    """One stethoscope place of one patient."""

    name: str
    patient: str
    rate_hz: int
    samples: NDArray[np.int16]
    segments: NDArray[np.float64]
    """(n, 3): start (s), end (s), state 1 S1, 2 systole, 3 S2, 4 diastole, 0 not annotated."""

    def labels(self, frames: int, speed: float = 1.0) -> NDArray[np.int64]:
        """(frames,): state 0-3 in the middle of each frame, or UNKNOWN; `speed` > 1 for sound that was made faster."""
        middle = (np.arange(frames) / FRAMES_PER_SECOND + WINDOW_S / 2) * speed
        at = np.searchsorted(self.segments[:, 0], middle, side="right") - 1
        known = (at >= 0) & (middle < self.segments[np.maximum(at, 0), 1])
        return np.where(known, self.segments[np.maximum(at, 0), 2].astype(int) - 1, UNKNOWN)


def paced(recording: Recording, pace: float) -> Recording:
    """The same heart with every diastole `pace` times as long: hearts beat faster or slower mostly by their diastole.

    A longer diastole runs to and fro in its middle; a shorter one has its middle cut out, with a short cross-fade.
    """
    pieces: list[NDArray[np.float64]] = []
    segments, at = [], 0.0
    for start, end, state in recording.segments:
        piece = recording.samples[round(start * recording.rate_hz) : round(end * recording.rate_hz)].astype(np.float64)
        if state == DIASTOLE:
            piece = _stretched(piece, pace, fade=recording.rate_hz // 100)
        pieces.append(piece)
        segments.append((at, at + piece.size / recording.rate_hz, state))
        at = segments[-1][1]
    samples = np.round(np.concatenate(pieces)).astype(np.int16)
    return replace(recording, samples=samples, segments=np.array(segments))


def _stretched(piece: NDArray[np.float64], pace: float, fade: int) -> NDArray[np.float64]:
    half, wanted = piece.size // 2, round(pace * piece.size)
    if wanted < piece.size:
        keep = (wanted + fade) // 2
        if keep < 2 * fade:
            return piece
        rise = np.linspace(0.0, 1.0, fade)
        joint = piece[keep - fade : keep] * (1 - rise) + piece[-keep : fade - keep] * rise
        return np.concatenate((piece[: keep - fade], joint, piece[fade - keep :]))
    extra = (wanted - piece.size) // 2
    trips = -(-extra // max(piece.size // 4, 1))
    if not trips:
        return piece
    there = piece[half : half + extra // trips]
    return np.concatenate((piece[:half], *[there, there[::-1]] * trips, piece[half:]))


def read(folder: Path) -> list[Recording]:
    """All annotated recordings of a folder, in the order of their names."""
    found = []
    for wav in sorted(folder.glob("*.wav")):
        rate_hz, samples = wavfile.read(wav)
        segments = np.loadtxt(wav.with_suffix(".tsv"), ndmin=2)
        found.append(Recording(wav.stem, wav.stem.split("_")[0], rate_hz, samples, segments))
    return found


def digest(recordings: list[Recording]) -> str:
    """SHA-256 over names, samples and annotations: says which data a model was made from."""
    total = hashlib.sha256()
    for recording in recordings:
        total.update(recording.name.encode())
        total.update(recording.samples.astype("<i2").tobytes())
        total.update(recording.segments.astype("<f8").tobytes())
    return total.hexdigest()


def fold(patient: str, folds: int = 5) -> int:
    """Which fifth a patient belongs to: by the patient, never by the file."""
    return int(hashlib.sha256(patient.encode()).hexdigest(), 16) % folds
