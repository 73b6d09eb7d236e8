"""The log as a tree in the database: taken over from before, one tree under concurrency, proved, and changes found."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from carebag.audit_bench import find_changes
from carebag.audit_changes import drop_triggers, make_whole
from carebag_server.audit import Act, Actor, append, append_all
from carebag_server.audit_leaf import leaf_entry
from carebag_server.audit_note import NoteKey
from carebag_server.audit_proofs import NotProvable, prove_event, prove_growth, signed_checkpoint
from carebag_server.audit_tree import BadFrontier
from carebag_server.audit_verifier.log import Examined, examine, open_log
from carebag_server.audit_verifier.note import Checkpoint, KnownKey, open_checkpoint
from carebag_server.audit_verifier.proofs import check_event, check_growth
from carebag_server.database import Database
from carebag_server.migrate import downgrade, upgrade

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
KEY = NoteKey.new("hub.example.se/access-log")
KNOWN = KnownKey.read(KEY.public_text)


def fill(database: Database, events: int) -> None:
    for number in range(events):
        with database.transaction() as session:
            append(session, KARIN, replace(READ, object=f"visit {number}"), NOW)


def checkpoint(database: Database) -> Checkpoint:
    with database.reading() as session:
        return open_checkpoint(signed_checkpoint(session, KEY), KNOWN)


def looked(database: Database, *checkpoints: Checkpoint) -> Examined:
    with open_log(database.url) as connection:
        return examine(connection, checkpoints=checkpoints)


@contextmanager
def tampering(database: Database) -> Iterator[Any]:
    with database.engine.begin() as connection:
        drop_triggers(connection)
        yield lambda statement: connection.execute(text(statement))


def test_the_leaf_is_the_documented_one() -> None:
    """Golden, synthetic: written by hand after RFC 8785."""
    entry = leaf_entry(seq=7, at=NOW, action="a", object='"\\\n\x1f€', patient_id=uuid.UUID(int=255), visit_id=None,
                       practitioner="Å", role="r", care_unit="u", organization="g", purpose="p", origin="x",
                       request_ref="y", hash="h")  # fmt: skip
    assert entry.decode() == (
        '{"action":"a","at":"2026-11-23T09:30:00.123456+00:00","care_unit":"u","hash":"h",'
        r'"object":"\"\\\n\u001f€","organization":"g","origin":"x","patient_id":"00000000-0000-0000-0000-0000000000ff",'
        '"practitioner":"Å","purpose":"p","request_ref":"y","role":"r","seq":7,"visit_id":null}'
    )


def test_the_checkpoint_is_of_the_events(database: Database) -> None:
    assert checkpoint(database).size == 0
    fill(database, 5)
    made, found = checkpoint(database), looked(database)
    assert (found.intact, found.events, found.root) == (True, 5, made.root)
    assert looked(database, made).intact


def test_written_together_or_one_by_one_it_is_the_same_tree(database: Database) -> None:
    with database.transaction() as session:
        append_all(session, [(KARIN, READ)] * 3, NOW)
    with database.transaction() as session:
        append(session, KARIN, READ, NOW)
    assert (looked(database).intact, checkpoint(database).size) == (True, 4)


def test_whatever_a_field_holds_it_is_verified(database: Database) -> None:
    odd = 'Å"\\\n\x01\x7f\u2028😀'
    with database.transaction() as session:
        append(session, replace(KARIN, practitioner=odd, role=odd), Act(action="a", object=odd), NOW)
    assert looked(database).intact


def test_one_tree_whoever_writes_at_once(database: Database) -> None:
    hubs = [database, Database(database.url)]
    threads = [threading.Thread(target=fill, args=(hub, 10)) for hub in hubs for _ in range(2)]
    for thread in threads:
        thread.start()
    kept = []
    while any(thread.is_alive() for thread in threads):
        kept.append(checkpoint(hubs[1]))
    for thread in threads:
        thread.join()
    hubs[1].dispose()
    assert (looked(database, *kept).intact, checkpoint(database).size) == (True, 40)


def test_a_head_that_somebody_changed_takes_no_more_events(database: Database) -> None:
    fill(database, 3)
    with tampering(database) as run:
        run("UPDATE audit_head SET events = 4")
    with pytest.raises(BadFrontier), database.transaction() as session:
        append(session, KARIN, READ, NOW)
    with database.reading() as session, pytest.raises(NotProvable, match="damaged"):
        signed_checkpoint(session, KEY)


def test_an_act_that_fails_leaves_the_tree_as_it_was(database: Database) -> None:
    fill(database, 2)
    before = checkpoint(database)
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        append(session, KARIN, READ, NOW).seq //= 0
    assert checkpoint(database) == before


@pytest.mark.parametrize("events", [0, 1, 5, 1001])
def test_a_log_of_before_is_taken_over(database: Database, events: int) -> None:
    with database.transaction() as session:
        append_all(session, [(KARIN, replace(READ, object=str(number))) for number in range(events)], NOW)
    before = checkpoint(database)
    downgrade(database.engine, "0007")
    assert looked(database).intact, "as it was before the tree"
    upgrade(database.engine)
    assert checkpoint(database) == before
    fill(database, 2)
    assert looked(database, before).intact


def test_a_head_of_before_the_tree_is_in_the_log_and_in_its_leaf(database: Database) -> None:
    fill(database, 3)
    old = looked(database)
    downgrade(database.engine, "0007")
    upgrade(database.engine)
    fill(database, 3)
    with open_log(database.url) as connection:
        assert examine(connection, heads=[(old.events, old.head)]).intact
        assert examine(connection, heads=[(old.events, "0" * 64)]).why == "other_history"
    with database.reading() as session:
        event, _ = check_event(prove_event(session, KEY, old.events), KNOWN)
    assert (event["seq"], event["hash"]) == (old.events, old.head)


def test_a_broken_log_of_before_goes_on_and_stays_broken(database: Database) -> None:
    fill(database, 5)
    downgrade(database.engine, "0007")
    with database.engine.begin() as connection:
        on = " ON audit_event" if connection.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP TRIGGER audit_event_delete{on}"))
        connection.execute(text("DELETE FROM audit_event WHERE seq = 2"))
    upgrade(database.engine)
    fill(database, 1)
    found = looked(database)
    assert (found.intact, found.broken_at, found.why) == (False, 2, "missing")


@pytest.mark.parametrize("number", [1, 4, 7])
def test_an_event_is_proved_without_the_database(database: Database, number: int) -> None:
    fill(database, 7)
    with database.reading() as session:
        proof = prove_event(session, KEY, number)
    event, of = check_event(proof, KNOWN)
    assert (event["object"], event["practitioner"], of.size) == (f"visit {number - 1}", "Karin Berg", 7)


def test_a_witness_follows_without_seeing_an_event(database: Database) -> None:
    known = None
    for more in (0, 3, 0, 1, 4):
        fill(database, more)
        with database.reading() as session:
            size, root = (known.size, known.root) if known else (0, b"")
            said = prove_growth(session, KEY, size, root) if known else signed_checkpoint(session, KEY)
        known = check_growth(said, KNOWN, known)
        assert "Karin" not in said
    assert known is not None
    assert known.size == 8


def test_nothing_is_signed_that_contradicts_an_earlier_checkpoint(database: Database) -> None:
    fill(database, 3)
    root = checkpoint(database).root
    with database.reading() as session:
        with pytest.raises(NotProvable, match="another history"):
            prove_growth(session, KEY, 2, root)
        with pytest.raises(NotProvable, match="has 3"):
            prove_growth(session, KEY, 4, root)


@pytest.mark.parametrize("number", [0, -1, 4])
def test_there_is_no_proof_of_an_event_that_is_not_there(database: Database, number: int) -> None:
    fill(database, 3)
    with database.reading() as session, pytest.raises(NotProvable, match="has 3"):
        prove_event(session, KEY, number)


def test_nothing_is_proved_of_a_changed_log(database: Database) -> None:
    fill(database, 3)
    with tampering(database) as run:
        run("UPDATE audit_event SET object = 'x' WHERE seq = 2")
    with database.reading() as session:
        for prove in (lambda: prove_event(session, KEY, 1), lambda: prove_growth(session, KEY, 0, b"")):
            with pytest.raises(NotProvable, match="audit verify"):
                prove()


def test_the_checkpoints_that_do_not_fit_say_from_where_on(database: Database) -> None:
    """All but the last was kept: what is between the last that fits and the first that does not was changed."""
    kept = []
    for _ in range(4):
        fill(database, 2)
        kept.append(checkpoint(database))
    with tampering(database) as run:
        run("UPDATE audit_event SET practitioner = 'Nobody' WHERE seq = 5")
    with database.engine.begin() as connection:
        make_whole(connection)
    found = looked(database, *reversed(kept))
    assert (found.intact, found.broken_at, found.why, found.against) == (False, 5, "other_history", kept[2])
    assert looked(database, *kept[:2]).intact
    assert looked(database).intact, "whoever rewrites all of it is found by what is kept elsewhere, and only so"


def test_a_log_that_is_shorter_than_a_checkpoint(database: Database) -> None:
    fill(database, 3)
    kept = replace(checkpoint(database), size=4)
    found = looked(database, kept)
    assert (found.intact, found.broken_at, found.why, found.against) == (False, 4, "other_history", kept)


@pytest.mark.parametrize("seed", range(3))
def test_every_random_change_is_found_on_sqlite(sqlite_url: str, seed: int) -> None:
    database = Database(sqlite_url)
    found, missed = find_changes(database, 100, seed)
    database.dispose()
    assert (missed, found.total()) == ([], 100)


@pytest.mark.postgres
def test_every_random_change_is_found_on_postgresql(postgres_url: str) -> None:
    database = Database(postgres_url)
    found, missed = find_changes(database, 100, 7)
    database.dispose()
    assert (missed, found.total()) == ([], 100)


@pytest.mark.parametrize("number", ["NULL", "2", "'x'", "-1", "0", "2.5"])
def test_a_row_under_a_number_that_is_none_or_taken(sqlite_url: str, number: str) -> None:
    """As in a table that was made anew without its key."""
    database = Database(sqlite_url)
    fill(database, 3)
    with tampering(database) as run:
        run("CREATE TABLE other AS SELECT * FROM audit_event")
        run("DROP TABLE audit_event")
        run("PRAGMA legacy_alter_table = ON")  # other tables' triggers name it
        run("ALTER TABLE other RENAME TO audit_event")
    assert looked(database).intact
    with tampering(database) as run:
        run("CREATE TABLE one AS SELECT * FROM audit_event WHERE seq = 3")
        run(f"UPDATE one SET seq = {number}")
        run("INSERT INTO audit_event SELECT * FROM one")
    assert looked(database).why == "changed"
    database.dispose()


def test_verifying_changes_nothing_and_makes_nothing(sqlite_url: str, tmp_path: Any) -> None:
    """A copy in a journal mode of its own stays byte for byte."""
    database = Database(sqlite_url)
    fill(database, 3)
    copy = tmp_path / "copy" / "hub.db"
    copy.parent.mkdir()
    with database.engine.connect() as connection:
        connection.rollback()
        connection.connection.driver_connection.execute(f"VACUUM INTO '{copy}'")
    database.dispose()
    before = copy.read_bytes()
    with open_log(f"sqlite:///{copy}") as connection:
        assert examine(connection).events == 3
    assert copy.read_bytes() == before
    assert [one.name for one in copy.parent.iterdir()] == ["hub.db"]
    with pytest.raises(FileNotFoundError), open_log(f"sqlite:///{tmp_path}/none.db"):
        pass
