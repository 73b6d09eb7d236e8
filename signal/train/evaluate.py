"""The figures of the model card, with 95 % intervals over patients.

    python signal/train/evaluate.py --circor DIR --networks FOLDS_DIR [--pn2016a DIR] [--esc10 DIR] [--fsdd DIR]
        [--every N]

Children: every recording is heard by a network that has not seen its patient. Adults: by the network of the package,
whose training has seen none of them; the truth there are R peaks of the ECG. `live` marks are final within a second,
as in a visit; `recording` marks have five seconds of hindsight, as `carebag analyse` gives them.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import circor
import disturbances
import numpy as np
from heart_scoring import Result, match, tell, tell_between, tell_loss, without_fastest
from network import stored_network
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

from carebag_signal.analyse import Analysis, analyse
from carebag_signal.auscultation import LAG_FRAMES, RECORD_LAG_FRAMES, HeartSoundMonitor
from carebag_signal.evidence import Network, trained_network

SHORTEST_SPAN_S = 2.0
SEED = 7
WAYS = (("live", LAG_FRAMES), ("recording", RECORD_LAG_FRAMES))
CHOSEN = 25
RATES = (50.0, 80.0, 100.0, 120.0, 140.0, 300.0)


def spans(segments: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Annotated stretches of at least two seconds."""
    found: list[tuple[float, float]] = []
    for start, end, state in segments:
        if state > 0:
            if found and abs(found[-1][1] - start) < 0.005:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
    return [(a, b) for a, b in found if b - a >= SHORTEST_SPAN_S]


def inside(times: NDArray[np.float64], places: list[tuple[float, float]], margin: float = 0.0) -> NDArray[np.float64]:
    return np.array([t for t in times if any(a - margin <= t <= b + margin for a, b in places)])


def first_rate_s(found: Analysis) -> float:
    """Seconds until a rate was shown; infinite for never."""
    return min((r.at_sample / found.rate_hz for r in found.heart_rates if r.per_min is not None), default=float("inf"))


def child(
    recording: circor.Recording, samples: NDArray[np.int16], trained: Network, lag_frames: int = LAG_FRAMES
) -> Result | None:
    """S1 and S2 and heart rate against the annotation; None where nothing is annotated."""
    places = spans(recording.segments)
    if not places:
        return None
    found = analyse(samples, recording.rate_hz, network=trained, lag_frames=lag_frames)
    s1, s2 = np.array(found.s1) / recording.rate_hz, np.array(found.s2) / recording.rate_hz
    wanted = [inside(recording.segments[recording.segments[:, 2] == k, 0], places) for k in (1, 3)]
    counts = sum(match(w, inside(f, places, 0.02)) for w, f in zip(wanted, (s1, s2), strict=True))
    crossed = sum(match(w, inside(f, places))[0] for w, f in zip(wanted, (s2, s1), strict=True))
    beats = np.concatenate([np.diff(inside(wanted[0], [place])) for place in places])
    beats = beats[(beats > 0.2) & (beats < 2.5)]
    reference = 60 / float(np.median(beats)) if beats.size >= 4 else None
    rate, swapped = found.heart_rate_per_min, bool(crossed > counts[0])
    names = names_kept(found, wanted, places)
    either = match(np.sort(np.concatenate(wanted)), inside(np.sort(np.concatenate((s1, s2))), places, 0.02))
    nameless = (int(either[0]), int(either[1]), int(either[2]))
    return Result(recording.patient, np.asarray(counts), swapped, rate, reference, first_rate_s(found), names, nameless)


def names_kept(
    found: Analysis, wanted: list[NDArray[np.float64]], places: list[tuple[float, float]]
) -> tuple[int, int, int]:
    """As `Result.named`."""
    told = [np.array(marks) / found.rate_hz for marks in (found.s1, found.s2)]
    kept = [inside(np.setdiff1d(times, np.array(found.unnamed) / found.rate_hz), places) for times in told]
    right, crossed = (sum(match(w, f)[0] for w, f in zip(wanted, given, strict=True)) for given in (kept, kept[::-1]))
    return sum(len(inside(times, places)) for times in told), len(kept[0]) + len(kept[1]), max(0, crossed - right)


def adult(wav: Path, trained: Network, lag_frames: int) -> Result:
    """S1 and heart rate against R peaks, at the one delay from R to S1 that fits the recording best."""
    rate_hz, samples = wavfile.read(wav)
    peaks = np.loadtxt(wav.with_suffix(".rpeaks.csv"), comments="#")
    found = analyse(samples, rate_hz, network=trained, lag_frames=lag_frames)
    inner = peaks[(peaks > 0.3) & (peaks < peaks[-1] - 0.3)]

    def fit(marks: tuple[int, ...]) -> NDArray[np.int64]:
        times = np.array(marks) / rate_hz
        times = times[(times > 0.2) & (times < peaks[-1] - 0.2)]
        return max((match(inner + lag, times) for lag in np.arange(-0.02, 0.14, 0.02)), key=lambda c: c[0])

    counts = fit(found.s1)
    reference = 60 / float(np.median(np.diff(peaks)))
    rate, swapped = found.heart_rate_per_min, bool(fit(found.s2)[0] > counts[0])
    return Result(wav.stem, counts, swapped, rate, reference, first_rate_s(found))


def disturbed(rng: np.random.Generator, samples: NDArray[np.int16], noise: NDArray[np.float64]) -> NDArray[np.int16]:
    mixed = disturbances.mix(samples.astype(np.float64), noise, 0.0)
    return np.asarray(np.clip(np.round(mixed * rng.uniform(0.2, 1.0)), -32768, 32767), dtype=np.int16)


def spoken(rng: np.random.Generator, words: list[NDArray[np.float64]], n: int) -> NDArray[np.float64]:
    """Words of the given ones, one after the other with short pauses."""
    pieces: list[NDArray[np.float64]] = []
    while sum(piece.size for piece in pieces) < n:
        word = words[int(rng.integers(len(words)))]
        pieces += [word / (word.std() + 1e-9), np.zeros(int(rng.integers(400, 2400)))]
    return np.concatenate(pieces)[:n]


def in_noise(pairs: list[tuple[circor.Recording, Network]], clips: list[Path], digits: list[Path]) -> None:
    """Each kind of noise as loud as the heart sound, over the whole of the recording."""
    # the network's training heard the clips of even number, and no recorded speech
    rng = np.random.default_rng(SEED)
    room = disturbances.Room(clips[1::2], 4000)
    words = [resample_poly(wavfile.read(f)[1].astype(np.float64), 1, 2) for f in digits]
    heard: dict[tuple[str, str], list[Result]] = {}
    for name in ("clean", "talk", "speech", "environment", "white"):
        if name == "speech" and not words:
            continue
        for r, n in pairs:
            make = {
                "clean": lambda r=r: np.zeros(r.samples.size),
                "talk": lambda r=r: disturbances.talk(rng, r.samples.size, r.rate_hz),
                "speech": lambda r=r: spoken(rng, words, r.samples.size),
                "environment": lambda r=r: room.sound(rng, r.samples.size),
                "white": lambda r=r: disturbances.coloured(rng, r.samples.size, 0.0),
            }
            samples = disturbed(rng, r.samples, make[name]())
            for way, lag_frames in WAYS:
                result = child(r, samples, n, lag_frames)
                heard.setdefault((name, way), []).extend([result] if result else [])
        for way, _ in WAYS:
            tell(f"children, {name} at 0 dB, {way}", heard[name, way])
    for way, _ in WAYS:
        clean = heard["clean", way]
        # which of the two sounds is the first is settled before the noise comes: a swap counts against it all the same
        right = [i for i, r in enumerate(clean) if not r.swapped]
        for name in [name for name, other in heard if other == way and name != "clean"]:
            noisy = heard[name, way]
            tell_loss(f"children, lost in {name} at 0 dB, {way}", clean, noisy)
            tell(f"children, not swapped when clean, {name} at 0 dB, {way}", [noisy[i] for i in right])
            tell_loss(
                f"children, not swapped when clean, lost in {name} at 0 dB, {way}",
                [clean[i] for i in right],
                [noisy[i] for i in right],
            )


def beside(live: list[Result], recording: list[Result]) -> None:
    """What the plain figures do not say: what is lost by not waiting, and how much of them is the set's own rates.

    25 of CirCor's patients were chosen for fast hearts, and nothing says which. Without those of the fastest hearts is
    a reconstruction, and one that flatters: children taken as they come would have some fast hearts among them.
    """
    tell_loss("children, lost live", recording, live)
    either = [(a, b) for a, b in zip(recording, live, strict=True) if not (a.swapped or b.swapped)]
    tell_loss("children, lost live, not swapped", [a for a, _ in either], [b for _, b in either])
    for way, results in (("live", live), ("recording", recording)):
        tell(f"children, {way}, without the {CHOSEN} patients of the fastest hearts", without_fastest(results, CHOSEN))
        tell_between(f"children, {way}, mean F1 of recordings", results, RATES)


def speed(recording: circor.Recording, *, extra_sounds: bool) -> None:
    """How many seconds of sound a second of processor time takes, in chunks of 40 ms."""
    monitor = HeartSoundMonitor(recording.rate_hz, extra_sounds=extra_sounds)
    chunk = recording.rate_hz // 25
    taken = []
    for at in range(0, recording.samples.size, chunk):
        start = time.process_time()
        monitor.feed(recording.samples[at : at + chunk])
        taken.append(time.process_time() - start)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        f"speed{', pointer too' if extra_sounds else ''}: {len(taken) * 0.04 / sum(taken):.0f} times real time "
        "in 40 ms chunks, 99 % of chunks within "
        f"{1000 * np.percentile(taken, 99):.1f} ms; {resident:.0f} MB resident in this process\n"
    )


def speed_of_recording(recordings: list[circor.Recording]) -> None:
    """Seconds of whole recordings that `analyse` (marks, rate, quality, pointer) takes in a second of CPU time."""
    start = time.process_time()
    for recording in recordings:
        analyse(recording.samples, recording.rate_hz)
    took = time.process_time() - start
    heard = sum(r.samples.size / r.rate_hz for r in recordings)
    sys.stdout.write(f"speed, {len(recordings)} whole recordings: {heard / took:.0f} times real time\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--circor", type=Path, required=True)
    parser.add_argument("--networks", type=Path, required=True)
    parser.add_argument("--pn2016a", type=Path)
    parser.add_argument("--esc10", type=Path)
    parser.add_argument("--fsdd", type=Path)
    parser.add_argument("--every", type=int, default=1, help="only every Nth child's recording")
    asked = parser.parse_args()
    recordings = circor.read(asked.circor)[:: asked.every]
    for extra_sounds in (False, True):
        speed(recordings[0], extra_sounds=extra_sounds)
    speed_of_recording(recordings[:10])
    networks = [stored_network(asked.networks / f"{fold}.npz") for fold in range(5)]
    pairs = [(r, networks[circor.fold(r.patient)]) for r in recordings]
    heard = {}
    for name, lag_frames in WAYS:
        heard[name] = [x for r, n in pairs if (x := child(r, r.samples, n, lag_frames))]
        tell(f"children, {name}", heard[name])
        tell(f"children, {name}, not swapped", [r for r in heard[name] if not r.swapped])
        for low, high in ((0, 100), (100, 120), (120, 140), (140, 300)):
            of = [r for r in heard[name] if r.reference and low <= r.reference < high]
            tell(f"children, {name}, {low}-{high}/min", of)
        if asked.pn2016a:
            wavs = [f.with_name(f.name.split(".")[0] + ".wav") for f in sorted(asked.pn2016a.glob("*.rpeaks.csv"))]
            tell(f"adults, {name}", [adult(f, trained_network(), lag_frames) for f in wavs])
    beside(heard["live"], heard["recording"])
    if asked.esc10:
        digits = sorted(asked.fsdd.glob("*.wav")) if asked.fsdd else []
        in_noise(pairs[::4], sorted(asked.esc10.glob("*/*.ogg")), digits)


if __name__ == "__main__":
    main()
