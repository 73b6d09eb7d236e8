"""What a link does to packets, one direction: pure, the same fates for the same seed, times and sizes."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Reason = Literal["loss", "queue", "outage"]


@dataclass(frozen=True)
class Way:
    """One direction of a link.

    Args:
        delay_ms: time on the way without jitter, >= 0.
        jitter_ms: each packet's own delay lies evenly within +- this, <= delay_ms; order is kept all the same.
        loss: share of packets lost on the way, 0 <= loss < 1.
        burst: mean number of packets lost in a row (Gilbert: a bad state loses all, a good one none); None: each
            packet for itself (Bernoulli).
        rate_kbit: bits per ms that leave the queue; None: without limit.
        queue_ms: a packet that would wait longer than this for its turn is dropped (drop-tail).

    Raises:
        ValueError: a figure out of its range.
    """

    delay_ms: float = 40.0
    jitter_ms: float = 5.0
    loss: float = 0.0
    burst: float | None = None
    rate_kbit: float | None = None
    queue_ms: float = 300.0

    def __post_init__(self) -> None:
        if not 0 <= self.jitter_ms <= self.delay_ms:
            raise ValueError("jitter_out_of_range")
        if not 0 <= self.loss < 1:
            raise ValueError("loss_out_of_range")
        if self.burst is not None and (self.burst < 1 or self.loss > self.burst / (1 + self.burst)):
            raise ValueError("burst_out_of_range")
        if (self.rate_kbit is not None and self.rate_kbit <= 0) or self.queue_ms < 0:
            raise ValueError("rate_out_of_range")


@dataclass(frozen=True)
class Outage:
    """Nothing passes from `start_s` (of the link's time) for `length_s`."""

    start_s: float
    length_s: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.length_s


@dataclass(frozen=True)
class Fate:
    """When a packet arrives (seconds, the clock it was offered by), or why it never does."""

    due_s: float | None
    reason: Reason | None = None


class LinkModel:
    """Decides each packet's fate. Packets are offered in order of time."""

    def __init__(self, way: Way, seed: int | str, outages: Iterable[Outage] = ()) -> None:
        self._way = way
        self._random = random.Random(f"link {seed}")  # noqa: S311 (a repeatable link, no secret)
        self._outages = tuple(outages)
        self._bad = False
        self._free_s = float("-inf")
        self._last_due_s = float("-inf")

    def begin_outages(self, outages: Iterable[Outage]) -> None:
        """From now on these, in place of those before."""
        self._outages = tuple(outages)

    def offer(self, now_s: float, size_bytes: int) -> Fate:
        """A packet of `size_bytes`, IP header included, comes to the link at `now_s`."""
        jitter_ms = self._random.uniform(-self._way.jitter_ms, self._way.jitter_ms)
        lost = self._loses()
        if any(one.start_s <= now_s < one.end_s for one in self._outages):
            return Fate(None, "outage")
        left_s = self._leave_queue(now_s, size_bytes)
        if left_s is None:
            return Fate(None, "queue")
        # a lost packet took its turn in the queue: the air comes behind it
        if lost:
            return Fate(None, "loss")
        due_s = max(self._last_due_s, left_s + (self._way.delay_ms + jitter_ms) / 1000)
        self._last_due_s = due_s
        return Fate(due_s)

    def _leave_queue(self, now_s: float, size_bytes: int) -> float | None:
        if self._way.rate_kbit is None:
            return now_s
        turn_s = max(now_s, self._free_s)
        if (turn_s - now_s) * 1000 > self._way.queue_ms:
            return None
        self._free_s = turn_s + size_bytes * 8 / (self._way.rate_kbit * 1000)
        return self._free_s

    def _loses(self) -> bool:
        draw, way = self._random.random(), self._way
        if way.burst is None:
            return draw < way.loss
        leave_bad = 1 / way.burst
        enter_bad = leave_bad * way.loss / (1 - way.loss)
        self._bad = draw >= leave_bad if self._bad else draw < enter_bad
        return self._bad
