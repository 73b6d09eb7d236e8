"""Marks beside the breath: "listen here", where long tones or clicks come back in the same part of several breaths.

Off unless asked for: `LungMonitor(rate_hz, markers=True)`. Decision support, not a diagnosis.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal as scipy_signal

from carebag_signal.adventitious import CrackleBlocks, MarkKind, ToneFrames, Tones
from carebag_signal.breath_frames import FRAMES_PER_SECOND, frame_start
from carebag_signal.breath_period import tracks
from carebag_signal.breathing import EVERY_FRAMES, WINDOW_FRAMES, BreathFinding, BreathingMonitor

_TONE_DB = 14.0
_SHORTEST_FRAMES, _LONGEST_FRAMES = 4, 60
"""0.2 to 3 s: a longer tone is a machine's or mains."""
_GLIDE_HZ = 25.0
_TOGETHER, _BEYOND_CHANCE = 0.7, 3.5
"""How close together in the breath (length of the mean of unit vectors), and that squared times the breaths with such
a sound (after Rayleigh's test of what has a direction)."""


@dataclass(frozen=True, slots=True)
class LungMark:
    """A place to listen to: samples `start` to `end`. `kind` is the detector's name, not a finding."""

    start: int
    end: int
    kind: MarkKind


LungFinding = BreathFinding | LungMark


def ridges(tones: Tones) -> list[tuple[int, int]]:
    """(first frame, end) of tones that last: prominent in each frame, and near in frequency from frame to frame."""
    strong = tones.prominence_db >= _TONE_DB
    found, start = [], 0
    for i in range(1, strong.size + 1):
        joined = (
            i < strong.size
            and strong[i]
            and strong[i - 1]
            and abs(tones.frequency_hz[i] - tones.frequency_hz[i - 1]) <= _GLIDE_HZ
        )
        if not joined:
            if strong[start] and _SHORTEST_FRAMES <= i - start <= _LONGEST_FRAMES:
                found.append((start, i))
            start = i
    return found


class LungMonitor:
    """Breathing at one place on the chest, and marks if they are asked for. The same for any chunking."""

    def __init__(self, rate_hz: int, *, markers: bool = False) -> None:
        """Raises: ValueError unless 2000 <= rate_hz <= 96000."""
        self._rate_hz = rate_hz
        self._markers = markers
        self._breathing = BreathingMonitor(rate_hz)
        self._base = self._fed = 0
        self._begin()

    def _begin(self) -> None:
        self._base = self._fed
        self._tones, self._crackles = ToneFrames(self._rate_hz), CrackleBlocks(self._rate_hz)
        self._frequency, self._prominence = np.zeros(0), np.zeros(0)
        self._clicks: list[int] = []
        self._given: set[tuple[int, MarkKind]] = set()

    def feed(self, samples: NDArray[np.int16]) -> list[LungFinding]:
        """Findings that became known with these samples.

        Raises: ValueError unless the samples are one channel of int16.
        """
        if not self._markers:
            self._fed += samples.size
            return list(self._breathing.feed(samples))
        found: list[LungFinding] = []
        at = 0
        while at < samples.size or not samples.size:
            # up to the next look, so that what is known at a look does not depend on the chunks
            here = self._fed - self._base
            look = self._breathing.seen // EVERY_FRAMES + 1
            until = frame_start(look * EVERY_FRAMES, self._rate_hz) - here
            piece = samples[at : at + max(until, 1)]
            found += self._step(piece)
            at += piece.size
            if not samples.size:
                break
        return found

    def _step(self, piece: NDArray[np.int16]) -> list[LungFinding]:
        before = self._breathing.seen
        found: list[LungFinding] = list(self._breathing.feed(piece))
        self._fed += piece.size
        tones = self._tones.feed(piece)
        self._frequency = np.concatenate((self._frequency, tones.frequency_hz))[-WINDOW_FRAMES:]
        self._prominence = np.concatenate((self._prominence, tones.prominence_db))[-WINDOW_FRAMES:]
        self._clicks += self._crackles.feed(piece)
        if self._breathing.seen // EVERY_FRAMES > before // EVERY_FRAMES:
            found += self._look()
        return found

    def gap(self, n_samples: int) -> list[LungFinding]:
        """Samples that were lost: everything starts anew behind them.

        Raises: ValueError if `n_samples` is negative.
        """
        found: list[LungFinding] = []
        if n_samples < 0:
            raise ValueError("n_samples must not be negative")
        if n_samples:
            found += self.finish()
            self._breathing.gap(n_samples)
            self._fed += n_samples
            self._begin()
        return found

    def finish(self) -> list[LungFinding]:
        """What was still open when the sound ended."""
        found: list[LungFinding] = list(self._breathing.finish())
        if self._markers and found:
            self._clicks += self._crackles.finish()
            found += self._look()
        return found

    def _look(self) -> list[LungFinding]:
        first = self._breathing.seen - len(self._breathing.rows)
        oldest = frame_start(first, self._rate_hz)
        self._clicks = [at for at in self._clicks if at >= oldest]
        self._given = {(start, kind) for start, kind in self._given if start >= self._base + oldest}
        if self._breathing.period_s is None:
            return []
        phase = _phase(self._breathing.rows, self._breathing.period_s)
        tone_first = self._tones.seen - self._frequency.size
        tones = [
            (frame_start(tone_first + a, self._rate_hz), frame_start(tone_first + b + 1, self._rate_hz))
            for a, b in ridges(Tones(self._frequency, self._prominence))
            if a > 0 or tone_first == 0
        ]
        half = round(0.006 * self._rate_hz)
        clicks = [(max(at - half, 0), at + half) for at in self._clicks]
        return [*self._together(tones, "wheeze", phase, first), *self._together(clicks, "crackle", phase, first)]

    def _together(
        self, spans: list[tuple[int, int]], kind: MarkKind, phase: NDArray[np.float64], first: int
    ) -> list[LungFinding]:
        """Marks for the spans that keep time with the breath, if enough of them do."""
        frames = [(a + b) * FRAMES_PER_SECOND // (2 * self._rate_hz) - first for a, b in spans]
        inside = [(span, frame) for span, frame in zip(spans, frames, strict=True) if 0 <= frame < phase.size]
        if not inside:
            return []
        turns = np.array([phase[frame] for _, frame in inside])
        middle = np.mean(np.exp(1j * turns))
        near = np.cos(turns - np.angle(middle)) > 0
        breaths = {round((turn - float(np.angle(middle))) / (2 * np.pi)) for turn in turns[near].tolist()}
        if abs(middle) < _TOGETHER or len(breaths) * abs(middle) ** 2 < _BEYOND_CHANCE:
            return []
        found: list[LungFinding] = []
        for (span, _), fits in zip(inside, near.tolist(), strict=True):
            mark = LungMark(self._base + span[0], self._base + span[1], kind)
            if fits and (mark.start, kind) not in self._given:
                self._given.add((mark.start, kind))
                found.append(mark)
        return found


def _phase(rows: NDArray[np.float64], period_s: float) -> NDArray[np.float64]:
    """(n,): where in the breath each frame is, in turns of 2 pi that go on from breath to breath."""
    swings = tracks(rows)
    mixed = np.sum(swings[1:] / (swings[1:].std(axis=1, keepdims=True) + 1e-9), axis=0)
    band = (max(0.05, 0.6 / period_s), min(1.6 / period_s, 3.0))
    sos = scipy_signal.butter(1, band, "bandpass", fs=FRAMES_PER_SECOND, output="sos")
    return np.unwrap(np.angle(scipy_signal.hilbert(scipy_signal.sosfiltfilt(sos, mixed))))
