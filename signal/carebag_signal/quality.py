"""Can this sound be judged? One word for the nurse, from three seconds of sound, steady enough to act on."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import FRAMES_PER_SECOND, Frames
from carebag_signal.evidence import AHEAD_FRAMES, Network
from carebag_signal.segmentation import STATES, Segment

Word = Literal["good", "no_contact", "noisy", "movement", "clipped"]
LEARNT: tuple[Word, ...] = get_args(Word)[:4]
"""The words that the trained judge tells apart; clipping is counted."""

WINDOW_FRAMES = 3 * FRAMES_PER_SECOND
FIRST_FRAMES = 120
"""The first word may come from a little less than a window: within three seconds of the first sample."""
HOP_FRAMES = 24
CLIPPED_SHARE = 0.15
"""Of frames with a clipped sample: above it hardly a loud sound is whole."""
_ENOUGH_GOOD, _TOO_LITTLE_GOOD = 0.6, 0.35
"""Probability of `good` to come to it, and to leave it."""
_TIMES_IN_A_ROW = 2
_SILENCE = 1.5
"""Loudest sample of a window in which nothing is connected."""


@dataclass(frozen=True, slots=True)
class Window:
    """Three seconds (at least 2.4) of sound, and what was made of it."""

    heart: NDArray[np.float64]
    wide: NDArray[np.float64]
    level: NDArray[np.float64]
    peak: NDArray[np.float64]
    clipped: NDArray[np.int64]
    evidence: NDArray[np.float64]
    """(m, 4) log-likelihoods of the states, for the frames that have their context; m may be less than the rest's n."""
    states: NDArray[np.int64]
    """(m,): the decoded state of the same frames, -1 where none is known."""


def features(window: Window) -> NDArray[np.float64]:
    """(28,) numbers that do not depend on the loudness: what the judge looks at."""
    loud = window.heart[:, 1:6].mean(axis=1)
    p5, p25, p50, p75, p95 = np.percentile(loud, [5, 25, 50, 75, 95])
    wide = np.log(window.wide + 0.01)
    total = np.log(window.wide.sum(axis=1) + 0.01)
    ratios = wide[:, 1:] - wide[:, :1]
    quiet = ratios[loud <= p50]
    drift = np.log(np.std(window.level) ** 2 + 0.01) - np.log(np.mean(window.wide.sum(axis=1)) + 0.01)
    return np.concatenate(
        (
            [p95 - p5, p75 - p25, p95 - p50],
            ratios.mean(axis=0),
            quiet.mean(axis=0),
            np.percentile(ratios, 90, axis=0),
            [total.max() - np.percentile(total, 90), np.diff(total).std(), drift],
            _contrast(wide, window.evidence),
            _rhythm(window.evidence),
            _belief(window.evidence, window.states),
        )
    )


def _posterior(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    likely = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))


def _contrast(wide: NDArray[np.float64], evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Per band: how much louder the heart's sounds are than what lies between them, and how far they explain the
    loudness.
    """
    posterior = _posterior(evidence)
    sounds = posterior[:, 0] + posterior[:, 2]
    # evidence is the younger part of the window, less the frames still without context
    heard = wide[-len(evidence) - AHEAD_FRAMES : -AHEAD_FRAMES][-len(evidence) :]
    sounds = sounds[-len(heard) :]
    louder = (sounds @ heard) / (sounds.sum() + 0.1) - ((1 - sounds) @ heard) / ((1 - sounds).sum() + 0.1)
    away, sounds = heard - heard.mean(axis=0), sounds - sounds.mean()
    scale = np.sqrt(np.sum(away**2, axis=0) * np.sum(sounds**2)) + 1e-6
    return np.concatenate((louder, (sounds @ away) / scale))


def _rhythm(evidence: NDArray[np.float64]) -> list[float]:
    """How much the sounds repeat: highest autocorrelation of the sound probability at 0.27-1.6 s, and of S1 alone."""
    posterior = _posterior(evidence)
    found = []
    for track in (posterior[:, 0] + posterior[:, 2], posterior[:, 0] - posterior[:, 2]):
        away = track - track.mean()
        whole = np.correlate(away, away, "full")[away.size - 1 :]
        whole = whole[: 4 * FRAMES_PER_SECOND // 2] / np.maximum(away.size - np.arange(min(whole.size, 100)), 1)
        found.append(float(whole[13:80].max() / (whole[0] + 1e-6)))
    return found


def _belief(evidence: NDArray[np.float64], states: NDArray[np.int64]) -> list[float]:
    """How sure the network is, frame by frame, and how far the decoded rhythm agrees with it."""
    posterior = _posterior(evidence)
    sure = float(posterior.max(axis=1).mean())
    known = states >= 0
    if not known.any():
        return [sure, 0.25, 0.0]
    chosen = posterior[known, states[known]]
    return [sure, float(chosen.mean()), float(np.mean(chosen >= posterior[known].max(axis=1)))]


@dataclass(frozen=True, slots=True)
class Judge:
    """Mean and spread of the features in training, and the network that tells the four learnt words."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    network: Network

    def probabilities(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, features) in, (n, 4) out, in the order of `LEARNT`."""
        away = np.clip((rows - self.mean) / self.spread, -4.0, 4.0)
        return np.exp(self.network.log_likelihood(away))


@cache
def trained_judge() -> Judge:
    """The judge that comes with the package."""
    with resources.files("carebag_signal").joinpath("quality.npz").open("rb") as file, np.load(file) as stored:
        layers = tuple(stored[f"layer_{i}"] for i in range(int(stored["layers"])))
        return Judge(stored["mean"], stored["spread"], Network(layers, np.zeros(len(LEARNT))))


class Listening:
    """The last three seconds, kept as frames arrive."""

    def __init__(self) -> None:
        self._frames: list[Frames] = []
        self._evidence = np.empty((0, STATES))
        self.seen = 0

    @property
    def due(self) -> bool:
        """True when a window is complete and half a second has passed since the last."""
        return self.seen >= FIRST_FRAMES and self.seen % HOP_FRAMES == 0

    def feed(self, frames: Frames, evidence: NDArray[np.float64]) -> None:
        """Takes a block of frames and the evidence that became known with it."""
        self._frames.append(frames)
        self.seen += len(frames.level)
        keep = -(-WINDOW_FRAMES // len(frames.level))
        self._frames = self._frames[-keep:]
        self._evidence = np.concatenate((self._evidence, evidence))[-WINDOW_FRAMES:]

    def window(self, path: list[Segment], decided_frames: int) -> Window:
        """The window now, with the decoder's path; `decided_frames` is how many frames the decoder has taken."""
        first = decided_frames - len(self._evidence)
        states = np.full(len(self._evidence), -1)
        for segment in path:
            states[max(segment.start - first, 0) :] = segment.state
        return Window(
            heart=np.concatenate([f.heart for f in self._frames]),
            wide=np.concatenate([f.wide for f in self._frames]),
            level=np.concatenate([f.level for f in self._frames]),
            peak=np.concatenate([f.peak for f in self._frames]),
            clipped=np.concatenate([f.clipped for f in self._frames]),
            evidence=self._evidence,
            states=states,
        )


class QualityJudge:
    """Says a word when it changes; after the first, a new word must be found twice in a row before it is said."""

    def __init__(self, judge: Judge | None = None) -> None:
        self._judge = judge or trained_judge()
        self._candidate: Word | None = None
        self._times = 0
        self.word: Word | None = None
        """The word said last; None until the first."""

    def hear(self, window: Window) -> Word | None:
        """The new word, if this window changed it."""
        found = self._find(window)
        self._times = self._times + 1 if found == self._candidate else 1
        self._candidate = found
        if found == self.word or (self.word is not None and self._times < _TIMES_IN_A_ROW):
            return None
        self.word = found
        return found

    def _find(self, window: Window) -> Word:
        if float(window.peak.max()) <= _SILENCE:
            return "no_contact"
        if float(np.mean(window.clipped > 0)) > CLIPPED_SHARE:
            return "clipped"
        shares = self._judge.probabilities(features(window)[None, :])[0]
        if shares[0] >= (_TOO_LITTLE_GOOD if self.word == "good" else _ENOUGH_GOOD):
            return "good"
        return LEARNT[1 + int(shares[1:].argmax())]
