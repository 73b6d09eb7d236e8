"""Heart sounds as they arrive: heart rate, S1/S2 marks, a quality word, and where to listen again.

Decision support, not a diagnosis.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from carebag_signal.bands import FRAMES_PER_SECOND, BandEnergies, Frames, check_samples, frame_start
from carebag_signal.evidence import HeartEvidence, Network
from carebag_signal.extra_sounds import ExtraSound, ExtraSoundPointer
from carebag_signal.heart_cycles import READ_S
from carebag_signal.heart_rate import WINDOW_S, WhyNot, rate_from_path
from carebag_signal.quality import WINDOW_FRAMES, Listening, QualityJudge, Word
from carebag_signal.segmentation import S1, S2, Segment, Segmenter

LAG_FRAMES = 24
"""A mark is given when the path behind it is this old: with context, window and block it is final within 1 s."""
RECORD_LAG_FRAMES = 250
"""For a recording that nobody is waiting for: five seconds of what came after decide where a sound lies."""
_LONGEST_LAG_FRAMES = 400
_LATE_FRAMES = 4
"""So late a sound may still be marked that the path holds only now: 955 ms behind its onset at the most, live."""
_SAME_SOUND_FRAMES = {True: 13, False: 3}
"""So near behind a mark, of its own name and of the other, the path has moved what is marked already: no two beats come
within 60/225 s, no two sounds within 60 ms."""
_RATE_EVERY_FRAMES = 24
_REMEMBERED_S = 12
"""So far back lies no sound that is still to be marked: the path is read 10 s back at the most."""
_ONSET_S = 0.015
"""A frame is 50 ms wide and stands for the 20 ms in its middle."""


@dataclass(frozen=True, slots=True)
class HeartRate:
    """Beats per minute (30-220) as known at a sample, or the code of why none is shown."""

    at_sample: int
    per_min: int | None
    why_not: WhyNot | None


@dataclass(frozen=True, slots=True)
class SoundMark:
    """Onset of a first or second heart sound. Final: given within one second (live), and never changed. None lies where
    quality said `no_contact`."""

    sample: int
    sound: Literal["S1", "S2"]


@dataclass(frozen=True, slots=True)
class QualityWord:
    """How the last three seconds sounded; given first within 3 s, then when it changes."""

    at_sample: int
    word: Word


Finding = HeartRate | SoundMark | QualityWord | ExtraSound


class HeartSoundMonitor:
    """Listens to one stethoscope position.

    Samples are counted from the first one fed, gaps included, so that a finding points into the recording. The
    findings are the same however the samples are cut into chunks. After a gap everything starts anew: no rate and no
    beat spans a hole.
    """

    def __init__(
        self,
        rate_hz: int,
        *,
        network: Network | None = None,
        lag_frames: int = LAG_FRAMES,
        extra_sounds: bool = False,
    ) -> None:
        """`lag_frames` (1-400, of 20 ms) is how much of what follows is heard before a mark is given; heart rate and
        quality do not wait for it. With `extra_sounds` it also finds where to listen again between S1 and S2.

        Raises: ValueError unless 2000 <= rate_hz <= 96000 and `lag_frames` is in its range.
        """
        if not 1 <= lag_frames <= _LONGEST_LAG_FRAMES:
            raise ValueError(f"lag_frames must be within 1 and {_LONGEST_LAG_FRAMES}")
        self._rate_hz = rate_hz
        self._network = network
        self._lag_frames = lag_frames
        self._extra_sounds = extra_sounds
        self._fed = 0
        self._pending: list[Finding] = []
        self._begin()

    def _begin(self) -> None:
        self._base = self._fed
        self._bands = BandEnergies(self._rate_hz)
        self._evidence = HeartEvidence(self._network)
        self._segmenter = Segmenter()
        self._listening = Listening()
        self._quality = QualityJudge()
        self._pointer = ExtraSoundPointer(self._rate_hz, base=self._base) if self._extra_sounds else None
        self._frames = 0
        self._marked = 0
        self._last: Segment | None = None
        self._untouched: list[tuple[int, int | None]] = []
        self._said = False
        self._shown: tuple[int | None, WhyNot | None] | None = None

    def feed(self, samples: NDArray[np.int16]) -> list[Finding]:
        """Findings that became known with these samples, in the order in which they became known.

        Raises: ValueError unless the samples are one channel of int16.
        """
        check_samples(samples)
        found, self._pending = self._pending, []
        self._fed += samples.size
        for frames in self._bands.feed(samples):
            found += self._block(frames)
        return found

    def gap(self, n_samples: int) -> None:
        """Samples that were lost on the way: what was heard before is closed, and listening starts anew behind the
        hole.

        Raises: ValueError if `n_samples` is negative.
        """
        if n_samples < 0:
            raise ValueError("n_samples must not be negative")
        if n_samples == 0:
            return
        self._pending += self._marks(upto=self._segmenter.frames)
        if self._shown is not None and self._shown[0] is not None:
            self._pending.append(HeartRate(self._fed, None, "assessing"))
        if self._pointer is not None and self._pointer.judged:
            self._pending.append(ExtraSound(self._fed, 0, None, "too_few_beats", ()))
        self._fed += n_samples
        self._begin()

    def finish(self) -> list[Finding]:
        """The marks that were still open when the sound ended."""
        found, self._pending = self._pending, []
        return found + self._marks(upto=self._segmenter.frames)

    def _block(self, frames: Frames) -> list[Finding]:
        self._frames += len(frames.level)
        evidence = self._evidence.feed(frames.heart)
        self._segmenter.feed(evidence)
        self._listening.feed(frames, evidence)
        if self._pointer is not None:
            self._pointer.feed(frames, evidence)
        found = self._marks(upto=self._segmenter.frames - self._lag_frames)
        if self._listening.due:
            found += self._judged()
        if self._frames % _RATE_EVERY_FRAMES == 0:
            found += self._rate()
        return found

    def _judged(self) -> list[Finding]:
        """What the last three seconds change in quality, and what all beats before say of the sound between them."""
        path = self._segmenter.path(WINDOW_FRAMES / FRAMES_PER_SECOND)
        word = self._quality.hear(self._listening.window(path, self._segmenter.frames))
        found: list[Finding] = [] if word is None else [QualityWord(self._now(), word)]
        if self._untouched and self._untouched[-1][1] is None and word is not None:
            self._untouched[-1] = (self._untouched[-1][0], self._now())
        if word == "no_contact":
            oldest = self._now() - _REMEMBERED_S * self._rate_hz
            self._untouched = [(start, end) for start, end in self._untouched if end is None or end > oldest]
            # the first word is of all that was heard before it
            self._untouched.append((self._now() if self._said else self._base, None))
        self._said = self._said or word is not None
        if self._pointer is not None:
            assert self._quality.score is not None
            said = self._pointer.hear(self._segmenter.path(READ_S), self._segmenter.frames, self._quality.score)
            found += [] if said is None else [said]
        return found

    def _now(self) -> int:
        return self._base + frame_start(self._frames, self._rate_hz)

    def _marks(self, upto: int) -> list[Finding]:
        found: list[Finding] = []
        if upto > self._marked:
            late = max(0, self._marked - _LATE_FRAMES)
            for segment in self._segmenter.path((self._segmenter.frames - late) / FRAMES_PER_SECOND):
                if late < segment.start <= upto and segment.state in (S1, S2) and self._is_new(segment):
                    sample = self._base + frame_start(segment.start, self._rate_hz) + round(_ONSET_S * self._rate_hz)
                    if not self._is_untouched(sample):
                        found.append(SoundMark(sample, "S1" if segment.state == S1 else "S2"))
                        self._last = segment
            self._marked = upto
        return found

    def _is_new(self, segment: Segment) -> bool:
        """The best path moves as more is heard, marks do not: no sound is marked twice, none before the last."""
        if self._last is None:
            return True
        return segment.start - self._last.start >= _SAME_SOUND_FRAMES[segment.state == self._last.state]

    def _is_untouched(self, sample: int) -> bool:
        """The segmenter lays beats over anything, silence too; where nothing touches a body there are none to mark."""
        return any(start <= sample and (end is None or sample < end) for start, end in self._untouched)

    def _rate(self) -> list[Finding]:
        # a clipped sound is ugly, but its beats are where they are
        rate, why_not = rate_from_path(self._segmenter.path(WINDOW_S))
        word = self._quality.word
        if word == "no_contact" or word == "noisy" or word == "movement":
            rate, why_not = None, word
        elif word == "speaking":
            rate, why_not = None, "noisy"
        shown = (None if rate is None else round(rate), why_not)
        if shown == self._shown:
            return []
        self._shown = shown
        return [HeartRate(self._now(), *shown)]
