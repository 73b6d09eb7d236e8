"""Beats and rates of pulse waves against ECG, annotated breaths and chest belts; numpy only, for us and for peers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BEAT_TOLERANCE_S = 0.15
PULSE_WINDOW_S, BREATHING_WINDOW_S = 10, 32
FIRST_PULSE_S = 20
_EDGE_S = 5.0
_DOUBTFUL_PER_MIN = 10.0
SEED = 7


@dataclass(frozen=True, slots=True)
class Recording:
    """One patient of BIDMC: eight minutes of pulse wave with what is known of them."""

    name: str
    rate_hz: int
    wave: Floats
    r_peaks_s: Floats
    breaths_s: tuple[Floats, Floats]
    """Of the two annotators."""
    doubtful: bool
    """The ECG's beats and the monitor's own pulse are more than 10/min apart: the reference itself is in doubt."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a method says of a recording; rates as (end of the window in s, per minute or None)."""

    beats_s: Floats
    pulse: list[tuple[float, float | None]]
    breathing: list[tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Result:
    """One patient: beats right, surplus, missed; errors of the rates shown, and how many were asked for."""

    name: str
    counts: NDArray[np.int64]
    pulse_errors: Floats
    pulse_asked: int
    breathing_errors: Floats
    breathing_asked: int


def read_bidmc(folder: Path) -> list[Recording]:
    """All with R peaks. The breaths are sample numbers in the files."""
    found = []
    for file in sorted(folder.glob("*.npz")):
        peaks_file = file.with_suffix(".rpeaks.csv")
        if not peaks_file.exists():
            continue
        stored, peaks = np.load(file), np.loadtxt(peaks_file, comments="#")
        rate_hz = int(stored["fs"])
        breaths = (stored["breaths1"] / rate_hz, stored["breaths2"] / rate_hz)
        away = 60 / float(np.median(np.diff(peaks))) - float(np.nanmedian(stored["pulse"]))
        doubtful = abs(away) > _DOUBTFUL_PER_MIN
        found.append(Recording(file.stem, rate_hz, stored["pleth"].astype(float), peaks, breaths, doubtful))
    return found


def match(wanted: Floats, found: Floats, tolerance_s: float = BEAT_TOLERANCE_S) -> NDArray[np.int64]:
    """Right, surplus, missed: one to one, each wanted beat takes the nearest that is left."""
    left, hits = np.ones(found.size, dtype=bool), 0
    for beat in wanted:
        away = np.where(left, np.abs(found - beat), np.inf)
        if away.size and away.min() <= tolerance_s:
            left[away.argmin()] = False
            hits += 1
    return np.array([hits, found.size - hits, wanted.size - hits])


def beat_counts(recording: Recording, beats_s: Floats, end_s: float) -> NDArray[np.int64]:
    """At the one delay from R to pulse, up to 0.8 s, that fits the recording best."""
    peaks = recording.r_peaks_s
    lag = max(np.arange(0.0, 0.8, 0.02), key=lambda lag: _near(peaks + lag, beats_s))
    inner = peaks[(peaks > _EDGE_S) & (peaks < end_s - _EDGE_S)] + lag
    return match(inner, beats_s[(beats_s > _EDGE_S + lag) & (beats_s < end_s - _EDGE_S + lag)])


def _near(wanted: Floats, found: Floats) -> int:
    if not found.size:
        return 0
    after = np.searchsorted(found, wanted).clip(0, found.size - 1)
    away = np.minimum(np.abs(found[after] - wanted), np.abs(found[(after - 1).clip(0)] - wanted))
    return int((away <= BEAT_TOLERANCE_S).sum())


def rate_in(times_s: Floats, end_s: float, window_s: float, fewest: int) -> float | None:
    """Rate per minute of the events in a window, by the mean of their intervals."""
    inside = times_s[(times_s > end_s - window_s) & (times_s <= end_s)]
    return 60 / float(np.mean(np.diff(inside))) if inside.size >= fewest else None


def score(recording: Recording, found: Found) -> Result:
    """Pulse per ten seconds; breathing per 32 s, where the annotators are within two a minute of each other."""
    pulse_errors, pulse_asked, breathing_errors, breathing_asked = [], 0, [], 0
    for at, rate in found.pulse:
        wanted = rate_in(recording.r_peaks_s, at, PULSE_WINDOW_S, 4)
        if at >= FIRST_PULSE_S and wanted is not None:
            pulse_asked += 1
            pulse_errors += [] if rate is None else [abs(rate - wanted)]
    for at, rate in found.breathing:
        one, other = (rate_in(b, at, BREATHING_WINDOW_S, 3) for b in recording.breaths_s)
        if at >= BREATHING_WINDOW_S and one is not None and other is not None and abs(one - other) <= 2:
            breathing_asked += 1
            breathing_errors += [] if rate is None else [abs(rate - (one + other) / 2)]
    end_s = recording.wave.size / recording.rate_hz
    counts = beat_counts(recording, found.beats_s, end_s)
    return Result(
        recording.name, counts, np.array(pulse_errors), pulse_asked, np.array(breathing_errors), breathing_asked
    )


def f1(results: list[Result]) -> float:
    right, surplus, missed = np.sum([r.counts for r in results], axis=0)
    return float(200 * right / max(2 * right + surplus + missed, 1))


def pulse_error(results: list[Result]) -> float:
    return _mean(np.concatenate([r.pulse_errors for r in results]))


def breathing_error(results: list[Result]) -> float:
    return _mean(np.concatenate([r.breathing_errors for r in results]))


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")


def with_interval(figure: Callable[[list[Result]], float], results: list[Result]) -> str:
    """A figure with its 95 % interval, patients drawn with replacement."""
    rng = np.random.default_rng(SEED)
    drawn = [figure([results[i] for i in rng.integers(len(results), size=len(results))]) for _ in range(1000)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{figure(results):.2f} ({low:.2f}-{high:.2f})"


def line(name: str, results: list[Result]) -> str:
    """One line of figures: n, F1, errors of those shown, and how many of those asked for were shown."""
    parts = [f"{name}: n {len(results)}"]
    if any(r.counts.any() for r in results):
        parts.append(f"beat F1 {with_interval(f1, results)}")
    for what, figure, errors, asked in (
        ("pulse", pulse_error, [r.pulse_errors for r in results], sum(r.pulse_asked for r in results)),
        ("breathing", breathing_error, [r.breathing_errors for r in results], sum(r.breathing_asked for r in results)),
    ):
        shown = np.concatenate(errors)
        if asked and shown.size:
            within = float((shown <= (5 if what == "pulse" else 2)).mean())
            parts.append(
                f"{what} error {with_interval(figure, results)}/min, shown {shown.size / asked:.3f} of {asked}, "
                f"within {5 if what == 'pulse' else 2}: {within:.3f}"
            )
    return ", ".join(parts) + "\n"
