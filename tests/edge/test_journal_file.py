"""How the journal's file is opened: private, forced again, and with nothing written where nothing is new."""

import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from carebag_edge.errors import WrongJournal
from carebag_edge.journal import Journal
from carebag_edge.journal_file import connect, force_again
from carebag_edge.keys import KitKey


def left_behind(tmp_path: Path) -> Path:
    """A WAL as a killed process leaves it: a copy made while its writer lives."""
    writer = connect(tmp_path / "writer.sqlite")
    writer.execute("PRAGMA journal_mode = WAL").fetchone()
    writer.execute("CREATE TABLE t (a)")
    writer.execute("INSERT INTO t VALUES (1)")
    for suffix in ("", "-wal"):
        (tmp_path / f"left.sqlite{suffix}").write_bytes((tmp_path / f"writer.sqlite{suffix}").read_bytes())
    writer.close()
    return tmp_path / "left.sqlite"


def test_a_wal_that_is_there_is_forced_byte_for_byte(tmp_path: Path) -> None:
    file = left_behind(tmp_path)
    wal = file.with_name("left.sqlite-wal")
    before = wal.read_bytes()
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    force_again(connection, wal)
    assert wal.read_bytes() == before
    assert not connection.in_transaction
    assert connection.execute("SELECT a FROM t").fetchall() == [(1,)]
    connection.close()


def test_a_wal_beside_a_database_that_never_came_to_the_disk_stops_no_start(tmp_path: Path) -> None:
    """The power went before the first page of a new journal was forced: SQLite removes such a WAL when it opens."""
    file = left_behind(tmp_path)
    file.write_bytes(b"")
    connect(file).close()


def test_nobody_appends_meanwhile(tmp_path: Path) -> None:
    file = left_behind(tmp_path)
    told: list[str] = []
    connection = sqlite3.connect(file, isolation_level=None)
    connection.set_trace_callback(told.append)
    force_again(connection, file.with_name("left.sqlite-wal"))
    assert told == ["BEGIN IMMEDIATE", "ROLLBACK"]
    connection.close()


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    connect(tmp_path / "new" / "journal.sqlite").close()
    assert stat.S_IMODE((tmp_path / "new" / "journal.sqlite").stat().st_mode) == 0o600


def test_a_start_writes_nothing_where_nothing_is_new(journal: Journal, key: KitKey, tmp_path: Path) -> None:
    """Else a kit whose disk is full would not start."""
    other = Journal(tmp_path / "journal.sqlite", key)
    assert other._db.total_changes == 0
    wal = (tmp_path / "journal.sqlite-wal").stat().st_size
    Journal(tmp_path / "journal.sqlite", key).close()
    assert (tmp_path / "journal.sqlite-wal").stat().st_size == wal
    other.close()


def test_a_disk_that_takes_no_wal_keeps_no_journal(tmp_path: Path, key: KitKey) -> None:
    """SQLite would go on in another mode, in which a deleted rollback journal may come back with a power cut."""

    class NoWal(sqlite3.Connection):
        def execute(self, statement: str, *more: Any) -> sqlite3.Cursor:  # type: ignore[override]
            return super().execute(statement.replace("WAL", "DELETE"), *more)

    with pytest.raises(WrongJournal):
        Journal(tmp_path / "journal.sqlite", key, lambda path: sqlite3.connect(path, factory=NoWal))


def test_an_error_after_the_row_of_the_wal_is_raised(tmp_path: Path, key: KitKey) -> None:
    """The mode's row comes before its commit: whoever reads one row never hears that the commit failed."""
    told: list[str] = []

    class Rows(list[Any]):
        def fetchone(self) -> Any:
            return self[0]

        def fetchall(self) -> Any:
            told.append("to the end")
            raise sqlite3.OperationalError("disk I/O error")

    class Fails(sqlite3.Connection):
        def execute(self, statement: str, *more: Any) -> Any:
            return Rows([("wal",)]) if "journal_mode" in statement else super().execute(statement, *more)

    with pytest.raises(sqlite3.OperationalError):
        Journal(tmp_path / "journal.sqlite", key, lambda path: sqlite3.connect(path, factory=Fails))
    assert told == ["to the end"]
