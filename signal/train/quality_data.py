"""What the judge of quality is trained on and measured with: recordings as they are, and as they sound when spoilt."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bodies
import circor
import disturbances
import faults
import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

from carebag_signal.bands import FRAMES_PER_SECOND
from carebag_signal.evidence import Network
from carebag_signal.quality_features import features
from carebag_signal.quality_track import windows
from carebag_signal.segmentation import S1, S2, Segment

RATE_HZ = faults.RATE_HZ
FOLDS = 5
SEED = 20261126
LONGEST_S, SPOILT_S = 20, 12
SNR_DB = (-10.0, 12.0)
KINDS = ("as_it_is", "other_device", "no_contact", "white", "speech", "talk", "handling", "room")
SPOILT = KINDS[2:]
HAND_FAMILIES = (("rubbing", "sliding"), ("knocks", "scratches"))
R_TO_S1_S = (0.0, 0.03, 0.06, 0.09)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Take:
    """A recording at 4 kHz and what is known about it: a child's annotation, or an adult's R peaks."""

    name: str
    patient: str
    sound: Floats
    annotated: circor.Recording | None
    r_peaks_s: Floats | None
    poor: bool
    """The people who listened could not say whether there is a murmur."""

    @property
    def fold(self) -> int:
        return circor.fold(self.patient, FOLDS)


@dataclass(frozen=True, slots=True)
class Heard:
    """One window: what the judge sees, how it was made, and whether the beats found in it were right."""

    row: NDArray[np.float32]
    kind: str
    take: Take
    voice: int
    right: float
    """Share of sounds found where they are (F1, 100 ms); NaN where the truth is not known."""
    snr_db: float
    """Of the recording against what was added, within the window."""

    @property
    def as_recorded(self) -> bool:
        return self.kind in ("as_it_is", "other_device")


@dataclass(frozen=True, slots=True)
class World:
    """Voices, and rooms of which each fold has its own."""

    voices: list[faults.Voice]
    rooms: list[disturbances.Room]

    def voice(self, fold: int) -> int:
        return fold % len(self.voices)


def world(esc10: Path, fsdd: Path) -> World:
    """Clips that were cut from the same recording stay together."""
    clips = sorted(esc10.glob("*/*.ogg"))
    parts = [[c for c in clips if zlib.crc32(c.stem.rsplit("-", 1)[0].encode()) % FOLDS == f] for f in range(FOLDS)]
    return World(faults.voices(fsdd), [disturbances.Room(part, RATE_HZ) for part in parts])


def children(folder: Path, places: int) -> list[Take]:
    """CirCor, of each child the first so many places."""
    found: list[Take] = []
    for recording in circor.read(folder):
        if sum(take.patient == recording.patient for take in found) >= places:
            continue
        about = (folder / f"{recording.patient}.txt").read_text(encoding="utf-8")
        sound = recording.samples[: LONGEST_S * RATE_HZ].astype(np.float64)
        poor = "#Murmur: Unknown" in about
        found.append(Take(recording.name, recording.patient, sound, recording, None, poor))
    return found


def adults(folder: Path) -> list[Take]:
    """PhysioNet/CinC 2016 training-a, those whose R peaks are known."""
    found = []
    for peaks in sorted(folder.glob("*.rpeaks.csv")):
        name = peaks.name.split(".")[0]
        rate_hz, samples = wavfile.read(folder / f"{name}.wav")
        sound = resample_poly(samples.astype(np.float64), RATE_HZ, rate_hz)[: LONGEST_S * RATE_HZ]
        found.append(Take(name, name, sound, None, np.loadtxt(peaks, comments="#"), False))
    return found


def made_up(count: int) -> list[Take]:
    """Synthetic bodies, half of them with a murmur: what keeps time with the heart is no fault, however loud."""
    found = []
    for body in bodies.made_up(count, SEED):
        sound = body.samples[: SPOILT_S * RATE_HZ].astype(np.float64)
        found.append(Take(body.name, body.patient, sound, body, None, False))
    return found


def listen(takes: list[Take], surroundings: World, networks: list[Network | None], spoilt: int) -> Iterator[Heard]:
    """All windows of all takes: as recorded, every third through another device, and with some of the faults, which
    change from take to take.
    """
    for i, take in enumerate(takes):
        rng = np.random.default_rng([zlib.crc32(take.name.encode()), SEED])
        kinds = [SPOILT[(i * spoilt + k) % len(SPOILT)] for k in range(spoilt)]
        network = networks[take.fold] if take.annotated else None
        for kind in (*KINDS[:2], *kinds) if i % 3 == 0 else (KINDS[0], *kinds):
            samples, rate_hz, added = _made(rng, take, kind, surroundings)
            voice = surroundings.voice(take.fold)
            for frame, window, path in windows(samples, rate_hz, network):
                end_s = frame / FRAMES_PER_SECOND
                right = _rightness(path, take, max(end_s - 2.9, 0.0), end_s - 0.1)
                snr_db = _snr_db(take.sound, added, end_s)
                yield Heard(features(window).astype(np.float32), kind, take, voice, right, snr_db)


def _made(
    rng: np.random.Generator, take: Take, kind: str, surroundings: World
) -> tuple[NDArray[np.int16], int, Floats]:
    """Samples, their rate, and what was added at the recording's own loudness."""
    if kind == "as_it_is":
        return _as_int16(take.sound), RATE_HZ, np.zeros(take.sound.size)
    sound = take.sound[: SPOILT_S * RATE_HZ]
    n, fold = sound.size, take.fold
    voice, room = surroundings.voices[surroundings.voice(fold)], surroundings.rooms[fold]
    if kind == "no_contact":
        return _as_int16(faults.in_the_air(rng, n, room, voice)), RATE_HZ, np.zeros(n)
    makers = {
        "white": lambda: disturbances.coloured(rng, n, rng.uniform(0.0, 1.5)),
        "speech": lambda: voice.sound(rng, n),
        "talk": lambda: disturbances.talk(rng, n, RATE_HZ),
        "handling": lambda: faults.hands(rng, n, HAND_FAMILIES[fold % 2]),
        "room": lambda: room.sound(rng, n),
    }
    made = sound
    if kind in makers:
        made = disturbances.mix(sound, makers[kind](), rng.uniform(*SNR_DB))
    added = made - sound
    if kind == "other_device" or rng.random() < 0.5:
        made = faults.through_device(rng, made)
    made = made * 10 ** (rng.uniform(-25.0, 0.0) / 20)
    halved = rng.random() < 0.25
    return _as_int16(resample_poly(made, 1, 2) if halved else made), RATE_HZ // (2 if halved else 1), added


def _as_int16(sound: Floats) -> NDArray[np.int16]:
    return np.asarray(np.clip(np.round(sound), -32768, 32767), dtype=np.int16)


def _snr_db(sound: Floats, added: Floats, end_s: float) -> float:
    span = slice(max(0, round((end_s - 3.0) * RATE_HZ)), round(end_s * RATE_HZ))
    return float(10 * np.log10((sound[: added.size][span].var() + 1.0) / (added[span].var() + 1e-3)))


def _rightness(path: list[Segment], take: Take, start_s: float, end_s: float) -> float:
    """F1 of the sounds within a span whose truth is known throughout, else NaN."""
    if take.r_peaks_s is not None:
        first = _onsets(path, S1)
        return max(_f1([(first, take.r_peaks_s + lag)], start_s, end_s) for lag in R_TO_S1_S)
    assert take.annotated is not None
    segments = take.annotated.segments
    inside = (segments[:, 1] > start_s) & (segments[:, 0] < end_s)
    if not inside.any() or (segments[inside, 2] == 0).any() or segments[-1, 1] < end_s:
        return float("nan")
    wanted = [(_onsets(path, state), segments[segments[:, 2] == code, 0]) for state, code in ((S1, 1), (S2, 3))]
    return _f1(wanted, start_s, end_s)


def _onsets(path: list[Segment], state: int) -> Floats:
    return np.array([s.start / FRAMES_PER_SECOND + 0.015 for s in path if s.state == state])


def _f1(pairs: list[tuple[Floats, Floats]], start_s: float, end_s: float) -> float:
    hits = total = 0
    for found, wanted in pairs:
        found, wanted = (t[(t > start_s) & (t < end_s)] for t in (found, wanted))
        near = np.abs(found[:, None] - wanted[None, :]) <= 0.1
        hits += int(near.any(axis=0).sum() + near.any(axis=1).sum())
        total += found.size + wanted.size
    return hits / max(total, 1)
