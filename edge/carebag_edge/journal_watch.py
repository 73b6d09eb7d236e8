"""The journal's connection, watched: what can no longer be read is mended, and asked for once more.

A page that rots while the kit runs makes a statement fail (SQLite: corrupt; SQLCipher: its HMAC does not fit, and from
then on the connection takes nothing). Outside a transaction nobody but the log hears of it.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.journal_memory import Remembered

READONLY, CORRUPT, NOT_A_DATABASE = 8, 11, 26
"""Result codes (sqlite.org/rescode.html). SQLCipher writes nothing any more after a page that was not true."""
ROT = frozenset({READONLY, CORRUPT, NOT_A_DATABASE})


@dataclass(frozen=True)
class Renewed:
    """Another connection in place of one that could not read."""

    connection: sqlite3.Connection
    is_mended: bool
    """The journal is a new one; else every page was as it was written."""


class Renew(Protocol):
    def __call__(self, kept: Remembered, close: Callable[[], None], *, has_failed: bool) -> Renewed | None:
        """Look at every page.

        Args:
            close: ends the connection that there is.
            has_failed: a statement did; else nothing is done where nothing is wrong.

        Returns: None: nothing to do, or not now; the connection that there is goes on.
        """
        ...


def never(kept: Remembered, close: Callable[[], None], *, has_failed: bool) -> Renewed | None:
    """Of a journal that stands alone."""
    return None


class Rows:
    """All rows of one statement, read to the end: what cannot be read shows at once."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchall(self) -> list[Any]:
        return self._rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)


class Watched:
    """As a connection of `sqlite3`, as far as a journal needs it."""

    def __init__(self, connection: sqlite3.Connection, renewed: Callable[[bool], sqlite3.Connection | None]) -> None:
        """`renewed`, told whether a statement failed, gives one to a journal that can be read; None: not now."""
        self._db = connection
        self._renewed = renewed
        self._is_over = False
        self.rotted = False
        """Something could not be read inside a transaction, which is to be ended first."""

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        return self._run(lambda: self._db.execute(statement, values).fetchall())

    def executemany(self, statement: str, values: Iterable[Sequence[Any]]) -> Rows:
        listed = list(values)

        def all_of_them() -> list[Any]:
            self._db.executemany(statement, listed)
            return []

        return self._run(all_of_them)

    @property
    def in_transaction(self) -> bool:
        try:
            return bool(self._db.in_transaction)
        except DATABASE_ERRORS:  # closed in the midst of being renewed
            return False

    @property
    def total_changes(self) -> int:
        return int(self._db.total_changes)

    def renew(self, *, has_failed: bool) -> bool:
        """Whether there is another connection now, to a journal that was looked at."""
        self.rotted = False
        connection = None if self._is_over else self._renewed(has_failed)
        if connection is None:
            return False
        self._db = connection
        return True

    def let_go(self) -> None:
        """Close what is to be replaced."""
        self._db.close()

    def close(self) -> None:
        """For good."""
        self._is_over = True
        self._db.close()

    def _run(self, statement: Callable[[], list[Any]]) -> Rows:
        try:
            return Rows(statement())
        except DATABASE_ERRORS as error:
            if self._is_over or not is_rot(error):
                raise
            if self.in_transaction:
                self.rotted = True
                raise
            if not self.renew(has_failed=True):
                raise
            return Rows(statement())


def is_rot(error: Exception) -> bool:
    """Whether the file is not what was written; or the connection is closed, which here means: half renewed."""
    code = getattr(error, "sqlite_errorcode", None)
    return type(error).__name__ == "ProgrammingError" if code is None else code & 0xFF in ROT
