"""Changes to a stored access log by somebody with all rights on the database, one at a time, from a seed.

`UNSKILLED` change one thing. `SKILLED` ones recompute chain, head and frontier behind it with the writer's own code, so
that the log is whole in itself: only a checkpoint kept elsewhere shows them, and only those of events in it.
"""

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from carebag_server.audit import GENESIS, HEAD_ID, entry_of, row_hash
from carebag_server.audit_tree import Frontier, leaf_hash
from carebag_server.retention.tables import PrunedEvent
from carebag_server.tables import AuditHead, AuditRow

TRIGGERS = (
    *("audit_event_update", "audit_event_delete", "audit_head_update", "audit_head_delete"),
    *("pruned_event_update", "pruned_event_delete"),
)
_TEXTS = ("action", "object", "practitioner", "role", "care_unit", "organization", "purpose", "origin", "request_ref")
_COLUMNS = ("seq", "at", "patient_id", "visit_id", "hash", *_TEXTS)
_FAR = 1_000_000


class NoChange(Exception):
    """By chance this one would have changed nothing, or the database itself refuses it: draw another."""


@dataclass(frozen=True)
class Log:
    connection: Connection
    """In a transaction; the triggers are gone."""
    rng: random.Random
    events: int
    witnessed: int
    """Events of the checkpoint that is kept elsewhere; 0: none."""
    first: int = 1
    """Number of the first event that has its content; those before were pruned."""

    @property
    def sqlite(self) -> bool:
        return self.connection.dialect.name == "sqlite"

    def run(self, statement: str, **values: Any) -> None:
        self.connection.execute(text(statement), values)

    def number(self, upto: int | None = None) -> int:
        return self.rng.randint(self.first, upto or self.events)


def drop_triggers(connection: Connection) -> None:
    """As whoever has the database's password would first."""
    for trigger in TRIGGERS:
        table = trigger.rsplit("_", 1)[0]
        on = f" ON {table}" if connection.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP TRIGGER IF EXISTS {trigger}{on}"))


def _flip_a_bit(log: Log) -> None:
    """Of any field of any event, as it is stored."""
    _set(log, log.rng.choice(_COLUMNS), log.number(), _one_bit_off)


def _replace_a_field(log: Log) -> None:
    column = log.rng.choice(_TEXTS)
    _set(log, column, log.number(), lambda _log, _old: log.rng.choice(["", "Nobody", "x" * 300, "\u0000", "Å"]))


def _empty_an_id(log: Log) -> None:
    _set(log, log.rng.choice(["patient_id", "visit_id"]), log.number(), lambda _log, _old: None)


def _take_from_another(log: Log) -> None:
    """One event's field in another's place."""
    column, source = log.rng.choice(("at", "hash", *_TEXTS)), log.number()
    value = log.connection.execute(_select(column), {"seq": source}).scalar()
    _set(log, column, log.number(), lambda _log, _old: value)


def _set(log: Log, column: str, seq: int, change: Callable[[Log, Any], Any]) -> None:
    old = log.connection.execute(_select(column), {"seq": seq}).scalar()
    new = change(log, old)
    if new == old:
        raise NoChange
    place = "CAST(:new AS TEXT)" if isinstance(new, bytes) else ":new"
    log.run(f"UPDATE audit_event SET {column} = {place} WHERE seq = :seq", new=new, seq=seq)  # noqa: S608


def _select(column: str) -> Any:
    return text(f"SELECT {column} FROM audit_event WHERE seq = :seq")  # noqa: S608 (a name of this module)


def _one_bit_off(log: Log, old: Any) -> Any:
    rng = log.rng
    if isinstance(old, int):
        return old ^ 1 << rng.randrange(40)
    if isinstance(old, datetime):
        return old + timedelta(microseconds=1 << rng.randrange(40))
    if isinstance(old, uuid.UUID):
        return uuid.UUID(int=old.int ^ 1 << rng.randrange(128))
    if not old:
        raise NoChange
    if log.sqlite:  # any bytes, also such as are no text
        raw = bytearray(str(old).encode())
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        return bytes(raw)
    place = rng.randrange(len(old))
    return old[:place] + chr(ord(old[place]) ^ 1 << rng.randrange(4)) + old[place + 1 :]


def _remove(log: Log) -> None:
    log.run("DELETE FROM audit_event WHERE seq = :seq", seq=log.number())


def _remove_and_close_up(log: Log) -> None:
    seq = log.number()
    log.run("DELETE FROM audit_event WHERE seq = :seq", seq=seq)
    _renumber(log, seq + 1, log.events, -1)
    log.run("UPDATE audit_head SET events = events - 1")


def _remove_the_end(log: Log) -> None:
    log.run("DELETE FROM audit_event WHERE seq > :seq", seq=log.number() - 1)


def _swap(log: Log) -> None:
    one, other = log.rng.sample(range(log.first, log.events + 1), 2)
    log.run("UPDATE audit_event SET seq = :far WHERE seq = :one", far=_FAR, one=one)
    log.run("UPDATE audit_event SET seq = :one WHERE seq = :other", one=one, other=other)
    log.run("UPDATE audit_event SET seq = :other WHERE seq = :far", other=other, far=_FAR)


def _insert(log: Log) -> None:
    """A copy of an event between two others, or behind the last."""
    source, place = log.number(), log.number(log.events + 1)
    if place <= log.events:
        _renumber(log, place, log.events, +1)
    source += source >= place
    _copy(log, source, place)


def _copy(log: Log, source: int, place: int) -> None:
    rest = ", ".join(column for column in _COLUMNS if column != "seq")
    log.run(
        f"INSERT INTO audit_event (seq, {rest}) SELECT :place, {rest} FROM audit_event WHERE seq = :source",  # noqa: S608
        place=place,
        source=source,
    )


def _renumber(log: Log, first: int, last: int, by: int) -> None:
    """By way of numbers that are free, since no two rows may have one at any moment."""
    log.run("UPDATE audit_event SET seq = seq + :far WHERE seq BETWEEN :a AND :b", far=_FAR, a=first, b=last)
    log.run("UPDATE audit_event SET seq = seq - :far + :by WHERE seq > :far", far=_FAR, by=by)


def _change_the_head(log: Log) -> None:
    kind = log.rng.choice(["events", "hash", "frontier", "removed", "second"])
    if kind == "events":
        log.run("UPDATE audit_head SET events = :events", events=log.events ^ 1 << log.rng.randrange(20))
    elif kind == "hash":
        log.run("UPDATE audit_head SET hash = :hash", hash=f"{log.rng.randrange(2**256):064x}")
    elif kind == "frontier":
        frontier = bytearray(log.connection.execute(text("SELECT frontier FROM audit_head")).scalar_one())
        frontier[log.rng.randrange(len(frontier))] ^= 1 << log.rng.randrange(8)
        log.run("UPDATE audit_head SET frontier = :frontier", frontier=bytes(frontier))
    elif kind == "removed":
        log.run("DELETE FROM audit_head")
    else:
        log.run("INSERT INTO audit_head SELECT 2, events, hash, frontier FROM audit_head")


def _skilled_field(log: Log) -> None:
    _need_witness(log)
    column = log.rng.choice(_TEXTS)
    _set(log, column, log.number(log.witnessed), lambda _log, old: f"{old}." if log.rng.random() < 0.5 else "Nobody")
    make_whole(log.connection)


def _skilled_removal(log: Log) -> None:
    _need_witness(log)
    seq = log.number(log.witnessed)
    log.run("DELETE FROM audit_event WHERE seq = :seq", seq=seq)
    _renumber(log, seq + 1, log.events, -1)
    make_whole(log.connection)


def _skilled_swap(log: Log) -> None:
    _need_witness(log)
    _swap(replace(log, events=log.witnessed, witnessed=0))
    make_whole(log.connection)


def _skilled_insertion(log: Log) -> None:
    _need_witness(log)
    place = log.number(log.witnessed)
    _renumber(log, place, log.events, +1)
    _copy(log, place + 1, place)
    log.run("UPDATE audit_event SET practitioner = 'Nobody' WHERE seq = :place", place=place)
    make_whole(log.connection)


def _skilled_end(log: Log) -> None:
    """All from some event on is gone that the checkpoint has, and perhaps new ones are there in its place."""
    _need_witness(log)
    last = log.rng.randrange(log.first - 1, log.witnessed)
    log.run("DELETE FROM audit_event WHERE seq > :last", last=last)
    if last >= log.first and log.rng.random() < 0.5:
        for seq in range(last + 1, log.events + 1):
            _copy(log, last, seq)
            log.run("UPDATE audit_event SET practitioner = 'Nobody' WHERE seq = :seq", seq=seq)
    make_whole(log.connection)


def _of_the_pruned(log: Log) -> None:
    """What is left of an event whose content was removed: a bit, another's, or all of it."""
    numbers = log.connection.execute(text("SELECT seq FROM pruned_event ORDER BY seq")).scalars().all()
    if len(numbers) < 2:
        raise NoChange
    one, other = log.rng.sample(list(numbers), 2)
    kind = log.rng.choice(["leaf", "hash", "act_seq", "seq", "removed", "another's leaf", "another's hash"])
    if kind == "removed":
        log.run("DELETE FROM pruned_event WHERE seq = :one", one=one)
    elif kind.startswith("another"):
        column = kind.split()[1]
        value = f"(SELECT {column} FROM pruned_event WHERE seq = :other)"  # noqa: S608 (names of this module)
        log.run(f"UPDATE pruned_event SET {column} = {value} WHERE seq = :one", one=one, other=other)  # noqa: S608
    else:
        old = log.connection.execute(text(f"SELECT {kind} FROM pruned_event WHERE seq = :one"), {"one": one}).scalar()  # noqa: S608
        new = _a_bit_of(log, old)
        log.run(f"UPDATE pruned_event SET {kind} = :new WHERE seq = :one", new=new, one=one)  # noqa: S608


def _a_bit_of(log: Log, old: Any) -> Any:
    if isinstance(old, int):
        return old ^ 1 << log.rng.randrange(40)
    raw = bytearray(old.encode() if isinstance(old, str) else old)
    raw[log.rng.randrange(len(raw))] ^= 1 << log.rng.randrange(4)
    return raw.decode() if isinstance(old, str) else bytes(raw)


def _need_witness(log: Log) -> None:
    if not log.witnessed:
        raise NoChange


def make_whole(connection: Connection) -> None:
    """Chain, head and frontier anew, as the writer makes them."""
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        before, frontier = GENESIS, Frontier()
        for left in session.query(PrunedEvent).order_by(PrunedEvent.seq):  # the beginning of the log
            before, frontier = left.hash, frontier.append(left.leaf)
        for row in session.query(AuditRow).order_by(AuditRow.seq):
            row.hash = row_hash(before, row)
            before = row.hash
            frontier = frontier.append(leaf_hash(entry_of(row)))
        head = session.get_one(AuditHead, HEAD_ID)
        head.events, head.hash, head.frontier = frontier.size, before, bytes(frontier)
        session.commit()


UNSKILLED: Sequence[Callable[[Log], None]] = (
    _flip_a_bit,
    _replace_a_field,
    _empty_an_id,
    _take_from_another,
    _remove,
    _remove_and_close_up,
    _remove_the_end,
    _swap,
    _insert,
    _change_the_head,
    _of_the_pruned,
)
SKILLED: Sequence[Callable[[Log], None]] = (
    _skilled_field,
    _skilled_removal,
    _skilled_swap,
    _skilled_insertion,
    _skilled_end,
)


def change(log: Log) -> str:
    """One change of a random kind.

    Returns:
        Its kind.

    Raises:
        NoChange: nothing happened, or nothing that the caller must find.
    """
    chosen = log.rng.choice([*UNSKILLED, *SKILLED])
    chosen(log)
    return chosen.__name__.strip("_").replace("_", " ")


def example_event(rng: random.Random, number: int) -> dict[str, Any]:
    """What a hub logs, for logs of tests and measurements: fields of `Actor` and `Act`, and a time."""
    return {
        "action": rng.choice(["visit_read", "reading_stored", "media_read", "note_written"]),
        "object": f"visit {uuid.UUID(int=rng.getrandbits(128))}",
        "patient_id": uuid.UUID(int=rng.getrandbits(128)),
        "visit_id": uuid.UUID(int=rng.getrandbits(128)) if rng.random() < 0.9 else None,
        "practitioner": rng.choice(["Karin Berg", "Åsa Öberg", "Anna Lind (kit 1)"]),
        "role": rng.choice(["doctor", "nurse", "reviewer"]),
        "care_unit": "Hemsjukvård Öst",
        "organization": "Timrå kommun",
        "purpose": "care",
        "origin": f"10.0.0.{rng.randrange(256)}",
        "request_ref": f"{rng.getrandbits(64):016x}",
        "at": datetime(2026, 11, 27, tzinfo=UTC) + timedelta(seconds=number, microseconds=rng.randrange(1_000_000)),
    }
