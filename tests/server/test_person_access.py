"""Blocks, consents and protected identities follow who a patient turned out to be, and that it was taken back.

The reference is plain: sets of identities and what sticks to each; no row, no query, no moment.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.server.test_blocks import command
from tests.server.test_earlier_access import REASON, do, earlier_visit, opened, state
from tests.server.test_sockets import console, join, until

from carebag_server import admin_acts, blocks, patients, protection, tables, together
from carebag_server.access_tables import BlockRow, ConsentRow
from carebag_server.admin_acts import acts_after
from carebag_server.audit import Actor
from carebag_server.callers import PersonCaller
from carebag_server.database import Database
from carebag_server.demo_data import demo_id
from carebag_server.not_possible import NotPossible
from carebag_server.policy import ground
from carebag_server.refusals import Refused
from carebag_server.relations import asker_of, known_of, readable_visits, visible_visits
from carebag_server.tables import AuditRow, PatientRow, VisitRow
from carebag_wire.identity.systems import PERSONNUMMER, URI
from carebag_wire.visit import Person

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HOME, CLINIC, NURSE, KIT, COMMISSION, OF_NOW = (uuid.UUID(int=number) for number in range(1, 7))
REAL, *UNKNOWN = IDENTITIES = [uuid.UUID(int=31 + number) for number in range(4)]
ACTOR = Actor(
    practitioner="n",
    role="admin",
    care_unit="u",
    organization="o",
    purpose="administration",
    origin="here",
    request_ref="0" * 16,
)
SAID = patients.Stated(NURSE, "hustrun kom")
Id = uuid.UUID


@pytest.fixture
def hub(small_hub: Any) -> Any:
    return small_hub


# the reference


@dataclass
class Model:
    into: dict[Id, Id] = field(default_factory=dict)
    blocked: list[set[Id]] = field(default_factory=list)
    """Of each wish to hide, the identities that it sticks to."""
    consents: set[Id] = field(default_factory=set)

    def person(self, one: Id) -> frozenset[Id]:
        def end(each: Id) -> Id:
            return end(self.into[each]) if each in self.into else each

        return frozenset(each for each in IDENTITIES if end(each) == end(one))

    def block(self, one: Id) -> None:
        self.blocked.append(set(self.person(one)))

    def lift(self, one: Id) -> None:
        for wish in self.blocked:
            wish -= self.person(one)

    def hidden(self, one: Id) -> bool:
        return any(wish & self.person(one) for wish in self.blocked)

    def consented(self, one: Id) -> bool:
        return bool(self.consents & self.person(one))


ANY_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["merge", "merge", "unmerge", "block", "block", "lift", "consent", "withdraw"]),
        st.sampled_from(IDENTITIES),
        st.sampled_from(IDENTITIES),
    ),
    max_size=18,
)


def chain(order: list[Id]) -> list[tuple[str, Id, Id]]:
    """Each is found to be the one before it, the first of them `REAL`: whole people from the first step on."""
    return [("merge", one, into) for one, into in zip(order, [REAL, *order], strict=False)]


STEPS = st.tuples(
    st.permutations([one for one in IDENTITIES if one != REAL]), st.integers(0, len(IDENTITIES) - 1), ANY_STEPS
).map(lambda drawn: [*chain(drawn[0][: drawn[1]]), *drawn[2]])
"""Most identities are some person's when blocks and consents come: by chance alone they seldom are."""


def take(session: Session, model: Model, step: tuple[str, Id, Id], now: datetime) -> None:
    """One step, in the store and in the reference."""
    what, one, other = step
    of, into = session.get_one(PatientRow, one), session.get_one(PatientRow, other)
    if what == "merge":
        try:
            patients.merge(session, ACTOR, of, into, SAID, now)
        except NotPossible:
            assert one == REAL or one in model.into or one in _ahead(model, other)
            return
        model.into[one] = other
    elif what == "unmerge":
        if one not in model.into:
            with pytest.raises(NotPossible):
                patients.unmerge(session, ACTOR, of, SAID, now)
            return
        patients.unmerge(session, ACTOR, of, SAID, now)
        del model.into[one]
    elif what == "block":
        try:
            blocks.block(session, ACTOR, one, HOME, now)
        except Refused:  # then the wish is there already, and sticks to all that a new one would
            assert any(model.person(one) <= wish for wish in model.blocked)
            return
        model.block(one)
    elif what == "lift":
        for row in blocks.blocks_of(session, one):
            blocks.lift(session, ACTOR, row.id, "patient", now)
        model.lift(one)
    else:
        for consent in session.scalars(select(ConsentRow).where(ConsentRow.withdrawn_at.is_(None))):
            if consent.patient_id in model.person(one):
                consent.withdrawn_at = now
        model.consents -= model.person(one)
        if what == "consent":
            said = {"asked_by": "doctor", "how": "spoken", "recorded_by": "n", "recorded_by_id": NURSE}
            until_then = {"at": now, "valid_until": now + timedelta(days=90)}
            row = ConsentRow(
                id=uuid.uuid4(), patient_id=one, organization_id=CLINIC, visit_id=OF_NOW, **said, **until_then
            )
            session.add(row)
            model.consents.add(one)
    session.flush()


def _ahead(model: Model, one: Id) -> list[Id]:
    """The one itself and whoever it turned out to be, on the way there."""
    found = [one]
    while found[-1] in model.into:
        found.append(model.into[found[-1]])
    return found


@pytest.fixture(scope="module")
def store(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("person")
    copy(sqlite_template, folder / "hub.db")
    made = Database(f"sqlite:///{folder / 'hub.db'}")
    with made.transaction() as session:
        fill(session)
    yield made
    made.dispose()


def fill(session: Session) -> None:
    """Each identity has one visit that is over; `REAL` has one that a doctor is called to."""
    session.add_all(tables.Organization(id=one, name=str(one)) for one in (HOME, CLINIC))
    told = {"birth_date": "", "place": "", "own_doctor": ""}
    session.add_all(
        PatientRow(
            id=one,
            name="n",
            personal_id="198112289874" if one == REAL else one.urn,
            personal_id_system=PERSONNUMMER if one == REAL else URI,
            **told,
        )
        for one in IDENTITIES
    )
    session.add(tables.Practitioner(id=NURSE, name="n", title="t"))
    agreement = {"home_organization_id": HOME, "doctor_organization_id": CLINIC}
    session.flush()
    session.add(tables.CareAgreement(id=uuid.uuid4(), valid_from=NOW - timedelta(days=9), **agreement))
    session.add(tables.Kit(id=KIT, organization_id=HOME, name="k", unit="u", public_key=b"", enrolled_at=NOW))
    session.flush()
    of = {"organization_id": HOME, "kit_id": KIT, "reason": "", "background": "", "colour": 0}
    session.add(VisitRow(id=OF_NOW, patient_id=REAL, state="open", scheduled_at=NOW, **of))
    then = NOW - timedelta(days=9)
    session.add_all(
        VisitRow(id=past(one), patient_id=one, state="closed", scheduled_at=then, closed_at=then, **of)
        for one in IDENTITIES
    )


def past(one: Id) -> Id:
    return uuid.UUID(int=one.int + 100)


def doctor_of_the_clinic() -> PersonCaller:
    told = {"commission_id": COMMISSION, "practitioner_id": NURSE, "name": "n", "title": "t", "role": "doctor"}
    person = Person.model_validate({**told, "unit": "c", "organization": "o"})
    return PersonCaller(person=person, organization_id=CLINIC, session_id=NURSE, address="", request_ref="")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_what_is_hidden_is_what_the_reference_hides(store: Database, steps: list[tuple[str, Id, Id]]) -> None:
    """After every step of any schedule: for the query, for the policy, and for whom blocks are listed."""
    caller, model, now = doctor_of_the_clinic(), Model(), NOW
    with store.transaction() as session:
        for step in steps:
            now += timedelta(seconds=1)
            take(session, model, step, now)
            agrees(session, model, caller, now)
        session.rollback()


def agrees(session: Session, model: Model, caller: PersonCaller, now: datetime) -> None:
    called = not model.hidden(REAL)
    mine = model.person(REAL)
    expected = {past(one) for one in mine if called and model.consented(one)} | ({OF_NOW} if called else set())
    readable = {one.id for one in session.scalars(readable_visits(caller, now))}
    visible = {one.id for one in session.scalars(visible_visits(caller, now))}
    assert readable == expected
    assert visible == ({OF_NOW} if called else set())
    for one in IDENTITIES:
        known = known_of(session, one)
        grounds = {visit.id: ground(asker_of(caller), visit, known, now) for visit in known.visits}
        assert {each for each, why in grounds.items() if why not in (None, "blocked")} == (
            expected if one in mine else set()
        )
        assert bool(blocks.blocks_of(session, one)) == model.hidden(one)


def test_the_same_on_both_kinds_of_store(database: Database) -> None:
    """One schedule through all that differs: recorded before, while they are one, and after."""
    one, other = UNKNOWN[:2]
    schedule = [
        *[("consent", REAL, REAL), ("merge", one, other), ("merge", other, REAL), ("block", one, one)],
        *[("unmerge", other, other), ("lift", REAL, REAL), ("merge", other, REAL), ("lift", one, one)],
        *[("block", REAL, REAL), ("unmerge", one, one), ("withdraw", other, other), ("unmerge", other, other)],
    ]
    caller, model, now = doctor_of_the_clinic(), Model(), NOW
    with database.transaction() as session:
        fill(session)
        for step in schedule:
            now += timedelta(seconds=1)
            take(session, model, step, now)
            agrees(session, model, caller, now)


# through the program


def found_out(hub: Any, visit: Any, back: bool = False) -> str:
    """The patient of the visit was met as unknown at first; returns that identity's id. `back`: it was wrong."""
    unknown = demo_id("okänd man")
    hub.clock.forward(seconds=1)
    with hub.database.transaction() as session:
        into = session.get_one(PatientRow, uuid.UUID(visit["patient"]["id"]))
        of = session.get(PatientRow, unknown)
        if of is None:
            told = {"personal_id_system": URI, "birth_date": None, "place": "", "own_doctor": ""}
            of = PatientRow(id=unknown, name="Okänd man", personal_id=unknown.urn, **told)
            session.add(of)
            session.flush()
        said = patients.Stated(demo_id("Anna Lind"), "hustrun kom")
        if back:
            patients.unmerge(session, ACTOR, of, said, hub.clock())
        else:
            patients.merge(session, ACTOR, of, into, said, hub.clock())
    hub.clock.forward(seconds=1)
    return str(unknown)


@pytest.fixture
def before(hub: Any, visit: Any) -> Any:
    """What was documented of the unknown one, nine days ago."""
    unknown = found_out(hub, visit)
    found_out(hub, visit, back=True)
    return earlier_visit(hub, visit, patient_id=uuid.UUID(unknown))


def test_consent_opens_what_is_the_same_persons_while_it_is(hub: Any, doctor: Any, visit: Any, before: Any) -> None:
    """By every way: visit, FHIR, paper, file, earlier sounds, period."""
    consent = {"asked_by": "doctor", "how": "spoken", "days": 30}
    assert do(hub, doctor, visit, "consent", consent).status_code == 201
    assert opened(hub, doctor, visit, before) == [False] * 6
    found_out(hub, visit)
    assert opened(hub, doctor, visit, before) == [True] * 6
    found_out(hub, visit, back=True)
    assert opened(hub, doctor, visit, before) == [False] * 6


def test_an_emergency_too_and_its_report_counts_both(hub: Any, doctor: Any, visit: Any, before: Any) -> None:
    found_out(hub, visit)
    assert do(hub, doctor, visit, "emergency", REASON).status_code == 201
    assert opened(hub, doctor, visit, before) == [True] * 6
    reports = hub.client.get("/api/review/emergencies", headers=hub.sign_in("reviewer")).json()
    assert reports[0]["acts"] >= 6


@pytest.mark.parametrize("under", ["now", "then"])
def test_a_block_hides_what_is_the_same_persons(hub: Any, doctor: Any, visit: Any, before: Any, under: str) -> None:
    """Recorded under either identity, before they were known to be one: both, and taken back its own alone."""
    patient = visit["patient"]["id"] if under == "now" else before["patient"]["id"]
    do(hub, doctor, visit, "consent", {"asked_by": "doctor", "how": "spoken", "days": 30})
    day = "2026-11-20T00:00+01:00"
    assert command(hub, "add", patient, "--visits-before", day) == 0
    found_out(hub, visit)
    assert opened(hub, doctor, visit, before) == [False] * 6
    assert state(hub, doctor, visit)["blocked"]
    assert command(hub, "list", visit["patient"]["id"]) == command(hub, "list", before["patient"]["id"]) == 0
    found_out(hub, visit, back=True)
    assert state(hub, doctor, visit)["blocked"] is False  # of the one who is called to nothing is documented before


def test_a_block_of_all_visits_hides_the_one_of_now(hub: Any, doctor: Any, visit: Any, before: Any) -> None:
    assert command(hub, "add", before["patient"]["id"]) == 0
    assert hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).status_code == 200
    found_out(hub, visit)
    assert hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).status_code == 404
    assert visit["id"] not in hub.client.get("/api/visits", headers=doctor).text
    assert visit["id"] in {one["id"] for one in hub.visits()}  # the provider's own bag works on
    found_out(hub, visit, back=True)
    assert hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).status_code == 200


def test_what_was_blocked_as_one_stays_blocked_for_both(hub: Any, doctor: Any, visit: Any, before: Any) -> None:
    """Each is lifted for itself; each is a row of the log."""
    found_out(hub, visit)
    assert command(hub, "add", visit["patient"]["id"]) == 0
    found_out(hub, visit, back=True)
    with hub.database.reading() as session:
        rows = session.scalars(select(BlockRow)).all()
        logged = session.scalars(select(AuditRow.patient_id).where(AuditRow.action == "block_recorded")).all()
    both = {uuid.UUID(one["patient"]["id"]) for one in (visit, before)}
    assert {row.patient_id for row in rows} == set(logged) == both
    assert len({(row.at, row.recorded_by) for row in rows}) == 1
    assert hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).status_code == 404
    mine = next(row.id for row in rows if str(row.patient_id) == visit["patient"]["id"])
    assert command(hub, "lift", str(mine), "--why", "patient") == 0
    assert hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).status_code == 200


def test_asked_for_again_as_one_it_is_recorded_again(hub: Any, visit: Any, before: Any) -> None:
    """The one recorded before holds for both only as long as they are one."""
    assert command(hub, "add", before["patient"]["id"]) == 0
    found_out(hub, visit)
    assert command(hub, "add", before["patient"]["id"]) == 0
    assert command(hub, "add", before["patient"]["id"]) == 1


def test_a_protected_identity_is_protected_under_each(hub: Any, doctor: Any, visit: Any, before: Any) -> None:
    assert command(hub, "protect", before["patient"]["id"], "sekretessmarkering") == 0
    found_out(hub, visit)
    assert hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()["visit"]["patient"]["protected"]
    assert "Tolvan" not in hub.client.get("/api/visits", headers=doctor).text
    assert command(hub, "unprotect", visit["patient"]["id"]) == 0
    with hub.database.reading() as session:
        assert protection.protection_of(session, uuid.UUID(visit["patient"]["id"])) == ""


@pytest.fixture
def quick(monkeypatch: Any) -> None:
    """Acts beside the hub are found soon, a seat is looked at for itself only after long. Named before `hub`."""
    monkeypatch.setattr(admin_acts, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(together, "LOOK_SECONDS", 3600)


def test_a_merge_reaches_open_pages(quick: None, hub: Any, doctor: Any, visit: Any, before: Any) -> None:
    """By it the console is shown out of the visit that a block of the other identity hides."""
    command(hub, "add", before["patient"]["id"])
    with console(hub) as socket:
        join(socket, visit)
        found_out(hub, visit)
        assert until(socket, "problem")["code"] == "seat_ended"


def test_taken_back_all_who_were_one_look_again(hub: Any, visit: Any, before: Any) -> None:
    found_out(hub, visit)
    seq = acts_after(hub.database, None).seq
    found_out(hub, visit, back=True)
    found = acts_after(hub.database, seq)
    assert found.hidden_visits == {uuid.UUID(visit["id"]), uuid.UUID(before["id"])}
    assert found.hidden_kits == {hub.kit.kit_id}
    assert found.hidden_seq


def test_the_patients_own_list_has_all_identities(hub: Any, visit: Any, before: Any) -> None:
    reviewer, doctor = hub.sign_in("reviewer"), hub.sign_in("doctor")
    hub.client.get(f"/api/visits/{visit['id']}", headers=doctor)
    path = f"/api/review/patients/{before['patient']['id']}/accesses"

    def roles() -> set[str]:
        return {one["role"] for one in hub.client.get(path, headers=reviewer).json()["accesses"]}

    assert "doctor" not in roles()
    found_out(hub, visit)
    assert "doctor" in roles()
