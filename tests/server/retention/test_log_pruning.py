"""Contents of the access log go; the tree, old checkpoints and heads hold; whoever helps himself is found."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from carebag.audit_bench import KEY, checkpoint_of, fill, find_changes
from carebag.audit_changes import drop_triggers, example_event
from carebag_server.audit import Act, Actor, append
from carebag_server.audit_note import NoteKey
from carebag_server.audit_proofs import NotProvable, prove_event, prove_growth
from carebag_server.audit_verifier.log import Examined, examine, open_log
from carebag_server.audit_verifier.note import KnownKey, open_checkpoint
from carebag_server.audit_verifier.proofs import check_event, check_growth
from carebag_server.database import Database
from carebag_server.not_possible import NotPossible
from carebag_server.retention import log_pruning, policies
from carebag_server.retention.acts import decision_of
from carebag_server.retention.rules import Unsettled
from carebag_server.tables import AuditRow, Organization, PatientRow

START = datetime(2026, 11, 27, tzinfo=UTC)
LATER = START + timedelta(days=365 * 6)
SIRI = Actor(
    practitioner="Siri", role="admin", care_unit="x", organization="-", purpose="x", origin="x", request_ref="x"
)


@pytest.fixture
def log(database: Database) -> Database:
    """Fifty events, ten of them a day before and ten long after the rest's time; two providers in Sweden."""
    with database.transaction() as session:
        for number in (1, 2):
            provider = Organization(id=uuid.UUID(int=number), name=f"provider {number}")
            session.add(provider)
            session.flush()
            policies.set_policy(session, SIRI, provider, "SE", None, None, START - timedelta(days=1))
    rng = random.Random(1)
    fill(database, [example_event(rng, number) for number in range(40)], 3)
    fill(database, [{**example_event(rng, number), "at": LATER - timedelta(days=1)} for number in range(10)], 3)
    return database


def examined(database: Database, *checkpoints: Any, heads: Any = ()) -> Examined:
    with open_log(database.url) as connection:
        return examine(connection, heads, checkpoints)


def prune(database: Database, now: datetime = LATER, at_once: int = 1000) -> int:
    removed = 0
    log_pruning.AT_ONCE, before = at_once, log_pruning.AT_ONCE
    try:
        while True:
            with database.transaction() as session:
                due = log_pruning.due_events(session, now)
                went = log_pruning.prune(session, SIRI, due.before, "RS 2026/118", now)
            if not went:
                return removed
            removed += went
    finally:
        log_pruning.AT_ONCE = before


@pytest.mark.parametrize("at_once", [1000, 7])
def test_tree_chain_heads_and_checkpoints_hold(log: Database, at_once: int) -> None:
    before = examined(log)
    kept = checkpoint_of(log)
    with log.reading() as session:
        early = [(row.seq, row.hash) for row in session.scalars(select(AuditRow).where(AuditRow.seq.in_([1, 20, 45])))]
    assert prune(log, at_once=at_once) == 40
    after = examined(log, kept, heads=[(before.events, before.head), *early])
    assert (after.intact, after.pruned) == (True, 40)
    assert after.events == before.events + -(-40 // at_once)
    with log.reading() as session:
        assert session.scalars(select(AuditRow.seq).where(AuditRow.seq.between(3, 42))).all() == []


def test_what_was_done_is_in_the_log_and_names_nobody(log: Database) -> None:
    prune(log)
    with log.reading() as session:
        act = session.scalars(select(AuditRow).order_by(AuditRow.seq.desc()).limit(1)).one()
    assert act.action == "log_pruned"
    assert act.object.startswith("events 40 from 3 to 42 days 2026-11-27/2026-11-27 by RS 2026/118 digest ")
    assert (act.patient_id, act.visit_id, act.practitioner) == (None, None, "Siri")


def test_what_says_why_something_is_gone_stays_for_ever(log: Database) -> None:
    prune(log)
    assert prune(log, LATER + timedelta(days=365 * 50)) == 10
    assert examined(log).intact
    with log.reading() as session:
        left = [row.action for row in session.scalars(select(AuditRow).order_by(AuditRow.seq))]
    assert left == ["retention_set", "retention_set", "log_pruned", "log_pruned"]


def test_nothing_goes_before_its_time(log: Database) -> None:
    assert prune(log, START + timedelta(days=365 * 5)) == 0
    with log.transaction() as session, pytest.raises(Unsettled, match="within the time"):
        log_pruning.prune(session, SIRI, START + timedelta(days=365 * 4), "x", LATER)


def test_the_longest_of_all_providers_holds(log: Database) -> None:
    with log.transaction() as session:
        provider = session.get_one(Organization, uuid.UUID(int=1))
        policies.set_policy(session, SIRI, provider, "FI", 12, 120, LATER)
    assert prune(log) == 0
    assert prune(log, START + timedelta(days=365.25 * 12 + 3)) == 40


def test_a_provider_without_a_country_keeps_the_log_whole(log: Database) -> None:
    with log.transaction() as session:
        session.add(Organization(id=uuid.UUID(int=3), name="new one"))
    with pytest.raises(Unsettled, match="new one: no country is set"):
        prune(log)


def test_a_held_patients_events_stay_with_their_content(log: Database) -> None:
    with log.transaction() as session:
        events = session.scalars(select(AuditRow).where(AuditRow.seq.in_([5, 6, 7]))).all()
        provider = session.get_one(Organization, uuid.UUID(int=1))
        for row in events[:2]:
            assert row.patient_id is not None
            session.add(
                PatientRow(id=row.patient_id, name="", personal_id=str(row.seq), personal_id_system="s",
                           birth_date=None, place="", own_doctor="")
            )  # fmt: skip
            session.flush()
            policies.place_hold(session, SIRI, provider, session.get_one(PatientRow, row.patient_id), "IVO", LATER)
    with log.reading() as session:
        due = log_pruning.due_events(session, LATER)
    assert (due.count, due.held_back) == (38, 2)
    assert prune(log) == 38
    assert examined(log).intact
    with log.transaction() as session:
        assert {5, 6} <= set(session.scalars(select(AuditRow.seq)))
        for hold in policies.standing_holds(session):
            policies.lift_hold(session, SIRI, hold.id, LATER)
    assert prune(log) == 2
    assert (examined(log).intact, examined(log).pruned) == (True, 40)


def test_a_hold_on_a_provider_keeps_the_whole_log(log: Database) -> None:
    with log.transaction() as session:
        policies.place_hold(session, SIRI, session.get_one(Organization, uuid.UUID(int=1)), None, "tvist", LATER)
    with log.reading() as session:
        due = log_pruning.due_events(session, LATER)
    assert (due.count, due.held_back) == (0, 40)
    with pytest.raises(Unsettled, match="hold on a whole"):
        prune(log)


def test_proofs_are_made_over_what_is_gone(log: Database) -> None:
    kept = checkpoint_of(log)
    prune(log, at_once=9)
    public = KnownKey.read(KEY.public_text)
    with log.reading() as session:
        growth = prove_growth(session, KEY, kept.size, kept.root)
        proof = prove_event(session, KEY, 45)
        with pytest.raises(NotProvable, match="content of event 10 was removed"):
            prove_event(session, KEY, 10)
    assert check_growth(growth, public, kept).size == kept.size + 5
    assert check_event(proof, public)[0]["seq"] == 45


STATEMENTS = {
    "no mark": ["DELETE FROM audit_event WHERE seq = 54"],
    "no act": [
        "INSERT INTO pruned_event SELECT seq, '', hash, 6 FROM audit_event WHERE seq = 54",
        "DELETE FROM audit_event WHERE seq = 54",
    ],
    "other hash": [
        "INSERT INTO pruned_event SELECT 54, frontier, 'x', 53 FROM audit_head",
        "DELETE FROM audit_event WHERE seq = 54",
    ],
    "mark changed": ["UPDATE pruned_event SET act_seq = 1"],
    "mark removed": ["DELETE FROM pruned_event"],
}
"""Event 53 says what was pruned, 54 is young."""


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_store_lets_nothing_go_but_by_the_act(log: Database, name: str) -> None:
    prune(log)
    with log.transaction() as session:
        append(session, SIRI, Act(action="visit_read", object="x"), LATER)
    *before, last = STATEMENTS[name]
    with log.engine.connect() as connection:
        for one in before:
            connection.execute(text(one))
        with pytest.raises(DBAPIError, match="append_only"):
            connection.execute(text(last))
    assert examined(log).intact


TAMPERED = {
    "leaf": "UPDATE pruned_event SET leaf = (SELECT leaf FROM pruned_event WHERE seq = 9) WHERE seq = 8",
    "chain hash": "UPDATE pruned_event SET hash = (SELECT hash FROM pruned_event WHERE seq = 9) WHERE seq = 8",
    "act": "UPDATE pruned_event SET act_seq = 45 WHERE seq = 8",
    "act of all": "UPDATE pruned_event SET act_seq = 45",
    "one gone": "DELETE FROM pruned_event WHERE seq = 8",
    "all gone": "DELETE FROM pruned_event",
    "one back": "INSERT INTO audit_event SELECT 8, at, action, object, patient_id, visit_id, practitioner, role, "
    "care_unit, organization, purpose, origin, request_ref, hash FROM audit_event WHERE seq = 45",
    "one more": "INSERT INTO pruned_event SELECT 45, leaf, hash, act_seq FROM pruned_event WHERE seq = 8; "
    "DELETE FROM audit_event WHERE seq = 45",
    "swapped": "UPDATE pruned_event SET seq = 1000 WHERE seq = 8; UPDATE pruned_event SET seq = 8 WHERE seq = 9; "
    "UPDATE pruned_event SET seq = 9 WHERE seq = 1000",
    "act's words": "UPDATE audit_event SET object = 'events 40' WHERE action = 'log_pruned'",
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_with_what_is_left_is_found(log: Database, name: str) -> None:
    prune(log)
    with log.engine.begin() as connection:
        drop_triggers(connection)
        for one in TAMPERED[name].split(";"):
            connection.execute(text(one))
    assert not examined(log).intact


def test_an_inconvenient_event_cannot_be_pruned_without_saying_so(log: Database) -> None:
    """Somebody with all rights makes leaf and chain as they must be, and no act: tree and chain are whole."""
    from carebag_server.audit import entry_of
    from carebag_server.audit_tree import leaf_hash

    with log.engine.begin() as connection:
        drop_triggers(connection)
    with log.transaction() as session:
        row = session.get_one(AuditRow, 45)
        mark = {"leaf": leaf_hash(entry_of(row)), "hash": row.hash}
        session.execute(text("INSERT INTO pruned_event VALUES (45, :leaf, :hash, 50)"), mark)
        session.execute(text("DELETE FROM audit_event WHERE seq = 45"))
    found = examined(log)
    assert (found.intact, found.broken_at, found.why) == (False, 45, "changed")


def test_random_changes_of_a_pruned_log_are_all_found(database: Database) -> None:
    if database.engine.dialect.name != "sqlite":
        pytest.skip("the same code; SQLite takes any bytes")
    found, missed = find_changes(database, 150, 7, pruned=15)
    assert missed == []
    assert found.total() == 150
    assert any("pruned" in kind for kind in found)


@pytest.mark.parametrize("bad", ["", "x" * 61, "a\nb", "Åsa; DROP", "dig\u2028est"])
def test_a_decision_is_a_reference_and_no_sentence(bad: str) -> None:
    with pytest.raises(NotPossible):
        decision_of(bad)


def test_the_command(office: Any, hub: Any) -> None:
    hub.sign_in("doctor")
    events = len(hub.actions())
    said = ("propose", "log", "--decision", "RS 2026/118", "--by", "Siri")
    status, told = office(*said, years=6)
    assert (status, "no country is set" in told) == (2, True)
    office.settle()
    status, told = office("show", years=6)
    assert status == 0
    assert f"access log: {events} events" in told
    status, told = office.remove("log", years=6)
    assert (status, f"removed the contents of {events} events; intact" in told) == (0, True)
    settled = ["retention_set", "retention_set"]
    assert hub.actions() == [*settled, "removal_proposed", "removal_approved", "log_pruned"]
    status, told = office(*said, years=6)
    assert (status, "nothing is past its time" in told) == (2, True)


def test_a_broken_log_is_not_pruned(office: Any, hub: Any) -> None:
    office.settle()
    hub.sign_in("doctor")
    number, count = office.propose("log", years=6)
    with hub.database.engine.begin() as connection:
        drop_triggers(connection)
        connection.execute(text("UPDATE audit_event SET practitioner = 'nobody' WHERE seq = 1"))
    before = hub.actions()
    status, said = office("approve", number, "--removing", count, "--by", "Maj", years=6, login="maj")
    assert (status, "the log is broken at event 1" in said) == (2, True)
    assert hub.actions() == before


def test_a_new_key_is_not_needed(log: Database) -> None:
    """A checkpoint of before is verified by the same key against the log of after."""
    key = NoteKey.new("hub.example.se/access-log")
    with log.reading() as session:
        from carebag_server.audit_proofs import signed_checkpoint

        kept = open_checkpoint(signed_checkpoint(session, key), KnownKey.read(key.public_text))
    prune(log)
    assert examined(log, kept).intact
