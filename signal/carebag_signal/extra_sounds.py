"""Where to listen again: more sound than expected between S1 and S2. A pointer, not a finding.

Heartbeats are laid over each other: what repeats in every systole stays, what does not falls away. How loud the median
systole is in each band, against the diastole and the heart's own sounds, goes into a logistic regression that was
calibrated on children whom physicians had listened to (`docs/model-cards/extra-sounds.md`).

Words for it: "listen here: more sound than expected between S1 and S2". Where it does not point, nothing is known.
Nothing is said about diastole: the recordings have one patient from whom that could be learnt.
"""

from collections import deque
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import FRAMES_PER_SECOND, BandEnergies, Frames, frame_start
from carebag_signal.evidence import HeartEvidence, Network
from carebag_signal.heart_cycles import DIASTOLE_ROWS, READ_S, S1_ROW, S2_ROW, SYSTOLE_ROWS, Cycle, Cycles
from carebag_signal.quality import WINDOW_S, Judge, Listening, QualityJudge
from carebag_signal.segmentation import Segment, Segmenter
from carebag_signal.sound_names import names_sure

WhyNot = Literal["too_few_beats", "poor_signal", "unsteady", "names_unsure"]
"""Codes, never sentences: the pages have the words."""

FEWEST_BEATS = 8
_KEPT_BEATS = 64
POINT_FROM = 0.5
"""Probability from which on it points."""
KEEP_FROM = 0.4
"""It stops below this."""
TIMES_IN_A_ROW = 2
"""So often it must be found before a page points."""
_SPANS = 3
"""So many beats are named to listen to, one after the other where there are such."""
_RECENT_BEATS = 16
"""They are among these, so that a page can still play them."""
_NEXT_FRAMES = 2
"""A beat that begins so soon after another follows it."""
GOOD_SCORE = 0.3
"""Quality of the sound in which a beat counts."""
SURE = 0.6
"""Belief in a beat's path from which on it counts."""
_STEADY_SHARE, _NEAR = 0.6, 0.2
_ENOUGH_GOOD_SHARE = 0.5
FURTHEST = 3.0
"""Features beyond this many spreads say no more."""


@dataclass(frozen=True, slots=True)
class ExtraSound:
    """How surely more sound than expected was heard between S1 and S2, or the code of why nothing is said."""

    at_sample: int
    beats: int
    """Good beats that it rests on."""
    probability: float | None
    """0-1, calibrated. A low one is no finding: it does not say that there is nothing to hear."""
    why_not: WhyNot | None
    listen: tuple[tuple[int, int], ...]
    """Samples (first, end) to listen to, latest last; empty where it does not point."""


@dataclass(frozen=True, slots=True)
class Regression:
    """Mean and spread of the features in training, weights and offset."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    weights: NDArray[np.float64]
    offset: float

    def probability(self, row: NDArray[np.float64]) -> float:
        """(n,) features in."""
        away = np.clip((row - self.mean) / self.spread, -FURTHEST, FURTHEST)
        return float(1.0 / (1.0 + np.exp(-(away @ self.weights + self.offset))))


@cache
def trained_regression() -> Regression:
    """The regression that comes with the package."""
    with resources.files("carebag_signal").joinpath("extra_sounds.npz").open("rb") as file, np.load(file) as stored:
        return Regression(stored["mean"], stored["spread"], stored["weights"], float(stored["offset"]))


def features(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """(beats, 8, bands) log-energies of the sections of beats in; what the regression looks at out. The loudness of the
    whole falls out of it.
    """
    typical = np.median(levels, axis=0)
    unlike = np.median(np.abs(levels - typical), axis=0)[SYSTOLE_ROWS].mean(axis=0)
    early, middle, late = typical[SYSTOLE_ROWS]
    systole, rest = typical[SYSTOLE_ROWS].mean(axis=0), typical[DIASTOLE_ROWS][1:].mean(axis=0)
    sounds = np.maximum(typical[S1_ROW], typical[S2_ROW])
    return np.concatenate(
        (systole - rest, systole - sounds, rest - sounds, middle - (early + late) / 2, early - late, unlike)
    )


class ExtraSoundPointer:
    """Collects beats as they become final; keeps the last 64."""

    def __init__(self, rate_hz: int, *, base: int = 0, regression: Regression | None = None) -> None:
        """`base` is the sample at which listening began."""
        self._rate_hz, self._base = rate_hz, base
        self._regression = regression or trained_regression()
        self._cycles = Cycles()
        self._beats: deque[Cycle] = deque(maxlen=_KEPT_BEATS)
        self._heard: deque[bool] = deque(maxlen=_KEPT_BEATS)
        """Of the last beats: was it good?"""
        self._s1: deque[int] = deque(maxlen=_KEPT_BEATS + 1)
        """Frames of the onsets of the last S1, good or not."""
        self._frames = 0
        self._said: ExtraSound | None = None

    @property
    def judged(self) -> bool:
        """What was said last has a probability."""
        return self._said is not None and self._said.probability is not None

    def feed(self, frames: Frames, evidence: NDArray[np.float64]) -> None:
        """Takes a block of frames and the evidence that became known with it."""
        self._frames += len(frames.level)
        self._cycles.feed(frames.heart, evidence)

    def take(self, path: list[Segment], decided_frames: int, score: float) -> bool:
        """Takes the beats that have become final; `score` is the quality of the last three seconds. True if there were
        any.
        """
        new = self._cycles.take(path, decided_frames)
        for cycle in new:
            good = score >= GOOD_SCORE and cycle.belief >= SURE
            self._heard.append(good)
            self._s1.append(cycle.start)
            if good:
                self._beats.append(cycle)
        return bool(new)

    def hear(self, path: list[Segment], decided_frames: int, score: float) -> ExtraSound | None:
        """As `take`; what is said now, if that is anything new."""
        if not self.take(path, decided_frames, score):
            return None
        said = self.says()
        if self._said is not None and replace(said, at_sample=self._said.at_sample) == self._said:
            return None
        self._said = said
        return said

    def says(self) -> ExtraSound:
        """What can be said now."""
        beats = self._steady()
        why_not, row = self._why_not(beats), self.row()
        if row is None:
            return ExtraSound(self._sample(self._frames), len(beats), None, why_not, ())
        probability = self._regression.probability(row)
        listen = self._where(beats) if probability >= POINT_FROM else ()
        return ExtraSound(self._sample(self._frames), len(beats), probability, None, listen)

    def row(self) -> NDArray[np.float64] | None:
        """What the regression is given now; None where nothing can be said."""
        beats = self._steady()
        return None if self._why_not(beats) else features(np.stack([beat.levels for beat in beats]))

    def _steady(self) -> list[Cycle]:
        """Beats of about the usual length."""
        if not self._beats:
            return []
        lengths = np.array([beat.end - beat.start for beat in self._beats])
        near = np.abs(lengths - np.median(lengths)) <= _NEAR * np.median(lengths)
        return [beat for beat, usual in zip(self._beats, near, strict=True) if usual]

    def _why_not(self, beats: list[Cycle]) -> WhyNot | None:
        if len(self._heard) >= FEWEST_BEATS and np.mean(self._heard) < _ENOUGH_GOOD_SHARE:
            return "poor_signal"
        if len(self._beats) >= FEWEST_BEATS and len(beats) < _STEADY_SHARE * len(self._beats):
            return "unsteady"
        if len(beats) < FEWEST_BEATS:
            return "too_few_beats"
        named = self._named(beats)
        # the last one is what the marks of now show: where they bear no names, nothing is said of what lies between
        return None if named[-1] and sum(named) > len(named) / 2 else "names_unsure"

    def _named(self, beats: list[Cycle]) -> list[bool]:
        """Of each beat: are S1 and S2 told apart surely? If not, what was taken for a systole may be a diastole."""
        return [sure is not False for sure in names_sure(self._s1, [b.start for b in beats], FRAMES_PER_SECOND)]

    def _where(self, beats: list[Cycle]) -> tuple[tuple[int, int], ...]:
        """Systoles of three late beats, one after the other if possible, that are most like what all have in common."""
        levels = np.stack([beat.levels[SYSTOLE_ROWS] for beat in beats])
        unlike = np.abs(levels - np.median(levels, axis=0)).mean(axis=(1, 2))
        known = zip(beats, unlike, self._named(beats), strict=True)
        recent = [(beat, float(far)) for beat, far, named in known if named][-_RECENT_BEATS:]
        runs = [recent[i : i + _SPANS] for i in range(len(recent) - _SPANS + 1)]
        runs = [run for run in runs if all(b.start - a.end <= _NEXT_FRAMES for (a, _), (b, _) in pairwise(run))]
        most_alike = sorted(recent, key=lambda one: one[1])[:_SPANS]
        chosen = min(runs, key=lambda run: sum(far for _, far in run), default=most_alike)
        systoles = sorted(beat.systole for beat, _ in chosen)
        return tuple((self._sample(first), self._sample(end)) for first, end in systoles)

    def _sample(self, frame: int) -> int:
        return self._base + frame_start(frame, self._rate_hz)


class Pointing:
    """For a page, which should not point and take it back with every beat: points when it was found twice in a row, and
    until it is clearly less.
    """

    def __init__(self) -> None:
        self._times = 0
        self.listen: tuple[tuple[int, int], ...] = ()
        """Samples (first, end) to listen to; empty while it does not point."""

    def take(self, said: ExtraSound) -> None:
        """Takes the next of what was said."""
        self._times = self._times + 1 if said.listen else 0
        if said.probability is None or said.probability < KEEP_FROM:
            self.listen = ()
        elif self._times >= TIMES_IN_A_ROW or (self.listen and said.listen):
            self.listen = said.listen


class ExtraSoundMonitor:
    """Listens to one stethoscope position for sound between S1 and S2; the same for any way the samples are cut."""

    def __init__(
        self,
        rate_hz: int,
        *,
        network: Network | None = None,
        judge: Judge | None = None,
        regression: Regression | None = None,
    ) -> None:
        """Raises: ValueError unless 2000 <= rate_hz <= 96000."""
        self._rate_hz = rate_hz
        self._network, self._judge, self._regression = network, judge, regression
        self._fed = 0
        self._begin()

    def _begin(self) -> None:
        self._bands = BandEnergies(self._rate_hz)
        self._evidence, self._segmenter = HeartEvidence(self._network), Segmenter()
        self._listening, self._quality = Listening(), QualityJudge(self._judge)
        self.pointer = ExtraSoundPointer(self._rate_hz, base=self._fed, regression=self._regression)

    def feed(self, samples: NDArray[np.int16]) -> list[ExtraSound]:
        """What became known with these samples: whenever there are new beats, or a new reason why nothing is said.

        Raises: ValueError unless the samples are one channel of int16.
        """
        found = []
        blocks = self._bands.feed(samples)
        self._fed += samples.size
        for frames in blocks:
            said = self._block(frames)
            if said is not None:
                found.append(said)
        return found

    def gap(self, n_samples: int) -> None:
        """Samples that were lost on the way: listening starts anew behind the hole.

        Raises: ValueError if `n_samples` is negative.
        """
        if n_samples < 0:
            raise ValueError("n_samples must not be negative")
        if n_samples:
            self._fed += n_samples
            self._begin()

    def _block(self, frames: Frames) -> ExtraSound | None:
        rows = self._evidence.feed(frames.heart)
        self._segmenter.feed(rows)
        self._listening.feed(frames, rows)
        self.pointer.feed(frames, rows)
        if not self._listening.due:
            return None
        self._quality.hear(self._listening.window(self._segmenter.path(WINDOW_S), self._segmenter.frames))
        assert self._quality.score is not None
        return self.pointer.hear(self._segmenter.path(READ_S), self._segmenter.frames, self._quality.score)


def extra_sounds(
    samples: NDArray[np.int16], rate_hz: int, *, network: Network | None = None, judge: Judge | None = None
) -> ExtraSound:
    """What is known at the end of a recording.

    Raises: ValueError if the rate is out of range or the samples are not one channel of int16.
    """
    said = ExtraSoundMonitor(rate_hz, network=network, judge=judge).feed(samples)
    return said[-1] if said else ExtraSound(samples.size, 0, None, "too_few_beats", ())
