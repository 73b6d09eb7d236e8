"""Can this sound be judged? One word for the nurse, from three seconds of sound, steady enough to act on."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import FRAMES_PER_SECOND, Frames
from carebag_signal.evidence import Network
from carebag_signal.quality_features import Window, features
from carebag_signal.segmentation import STATES, Segment

Word = Literal["good", "no_contact", "noisy", "movement", "speaking", "clipped"]
FAULTS: tuple[Word, ...] = get_args(Word)[1:5]
"""The faults that the trained judge tells apart; clipping is counted."""

WINDOW_S = 3.0
WINDOW_FRAMES = round(WINDOW_S * FRAMES_PER_SECOND)
FIRST_FRAMES = 120
"""The first word may come from a little less than a window: within three seconds of the first sample."""
HOP_FRAMES = 24
CLIPPED_SHARE = 0.15
"""Of frames with a clipped sample: above it hardly a loud sound is whole."""
ENOUGH, TOO_LITTLE = 0.4, 0.2
"""Score to come to `good`, and to leave it."""
CLEARLY_BAD = 0.1
"""A score below it need not wait to be told."""
TIMES_IN_A_ROW = 2
HOLD_HOPS = 4
"""A word stays for 1.9 s unless what follows is clearly worse."""
_SURER = 0.05
"""One fault takes the place of another only if it is so much likelier."""
_FAINT = 30.0
"""Root mean square of samples: what is no heart and fainter than this comes from the instrument itself."""
_SILENCE = 1.5
"""Loudest sample of a window in which nothing is connected."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Mean and spread of the features in training, and small networks: some that say, on average, if it is good, and
    one that says why not.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    good: tuple[Network, ...]
    fault: Network

    def judge(self, rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n, features) in; out the scores (n,), 0-1, and the shares of the faults (n, 4) in the order of `FAULTS`."""
        away = np.clip((rows - self.mean) / self.spread, -4.0, 4.0)
        scores = np.mean([np.exp(network.log_likelihood(away))[:, 0] for network in self.good], axis=0)
        return scores, np.exp(self.fault.log_likelihood(away))


@cache
def trained_judge() -> Judge:
    """The judge that comes with the package."""
    with resources.files("carebag_signal").joinpath("quality.npz").open("rb") as file, np.load(file) as stored:
        names = [f"good{k}" for k in range(int(stored["good"]))]
        good = tuple(_stored(dict(stored), name, 2) for name in names)
        return Judge(stored["mean"], stored["spread"], good, _stored(dict(stored), "fault", len(FAULTS)))


def _stored(arrays: dict[str, NDArray[np.float32]], name: str, outputs: int) -> Network:
    return Network(tuple(arrays[f"{name}_{i}"] for i in range(int(arrays["layers"]))), np.zeros(outputs))


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
            voice=np.concatenate([f.voice for f in self._frames]),
            evidence=self._evidence,
            states=states,
        )


class Steady:
    """Keeps a word from flapping: it must be found twice in a row, and the one before must have stood for 1.9 s, unless
    what comes now is clearly worse.
    """

    def __init__(self) -> None:
        self._candidate: Word | None = None
        self._times = 0
        self._stood = 0
        self.word: Word | None = None
        """The word said last; None until the first."""

    def take(self, found: Word, clearly_worse: bool) -> Word | None:
        """The new word, if this one is to be said."""
        self._times = self._times + 1 if found == self._candidate else 1
        self._candidate = found
        self._stood += 1
        if found == self.word:
            return None
        if self.word is not None and (
            self._times < TIMES_IN_A_ROW or (self._stood < HOLD_HOPS and not (clearly_worse and self.word == "good"))
        ):
            return None
        self.word, self._stood = found, 0
        return found


class QualityJudge:
    """Says a word when it changes; the first at once."""

    def __init__(self, judge: Judge | None = None) -> None:
        self._judge = judge or trained_judge()
        self._steady = Steady()
        self._fault: Word | None = None
        self.score: float | None = None
        """0-1 of the window heard last: how surely beats and sounds can be told in it. None until the first."""

    @property
    def word(self) -> Word | None:
        """The word said last; None until the first."""
        return self._steady.word

    def hear(self, window: Window) -> Word | None:
        """The new word, if this window changed it."""
        found = self._find(window)
        assert self.score is not None
        return self._steady.take(found, clearly_worse=self.score < CLEARLY_BAD)

    def _find(self, window: Window) -> Word:
        if float(window.peak.max()) <= _SILENCE:
            self.score = 0.0
            return "no_contact"
        scores, shares = self._judge.judge(features(window)[None, :])
        self.score = float(scores[0])
        if float(np.mean(window.clipped > 0)) > CLIPPED_SHARE:
            return "clipped"
        if self.score >= (TOO_LITTLE if self.word == "good" else ENOUGH):
            self._fault = None
            return "good"
        if float(np.median(window.wide.sum(axis=1))) < _FAINT**2:
            return "no_contact"
        return self._cause(shares[0])

    def _cause(self, shares: NDArray[np.float64]) -> Word:
        """The likeliest fault, or still the one before if it is hardly less likely."""
        likeliest = FAULTS[int(shares.argmax())]
        if self._fault is None or shares.max() - shares[FAULTS.index(self._fault)] > _SURER:
            self._fault = likeliest
        return self._fault
