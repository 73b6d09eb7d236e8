"""The journal's connection, which outlives the file: what rots under it is mended, and what failed may be tried again.

All of SQLite's promises are asked for here: WAL, `synchronous=FULL`, transactions. What stands in the tables is the
journal's (`journal.py`); how a rotten file is mended, of whoever gives `renew` (`journal_renewal.py`).
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from carebag_edge.errors import WrongJournal
from carebag_edge.journal_memory import Remembered
from carebag_edge.journal_watch import Renew, Watched, never


class MendedConnection:
    """To one file at a time. Not thread-safe: it lives on the event loop's thread."""

    def __init__(self, path: Path, connect: Callable[[Path], sqlite3.Connection]) -> None:
        """Raises: WrongJournal: on a disk that takes no WAL."""
        self.renew: Renew = never
        """Asked when it can no longer be read."""
        self.renewals = 0
        """How often it was opened anew: what failed before may be tried again."""
        self.mendings = 0
        """How often it was made anew, and nobody told yet."""
        self.damages = 0
        """Counts what may have changed in what is damaged."""
        self._set_aside: set[int] = set()
        """Numbers of the records that were found damaged in this file."""
        self._kept = Remembered()
        self._db = Watched(_settled(connect(path)), self._renewed)

    def close(self) -> None:
        self._db.close()

    def look(self) -> None:
        """Now and then, while nothing else is done: rot is found while memory still holds what a page has lost."""
        if not self._db.in_transaction:
            self._db.renew(has_failed=False)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing, durable when it ends; a transaction inside one belongs to the outer one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._kept.began()
        is_kept = False
        try:
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            is_kept = True
        finally:
            self._kept.ended(is_kept=is_kept)
            if self._db.rotted:
                self._db.renew(has_failed=True)

    def _renewed(self, has_failed: bool) -> sqlite3.Connection | None:
        """Out of a transaction. What was known of single rows is forgotten: they were looked at anew."""
        renewed = self.renew(self._kept, self._db.let_go, has_failed=has_failed)
        if renewed is None:
            return None
        self._set_aside.clear()
        self.renewals += 1
        self.damages += 1
        self.mendings += renewed.is_mended
        return _settled(renewed.connection)


def _settled(db: sqlite3.Connection) -> sqlite3.Connection:
    """Raises: WrongJournal: a disk that takes no write-ahead log."""
    # to the end: the row comes before the commit, and a mode that was not reached promises less
    [(mode,)] = db.execute("PRAGMA journal_mode = WAL").fetchall()
    if mode not in ("wal", "memory"):
        raise WrongJournal("the disk does not take a write-ahead log")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    return db
