"""Each migration up, down and up again on both engines, with rows in the tables: they stay, and stay unchangeable."""

import uuid
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Engine, MetaData, Table, inspect, select, text
from sqlalchemy.exc import DBAPIError

from carebag_server.database import Database
from carebag_server.migrate import alembic_config, downgrade, upgrade
from carebag_server.tables import Base

AT = datetime(2026, 11, 27, 5, 0, 0, 123456, tzinfo=UTC)
ORG, PERSON, KIT, PATIENT, VISIT, RECORD, NOTE = (uuid.UUID(int=number) for number in range(1, 8))
SHA = "ab" * 32
OF_FIRST: dict[str, dict[str, Any]] = {
    "organization": {"id": ORG, "name": "Timrå kommun"},
    "practitioner": {"id": PERSON, "name": "Anna Lind", "title": "sjuksköterska"},
    "kit": {
        "id": KIT,
        "organization_id": ORG,
        "name": "1",
        "unit": "u",
        "public_key": b"\0\xff" * 16,
        "enrolled_at": AT,
        "watermark": 2**40,
    },
    "patient": {
        "id": PATIENT,
        "name": "Tolvan",
        "personal_id": "191212121212",
        "personal_id_system": "s",
        "birth_date": "1912-12-12",
        "place": "",
        "own_doctor": "",
    },
    "visit": {
        "id": VISIT,
        "organization_id": ORG,
        "patient_id": PATIENT,
        "kit_id": KIT,
        "scheduled_at": AT,
        "reason": "",
        "background": "",
        "colour": 1,
        "state": "open",
        "state_kit_seq": 7,
    },
    "record": {
        "id": RECORD,
        "kit_id": KIT,
        "kit_seq": 7,
        "kind": "reading",
        "visit_id": VISIT,
        "payload": '{"v": "128.50"}',
        "sha256": SHA,
        "signature": "s",
        "received_at": AT,
    },
    "finding": {
        "record_id": RECORD,
        "visit_id": VISIT,
        "kind": "reading",
        "decision": "draft",
        "decided_by": "",
        "reason": "",
    },
    "media": {"sha256": SHA, "bytes_stored": 2**33, "kit_id": KIT, "received_at": AT},
    "note_version": {
        "id": NOTE,
        "visit_id": VISIT,
        "author_id": PERSON,
        "author": "A",
        "version": 1,
        "assessment": "å",
        "plan": "",
        "state": "signed",
        "changed_at": AT,
        "signed_at": AT,
        "sha256": SHA,
    },
    "audit_event": {
        "seq": 1,
        "at": AT,
        "action": "a",
        "object": "o",
        "practitioner": "p",
        "role": "r",
        "care_unit": "c",
        "organization": "o",
        "purpose": "care",
        "origin": "x",
        "request_ref": "y",
        "hash": SHA,
    },
    "audit_head": {"id": 1, "events": 1, "hash": SHA},
}
UNCHANGEABLE = ["record", "note_version", "audit_event", "audit_head"]


def bare(name: str) -> Table:
    """A table with the columns that the row names, without the defaults of later ones."""
    columns = Base.metadata.tables[name].columns
    return Table(name, MetaData(), *(Column(one, columns[one].type) for one in OF_FIRST[name]))


def fill(connection: Connection) -> None:
    for name, row in OF_FIRST.items():
        connection.execute(bare(name).insert().values(row))


def content(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    with engine.connect() as connection:
        return {name: [dict(row) for row in connection.execute(select(bare(name))).mappings()] for name in OF_FIRST}


def refused(engine: Engine, statement: str) -> bool:
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    except DBAPIError as error:
        return "append_only" in str(error.orig)
    return False


@pytest.fixture
def revisions(database: Database) -> list[str]:
    """The oldest first."""
    with database.engine.connect() as connection:
        scripts = ScriptDirectory.from_config(alembic_config(connection)).walk_revisions()
        return [script.revision for script in scripts][::-1]


def test_rows_outlive_every_migration_up_and_down(database: Database, revisions: list[str]) -> None:
    engine = database.engine
    downgrade(engine)
    upgrade(engine, revisions[0])
    with engine.begin() as connection:
        fill(connection)
    first = content(engine)
    assert first == {name: [row] for name, row in OF_FIRST.items()}
    for before, revision in pairwise(revisions):
        upgrade(engine, revision)
        assert content(engine) == first, revision
        downgrade(engine, before)
        assert content(engine) == first, f"{revision} down"
        upgrade(engine, revision)
        assert content(engine) == first, f"{revision} again"
    downgrade(engine, revisions[0])
    assert content(engine) == first
    upgrade(engine)
    assert content(engine) == first


def test_what_is_written_stays_unchangeable_after_every_migration(database: Database, revisions: list[str]) -> None:
    """SQLite makes a table anew to change it, and a trigger that is forgotten then is gone."""
    engine = database.engine
    with engine.begin() as connection:
        fill_head(connection)
    for revision in [*reversed(revisions[1:-1]), *revisions[2:]]:
        (downgrade if revision < current(engine) else upgrade)(engine, revision)
        for name in UNCHANGEABLE:
            column = "hash" if name.startswith("audit") else "sha256"
            assert refused(engine, f"UPDATE {name} SET {column} = 'x'"), (revision, name)
            assert refused(engine, f"DELETE FROM {name}"), (revision, name)


def fill_head(connection: Connection) -> None:
    """As `fill`, in tables that have grown columns which must not be empty."""
    for name, row in OF_FIRST.items():
        if name == "finding":
            row = {**row, "filed_by": "", "taken_back": False}
        connection.execute(Base.metadata.tables[name].insert().values(row))


def current(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


def test_the_way_down_takes_only_its_own(database: Database, revisions: list[str]) -> None:
    """One step down and up leaves exactly the tables that were there."""
    tables = set(inspect(database.engine).get_table_names())
    downgrade(database.engine, "-1")
    assert set(inspect(database.engine).get_table_names()) <= tables
    upgrade(database.engine)
    assert set(inspect(database.engine).get_table_names()) == tables


def test_no_way_back_once_something_was_removed(database: Database) -> None:
    """An older version cannot read a log with marks in it: it stays as it is, marks and triggers included."""
    with database.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO removed_visit (visit_id, act_seq) VALUES (:visit, 1)"), {"visit": VISIT.hex}
        )
    with pytest.raises(RuntimeError, match="carebag retention"):
        downgrade(database.engine, "0013")
    assert refused(database.engine, "DELETE FROM removed_visit")
