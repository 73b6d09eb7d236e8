"""Where a restored database goes. Each is free or refused, filled out of sight, and seen whole or not at all."""

import glob
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url

from carebag.backup.folder import Backup, BackupFault, copy_file, forced, read_only
from carebag.backup.rows import copy_to_postgresql
from carebag_server.database import WRITER_LOCK, make_engine
from carebag_server.media import force_folder
from carebag_server.migrate import upgrade_within


class Place(Protocol):
    set_aside: str
    """Where that is now which was here before; empty: nothing was."""

    def refuse_unless_free(self, replace: bool) -> None:
        """Raises: BackupFault: something is here, and may not or cannot be set aside."""

    def filled(self, backup: Backup) -> AbstractContextManager[Connection]:
        """With the backup's rows in the backup's tables; seen by others when the block ends, unless by an exception."""


class SqlitePlace:
    """A file. The new one is made beside it and takes its name; the old one keeps its content under another."""

    def __init__(self, url: str) -> None:
        name = make_url(url).database
        if not name or name == ":memory:" or name.startswith("file:"):
            raise BackupFault("the database's address must name a file: sqlite:///FILE")
        self.file = Path(name)
        self.set_aside = ""

    def refuse_unless_free(self, replace: bool) -> None:
        if not self.file.parent.is_dir():
            raise BackupFault(f"there is no folder {self.file.parent}: make it, for the hub's user only")
        there = [path for path in (self.file, *self._beside(self.file)) if path.exists()]
        if there and not replace:
            raise BackupFault(
                f"{there[0]} is there already: nothing was changed. Restore to another place, or stop the hub and add "
                "--replace; the old database is then kept beside the new one"
            )
        if self.file.exists():
            self._refuse_in_use()

    def _beside(self, file: Path) -> list[Path]:
        return [file.with_name(file.name + end) for end in ("-wal", "-shm")]

    def _refuse_in_use(self) -> None:
        """Taking a database out of WAL mode works only alone; it also brings all of it into the one file."""
        try:
            with closing(sqlite3.connect(self.file, isolation_level=None, timeout=1)) as connection:
                connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise BackupFault(f"{self.file} is in use: stop the hub first. Nothing was changed") from None
        except sqlite3.DatabaseError:
            return  # broken: perhaps that is why there is a restore

    @contextmanager
    def filled(self, backup: Backup) -> Iterator[Connection]:
        mark = f".{self.file.name}.restoring-"
        for left in self.file.parent.glob(f"{glob.escape(mark)}*"):
            left.unlink(missing_ok=True)  # of a restore that was interrupted
        staged = self.file.with_name(mark + secrets.token_hex(8))
        engine = make_engine(f"sqlite:///{staged}")
        try:
            if copy_file(backup.database, staged) != backup.manifest.database.sha256:
                raise BackupFault("the copy of the database was damaged while it was read. Nothing was changed")
            with engine.begin() as connection:
                yield connection
            engine.dispose()
            with closing(sqlite3.connect(staged)) as one:
                one.execute("PRAGMA journal_mode=DELETE")
            forced(staged)
            self._put_in_place(staged)
        finally:
            engine.dispose()
            for path in (staged, *self._beside(staged)):
                path.unlink(missing_ok=True)

    def _put_in_place(self, staged: Path) -> None:
        """There is a database under the name at every moment, the old one or the new."""
        if self.file.exists():
            aside = self.file.with_name(f"{self.file.name}.before-{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}")
            os.link(self.file, aside)
            self.set_aside = str(aside)
            for path, old in zip(self._beside(self.file), self._beside(aside), strict=True):
                with suppress(FileNotFoundError):
                    path.rename(old)  # of a broken database only
        staged.replace(self.file)
        force_folder(self.file.parent)


class PostgresPlace:
    """An empty database, filled in one transaction."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.set_aside = ""

    def refuse_unless_free(self, replace: bool) -> None:
        engine = make_engine(self.url)
        try:
            with engine.connect() as connection:
                taken = inspect(connection).get_table_names()
        finally:
            engine.dispose()
        if taken:
            more = " --replace is for SQLite files only: what is there would be lost." if replace else ""
            raise BackupFault(
                f"that database has tables already: nothing was changed.{more} Make an empty one (createdb) and give "
                "restore, then the hub, its address"
            )

    @contextmanager
    def filled(self, backup: Backup) -> Iterator[Connection]:
        engine, source = make_engine(self.url), read_only(backup.database)
        try:
            with engine.begin() as connection, source.connect() as read:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
                upgrade_within(connection, backup.manifest.revision)
                copy_to_postgresql(read, connection)
                yield connection
        finally:
            engine.dispose()
            source.dispose()
