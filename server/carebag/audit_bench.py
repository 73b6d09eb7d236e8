"""`python -m carebag.audit_bench`: are all changes to a stored access log found, and what does the log cost?

Makes random changes of `audit_changes.py`, each to the same log, each undone. Then measures one event in a transaction
of its own (what it adds to a request that only reads), events in batches, bytes on the disk, verifying, proving. Exit
status 0 only if every change was found.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import IntegrityError

from carebag.audit_changes import Log, NoChange, change, drop_triggers, example_event
from carebag_server.audit import Act, Actor, append_all
from carebag_server.audit_note import NoteKey
from carebag_server.audit_proofs import prove_event, signed_checkpoint
from carebag_server.audit_verifier.log import examine, open_log
from carebag_server.audit_verifier.note import Checkpoint, KnownKey, open_checkpoint
from carebag_server.database import Database
from carebag_server.migrate import upgrade
from carebag_server.retention.log_pruning import forget
from carebag_server.tables import AuditRow

KEY = NoteKey.new("bench.example/access-log")
_OF_ACT = ("action", "object", "patient_id", "visit_id")


def fill(database: Database, events: Sequence[dict[str, Any]], together: int) -> None:
    """Log events, so many in a transaction."""
    for start in range(0, len(events), together):
        some = events[start : start + together]
        with database.transaction() as session:
            append_all(session, [_acted(event) for event in some], some[-1]["at"])


def _acted(event: dict[str, Any]) -> tuple[Actor, Act]:
    act = {name: event[name] for name in _OF_ACT}
    actor = {name: value for name, value in event.items() if name not in (*_OF_ACT, "at")}
    return Actor(**actor), Act(**act)


def checkpoint_of(database: Database) -> Checkpoint:
    with database.reading() as session:
        return open_checkpoint(signed_checkpoint(session, KEY), KnownKey.read(KEY.public_text))


def find_changes(
    database: Database, number: int, seed: int, events: int = 40, pruned: int = 0
) -> tuple[Counter[str], list[str]]:
    """Make a log, keep a checkpoint of the first four fifths, change it so many times.

    Args:
        database: with the tables and no events.
        pruned: so many of the first lose their content before, as at the end of their time.

    Returns:
        How many of each kind were found, and the kinds of those that were not.
    """
    rng = random.Random(seed)  # noqa: S311 (a seed must give the same changes again)
    some = [example_event(rng, one) for one in range(events)]
    fill(database, some[: events * 4 // 5], 7)
    kept = checkpoint_of(database)
    fill(database, some[events * 4 // 5 :], 3)
    events += _prune(database, pruned, some[-1]["at"])
    found: Counter[str] = Counter()
    missed: list[str] = []
    with _writing(database) as connection:
        drop_triggers(connection)
        log = Log(connection, rng, events, kept.size, pruned + 1)
        if not examine(connection, checkpoints=[kept]).intact:
            return found, ["the log was not whole before"]
        while found.total() + len(missed) < number:
            undo = connection.begin_nested()
            try:
                kind = change(log)
            except (NoChange, IntegrityError):
                continue
            else:
                intact = examine(connection, checkpoints=[kept]).intact
                found.update([] if intact else [kind])
                missed.extend([kind] if intact else [])
            finally:
                undo.rollback()
        if not examine(connection, checkpoints=[kept]).intact:
            missed.append("undoing left a change behind")
    return found, missed


def _prune(database: Database, number: int, at: datetime) -> int:
    """Returns: how many events say so."""
    if number == 0:
        return 0
    actor, _ = _acted(example_event(random.Random(0), 0))  # noqa: S311
    with database.transaction() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.seq).limit(number)).all()
        forget(session, actor, rows, "bench", at)
    return 1


@contextmanager
def _writing(database: Database) -> Iterator[Connection]:
    """A transaction that is never committed."""
    with database.engine.connect() as connection:
        yield connection
        connection.rollback()


def _changes(args: argparse.Namespace, url: str, pruned: int) -> int:
    database = _new(url)
    begun = time.perf_counter()
    found, missed = find_changes(database, args.changes, args.seed, pruned=pruned)
    database.dispose()
    took = time.perf_counter() - begun
    print(f"changes, {pruned} of 40 events pruned: {found.total()} found, {len(missed)} not, in {took:.0f} s")
    for kind, number in sorted(found.items()):
        print(f"  {kind}: {number}")
    if missed:
        print("NOT FOUND:", dict(Counter(missed)))
    return len(missed)


def _new(url: str) -> Database:
    database = Database(url)
    upgrade(database.engine)
    return database


def _cost(args: argparse.Namespace, url: str, file: Path | None) -> None:
    database, rng = _new(url), random.Random(args.seed)  # noqa: S311
    some = [example_event(rng, number) for number in range(args.events)]
    fill(database, some[:200], 1)
    nothing = [_timed(lambda: _look(database)) for _ in range(args.singles)]
    single = [_timed(lambda event=event: fill(database, [event], 1)) for event in some[: args.singles]]
    print(f"reading a row, nothing logged: {_spread(nothing)}")
    print(f"the same with one event, durable: {_spread(single)}; added p50 {(median(single) - median(nothing)):.2f} ms")
    for together in (20, 100, 500):
        size = _size(database, file)
        seconds = _timed(lambda together=together: fill(database, some, together)) / 1000
        grown = f", {(_size(database, file) - size) / len(some):.0f} bytes each" if file else ""
        print(f"{together} events in a transaction: {len(some) / seconds:.0f} events/s{grown}")
    whole = _timed(lambda: _examine(url))
    with database.reading() as session:
        proof = _timed(lambda: prove_event(session, KEY, 1000))
        head = _timed(lambda: signed_checkpoint(session, KEY))
    events = checkpoint_of(database).size
    print(f"{events} events: verified in {whole / 1000:.1f} s ({events / whole * 1000:.0f} events/s), ", end="")
    print(f"one proved in {proof / 1000:.1f} s, checkpoint in {head:.1f} ms")
    database.dispose()


def _look(database: Database) -> None:
    with database.reading() as session:
        session.execute(text("SELECT object FROM audit_event WHERE seq = 1")).scalar()


def _examine(url: str) -> None:
    with open_log(url) as connection:
        if not examine(connection).intact:
            raise SystemExit("the log is not whole")


def _timed(act: Any) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


def _spread(times: list[float]) -> str:
    return f"p50 {median(times):.2f} ms, p99 {quantiles(times, n=100)[98]:.2f} ms"


def _size(database: Database, file: Path | None) -> int:
    if file is None:
        return 0
    with database.engine.connect().execution_options(reading=True) as connection:
        connection.rollback()
        assert connection.connection.driver_connection is not None
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file.stat().st_size


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000, help="0: none")
    parser.add_argument("--events", type=int, default=20_000, help="in batches; 0: no measurement of cost")
    parser.add_argument("--singles", type=int, default=1_000, help="events in a transaction of their own")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="for the databases, on the disk to measure; default: temporary")
    parser.add_argument("--database", help="an empty PostgreSQL database for the cost instead of SQLite")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        missed = 0
        for pruned in (0, 15) if args.changes else ():
            missed += _changes(args, f"sqlite:///{folder}/changes-{pruned}.db", pruned)
        if args.events:
            file = None if args.database else Path(folder) / "cost.db"
            _cost(args, args.database or f"sqlite:///{file}", file)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
