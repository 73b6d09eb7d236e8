"""Rows of all tables as SQLite stores them, from either engine: the same rows have the same digest in both.

PostgreSQL gives its own types in that form (`_asked`) and takes them back by COPY: no conversion of ours is on the way.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Boolean, Column, Connection, DateTime, MetaData, Table, Uuid

from carebag.backup.manifest import Rows

NOT_DATA = {"alembic_version", "hub_running", "rooms_kept"}
"""What the migrations stand at, which hubs run now, and who is in their rooms."""
_AT_ONCE = 2000
_MODULUS = 2**256
Row = tuple[Any, ...]


class Tally:
    """Counts rows and adds up their digests; the order does not matter, for the engines sort text differently."""

    def __init__(self) -> None:
        self._rows = self._sum = 0

    def add(self, row: Row) -> None:
        text = json.dumps(row, ensure_ascii=True, separators=(",", ":"), default=_hex)
        self._sum += int.from_bytes(hashlib.sha256(text.encode()).digest())
        self._rows += 1

    @property
    def result(self) -> Rows:
        return Rows(rows=self._rows, sha256=f"{self._sum % _MODULUS:064x}")

    def through(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, counted as they pass."""
        for row in rows:
            self.add(row)
            yield row


def _hex(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    raise TypeError(type(value).__name__)


def tables_of(connection: Connection) -> list[Table]:
    """All that hold data, those that others refer to first."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name not in NOT_DATA]


def rows_of(connection: Connection, table: Table) -> Iterator[Row]:
    """Every row, its columns by name, in SQLite's form."""
    asked = ", ".join(_asked(connection, column) for column in _columns(table))
    statement = f'SELECT {asked} FROM "{table.name}"'  # noqa: S608 (names of our own tables)
    streaming = {"stream_results": True, "yield_per": _AT_ONCE}
    for row in connection.exec_driver_sql(statement, execution_options=streaming):
        yield tuple(row)


def tallies(connection: Connection) -> dict[str, Rows]:
    """Of all tables, by name."""
    found = {}
    for table in tables_of(connection):
        tally = Tally()
        for row in rows_of(connection, table):
            tally.add(row)
        found[table.name] = tally.result
    return dict(sorted(found.items()))


def _columns(table: Table) -> list[Column[Any]]:
    return sorted(table.columns, key=lambda column: column.name)


def _names(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in _columns(table))


def _asked(connection: Connection, column: Column[Any]) -> str:
    name = f'"{column.name}"'
    if connection.dialect.name == "sqlite":
        return name
    if isinstance(column.type, Uuid):
        return f"replace({name}::text, '-', '')"
    if isinstance(column.type, DateTime):
        return f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
    return f"{name}::int" if isinstance(column.type, Boolean) else name


def copy_to_sqlite(source: Connection, target: Connection) -> dict[str, Rows]:
    """All rows of a PostgreSQL database into an empty SQLite one of the same revision; what was read, tallied."""
    found = {}
    for table in tables_of(source):
        tally = Tally()
        marks = ", ".join("?" * len(table.columns))
        statement = f'INSERT INTO "{table.name}" ({_names(table)}) VALUES ({marks})'  # noqa: S608
        for some in _groups(tally.through(rows_of(source, table))):
            target.exec_driver_sql(statement, some)
        found[table.name] = tally.result
    return dict(sorted(found.items()))


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    some: list[Row] = []
    for row in rows:
        some.append(row)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def copy_to_postgresql(source: Connection, target: Connection) -> None:
    """All rows of a SQLite database into empty PostgreSQL tables of the same revision, in the target's transaction."""
    target.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
    cursor = target.connection.cursor()
    for table in tables_of(target):
        with cursor.copy(f'COPY "{table.name}" ({_names(table)}) FROM STDIN') as copy:
            for row in rows_of(source, table):
                copy.write_row(row)
        _go_on_counting(target, table)


def _go_on_counting(target: Connection, table: Table) -> None:
    """Numbers that PostgreSQL gives by itself go on behind the highest that was copied."""
    for column in table.primary_key.columns:
        counter = target.exec_driver_sql(
            "SELECT pg_get_serial_sequence(%s, %s)", (f'"{table.name}"', column.name)
        ).scalar()
        if counter:
            highest = f'SELECT max("{column.name}") FROM "{table.name}"'  # noqa: S608
            target.exec_driver_sql(f"SELECT setval(%s, greatest(({highest}), 1))", (counter,))
