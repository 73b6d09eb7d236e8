"""Recomputes a whole access log from the stored rows, and compares it with what was kept elsewhere.

An event whose content was removed at the end of its time left its leaf's hash and its chain hash (`pruned.py`), and is
whole only if a later event of the log says so.
"""

import json
import re
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DataError, OperationalError

from carebag_server.audit_verifier.note import Checkpoint
from carebag_server.audit_verifier.pruned import Claims, Pruned, pruned_of
from carebag_server.audit_verifier.tree import Stack, hash_leaf

_NOTHING_BEFORE = "0" * 64
_PAGE = 1000
_TEXTS = ("practitioner", "role", "care_unit", "organization", "purpose", "origin", "request_ref")
_COLUMNS = ("seq", "at", "action", "object", "patient_id", "visit_id", *_TEXTS, "hash")
_SQLITE_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6})")
_SQLITE_ID = re.compile(r"[0-9a-f]{32}")

Head = tuple[int, str]
"""Number and chain hash of an event, as written down."""


class _NotAsWritten(Exception):
    """A row that the writer cannot have written."""


@dataclass(frozen=True, kw_only=True)
class Examined:
    intact: bool
    events: int
    """Read and found whole, from the first on."""
    pruned: int = 0
    """Of them, those whose content was removed and of which the log says so."""
    head: str
    """Chain hash of the last of them, 64 hex digits."""
    root: bytes
    """Of their Merkle tree, 32 bytes."""
    broken_at: int | None = None
    """The first event that may not be as it was written."""
    why: str | None = None
    """`changed` (a row, or the order of rows), `missing` (a number is not there), `cut_off` (the end is gone, or the
    stored head is not of these rows), `other_history` (whole in itself, but what was kept elsewhere is not in it)."""
    against: Checkpoint | Head | None = None
    """What was kept elsewhere and does not fit."""


def examine(connection: Connection, heads: Sequence[Head] = (), checkpoints: Sequence[Checkpoint] = ()) -> Examined:
    """Read all events, recompute chain and tree, compare.

    Args:
        connection: in a transaction that sees one moment.
        heads: numbers and chain hashes that were written down.
        checkpoints: whose signatures were verified.
    """
    log, kept, pruned = _Reading(), _Kept(heads, checkpoints), pruned_of(connection)
    kept.look(log)
    for row in _rows(connection):
        for gone in pruned.following(log.tree.size):
            log.take_pruned(gone)
            kept.look(log)
        if row is None or row["seq"] != log.tree.size + 1:
            # a row that cannot be read at all has a number, which is not known
            return log.broken("changed" if row is None or not _is_beyond(row["seq"], log.tree.size) else "missing")
        try:
            log.take(row)
        except _NotAsWritten:
            return log.broken("changed")
        kept.look(log)
    for gone in pruned.following(log.tree.size):
        log.take_pruned(gone)
        kept.look(log)
    if pruned.left_over():
        return log.broken("changed")
    if not _ends_as_stored(connection, log):
        return log.broken("cut_off")
    unsaid = log.claims.unsaid()
    if unsaid is not None:
        return log.broken("changed", unsaid)
    return kept.judge(log)


def _is_beyond(seq: object, before: int) -> bool:
    return isinstance(seq, int) and seq > before


class _Reading:
    """The rows so far."""

    def __init__(self) -> None:
        self.tree, self.head, self.claims = Stack(), _NOTHING_BEFORE, Claims()

    def take_pruned(self, gone: Pruned) -> None:
        self.claims.add(gone)
        self.tree.add(gone.leaf)
        self.head = gone.hash

    def take(self, row: dict[str, Any]) -> None:
        """Raises: _NotAsWritten: nothing was taken."""
        event = _event(row)
        if event["hash"] != _chain_hash(self.head, event):
            raise _NotAsWritten
        entry = json.dumps(event, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        self.tree.add(hash_leaf(entry))
        self.head = event["hash"]
        self.claims.hear(event["seq"], event["action"], event["object"])

    def broken(self, why: str, at: int | None = None, against: Checkpoint | Head | None = None) -> Examined:
        return Examined(
            intact=False,
            events=self.tree.size,
            pruned=self.claims.pruned,
            head=self.head,
            root=self.tree.root(),
            broken_at=self.tree.size + 1 if at is None else at,
            why=why,
            against=against,
        )


class _Kept:
    """Heads and checkpoints from elsewhere, compared at their places while the log is read."""

    def __init__(self, heads: Sequence[Head], checkpoints: Sequence[Checkpoint]) -> None:
        self._all: list[Checkpoint | Head] = [*heads, *checkpoints]
        self._at: dict[int, list[Checkpoint | Head]] = {}
        for one in self._all:
            self._at.setdefault(_size(one), []).append(one)
        self._agree = 0
        self._contradicted: Checkpoint | Head | None = None

    def look(self, log: _Reading) -> None:
        for one in self._at.pop(log.tree.size, ()):
            there = one.root == log.tree.root() if isinstance(one, Checkpoint) else one[1] == log.head
            if not there and self._contradicted is None:
                self._contradicted = one
            elif self._contradicted is None:
                self._agree = log.tree.size

    def judge(self, log: _Reading) -> Examined:
        """Of a log that is whole in itself."""
        if self._contradicted is not None:
            return log.broken("other_history", self._agree + 1, self._contradicted)
        if self._at:
            first = min(self._at)
            return log.broken("other_history", against=self._at[first][0])
        return Examined(
            intact=True, events=log.tree.size, pruned=log.claims.pruned, head=log.head, root=log.tree.root()
        )


def _size(kept: Checkpoint | Head) -> int:
    return kept.size if isinstance(kept, Checkpoint) else kept[0]


def _rows(connection: Connection) -> Iterator[dict[str, Any] | None]:
    """In the order of their numbers; None for one that cannot be read, and then no more."""
    last, page = -(2**63), _PAGE
    columns = ", ".join(_COLUMNS)
    query = text(f"SELECT {columns} FROM audit_event WHERE seq > :last ORDER BY seq LIMIT :page")  # noqa: S608
    seen = 0
    while True:
        try:
            rows = connection.execute(query, {"last": last, "page": page}).mappings().all()
        except (DataError, OperationalError) as error:
            if isinstance(error, OperationalError) and "decode" not in str(error.orig):
                raise
            if page == 1:
                yield None
                return
            page = 1  # a text that is not UTF-8, a time that is none: one row after the other, to find which
            continue
        yield from (dict(row) for row in rows)
        seen += len(rows)
        if len(rows) < page:
            break
        last = rows[-1]["seq"]
    if connection.execute(text("SELECT count(*) FROM audit_event")).scalar() != seen:
        yield None  # two rows of one number, or a number that is none


def _event(row: dict[str, Any]) -> dict[str, Any]:
    """The row's fields as they are hashed, whichever engine held them."""
    event = dict(row)
    event["at"] = _time(row["at"]).isoformat(timespec="microseconds")
    for name in ("patient_id", "visit_id"):
        event[name] = _id(row[name])
    if not all(isinstance(row[name], str) for name in ("action", "object", *_TEXTS, "hash")):
        raise _NotAsWritten
    return event


def _time(stored: object) -> datetime:
    if isinstance(stored, datetime) and stored.tzinfo is not None:
        return stored.astimezone(UTC)
    parts = _SQLITE_TIME.fullmatch(stored) if isinstance(stored, str) else None
    try:
        if parts is not None:
            return datetime.fromisoformat(f"{parts[1]}T{parts[2]}+00:00")
    except ValueError:
        pass
    raise _NotAsWritten


def _id(stored: object) -> str | None:
    if stored is None:
        return None
    if isinstance(stored, uuid.UUID):
        return str(stored)
    if isinstance(stored, str) and _SQLITE_ID.fullmatch(stored):
        return str(uuid.UUID(stored))
    raise _NotAsWritten


def _chain_hash(before: str, event: dict[str, Any]) -> str:
    fields = [before, *(event[name] for name in _COLUMNS if name != "hash")]
    return sha256(json.dumps(fields, separators=(",", ":")).encode()).hexdigest()


def _ends_as_stored(connection: Connection, log: _Reading) -> bool:
    """Whether the stored head is of these rows. One of before the tree (migration 0008) has no frontier to compare."""
    names = {column["name"] for column in inspect(connection).get_columns("audit_head")}
    frontier = "frontier" if "frontier" in names else "NULL"
    heads = connection.execute(text(f"SELECT id, events, hash, {frontier} FROM audit_head")).all()  # noqa: S608
    if not heads:
        return log.tree.size == 0
    [(key, events, digest, stored), *more] = heads
    if more or (key, events, digest) != (1, log.tree.size, log.head):
        return False
    return stored is None or (isinstance(stored, bytes | memoryview) and bytes(stored) == log.tree.subtrees())


@contextmanager
def open_log(url: str) -> Iterator[Connection]:
    """A look at one moment of a database, which the hub may be writing to and which is not changed.

    Raises:
        FileNotFoundError: an SQLite file that is not there.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        if not address.database or not Path(address.database).is_file():
            raise FileNotFoundError(address.database)
        file = Path(address.database).absolute().as_uri() + "?mode=ro"
        engine = create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect(file, uri=True, isolation_level=None, timeout=20),
            hide_parameters=True,
        )
    else:
        engine = create_engine(
            address.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
        )
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection
    finally:
        engine.dispose()
