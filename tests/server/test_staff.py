"""Care providers, units, people, commissions, agreements, passkeys: entered, ended, logged, on both stores."""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from carebag_server import passkey_links, patients, sessions, staff
from carebag_server.admin_acts import acts_after
from carebag_server.audit import Actor
from carebag_server.database import Database
from carebag_server.demo_data import PREMICARE, demo_id
from carebag_server.not_possible import NotPossible
from carebag_server.patients import Described, Stated
from carebag_server.staff import Change
from carebag_server.tables import (
    AuditRow,
    CareAgreement,
    Commission,
    Kit,
    Organization,
    Passkey,
    PatientRow,
    Practitioner,
    SignedIn,
    VisitRow,
)
from carebag_server.visit_planning import Plan, plan_visit
from carebag_wire.identity.refusal import BadIdentity

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HSA = "SE5565594230-A1"
OPERATOR = Actor(
    practitioner="siri (carebag admin)",
    role="admin",
    care_unit="carebag admin",
    organization="-",
    purpose="administration",
    origin="here",
    request_ref="0" * 16,
)


def do(database: Database, work: Any, at: datetime = NOW) -> Any:
    with database.transaction() as session:
        return work(Change(session, OPERATOR, at))


def actions(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(AuditRow.action).order_by(AuditRow.seq)))


@pytest.fixture
def entered(database: Database) -> dict[str, uuid.UUID]:
    """A home-care provider with a unit and a nurse."""

    def enter(change: Change) -> dict[str, uuid.UUID]:
        home = staff.add_organization(change, "Ånge kommun")
        unit = staff.add_unit(change, home, "Ånge hemsjukvård")
        person = staff.add_person(change, "Maja Nordin", "sjuksköterska", HSA)
        role = staff.add_commission(change, person, unit, "nurse")
        return {"home": home.id, "unit": unit.id, "person": person.id, "commission": role.id}

    return dict(do(database, enter))


def test_each_change_is_one_row_with_who_was_signed_in(database: Database, entered: Any) -> None:
    assert actions(database) == ["organization_added", "unit_added", "person_added", "commission_added"]
    with database.reading() as session:
        rows = list(session.scalars(select(AuditRow).order_by(AuditRow.seq)))
    assert {(row.practitioner, row.role, row.purpose) for row in rows} == {
        ("siri (carebag admin)", "admin", "administration")
    }
    assert [row.organization for row in rows] == ["Ånge kommun", "Ånge kommun", "-", "Ånge kommun"]
    assert str(entered["person"]) in rows[3].object


def test_refusals_change_and_log_nothing(database: Database, entered: Any) -> None:
    home: Any = lambda change: change.session.get_one(Organization, entered["home"])  # noqa: E731
    person: Any = lambda change: change.session.get_one(Practitioner, entered["person"])  # noqa: E731

    def unit(change: Change) -> Any:
        from carebag_server.people_tables import CareUnit

        return change.session.get_one(CareUnit, entered["unit"])

    refused: list[tuple[Any, type[Exception], str]] = [
        (lambda c: staff.add_organization(c, "Ånge kommun"), NotPossible, "already"),
        (lambda c: staff.add_organization(c, " "), NotPossible, "name"),
        (lambda c: staff.add_organization(c, "X", "SE5565594230"), BadIdentity, "identity_too_short"),
        (lambda c: staff.add_organization(c, "X", HSA), NotPossible, "names one"),
        (lambda c: staff.add_unit(c, home(c), "Ånge hemsjukvård"), NotPossible, "already"),
        (lambda c: staff.add_unit(c, home(c), ""), NotPossible, "name"),
        (lambda c: staff.add_person(c, "", "x"), NotPossible, "name"),
        (lambda c: staff.add_commission(c, person(c), unit(c), "nurse"), NotPossible, "already"),
        (lambda c: staff.add_commission(c, person(c), unit(c), "admin"), NotPossible, "one of"),
        (lambda c: staff.add_agreement(c, home(c), home(c)), NotPossible, "two care providers"),
    ]
    before = actions(database)
    for work, error, words in refused:
        with pytest.raises(error, match=words):
            do(database, work)
    assert actions(database) == before


def test_an_agreement_is_made_ended_and_made_again(database: Database, entered: Any) -> None:
    def pair(change: Change) -> tuple[Organization, Organization]:
        found = change.session.scalars(select(Organization).where(Organization.name == "Distans AB")).first()
        return change.session.get_one(Organization, entered["home"]), found or staff.add_organization(
            change, "Distans AB"
        )

    agreement_id = do(database, lambda c: staff.add_agreement(c, *pair(c)).id)
    with pytest.raises(NotPossible, match="already"):
        do(database, lambda c: staff.add_agreement(c, *pair(c)))
    end: Any = lambda c: staff.end_agreement(c, c.session.get_one(CareAgreement, agreement_id))  # noqa: E731
    do(database, end, NOW + timedelta(hours=1))
    with pytest.raises(NotPossible, match="ended"):
        do(database, end, NOW + timedelta(hours=2))
    assert do(database, lambda c: staff.add_agreement(c, *pair(c)).id, NOW + timedelta(hours=3)) == agreement_id
    assert actions(database)[-3:] == ["agreement_added", "agreement_ended", "agreement_added"]


def test_who_leaves_is_out(hub: Any, doctor: Any) -> None:
    end: Any = lambda c: staff.end_person(c, c.session.get_one(Practitioner, demo_id("Elena Ruiz")))  # noqa: E731
    do(hub.database, end, hub.clock())
    assert hub.client.get("/api/me", headers=doctor).status_code == 401
    assert hub.actions()[-1] == "person_ended"
    with pytest.raises(NotPossible, match="no commission"):
        do(hub.database, end, hub.clock())


@pytest.mark.parametrize("whose", ["Elena Ruiz", None])
def test_the_sessions_of_one_or_all_are_ended(hub: Any, doctor: Any, whose: str | None) -> None:
    nurse, person_id = hub.sign_in("nurse"), None if whose is None else demo_id(whose)
    out: Any = lambda c: staff.sign_out(c, c.session.get_one(Practitioner, person_id) if person_id else None)  # noqa: E731
    assert do(hub.database, out, hub.clock()) == (1 if whose else 2)
    assert hub.client.get("/api/me", headers=doctor).status_code == 401
    assert hub.client.get("/api/me", headers=nurse).status_code == (200 if whose else 401)
    assert hub.actions()[-1] == "sessions_ended"
    assert hub.client.get("/api/me", headers=hub.sign_in("doctor")).status_code == 200  # and may come in again


def test_a_commission_that_ends_takes_its_sessions_along(hub: Any, doctor: Any) -> None:
    reviewer = hub.sign_in("reviewer")
    commission_id = demo_id("Elena Ruiz doctor")
    with hub.database.reading() as session:
        of_doctor = session.scalars(select(SignedIn.id).where(SignedIn.commission_id == commission_id)).all()
    assert sessions.those_alive(hub.database, of_doctor, hub.clock()) == set(of_doctor)
    end: Any = lambda c: staff.end_commission(c, c.session.get_one(Commission, commission_id))  # noqa: E731
    do(hub.database, end, hub.clock())
    assert hub.client.get("/api/me", headers=doctor).status_code == 401
    assert hub.client.get("/api/me", headers=reviewer).status_code == 200
    assert sessions.those_alive(hub.database, of_doctor, hub.clock()) == set()  # who has a socket open is out too
    with pytest.raises(NotPossible, match="ended"):
        do(hub.database, end, hub.clock())


def test_a_passkey_that_ends_opens_nothing_and_its_owner_comes_in_again(hub: Any, doctor: Any) -> None:
    owner = demo_id("Elena Ruiz")
    with hub.database.transaction() as session:
        key = Passkey(
            id=uuid.uuid4(), practitioner_id=owner, credential_id=b"x", public_key=b"y", sign_count=0, created_at=NOW
        )
        session.add(key)
    do(hub.database, lambda c: staff.end_passkey(c, c.session.get_one(Passkey, key.id)), hub.clock())
    assert hub.client.get("/api/me", headers=doctor).status_code == 401
    with hub.database.reading() as session:
        assert session.scalars(select(Passkey)).all() == []
    assert hub.actions()[-1] == "passkey_ended"


def plan(hub: Any, **changes: Any) -> Any:
    def work(change: Change) -> uuid.UUID:
        patient = change.session.get_one(PatientRow, demo_id("191212121212"))
        kit = change.session.get_one(Kit, changes.pop("kit_id", hub.kit.kit_id))
        nurse = change.session.get(Commission, changes.pop("nurse", demo_id("Anna Lind nurse")))
        said = {"at": hub.clock() + timedelta(hours=1), "reason": "Feber", **changes}
        return plan_visit(change, Plan(patient, kit, nurse, **said))

    return do(hub.database, work, hub.clock())


def test_a_planned_visit_is_the_kits_and_the_doctors(hub: Any, doctor: Any) -> None:
    with hub.database.reading() as session:
        seq = acts_after(hub.database, None).seq
        assert session.get_one(Kit, hub.kit.kit_id)
    visit_id = str(plan(hub))
    assert visit_id in {one["id"] for one in hub.visits()}
    assert visit_id in {one["id"] for one in hub.client.get("/api/visits", headers=doctor).json()}
    found = acts_after(hub.database, seq)
    assert ({str(one) for one in found.visits}, found.kits) == ({visit_id}, {hub.kit.kit_id})
    assert acts_after(hub.database, found.seq).visits == set()
    assert "visit_planned" in hub.actions(visit_id)


def test_who_a_patient_turned_out_to_be_reaches_those_who_are_connected(hub: Any) -> None:
    """Of visits that are not over: what is read anew is what is on a screen."""
    seq = acts_after(hub.database, None).seq

    def merged(change: Change) -> uuid.UUID:
        session, of = change.session, {"session": change.session, "actor": OPERATOR, "now": change.now}
        found = patients.register_temporary(said=Described("Okänd man"), **of)
        for visit in session.scalars(select(VisitRow).where(VisitRow.colour < 2)):
            visit.patient_id, visit.state = found.id, "closed" if visit.colour else "planned"
        into = session.get_one(PatientRow, demo_id("191212121212"))
        patients.merge(of=found, into=into, stated=Stated(demo_id("Anna Lind"), "hustrun kom"), **of)
        return session.scalars(select(VisitRow.id).where(VisitRow.colour == 0)).one()

    assert acts_after(hub.database, seq).visits == set()
    visit_id = do(hub.database, merged, hub.clock())
    assert acts_after(hub.database, seq).visits == {visit_id}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"reason": " "}, "why the patient"),
        ({"at": NOW - timedelta(days=1)}, "long past"),
        ({"nurse": demo_id("Elena Ruiz doctor")}, "nurse's commission"),
    ],
)
def test_visits_that_cannot_be(hub: Any, changes: Any, why: str) -> None:
    with pytest.raises(NotPossible, match=why):
        plan(hub, **changes)


def test_no_visit_with_another_providers_kit_or_one_that_is_shut_out(hub: Any) -> None:
    with pytest.raises(NotPossible, match="different care providers"):
        plan(hub, kit_id=hub.enrol("Väska 2", PREMICARE).kit_id)
    with hub.database.transaction() as session:
        session.get_one(Kit, hub.kit.kit_id).revoked_at = hub.clock()
    with pytest.raises(NotPossible, match="shut out"):
        plan(hub)


def test_two_visits_that_follow_each_other_never_look_alike(hub: Any) -> None:
    ids = [str(plan(hub)) for _ in range(10)]
    colours = {one["id"]: one["patient"]["colour"] for one in hub.visits()}
    in_order = [colours[one] for one in ids]
    assert all(left != right for left, right in pairwise(in_order))


def test_no_link_for_who_may_do_nothing_or_for_too_long(database: Database, entered: Any) -> None:
    idle = do(database, lambda c: staff.add_person(c, "Ny", "läkare").id)
    with pytest.raises(NotPossible, match="commission"):
        do(database, lambda c: passkey_links.issue(c, c.session.get_one(Practitioner, idle)))
    for valid in (timedelta(0), timedelta(days=8)):
        with pytest.raises(NotPossible, match="hours"):
            do(
                database,
                lambda c, v=valid: passkey_links.issue(c, c.session.get_one(Practitioner, entered["person"]), v),
            )
