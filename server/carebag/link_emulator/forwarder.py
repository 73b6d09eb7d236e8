"""The process that carries packets between the two ends: from one TUN device to the other, when the model says.

A process of its own, so that nothing else of the bench holds it up. Words on standard input: `begin` starts the
profile's outages, the end of input stops it; then it writes what it did as JSON.
"""

import contextlib
import heapq
import json
import os
import select
import sys
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from carebag.link_emulator.model import LinkModel, Outage
from carebag.link_emulator.profiles import Profile

BARE_PORT = 9
"""UDP packets to this port go through a link of their own: the same, but empty."""
_UDP, _PORT_AT = 17, 22
_MOST_LATENESS = 500_000
_AT_ONCE = 64


class Direction:
    """From one device to the other: the link that all share, and the empty one beside it."""

    def __init__(self, name: str, source: int, sink: int, profile: Profile, seed: int) -> None:
        way = profile.up if name == "up" else profile.down
        self.source, self.sink = source, sink
        self.shared = LinkModel(way, f"{seed} {name}")
        self.bare = LinkModel(way, f"{seed} {name} bare")
        self.counts: dict[str, int] = {"packets": 0, "bytes": 0, "loss": 0, "queue": 0, "outage": 0}
        self.per_second: dict[int, int] = {}
        """Bytes delivered, by whole unix second."""

    def begin(self, outages: list[Outage]) -> None:
        self.shared.begin_outages(outages)
        self.bare.begin_outages(outages)

    def take(self, now_s: float, packet: bytes) -> float | None:
        """When it is due, or None."""
        if is_bare(packet):
            return self.bare.offer(now_s, len(packet)).due_s
        fate = self.shared.offer(now_s, len(packet))
        self.counts["packets"] += 1
        self.counts["bytes"] += len(packet)
        if fate.reason is not None:
            self.counts[fate.reason] += 1
            return None
        second = int(time.time())
        self.per_second[second] = self.per_second.get(second, 0) + len(packet)
        return fate.due_s


def is_bare(packet: bytes) -> bool:
    """Whether an IPv4 packet without options is one of the probe's."""
    return (
        len(packet) >= _PORT_AT + 2
        and packet[0] == 0x45
        and packet[9] == _UDP
        and int.from_bytes(packet[_PORT_AT : _PORT_AT + 2], "big") == BARE_PORT
    )


class Forwarder:
    """Both directions, one loop."""

    def __init__(self, profile: Profile, seed: int, kitchen: int, hospital: int) -> None:
        self._profile = profile
        self.ways = {
            kitchen: Direction("up", kitchen, hospital, profile, seed),
            hospital: Direction("down", hospital, kitchen, profile, seed),
        }
        self._waiting: list[tuple[float, int, int, bytes]] = []
        self._number = count()
        self.lateness_s: list[float] = []

    def run(self, words: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Until `words` (a descriptor) ends."""
        while True:
            now = monotonic()
            self._deliver(now)
            wait = self._waiting[0][0] - now if self._waiting else 1.0
            ready, _, _ = select.select([words, *self.ways], [], [], max(0.0, wait))
            for fd in ready:
                if fd != words:
                    self._read(fd, monotonic)
                elif not self._word(monotonic()):
                    return

    def _word(self, now: float) -> bool:
        said = os.read(0, 100)
        if b"begin" in said:
            outages = [Outage(now + one.start_s, one.length_s) for one in self._profile.outages]
            for way in self.ways.values():
                way.begin(outages)
        return bool(said)

    def _read(self, fd: int, monotonic: Callable[[], float]) -> None:
        way = self.ways[fd]
        with contextlib.suppress(BlockingIOError):
            for _ in range(_AT_ONCE):
                packet = os.read(fd, 65536)
                due = way.take(monotonic(), packet)
                if due is not None:
                    heapq.heappush(self._waiting, (due, next(self._number), way.sink, packet))

    def _deliver(self, now: float) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            due, _, sink, packet = heapq.heappop(self._waiting)
            with contextlib.suppress(OSError):  # the device is down
                os.write(sink, packet)
            if len(self.lateness_s) < _MOST_LATENESS:
                self.lateness_s.append(now - due)

    def report(self) -> dict[str, Any]:
        """Counts of each direction, and how late packets were against the model (ms)."""
        late = sorted(self.lateness_s) or [0.0]
        up, down = self.ways.values()
        return {
            "up": up.counts,
            "down": down.counts,
            "up_bytes_per_second": up.per_second,
            "down_bytes_per_second": down.per_second,
            "late_p50_ms": round(late[len(late) // 2] * 1000, 2),
            "late_p99_ms": round(late[int(len(late) * 0.99)] * 1000, 2),
            "late_max_ms": round(late[-1] * 1000, 2),
        }


def hurry() -> None:
    """Go before everybody else on a busy machine, where that is allowed."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        return
    with contextlib.suppress(OSError):
        os.nice(-15)


def main() -> None:
    told = json.loads(sys.argv[1])
    hurry()
    forwarder = Forwarder(Profile.from_data(told["profile"]), told["seed"], told["kitchen"], told["hospital"])
    forwarder.run(sys.stdin.fileno())
    json.dump(forwarder.report(), sys.stdout)


if __name__ == "__main__":
    main()
