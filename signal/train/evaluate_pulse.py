"""The figures of the model cards of pulse and breathing, with 95 % intervals over patients.

    python signal/train/evaluate_pulse.py --bidmc DIR [--welltory DIR] [--each] [--changed] [--cross-validate]

--each prints every patient; --changed hears the waves resampled, with noise, upside down and swaying too;
--cross-validate chooses the breathing filter's numbers for every patient on the others. Everything is streamed as in
use. BIDMC: adults in intensive care, beats against the R peaks of their ECG, breaths of two annotators. Welltory:
light at the camera of a telephone, pulse against a chest belt.
"""

import argparse
import itertools
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pulse_scoring import (
    BREATHING_WINDOW_S,
    PULSE_WINDOW_S,
    SEED,
    Found,
    Recording,
    Result,
    line,
    rate_in,
    read_bidmc,
    score,
)
from scipy import signal as scipy_signal

from carebag_signal.breathing_from_pulse import BreathingTracker, Following, evidence, modulations
from carebag_signal.pulse import BreathingRate, PulseBeat, PulseMonitor, PulseRate

Floats = NDArray[np.float64]

CAMERA_HZ = 30


def ours(recording: Recording) -> Found:
    """By the monitor, as it would be shown."""
    findings = PulseMonitor(recording.rate_hz).feed(recording.wave)
    return Found(
        np.array([f.at_s for f in findings if isinstance(f, PulseBeat)]),
        [(f.at_s, f.per_min) for f in findings if isinstance(f, PulseRate)],
        [(f.at_s, f.per_min) for f in findings if isinstance(f, BreathingRate)],
    )


def changed(recording: Recording, how: str) -> Recording:
    """The same finger by another instrument: `25`, `50`, `250`, `500` Hz, `noise` or `sway` at 5 dB, `upside down`."""
    wave, rate_hz, rng = recording.wave, recording.rate_hz, np.random.default_rng(SEED)
    sos = scipy_signal.butter(2, (0.5, 8.0), "bandpass", fs=rate_hz, output="sos")
    strength = scipy_signal.sosfiltfilt(sos, wave).std()
    if how == "upside down":
        return replace(recording, wave=-wave)
    if how == "noise":
        return replace(recording, wave=wave + rng.normal(0, strength * 10 ** (-5 / 20), wave.size))
    if how == "sway":
        slow = scipy_signal.butter(2, (0.05, 0.4), "bandpass", fs=rate_hz, output="sos")
        sway = scipy_signal.sosfilt(slow, rng.normal(size=wave.size))
        return replace(recording, wave=wave + 3 * strength * sway / sway.std())
    step = Fraction(int(how), rate_hz)
    # the mean off: what lies beyond the ends is taken to be nought
    other = scipy_signal.resample_poly(wave - wave.mean(), step.numerator, step.denominator) + wave.mean()
    return replace(recording, wave=other, rate_hz=int(how))


def looks(recording: Recording, beats_s: Floats) -> list[tuple[float, Floats | None]]:
    """What each window of 32 s holds of breathing, as the monitor sees it but for beats not yet final."""
    found = []
    for end in range(BREATHING_WINDOW_S, int(recording.wave.size / recording.rate_hz) + 1, 4):
        start = end - BREATHING_WINDOW_S
        wave = recording.wave[start * recording.rate_hz : end * recording.rate_hz]
        beats = beats_s[(beats_s >= start) & (beats_s < end)]
        enough = beats.size >= 12
        pulse = 60 / float(np.mean(np.diff(beats))) if enough else 0.0
        tracks = modulations(wave, recording.rate_hz, (beats - start) * recording.rate_hz) if enough else None
        found.append((float(end), None if tracks is None else evidence(tracks, pulse)))
    return found


def cross_validated(recordings: list[Recording], found: list[Found]) -> list[Result]:
    """Every patient's breathing with the numbers that were best for the others at a coverage of 80 %."""
    seen = [looks(r, f.beats_s) for r, f in zip(recordings, found, strict=True)]
    grid = itertools.product((0.3, 0.5, 0.8), (0.01, 0.02, 0.04), (0.35, 0.5, 0.8), (0.5, 0.6, 0.7))
    ways = [Following(trust=t, floor=f, drift_per_min=d, least_probability=p) for t, f, d, p in grid]
    table = [[_followed(r, s, way) for r, s in zip(recordings, seen, strict=True)] for way in ways]
    chosen = []
    for i in range(len(recordings)):
        others = [[result for j, result in enumerate(row) if j != i] for row in table]
        chosen.append(table[min(range(len(ways)), key=lambda w: _cost(others[w]))][i])
    return chosen


def _followed(recording: Recording, seen: list[tuple[float, Floats | None]], way: Following) -> Result:
    tracker = BreathingTracker(way)
    rates = [(at, None if look is None else tracker.follow(look)[0]) for at, look in seen]
    return score(recording, Found(np.zeros(0), [], rates))


def _cost(results: list[Result]) -> float:
    shown = np.concatenate([r.breathing_errors for r in results])
    coverage = shown.size / sum(r.breathing_asked for r in results)
    return float(shown.mean()) if coverage >= 0.8 else 100 - coverage


def camera(folder: Path) -> Result:
    """Pulse against the belt's intervals of the same ten seconds: both begin together, to about a second."""
    stored = np.genfromtxt(folder / "PPG.csv", delimiter=",", skip_header=1)
    belt = np.array((folder / "RR.txt").read_text(encoding="utf-8").split(), dtype=float) / 1000
    at_s = (stored[:, 0] - stored[0, 0]) / 1000
    even = np.arange(0, at_s[-1], 1 / CAMERA_HZ)
    colour = stored[:, 1:][:, stored[:, 1:].mean(axis=0).argmax()]
    findings = PulseMonitor(CAMERA_HZ).feed(np.interp(even, at_s, colour))
    beats, errors, asked = np.cumsum(belt), [], 0
    for told in (f for f in findings if isinstance(f, PulseRate) and f.at_s >= PULSE_WINDOW_S):
        wanted = rate_in(beats, told.at_s, PULSE_WINDOW_S, 4)
        asked += wanted is not None
        errors += [] if wanted is None or told.per_min is None else [abs(told.per_min - wanted)]
    return Result(folder.name, np.zeros(3, dtype=np.int64), np.array(errors), asked, np.zeros(0), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bidmc", type=Path, required=True)
    parser.add_argument("--welltory", type=Path)
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--changed", action="store_true")
    parser.add_argument("--cross-validate", action="store_true")
    asked = parser.parse_args()
    recordings = read_bidmc(asked.bidmc)
    sure = [not r.doubtful for r in recordings]
    found = [ours(r) for r in recordings]
    results = [score(r, f) for r, f in zip(recordings, found, strict=True)]
    if asked.each:
        for result in results:
            sys.stdout.write(line(result.name, [result]))
    sys.stdout.write(line("BIDMC, all", results))
    sys.stdout.write(line("BIDMC, reference not in doubt", list(itertools.compress(results, sure))))
    if asked.cross_validate:
        sys.stdout.write(line("BIDMC, breathing cross-validated", cross_validated(recordings, found)))
    if asked.changed:
        kept = list(itertools.compress(recordings, sure))
        for how in ("25", "50", "250", "500", "noise", "sway", "upside down"):
            others = [score(r, ours(changed(r, how))) for r in kept]
            sys.stdout.write(line(f"BIDMC, reference not in doubt, {how}", others))
    if asked.welltory:
        telephones = [camera(f) for f in sorted(asked.welltory.iterdir()) if f.is_dir()]
        if asked.each:
            for result in telephones:
                sys.stdout.write(line(result.name, [result]))
        sys.stdout.write(line("Welltory", telephones))


if __name__ == "__main__":
    main()
