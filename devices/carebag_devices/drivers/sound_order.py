"""Frames of an auscultation stream in order: asks for what is missing, waits a moment, then lets the gap stand. Pure.

Nothing is ever spliced or filled here: a gap is a jump in `first_sample`, and `digest` proves what has none. Frames
are ordered by sequence number; the sample number must agree with it, or the frame is refused. Both wrap around on the
air (u16, u32) and count on here.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from carebag_devices.codecs.auscultation import DIGEST_FRAMES, AudioFrame, Digest
from carebag_devices.codecs.auscultation_control import End
from carebag_devices.codecs.crc32c import crc32c

PATIENCE_S = 0.3
"""How long frames wait for a missing one before them; each repaired one renews it."""
FURTHEST_SAMPLES = 2**20
"""A minute of 16 kHz. A frame further ahead is damaged, not early: a link that long silent would have broken."""
_KEPT_FRAMES = 4 * DIGEST_FRAMES


@dataclass
class Tally:
    """What became of the stream so far, in frames (windows for the digests)."""

    delivered: int = 0
    repaired: int = 0
    late: int = 0
    """Came after the gap was given up."""
    doubled: int = 0
    """Came again: a stack that calls back twice after a reconnection (hbldh/bleak#2002), a resend too many."""
    refused: int = 0
    """Claimed a place that no real stream reaches so soon, or one that contradicts its sequence number."""
    gaps: int = 0
    verified: int = 0
    mismatched: int = 0
    incomplete: int = 0
    """Digests over a gap: they prove nothing."""


@dataclass(frozen=True)
class Missing:
    """Ask the device for these: `count` frames from `seq` on."""

    seq: int
    count: int


class Placed(NamedTuple):
    """A frame and its place, which does not wrap around."""

    first_sample: int
    frame: AudioFrame


def ahead(value: int, of: int, bits: int) -> int:
    """How far `value`, which wraps around at `bits`, is ahead of `of`, by the shorter way."""
    half = 1 << bits - 1
    return (value - of + half) % (1 << bits) - half


@dataclass
class SoundOrder:
    """One stream. `now` is monotonic seconds."""

    patience_s: float = PATIENCE_S
    tally: Tally = field(default_factory=Tally)
    _next_sample: int = 0
    _next_seq: int = 0
    _held: dict[int, Placed] = field(default_factory=dict)
    _deadline: float | None = None
    _end: tuple[int, int] | None = None
    """Sequence number and sample, once the device has told where the stream ended."""
    _done: OrderedDict[int, AudioFrame] = field(default_factory=OrderedDict)

    @property
    def next_sample(self) -> int:
        """Samples told so far, gaps included."""
        return self._next_sample

    @property
    def deadline(self) -> float | None:
        """When to call `overdue`; None while nothing waits."""
        return self._deadline

    def feed(self, frame: AudioFrame, now: float) -> tuple[list[Placed], Missing | None]:
        """Frames that may go on, in order, and what to ask for."""
        seq = self._next_seq + ahead(frame.seq, self._next_seq, 16)
        placed = Placed(self._next_sample + ahead(frame.first_sample, self._next_sample, 32), frame)
        if seq < self._next_seq or seq in self._held:
            self._count_again(seq, placed)
            return [], None
        if not self._fits(seq, placed):
            self.tally.refused += 1
            return [], None
        if seq == self._next_seq:
            return self._released(seq, placed, now), None
        missing = self._missing_before(seq)
        self._held[seq] = placed
        if self._deadline is None:
            self._deadline = now + self.patience_s
        return [], missing

    def close(self, end: End, now: float) -> Missing | None:
        """The device told where the stream ended: what to ask for. An end that makes no sense is ignored."""
        seq = self._next_seq + ahead(end.seq, self._next_seq, 16)
        sample = self._next_sample + ahead(end.sample, self._next_sample, 32)
        further = max(self._held, default=self._next_seq - 1) + 1
        jump = sample - self._next_sample
        if seq < further or not seq - self._next_seq <= jump <= FURTHEST_SAMPLES or jump == 0:
            return None
        self._end = seq, sample
        if self._deadline is None:
            self._deadline = now + self.patience_s
        return Missing(further % 2**16, seq - further) if seq > further else None

    def overdue(self, now: float) -> list[Placed]:
        """Past the deadline: the gap stands, what waited behind it goes on."""
        if self._deadline is None or now < self._deadline:
            return []
        return self.give_up_gap(now)

    def give_up_gap(self, now: float) -> list[Placed]:
        """Let the oldest open gap stand; empty when nothing waits behind it."""
        while self._held:
            seq = min(self._held)
            placed = self._held.pop(seq)
            if self._fits(seq, placed):
                return self._released(seq, placed, now)
            self.tally.refused += 1
        if self._end is not None:
            self.tally.gaps += 1
            self._next_seq, self._next_sample = self._end
            self._end = None
        self._deadline = None
        return []

    def digest(self, said: Digest) -> Literal["verified", "mismatched", "incomplete"]:
        """Compare with the device's own checksum; `incomplete` where frames of the window are missing."""
        at = self._next_sample + ahead(said.first_sample, self._next_sample, 32)
        end, parts = at + said.samples, []
        while at < end and (frame := self._done.get(at)) is not None:
            parts.append(frame.data)
            at += frame.count
        if at != end:
            self.tally.incomplete += 1
            return "incomplete"
        if crc32c(b"".join(parts)) != said.crc:
            self.tally.mismatched += 1
            return "mismatched"
        self.tally.verified += 1
        return "verified"

    def reaches(self, said: Digest) -> bool:
        """Whether everything up to the digest's end has been told."""
        return ahead(said.first_sample, self._next_sample, 32) + said.samples <= 0

    def _count_again(self, seq: int, placed: Placed) -> None:
        if seq in self._held or placed.first_sample in self._done:
            self.tally.doubled += 1
        else:
            self.tally.late += 1

    def _fits(self, seq: int, placed: Placed) -> bool:
        """Frames have at least one sample, so samples run ahead no less than sequence numbers do."""
        if self._end is not None and (seq >= self._end[0] or placed.first_sample + placed.frame.count > self._end[1]):
            return False
        jump = placed.first_sample - self._next_sample
        if seq == self._next_seq:
            return jump == 0 or (placed.frame.overrun and 0 < jump <= FURTHEST_SAMPLES)
        return seq - self._next_seq <= jump <= FURTHEST_SAMPLES

    def _missing_before(self, seq: int) -> Missing | None:
        """What lies between the last frame we have (or asked about) and this one."""
        further = max(self._held, default=self._next_seq - 1) + 1
        return Missing(further % 2**16, seq - further) if seq > further else None

    def _released(self, seq: int, placed: Placed, now: float) -> list[Placed]:
        released = [placed]
        self._advance(seq, placed)
        while (following := self._held.pop(self._next_seq, None)) is not None:
            if not self._fits(self._next_seq, following):
                # two frames that cannot both be true: the later one waits for the gap to be given up
                self.tally.refused += 1
                break
            released.append(following)
            self._advance(self._next_seq, following)
        if self._end == (self._next_seq, self._next_sample):
            self._end = None
        self._deadline = now + self.patience_s if self._held or self._end is not None else None
        return released

    def _advance(self, seq: int, placed: Placed) -> None:
        self.tally.delivered += 1
        self.tally.repaired += placed.frame.retransmitted
        self.tally.gaps += placed.first_sample > self._next_sample
        self._done[placed.first_sample] = placed.frame
        if len(self._done) > _KEPT_FRAMES:
            self._done.popitem(last=False)
        self._next_sample = placed.first_sample + placed.frame.count
        self._next_seq = seq + 1
