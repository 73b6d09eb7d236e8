"""The access log: append-only, one chain under concurrency, and any change, removal or move is found."""

import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from carebag_server import audit
from carebag_server.audit import GENESIS, Act, Actor, append, verify, verify_database
from carebag_server.database import Database
from carebag_server.tables import AuditRow

NOW = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)
KARIN = Actor(
    practitioner="Karin Berg",
    role="reviewer",
    care_unit="MAS",
    organization="Timrå kommun",
    purpose="review",
    origin="127.0.0.1",
    request_ref="r1",
)
READ = Act(action="visit_read", object="visit 1", patient_id=uuid.UUID(int=1), visit_id=uuid.UUID(int=2))
TRIGGERS = ("audit_event_update", "audit_event_delete", "audit_head_update", "audit_head_delete")


def fill(database: Database, events: int) -> None:
    for number in range(events):
        with database.transaction() as session:
            append(session, KARIN, replace(READ, object=f"visit {number}"), NOW + timedelta(seconds=number))


def check(database: Database, expected: tuple[int, str] | None = None) -> tuple[bool, int | None, str | None]:
    with database.reading() as session:
        result = verify(session, NOW, expected)
    return result.intact, result.broken_at, result.why


def tamper(database: Database, *statements: str) -> None:
    """As someone with the database's password would: triggers off first."""
    with database.engine.begin() as connection:
        for trigger in TRIGGERS:
            table = trigger.rsplit("_", 1)[0]
            on = f" ON {table}" if database.engine.dialect.name == "postgresql" else ""
            connection.execute(text(f"DROP TRIGGER IF EXISTS {trigger}{on}"))
        for statement in statements:
            connection.execute(text(statement))


def test_an_empty_log_is_intact(database: Database) -> None:
    assert check(database) == (True, None, None)


def test_a_row_holds_what_the_law_names(database: Database) -> None:
    fill(database, 1)
    with database.reading() as session:
        (event,) = audit.events_of_visit(session, uuid.UUID(int=2))
    assert event.model_dump(exclude={"hash"}) == {
        "seq": 1,
        "at": NOW,
        "action": "visit_read",
        "object": "visit 0",
        "patient_id": uuid.UUID(int=1),
        "visit_id": uuid.UUID(int=2),
        "practitioner": "Karin Berg",
        "role": "reviewer",
        "care_unit": "MAS",
        "organization": "Timrå kommun",
        "purpose": "review",
        "origin": "127.0.0.1",
        "request_ref": "r1",
    }


def test_the_hash_is_the_documented_one() -> None:
    """Golden: computed by hand with sha256sum over the JSON array."""
    import hashlib

    row = AuditRow(seq=1, at=NOW, action="a", object="o", patient_id=None, visit_id=None, practitioner="Å", role="r",
                   care_unit="u", organization="g", purpose="p", origin="x", request_ref="y", hash="")  # fmt: skip
    array = f'["{GENESIS}",1,"2026-11-23T09:30:00.123456+00:00","a","o",null,null,"\\u00c5","r","u","g","p","x","y"]'
    assert audit.row_hash(GENESIS, row) == hashlib.sha256(array.encode()).hexdigest()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET practitioner = 'nobody' WHERE seq = 2",
        "DELETE FROM audit_event WHERE seq = 2",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET events = 1",
    ],
)
def test_the_store_refuses_change_and_removal(database: Database, statement: str) -> None:
    fill(database, 3)
    with pytest.raises(DatabaseError, match="append_only"), database.engine.begin() as connection:
        connection.execute(text(statement))
    assert check(database) == (True, None, None)


def test_postgresql_refuses_truncate(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(DatabaseError, match="append_only"), database.engine.begin() as connection:
        connection.execute(text("TRUNCATE audit_event"))
    database.dispose()


MUTATIONS = {
    **{
        f"{column} changed": (f"UPDATE audit_event SET {column} = {value} WHERE seq = 3", 3, "changed")
        for column, value in {
            "at": "'2020-01-01 00:00:00'",
            "action": "'x'",
            "object": "'x'",
            "patient_id": "NULL",
            "visit_id": "NULL",
            "practitioner": "'x'",
            "role": "'x'",
            "care_unit": "'x'",
            "organization": "'x'",
            "purpose": "'x'",
            "origin": "'x'",
            "request_ref": "'x'",
            "hash": "'x'",
        }.items()
    },
    "first removed": ("DELETE FROM audit_event WHERE seq = 1", 1, "missing"),
    "middle removed": ("DELETE FROM audit_event WHERE seq = 3", 3, "missing"),
    "last removed": ("DELETE FROM audit_event WHERE seq = 5", 5, "cut_off"),
    "all removed": ("DELETE FROM audit_event", 1, "cut_off"),
    "closed up": ("DELETE FROM audit_event WHERE seq = 3; UPDATE audit_event SET seq = 3 WHERE seq = 4", 3, "changed"),
    "swapped": (
        "UPDATE audit_event SET seq = seq + 9 WHERE seq IN (2, 3); UPDATE audit_event SET seq = 14 - seq WHERE seq > 9",
        2,
        "changed",
    ),
    "head changed": ("UPDATE audit_head SET hash = 'x'", 6, "cut_off"),
    "head removed": ("DELETE FROM audit_head", 6, "cut_off"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_tampering_is_found_where_it_was_done(database: Database, name: str) -> None:
    fill(database, 5)
    statements, broken_at, why = MUTATIONS[name]
    tamper(database, *statements.split(";"))
    assert check(database) == (False, broken_at, why)


def test_a_rewritten_chain_is_found_by_a_head_kept_elsewhere(database: Database) -> None:
    fill(database, 4)
    with database.reading() as session:
        kept = verify(session, NOW)
    tamper(database, "DELETE FROM audit_event", "DELETE FROM audit_head")
    fill(database, 3)
    assert check(database) == (True, None, None)
    assert check(database, (kept.events, kept.head)) == (False, 4, "other_history")


def test_the_head_kept_elsewhere_is_in_the_longer_chain(database: Database) -> None:
    fill(database, 2)
    with database.reading() as session:
        kept = verify(session, NOW)
    fill(database, 2)
    assert check(database, (kept.events, kept.head)) == (True, None, None)
    assert check(database, (0, GENESIS)) == (True, None, None)


def test_one_chain_whoever_writes_at_once(database: Database) -> None:
    hubs = [database, Database(database.url)]
    threads = [threading.Thread(target=fill, args=(hub, 10)) for hub in hubs for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hubs[1].dispose()
    with database.reading() as session:
        result = verify(session, NOW)
    assert (result.intact, result.events) == (True, 40)


def test_an_act_that_fails_leaves_no_row(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        append(session, KARIN, READ, NOW).seq //= 0
    assert check(database) == (True, None, None)


def test_verify_from_outside(store_url: str) -> None:
    database = Database(store_url)
    fill(database, 2)
    result = verify_database(store_url)
    assert (result.intact, result.events) == (True, 2)
    database.dispose()


def test_verify_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        verify_database(f"sqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == []


FIELDS = ("action", "object", "practitioner", "role", "care_unit", "organization", "purpose", "origin", "request_ref")


@given(st.lists(st.text(max_size=5), min_size=9, max_size=9), st.lists(st.text(max_size=5), min_size=9, max_size=9))
def test_no_two_rows_share_a_hash(left: list[str], right: list[str]) -> None:
    """Fields cannot slide into each other: `ab`,`c` is not `a`,`bc`."""

    def hashed(values: list[str]) -> str:
        row = AuditRow(seq=1, at=NOW, patient_id=None, visit_id=None, hash="", **dict(zip(FIELDS, values, strict=True)))
        return audit.row_hash(GENESIS, row)

    assert (hashed(left) == hashed(right)) == (left == right)
