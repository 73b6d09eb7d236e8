"""A whole recording at once, by the very code that runs in a live visit. Decision support, not a diagnosis."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from carebag_signal.auscultation import (
    RECORD_LAG_FRAMES,
    Finding,
    HeartRate,
    HeartSoundMonitor,
    QualityWord,
    SoundMark,
)
from carebag_signal.breathing import BreathMark, BreathRate, BreathWhyNot
from carebag_signal.evidence import Network
from carebag_signal.extra_sounds import ExtraSound
from carebag_signal.heart_rate import WhyNot, rate_of_recording
from carebag_signal.lung_markers import LungFinding, LungMark, LungMonitor
from carebag_signal.pulse import BreathingRate, PulseBeat, PulseMonitor, PulseRate
from carebag_signal.quality import Word
from carebag_signal.sound_names import all_sure, names_sure

Kind = Literal["heart"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_AT_ONCE = 400_000
"""Samples fed at a time: what a monitor needs for them does not grow with the recording."""
_SHORT_LOOKS = 15
"""Half a minute of looks behind the first: the last one has heard nearly all."""
_SHOWN_SHARE = 1 / 3
"""Of the looks at a long recording: below it no rate is given for all of it."""


@dataclass(frozen=True, slots=True)
class QualitySpan:
    """Samples `start` to `end` (exclusive) sounded like this; None before the first word."""

    start: int
    end: int
    word: Word | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What can be said about a recording; sample numbers count from its first sample, gaps included."""

    kind: Kind
    rate_hz: int
    n_samples: int
    s1: tuple[int, ...]
    s2: tuple[int, ...]
    heart_rate_per_min: float | None
    """Over all of the recording, 30-220."""
    heart_rate_why_not: WhyNot | None
    heart_rates: tuple[HeartRate, ...]
    """As they would have been shown, one for every change."""
    quality: tuple[QualitySpan, ...]
    gaps: tuple[tuple[int, int], ...]
    """(first sample, samples) that are missing."""
    names_sure: bool | None
    """Whether S1 and S2 are told apart surely wherever there are marks; None where there are too few beats to tell."""
    unnamed: tuple[int, ...]
    """Of `s1` and `s2` those whose name is only the best guess."""
    extra_sound: ExtraSound
    """Where to listen again, as known at the end."""
    others: tuple[object, ...] = ()
    """Whatever else the monitor said, in the order in which it said it."""


def analyse(
    samples: NDArray[np.int16],
    rate_hz: int,
    kind: Kind = "heart",
    gaps: tuple[tuple[int, int], ...] = (),
    *,
    network: Network | None = None,
    lag_frames: int = RECORD_LAG_FRAMES,
) -> Analysis:
    """Analyses one channel.

    Nobody waits for the marks of a recording: each is given with five seconds of hindsight. With `lag_frames` as in
    a live visit (`auscultation.LAG_FRAMES`) they are those of the visit.

    `gaps` names spans (first sample, count) whose samples were lost: whatever stands there is not listened to.

    Raises: ValueError if the rate is out of range, the samples are not one channel of int16, or gaps overlap.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    monitor = HeartSoundMonitor(rate_hz, network=network, lag_frames=lag_frames, extra_sounds=True)
    findings, pieces = _listen(monitor, samples, gaps)
    marks = [f for f in findings if isinstance(f, SoundMark)]
    s1 = tuple(m.sample for m in marks if m.sound == "S1")
    s2 = tuple(m.sample for m in marks if m.sound == "S2")
    rates = tuple(f for f in findings if isinstance(f, HeartRate))
    rate, why_not = rate_of_recording(_intervals_s(s1, s2, pieces, rate_hz))
    if rate is not None and not any(r.per_min is not None for r in rates):
        rate, why_not = None, rates[-1].why_not if rates else "assessing"
    if rate is None and why_not == "assessing" and rates and rates[-1].why_not is not None:
        why_not = rates[-1].why_not  # "too short to tell" of half a minute without contact would be none
    quality = _spans([f for f in findings if isinstance(f, QualityWord)], samples.size)
    at = sorted((*s1, *s2))
    sure = names_sure(s1, at, rate_hz)
    return Analysis(
        kind,
        rate_hz,
        samples.size,
        s1,
        s2,
        rate,
        why_not,
        rates,
        quality,
        gaps,
        all_sure(sure),
        tuple(sample for sample, one in zip(at, sure, strict=True) if one is False),
        _extra_sound(findings, samples.size),
        tuple(f for f in findings if not isinstance(f, (HeartRate, QualityWord, SoundMark, ExtraSound))),
    )


def _listen(
    monitor: HeartSoundMonitor, samples: NDArray[np.int16], gaps: tuple[tuple[int, int], ...]
) -> tuple[list[Finding], list[tuple[int, int]]]:
    """Findings, and the pieces (first sample, end) between the gaps."""
    at = 0
    findings: list[Finding] = []
    pieces = []
    for start, count in (*gaps, (samples.size, 0)):
        if start < at or count < 0 or start + count > samples.size:
            raise ValueError("gaps must be in order, must not overlap and must lie within the samples")
        for first in range(at, start, _AT_ONCE):
            findings += monitor.feed(samples[first : min(first + _AT_ONCE, start)])
        monitor.gap(count)
        pieces.append((at, start))
        at = start + count
    return findings + monitor.finish(), pieces


def _extra_sound(findings: list[Finding], n_samples: int) -> ExtraSound:
    said = [f for f in findings if isinstance(f, ExtraSound)]
    return said[-1] if said else ExtraSound(n_samples, 0, None, "too_few_beats", ())


def _intervals_s(
    s1: tuple[int, ...], s2: tuple[int, ...], pieces: list[tuple[int, int]], rate_hz: int
) -> NDArray[np.float64]:
    """Times from each sound to the next of its kind, never across a gap."""
    found = [np.zeros(0)]
    for marks in (np.array(s1), np.array(s2)):
        found += [np.diff(marks[(marks >= start) & (marks < end)]) / rate_hz for start, end in pieces]
    return np.concatenate(found)


def _spans(words: list[QualityWord], n_samples: int) -> tuple[QualitySpan, ...]:
    starts = [0, *(w.at_sample for w in words)]
    ends = [*(w.at_sample for w in words), n_samples]
    said: list[Word | None] = [None, *(w.word for w in words)]
    return tuple(QualitySpan(a, b, w) for a, b, w in zip(starts, ends, said, strict=True) if b > a)


@dataclass(frozen=True, slots=True)
class LungAnalysis:
    """What can be said about a recording of breathing; sample numbers count from its first sample, gaps included."""

    rate_hz: int
    n_samples: int
    breathing_rate_per_min: float | None
    """Over all of the recording, 6-60."""
    breathing_rate_why_not: BreathWhyNot | None
    breathing_rates: tuple[BreathRate, ...]
    """As they would have been shown, every two seconds."""
    inspirations: tuple[int, ...]
    """Where breathing in begins, as far as that could be told."""
    expirations: tuple[int, ...]
    marks: tuple[LungMark, ...]
    """Places to listen to; empty unless asked for."""
    gaps: tuple[tuple[int, int], ...]


def analyse_lung(
    samples: NDArray[np.int16], rate_hz: int, gaps: tuple[tuple[int, int], ...] = (), *, markers: bool = False
) -> LungAnalysis:
    """Analyses one channel of lung sound; `gaps` as in `analyse`.

    Raises: ValueError if the rate is out of range, the samples are not one channel of int16, or gaps overlap.
    """
    monitor, at = LungMonitor(rate_hz, markers=markers), 0
    findings: list[LungFinding] = []
    for start, count in (*gaps, (samples.size, 0)):
        if start < at or count < 0 or start + count > samples.size:
            raise ValueError("gaps must be in order, must not overlap and must lie within the samples")
        for first in range(at, start, _AT_ONCE):
            findings += monitor.feed(samples[first : min(first + _AT_ONCE, start)])
        findings += monitor.gap(count)
        at = start + count
    findings += monitor.feed(samples[:0]) + monitor.finish()
    rates = tuple(f for f in findings if isinstance(f, BreathRate))
    marks = [f for f in findings if isinstance(f, BreathMark)]
    return LungAnalysis(
        rate_hz,
        samples.size,
        *_overall(rates),
        rates,
        tuple(m.sample for m in marks if m.phase == "in"),
        tuple(m.sample for m in marks if m.phase == "out"),
        tuple(sorted((f for f in findings if isinstance(f, LungMark)), key=lambda m: m.start)),
        gaps,
    )


def _overall(rates: tuple[BreathRate, ...]) -> tuple[float | None, BreathWhyNot | None]:
    """The last rate of a short recording, the middle one of a long one."""
    looks = [r for r in rates if r.why_not != "assessing"]
    if not looks:
        return None, "assessing"
    if len(looks) <= _SHORT_LOOKS:
        return looks[-1].per_min, looks[-1].why_not
    shown = [r.per_min for r in looks if r.per_min is not None]
    if len(shown) < _SHOWN_SHARE * len(looks):
        return None, "unsure"
    return float(np.median(shown)), None


@dataclass(frozen=True, slots=True)
class PulseAnalysis:
    """What can be said about a pulse wave; times in seconds from its first sample."""

    rate_hz: int
    n_samples: int
    beats_s: tuple[float, ...]
    pulse_rates: tuple[PulseRate, ...]
    breathing_rates: tuple[BreathingRate, ...]
    others: tuple[object, ...] = ()
    """Whatever else the monitor said."""


def analyse_pulse(values: NDArray[np.float64], rate_hz: int) -> PulseAnalysis:
    """Analyses one channel of light through a finger, in any unit.

    Raises: ValueError if the rate is out of range or the values are not one channel of finite numbers.
    """
    monitor = PulseMonitor(rate_hz)
    findings = [f for first in range(0, max(values.size, 1), _AT_ONCE) for f in monitor.feed(values[first:][:_AT_ONCE])]
    return PulseAnalysis(
        rate_hz,
        values.size,
        tuple(f.at_s for f in findings if isinstance(f, PulseBeat)),
        tuple(f for f in findings if isinstance(f, PulseRate)),
        tuple(f for f in findings if isinstance(f, BreathingRate)),
        tuple(f for f in findings if not isinstance(f, (PulseBeat, PulseRate, BreathingRate))),
    )
