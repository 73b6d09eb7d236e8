"""The quality of a whole recording, window by window, by the very code that runs in a live visit."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import BandEnergies, frame_start
from carebag_signal.evidence import HeartEvidence, Network
from carebag_signal.quality import WINDOW_S, Judge, Listening, QualityJudge, Word
from carebag_signal.quality_features import Window
from carebag_signal.segmentation import Segment, Segmenter


@dataclass(frozen=True, slots=True)
class QualityPoint:
    """What was found at a sample about the three seconds before it."""

    at_sample: int
    score: float
    """0-1: how surely beats and sounds can be told in it."""
    word: Word
    """The word that stands then."""


def quality_track(
    samples: NDArray[np.int16], rate_hz: int, *, network: Network | None = None, judge: Judge | None = None
) -> tuple[QualityPoint, ...]:
    """A point every 0.48 s, the first within three seconds; none for less sound than that.

    Raises: ValueError if the rate is out of range or the samples are not one channel of int16.
    """
    hearing = QualityJudge(judge)
    found = []
    for frame, window, _ in windows(samples, rate_hz, network):
        hearing.hear(window)
        assert hearing.score is not None
        assert hearing.word is not None
        found.append(QualityPoint(frame_start(frame, rate_hz), hearing.score, hearing.word))
    return tuple(found)


def windows(
    samples: NDArray[np.int16], rate_hz: int, network: Network | None = None
) -> Iterator[tuple[int, Window, list[Segment]]]:
    """Every window of a recording: the frame after it, what it holds, and the beats found in it.

    Raises: ValueError if the rate is out of range or the samples are not one channel of int16.
    """
    evidence, segmenter, listening = HeartEvidence(network), Segmenter(), Listening()
    for frames in BandEnergies(rate_hz).feed(samples):
        rows = evidence.feed(frames.heart)
        segmenter.feed(rows)
        listening.feed(frames, rows)
        if listening.due:
            path = segmenter.path(WINDOW_S)
            yield listening.seen, listening.window(path, segmenter.frames), path
