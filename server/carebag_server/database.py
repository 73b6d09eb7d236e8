"""The hub's store: SQLite by default, PostgreSQL by URL, one way of writing to either.

Every writing transaction is alone: SQLite by `BEGIN IMMEDIATE`, PostgreSQL by an advisory lock taken first. So the
audit chain has one order, a change is announced in the order in which it was committed, and nothing is read that
another request is about to change. Measured need: 40 transactions/s at the peak of one region; SQLite gives ten times
that.
"""

import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, Select, create_engine, event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeDecorator

WRITER_LOCK = 7_310_415_331
"""Key of the PostgreSQL advisory lock that all hubs on one database share."""
BUSY_SECONDS = 20.0
_ANNOUNCED = "announced"
_IN_ONE_STATEMENT = 500


class DatabaseBusy(Exception):
    """Another writer held the store for too long."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite hands back naive ones, and a naive one is refused on the way in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def make_engine(url: str, **options: Any) -> Engine:
    """An engine that is durable (`synchronous=FULL`); its errors show no parameters, which may be patient data.

    Args:
        options: more for `create_engine`: another driver where the disk is played (docs/decisions/0025).
    """
    address = make_url(url)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    pre_ping = address.get_backend_name() != "sqlite"
    engine = create_engine(address, hide_parameters=True, pool_pre_ping=pre_ping, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite must not begin on its own: we say BEGIN IMMEDIATE
    cursor = connection.cursor()
    # to the end: the row comes before the commit, and a mode that was not reached promises less
    [(mode,)] = cursor.execute("PRAGMA journal_mode=WAL").fetchall()
    if mode not in ("wal", "memory"):
        raise sqlite3.OperationalError("the disk does not take a write-ahead log")
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={int(BUSY_SECONDS * 1000)}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


class Database:
    """Transactions, and what is told to the rooms once they are durable.

    Args:
        url: `sqlite:///FILE` or `postgresql+psycopg://…`.
        engine: one made by `make_engine`; None: made here.
    """

    def __init__(self, url: str, engine: Engine | None = None) -> None:
        self.url = url
        self.engine = engine if engine is not None else make_engine(url)
        self.listener: Callable[[list[Any]], None] | None = None
        """Told, in the order of the commits and outside the event loop, what `announce` collected."""
        self.ordered_listener: Callable[[list[Any], int], None] | None = None
        """In the listener's place where several hubs share the store (PostgreSQL): also told the place of the commit
        among those of all hubs, a number that grows."""
        self.before_commit: Callable[[Session, Sequence[Any]], None] | None = None
        """Asked once, with what a transaction announced, before it is committed; may announce more."""
        self._turn = threading.Lock()
        self._quiet = threading.Condition()
        self._in_use = 0
        self._closed = False

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A writing transaction: committed durably at the end, rolled back by any exception. Never nested.

        Raises:
            DatabaseBusy: nobody let go for `BUSY_SECONDS`, or the hub is stopping.
        """
        with self._used():
            if not self._turn.acquire(timeout=BUSY_SECONDS):
                raise DatabaseBusy
            try:
                with self._alone() as session:
                    yield session
            finally:
                self._turn.release()

    @contextmanager
    def _alone(self) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            if self.engine.dialect.name == "postgresql":
                session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
            yield session
            if self.before_commit is not None and session.info.get(_ANNOUNCED):
                self.before_commit(session, tuple(session.info[_ANNOUNCED]))
            announced, order = session.info.pop(_ANNOUNCED, []), 0
            if announced and self.ordered_listener is not None:
                order = int(session.execute(text("SELECT pg_current_xact_id()::text")).scalar_one())
        if announced and self.ordered_listener is not None:
            self.ordered_listener(announced, order)
        elif announced and self.listener is not None:
            self.listener(announced)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent look that changes nothing; never for patient data, since it cannot write the audit row."""
        options: dict[str, Any] = {"reading": True}
        if self.engine.dialect.name == "postgresql":
            options["isolation_level"] = "REPEATABLE READ"
        with (
            self._used(),
            self.engine.connect().execution_options(**options) as connection,
            Session(connection) as session,
        ):
            yield session

    @contextmanager
    def _used(self) -> Iterator[None]:
        with self._quiet:
            if self._closed:
                raise DatabaseBusy
            self._in_use += 1
        try:
            yield
        finally:
            with self._quiet:
                self._in_use -= 1
                self._quiet.notify_all()

    def dispose(self) -> None:
        """Let transactions under way end, begin no new ones, close all connections. Blocks: not on an event loop."""
        with self._quiet:
            self._closed = True
            self._quiet.wait_for(lambda: self._in_use == 0, timeout=BUSY_SECONDS)
        self.engine.dispose()


def of_these(
    session: Session, query: Select[uuid.UUID], column: InstrumentedAttribute[uuid.UUID], ids: Sequence[uuid.UUID]
) -> set[uuid.UUID]:
    """What a query of ids finds among `ids`, however many: a statement takes a limited number of values."""
    parts = (ids[start : start + _IN_ONE_STATEMENT] for start in range(0, len(ids), _IN_ONE_STATEMENT))
    return {found for part in parts for found in session.scalars(query.where(column.in_(part)))}


def announce(session: Session, message: Any) -> None:
    """Tell the rooms after the commit; forgotten if the transaction is rolled back."""
    session.info.setdefault(_ANNOUNCED, []).append(message)
