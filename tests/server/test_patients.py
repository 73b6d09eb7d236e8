"""Patients by system and number, unknown ones, and who they turned out to be: on both stores."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from carebag_server import patients
from carebag_server.audit import Actor
from carebag_server.database import Database
from carebag_server.demo_data import demo_id
from carebag_server.installation import stamp
from carebag_server.not_possible import NotPossible
from carebag_server.patients import Described, Stated
from carebag_server.people_tables import PatientMerge
from carebag_server.tables import AuditRow, PatientRow, Practitioner, VisitRow
from carebag_wire.identity.merges import TemporaryIdentity
from carebag_wire.identity.person import Identity
from carebag_wire.identity.refusal import BadIdentity
from carebag_wire.identity.systems import (
    HENKILOTUNNUS,
    HSA_ID,
    NATIONAL_RESERVE,
    PERSONNUMMER,
    STOCKHOLM_RESERVE,
    VASTRA_GOTALAND_RESERVE,
)

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
NURSE = uuid.UUID(int=9)
OPERATOR = Actor(
    practitioner="siri (carebag admin)",
    role="admin",
    care_unit="carebag admin",
    organization="-",
    purpose="administration",
    origin="here",
    request_ref="0" * 16,
)
REAL, OTHER = Identity(PERSONNUMMER, "198112289874"), Identity(HENKILOTUNNUS, "131052-308T")
SAID = Stated(NURSE, "anhörig kom")


@pytest.fixture
def production(database: Database) -> Database:
    stamp(database, demo=False, now=NOW)
    with database.transaction() as session:
        session.add(Practitioner(id=NURSE, name="Anna Lind", title="sjuksköterska"))
    return database


def register(database: Database, identity: Any, name: str = "Prov Provsson", **more: Any) -> uuid.UUID:
    with database.transaction() as session:
        return patients.register(session, OPERATOR, identity, Described(name, **more), NOW).id


def unknown(database: Database) -> uuid.UUID:
    with database.transaction() as session:
        return patients.register_temporary(session, OPERATOR, Described("Okänd man"), NOW).id


def merge(database: Database, of: uuid.UUID, into: uuid.UUID, said: Stated = SAID) -> uuid.UUID:
    with database.transaction() as session:
        rows = [session.get_one(PatientRow, one) for one in (of, into)]
        return patients.merge(session, OPERATOR, rows[0], rows[1], said, NOW)


def unmerge(database: Database, of: uuid.UUID, said: Stated = SAID) -> None:
    with database.transaction() as session:
        patients.unmerge(session, OPERATOR, session.get_one(PatientRow, of), said, NOW + timedelta(hours=1))


def same(database: Database, of: uuid.UUID) -> set[uuid.UUID]:
    with database.reading() as session:
        return set(patients.same_person(session, of))


def ended(database: Database, of: uuid.UUID) -> uuid.UUID | None:
    with database.reading() as session:
        found = patients.turned_out(session, [of]).get(of)
        return found.id if found else None


def log(database: Database) -> list[tuple[str, uuid.UUID | None, str]]:
    with database.reading() as session:
        return [(row.action, row.patient_id, row.object) for row in session.scalars(select(AuditRow))]


def test_the_same_number_in_two_systems_is_two_patients(production: Database) -> None:
    numbers = [Identity(system, "198112289874") for system in (STOCKHOLM_RESERVE, VASTRA_GOTALAND_RESERVE)]
    assert len({register(production, one) for one in (REAL, *numbers)}) == 3
    with pytest.raises(NotPossible, match="already"):
        register(production, REAL, "Någon Annan")


def test_what_the_number_says_and_what_it_does_not(production: Database) -> None:
    ids = [
        register(production, REAL),
        register(production, Identity(STOCKHOLM_RESERVE, "A" * 64)),
        register(production, Identity(STOCKHOLM_RESERVE, "19990101K001"), born=date(1999, 1, 1)),
        unknown(production),
    ]
    with production.reading() as session:
        rows = [session.get_one(PatientRow, one) for one in ids]
        assert [row.birth_date for row in rows] == ["1981-12-28", None, "1999-01-01", None]
        assert rows[3].personal_id.startswith("urn:uuid:")
    assert [action for action, _, _ in log(production)] == ["patient_registered"] * 4
    assert [patient for _, patient, _ in log(production)] == ids


@pytest.mark.parametrize(
    "identity",
    [Identity(PERSONNUMMER, "191212121212"), Identity(HENKILOTUNNUS, "010594Y9032"),
     Identity(NATIONAL_RESERVE, "98240301AA06")],
)  # fmt: skip
def test_no_test_number_in_production(production: Database, identity: Identity) -> None:
    with pytest.raises(BadIdentity, match="test_identity_in_production"):
        register(production, identity)
    assert log(production) == []


@pytest.mark.parametrize("identity", [REAL, OTHER, Identity(STOCKHOLM_RESERVE, "19990101K001")])
def test_no_real_number_in_a_demo(hub: Any, identity: Identity) -> None:
    with pytest.raises(BadIdentity, match="real_identity_in_demo"):
        register(hub.database, identity)


def test_an_hsa_id_or_another_systems_uuid_names_no_patient(production: Database) -> None:
    with pytest.raises(BadIdentity, match="unknown_identity_system"):
        register(production, Identity(HSA_ID, "SE5565594230-A1"))
    with pytest.raises(NotPossible, match="name"):
        register(production, REAL, "  ")


def test_an_unknown_one_is_found_out_and_taken_back(production: Database) -> None:
    known, found = register(production, REAL), unknown(production)
    assert (same(production, found), ended(production, found)) == ({found}, None)
    merge_id = merge(production, found, known)
    assert same(production, found) == same(production, known) == {found, known}
    assert (ended(production, found), ended(production, known)) == (known, None)
    unmerge(production, found)
    assert (same(production, known), ended(production, found)) == ({known}, None)
    with production.reading() as session:  # nothing was rewritten, and what was said stays
        assert session.get_one(PatientRow, found).name == "Okänd man"
        row = session.get_one(PatientMerge, merge_id)
        assert (row.reason, row.taken_back_reason, row.taken_back_by) == ("anhörig kom", "anhörig kom", NURSE)
    told = f"patient {found} into {known}, said by Anna Lind {NURSE}"
    assert log(production)[-2:] == [("patient_merged", found, told), ("patient_unmerged", found, told)]
    merge(production, found, known)
    assert ended(production, found) == known


def test_over_two_steps(production: Database) -> None:
    known, first, second = register(production, REAL), unknown(production), unknown(production)
    merge(production, first, second)
    merge(production, second, known)
    assert same(production, second) == {known, first, second}
    assert ended(production, first) == known


def test_merges_that_cannot_stand(production: Database) -> None:
    known, other, found = register(production, REAL), register(production, OTHER), unknown(production)
    for of, into, why in [
        (found, found, "other way round"),
        (known, other, "two people"),
        (known, found, "never disappears"),
    ]:
        with pytest.raises(NotPossible, match=why):
            merge(production, of, into)
    with pytest.raises(NotPossible, match="--reason"):
        merge(production, found, known, Stated(NURSE, " "))
    merge(production, found, known)
    with pytest.raises(NotPossible, match="stated before"):
        merge(production, found, known)
    with pytest.raises(NotPossible, match="take that back first"):
        merge(production, found, other)
    with pytest.raises(NotPossible, match="not merged"):
        unmerge(production, known)
    with pytest.raises(NotPossible, match="--reason"):
        unmerge(production, found, Stated(NURSE, ""))
    assert [action for action, _, _ in log(production)].count("patient_merged") == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["merge", "unmerge"]), st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_who_is_who_is_what_stands(fresh: Any, acts: list[tuple[str, int, int]]) -> None:
    """Whatever is said and taken back: sameness divides the patients into persons, and each has one end."""
    database, ids = fresh()
    into: dict[uuid.UUID, uuid.UUID] = {}
    for act, of, other in acts:
        try:
            if act == "merge":
                merge(database, ids[of], ids[other])
                into[ids[of]] = ids[other]
            else:
                unmerge(database, ids[of])
                del into[ids[of]]
        except NotPossible:
            continue
    for one in ids:
        end = one
        while end in into:
            end = into[end]
        assert ended(database, one) == (end if end != one else None)
        for other in ids:
            assert (other in same(database, one)) == (same(database, one) == same(database, other))


@pytest.fixture
def fresh(sqlite_url: str) -> Any:
    """One store, and for each example six patients of its own: the first two known, the others not."""
    database = Database(sqlite_url)
    with database.transaction() as session:
        session.add(Practitioner(id=NURSE, name="Anna Lind", title="sjuksköterska"))
    numbers = iter(range(10_000))

    def make() -> tuple[Database, list[uuid.UUID]]:
        with database.transaction() as session:
            for row in session.scalars(select(PatientMerge)):
                session.delete(row)
        known = [register(database, Identity(STOCKHOLM_RESERVE, f"K{next(numbers)}")) for _ in range(2)]
        return database, [*known, *(unknown(database) for _ in range(4))]

    yield make
    database.dispose()


def test_the_doctor_reads_who_the_patient_turned_out_to_be(hub: Any, doctor: Any, visit: Any) -> None:
    known = visit["patient"]["id"]
    with hub.database.transaction() as session:
        found = patients.register_temporary(session, OPERATOR, Described("Okänd man"), hub.clock())
        other = session.scalars(select(VisitRow).where(VisitRow.id != uuid.UUID(visit["id"]))).first()
        other.patient_id = found.id
        visit_id = str(other.id)
        patients.merge(
            session, OPERATOR, found, session.get_one(PatientRow, uuid.UUID(known)),
            Stated(demo_id("Anna Lind"), "anhörig kom"), hub.clock(),
        )  # fmt: skip
    read = hub.client.get(f"/api/visits/{visit_id}", headers=doctor).json()["visit"]["patient"]
    assert (read["name"], read["birth_date"], read["turned_out"]["name"]) == ("Okänd man", "", "Tolvan Tolvansson")
    listed = {one["id"]: one["patient"] for one in hub.client.get("/api/visits", headers=doctor).json()}
    assert listed[visit_id]["turned_out"]["personal_id"] == "191212121212"
    assert "turned_out" not in listed[visit["id"]]
    printed = hub.client.get(f"/api/visits/{visit_id}/pdf?lang=sv", headers=doctor)
    assert printed.status_code == 200
    bundle = hub.client.get(f"/api/visits/{visit_id}/fhir", headers=doctor).json()
    (number,) = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient")["identifier"]
    assert (number["use"], number["system"]) == ("temp", "urn:ietf:rfc:3986")


def test_an_identity_is_read_back_as_it_was_written(production: Database) -> None:
    temporary = TemporaryIdentity(uuid.uuid4())
    ids = [register(production, one) for one in (REAL, OTHER, temporary)]
    with production.reading() as session:
        read = [patients.identity_of(session.get_one(PatientRow, one)) for one in ids]
    assert read == [REAL, OTHER, temporary]
