"""Tables equal migrations, up and down; times keep their zone; writers are alone; told only when durable."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import StatementError

from carebag_server.database import Database, announce, make_engine
from carebag_server.migrate import downgrade, upgrade
from carebag_server.tables import Base, Installation

NOW = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)


def test_tables_equal_migrations(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_down_and_up_again(database: Database) -> None:
    downgrade(database.engine)
    assert set(inspect(database.engine).get_table_names()) == {"alembic_version"}
    upgrade(database.engine)
    assert set(inspect(database.engine).get_table_names()) == {"alembic_version", *Base.metadata.tables}


def test_upgrade_twice_changes_nothing(database: Database) -> None:
    upgrade(database.engine)


def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    local = NOW.astimezone(timezone(timedelta(hours=2)))
    with database.transaction() as session:
        session.add(Installation(id=1, kind="demo", created_at=local))
    with database.reading() as session:
        row = session.get_one(Installation, 1)
        assert row.created_at == NOW
        assert row.created_at.utcoffset() == timedelta(0)


def test_a_time_without_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError), database.transaction() as session:
        session.add(Installation(id=1, kind="demo", created_at=NOW.replace(tzinfo=None)))


def test_an_exception_rolls_back_and_announces_nothing(database: Database) -> None:
    told: list[object] = []
    database.listener = told.extend

    def act() -> None:
        with database.transaction() as session:
            session.add(Installation(id=1, kind="demo", created_at=NOW))
            announce(session, "made")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    with database.reading() as session:
        assert session.get(Installation, 1) is None
    assert told == []


def test_announced_only_when_another_connection_can_read_it(database: Database) -> None:
    seen: list[object] = []

    def listen(messages: list[object]) -> None:
        with database.reading() as session:
            seen.append((messages, session.get(Installation, 1) is not None))

    database.listener = listen
    with database.transaction() as session:
        session.add(Installation(id=1, kind="demo", created_at=NOW))
        announce(session, "made")
        assert seen == []
    assert seen == [(["made"], True)]


def test_writers_of_two_hubs_take_turns(database: Database) -> None:
    """Two processes' worth of `Database` on one store: a counter read and written loses no step."""
    with database.transaction() as session:
        session.add(Installation(id=1, kind="0", created_at=NOW))

    def count(hub: Database) -> None:
        for _ in range(15):
            with hub.transaction() as session:
                row = session.get_one(Installation, 1)
                row.kind = str(int(row.kind) + 1)

    hubs = [database, Database(database.url)]
    threads = [threading.Thread(target=count, args=(hub,)) for hub in hubs for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hubs[1].dispose()
    with database.reading() as session:
        assert session.get_one(Installation, 1).kind == "60"


def test_sqlite_is_durable(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.dispose()


def test_a_plain_postgresql_url_uses_psycopg_3() -> None:
    engine = make_engine("postgresql://nobody@127.0.0.1:1/x")
    assert engine.driver == "psycopg"
    engine.dispose()


def test_no_parameter_in_an_error_message(database: Database) -> None:
    """Parameters may be patient data, and an error message ends in a log."""
    with pytest.raises(Exception, match=r"(?s)^(?!.*Tolvan)") as caught, database.transaction() as session:
        session.execute(text("INSERT INTO nowhere VALUES (:name)"), {"name": "Tolvan"})
    assert "Tolvan" not in str(caught.value)


def test_the_migrations_ship_with_the_package() -> None:
    import carebag_server

    folder = Path(carebag_server.__file__).parent / "migrations"
    assert (folder / "env.py").is_file()
    assert sorted(folder.glob("versions/*.py"))
