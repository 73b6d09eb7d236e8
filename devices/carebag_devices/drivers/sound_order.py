"""Frames of an auscultation stream in order: asks for what is missing, waits a moment, then lets the gap stand. Pure.

Nothing is ever spliced or filled here: a gap is a jump in `first_sample`, and `digest` proves what has none.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from carebag_devices.codecs.auscultation import DIGEST_FRAMES, AudioFrame, Digest, crc32c

PATIENCE_S = 0.3
"""How long frames wait for a missing one before them."""
FURTHEST_SAMPLES = 2**20
"""A minute of 16 kHz. A frame further ahead is damaged, not early: a link that long silent would have broken."""
_KEPT_FRAMES = 4 * DIGEST_FRAMES


@dataclass
class Tally:
    """What became of the stream so far, in frames (windows for the digests)."""

    delivered: int = 0
    repaired: int = 0
    late: int = 0
    """Came after the gap was given up, or twice."""
    refused: int = 0
    """Claimed a place that no real stream reaches so soon."""
    gaps: int = 0
    verified: int = 0
    mismatched: int = 0


@dataclass(frozen=True)
class Missing:
    """Ask the device for these: `count` frames from `seq` on."""

    seq: int
    count: int


@dataclass
class SoundOrder:
    """One stream. `now` is monotonic seconds."""

    patience_s: float = PATIENCE_S
    tally: Tally = field(default_factory=Tally)
    _next_sample: int = 0
    _next_seq: int = 0
    _held: dict[int, AudioFrame] = field(default_factory=dict)
    _deadline: float | None = None
    _done: deque[AudioFrame] = field(default_factory=lambda: deque(maxlen=_KEPT_FRAMES))

    @property
    def next_sample(self) -> int:
        """Samples told so far, gaps included."""
        return self._next_sample

    @property
    def deadline(self) -> float | None:
        """When to call `overdue`; None while nothing waits."""
        return self._deadline

    def feed(self, frame: AudioFrame, now: float) -> tuple[list[AudioFrame], Missing | None]:
        """Frames that may go on, in order, and what to ask for."""
        if frame.first_sample > self._next_sample + FURTHEST_SAMPLES:
            self.tally.refused += 1
            return [], None
        if frame.first_sample < self._next_sample or frame.first_sample in self._held:
            self.tally.late += 1
            return [], None
        if frame.first_sample == self._next_sample:
            return self._released(frame, now), None
        missing = self._missing_before(frame)
        self._held[frame.first_sample] = frame
        if self._deadline is None:
            self._deadline = now + self.patience_s
        return [], missing

    def overdue(self, now: float) -> list[AudioFrame]:
        """Past the deadline: the gap stands, what waited behind it goes on."""
        if self._deadline is None or now < self._deadline:
            return []
        return self.give_up_gap(now)

    def give_up_gap(self, now: float) -> list[AudioFrame]:
        """Let the oldest open gap stand; empty when there is none."""
        if not self._held:
            self._deadline = None
            return []
        self.tally.gaps += 1
        return self._released(self._held.pop(min(self._held)), now)

    def digest(self, said: Digest) -> Literal["verified", "mismatched", "incomplete"]:
        """Compare with the device's own checksum; `incomplete` where frames of the window are missing."""
        end = said.first_sample + said.samples
        frames = [frame for frame in self._done if said.first_sample <= frame.first_sample < end]
        data = b"".join(frame.data for frame in frames)
        if len(data) != 2 * said.samples:
            return "incomplete"
        if crc32c(data) != said.crc:
            self.tally.mismatched += 1
            return "mismatched"
        self.tally.verified += 1
        return "verified"

    def reaches(self, said: Digest) -> bool:
        """Whether everything up to the digest's end has been told."""
        return self._next_sample >= said.first_sample + said.samples

    def _missing_before(self, frame: AudioFrame) -> Missing | None:
        """What lies between the last frame we have (or asked about) and this one."""
        last = self._held[max(self._held)] if self._held else None
        if last is not None and last.first_sample > frame.first_sample:
            return None
        seq = self._next_seq if last is None else (last.seq + 1) % 2**16
        expected = self._next_sample if last is None else last.first_sample + len(last.data) // 2
        if expected >= frame.first_sample:
            return None
        return Missing(seq, (frame.seq - seq) % 2**16)

    def _released(self, frame: AudioFrame, now: float) -> list[AudioFrame]:
        released = [frame]
        self._advance(frame)
        while (following := self._held.pop(self._next_sample, None)) is not None:
            released.append(following)
            self._advance(following)
        self._deadline = now + self.patience_s if self._held else None
        return released

    def _advance(self, frame: AudioFrame) -> None:
        self.tally.delivered += 1
        self.tally.repaired += frame.retransmitted
        self._done.append(frame)
        self._next_sample = frame.first_sample + len(frame.data) // 2
        self._next_seq = (frame.seq + 1) % 2**16
