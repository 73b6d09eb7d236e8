"""The planted fault of the power benches: a connection that does not force as much as it was told."""

from typing import Any


class Weaker:
    """An apsw connection in whose way every `synchronous = FULL` becomes another word."""

    def __init__(self, connection: Any, synchronous: str) -> None:
        self._connection = connection
        self._synchronous = synchronous

    def execute(self, statement: str, *more: Any) -> Any:
        return self._connection.execute(self._weaker(statement), *more)

    def cursor(self) -> "_WeakerCursor":
        return _WeakerCursor(self._connection.cursor(), self._weaker)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def _weaker(self, statement: str) -> str:
        told = statement.replace(" ", "")
        return f"PRAGMA synchronous = {self._synchronous}" if told == "PRAGMAsynchronous=FULL" else statement


class _WeakerCursor:
    def __init__(self, cursor: Any, weaker: Any) -> None:
        object.__setattr__(self, "_cursor", cursor)
        object.__setattr__(self, "_weaker", weaker)

    def execute(self, statement: str, *more: Any) -> Any:
        return self._cursor.execute(self._weaker(statement), *more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._cursor, name, value)
