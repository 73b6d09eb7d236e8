"""Events whose content was removed at the end of its time: what is left of each, and whether the log says so.

The event that says so has the action `log_pruned`, and its object ends with `digest` and the SHA-256, in hex, over a
line `NUMBER LEAF HASH` for each of those it removed, in order: leaf and chain hash in hex, each line ended by a line
feed (docs/decisions/0039). So nobody removes one unseen, puts another in, or changes what is left of one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

_PAGE = 5000
_SAYS_SO = "log_pruned"
_DIGEST = re.compile(r"digest ([0-9a-f]{64})$")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Pruned:
    seq: int
    leaf: bytes
    hash: str
    act_seq: int


class PrunedEvents:
    """Those of a log in the order of their numbers, each looked at once."""

    def __init__(self, rows: Iterator[Pruned | None]) -> None:
        self._rows = rows
        self._next: Pruned | None = None
        self._damaged = False
        self._step()

    def following(self, events: int) -> Iterator[Pruned]:
        """Those that come just behind so many events, without a gap."""
        while self._next is not None and self._next.seq == events + 1:
            yield self._next
            events += 1
            self._step()

    def left_over(self) -> bool:
        """At the end: whether one is of a number that has a whole event, or is none."""
        return self._damaged or self._next is not None

    def _step(self) -> None:
        found = next(self._rows, _END)
        self._damaged = self._damaged or found is None
        self._next = found if isinstance(found, Pruned) else None


_END = object()


def pruned_of(connection: Connection) -> PrunedEvents:
    """Of the log of that connection; none in a database of before migration 0015."""
    there = "pruned_event" in inspect(connection).get_table_names()
    return PrunedEvents(_rows(connection) if there else iter(()))


def _rows(connection: Connection) -> Iterator[Pruned | None]:
    """None for a row that the writer cannot have written, and then no more."""
    last, seen = -(2**63), 0
    query = text("SELECT seq, leaf, hash, act_seq FROM pruned_event WHERE seq > :last ORDER BY seq LIMIT :page")
    while True:
        rows = connection.execute(query, {"last": last, "page": _PAGE}).all()
        for row in rows:
            made = _made(*row)
            yield made
            if made is None:
                return
        seen += len(rows)
        if len(rows) < _PAGE:
            break
        last = rows[-1][0]
    if connection.execute(text("SELECT count(*) FROM pruned_event")).scalar() != seen:
        yield None


def _made(seq: Any, leaf: Any, digest: Any, act_seq: Any) -> Pruned | None:
    leaf = bytes(leaf) if isinstance(leaf, bytes | memoryview) else b""
    numbers = isinstance(seq, int) and isinstance(act_seq, int) and 0 < seq < act_seq
    if not numbers or len(leaf) != sha256().digest_size or not isinstance(digest, str) or not _HASH.fullmatch(digest):
        return None
    return Pruned(seq, leaf, digest, act_seq)


class Claims:
    """What was found removed, until the event comes that says so."""

    def __init__(self) -> None:
        self.pruned = 0
        self._open: dict[int, tuple[int, Any]] = {}

    def add(self, gone: Pruned) -> None:
        self.pruned += 1
        _, over = self._open.setdefault(gone.act_seq, (gone.seq, sha256()))
        over.update(f"{gone.seq} {gone.leaf.hex()} {gone.hash}\n".encode())

    def hear(self, seq: int, action: str, thing: str) -> None:
        """An event that is whole: it may be the one that says so."""
        if seq not in self._open or action != _SAYS_SO:
            return
        said = _DIGEST.search(thing)
        if said is not None and said[1] == self._open[seq][1].hexdigest():
            del self._open[seq]

    def unsaid(self) -> int | None:
        """The first event that is gone without the log saying so; None: there is none."""
        return min((first for first, _ in self._open.values()), default=None)
