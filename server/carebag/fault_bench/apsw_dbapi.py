"""apsw in the words of Python's DB-API (PEP 249): as much as SQLAlchemy's dialect for SQLite asks of a driver.

Rows are read at once, which the hub's small statements allow. Values are SQLite's: None, int, float, str, bytes.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import apsw

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"
sqlite_version = apsw.sqlite_lib_version()
sqlite_version_info = tuple(int(part) for part in sqlite_version.split("."))
Binary = bytes
"""How a column of bytes is given (PEP 249)."""
Row = tuple[Any, ...]


class Error(Exception):
    """Of the database or of its driver."""


class InterfaceError(Error):
    """Of the driver."""


class DatabaseError(Error):
    """Of the database."""


class OperationalError(DatabaseError):
    """Not the program's fault: disk, locks."""


class IntegrityError(DatabaseError):
    """A constraint does not hold."""


class ProgrammingError(DatabaseError):
    """The program's fault."""


class InternalError(DatabaseError):
    """As PEP 249 names it; not raised."""


class DataError(DatabaseError):
    """As PEP 249 names it; not raised."""


class NotSupportedError(DatabaseError):
    """As PEP 249 names it; not raised."""


class Connection:
    """One connection; it begins nothing on its own."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.isolation_level: str | None = None

    def cursor(self) -> "Cursor":
        return Cursor(self._connection)

    def commit(self) -> None:
        self._end("COMMIT")

    def rollback(self) -> None:
        self._end("ROLLBACK")

    def close(self) -> None:
        """Left to whoever owns the played disk."""

    def create_function(self, name: str, arguments: int, function: Callable[..., Any], **_: Any) -> None:
        self._connection.create_scalar_function(name, function, arguments)

    def _end(self, statement: str) -> None:
        if self._connection.in_transaction:
            self.cursor().execute(statement)


class Cursor:
    """One statement and its rows."""

    arraysize = 1

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._rows: list[Row] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid = 0

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> "Cursor":
        self.description = None
        cursor = self._connection.cursor()
        cursor.exec_trace = self._describe
        before = self._connection.total_changes()
        try:
            self._rows = list(cursor.execute(statement, tuple(parameters)))
        except apsw.ConstraintError as error:
            raise IntegrityError(str(error)) from error
        except apsw.Error as error:
            raise OperationalError(str(error)) from error
        self.rowcount = self._connection.changes() if self._connection.total_changes() != before else 0
        self.lastrowid = self._connection.last_insert_rowid()
        return self

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> "Cursor":
        changed = 0
        for row in rows:
            changed += self.execute(statement, row).rowcount
        self.rowcount = changed
        return self

    def fetchone(self) -> Row | None:
        return self._rows.pop(0) if self._rows else None

    def fetchall(self) -> list[Row]:
        rows, self._rows = self._rows, []
        return rows

    def fetchmany(self, size: int = 1) -> list[Row]:
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def close(self) -> None:
        self._rows = []

    def _describe(self, cursor: apsw.Cursor, _statement: str, _bindings: Any) -> bool:
        columns = cursor.get_description()
        self.description = [(name, None, None, None, None, None, None) for name, _ in columns] or None
        return True
