"""A patient's period over HTTP: the visits the caller may see, one row for the period and one in each visit's log."""

import uuid
from datetime import timedelta
from typing import Any

import fhirkit
import pytest
from sqlalchemy import select, update

from carebag_fhir.json_text import decode
from carebag_server import blocks, fhir_exports, patients
from carebag_server.audit import Actor
from carebag_server.demo_data import demo_id
from carebag_server.tables import AuditRow, CareAgreement, Organization, PatientRow, VisitRow

SOUND = b"\x01\x00\x02\x00\x03\x00\x04\x00"


@pytest.fixture
def hub(small_hub: Any) -> Any:
    """SQLite is enough here: `test_audit_completeness.py` exports a period from both kinds of store."""
    return small_hub


@pytest.fixture
def period(hub: Any, doctor: Any, visit: Any) -> str:
    """Two visits of one patient: of today with a reading and a sound, and one that was opened a week ago."""
    reading = hub.kit.store("reading", visit)
    hub.client.post(
        f"/api/visits/{visit['id']}/readings/{reading['id']}/decision", headers=doctor, json={"decision": "kept"}
    )
    sound = hub.kit.store("sound_recorded", visit)
    hub.kit.request("PUT", f"/api/kit/media/{sound['media_sha256']}", SOUND)
    hub.consent(doctor, visit, days=30)
    hub.kit.store("visit_closed", visit)
    with hub.database.transaction() as session:
        today = session.get_one(VisitRow, uuid.UUID(visit["id"]))
        told = {
            name: getattr(today, name)
            for name in ("organization_id", "patient_id", "kit_id", "reason", "background", "colour")
        }
        before = hub.clock() - timedelta(days=7)
        session.add(VisitRow(id=EARLIER, scheduled_at=before, opened_at=before, state="closed", **told))
    return f"/api/patients/{visit['patient']['id']}/fhir"


EARLIER, AS_UNKNOWN = uuid.UUID(int=77), uuid.UUID(int=78)
SIRI = Actor(
    practitioner="Siri", role="admin", care_unit="x", organization="-", purpose="x", origin="x", request_ref="x"
)


def days(hub: Any, ago_from: int, ago_to: int) -> dict[str, str]:
    day = hub.clock().date()
    return {"from": str(day - timedelta(days=ago_from)), "to": str(day - timedelta(days=ago_to))}


def visits_in(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    kinds = [entry["resource"] for entry in decode(answer.content)["entry"]]
    return [one["id"] for one in kinds if one["resourceType"] == "Encounter"]


def test_the_visits_of_the_days_in_order(hub: Any, doctor: Any, period: str, visit: Any) -> None:
    def asked(ago_from: int, ago_to: int) -> list[str]:
        return visits_in(hub.client.get(period, headers=doctor, params=days(hub, ago_from, ago_to)))

    assert asked(7, 0) == [str(EARLIER), visit["id"]]
    assert asked(6, 0) == [visit["id"]]
    assert asked(30, 7) == [str(EARLIER)]
    assert asked(30, 8) == []


def test_it_is_what_the_visits_are(hub: Any, doctor: Any, period: str, visit: Any) -> None:
    """Byte for byte the same things as when each is exported alone, files included."""
    whole = decode(hub.client.get(period, headers=doctor, params={**days(hub, 7, 0), "media": "inside"}).content)
    alone = [
        decode(hub.client.get(f"/api/visits/{one}/fhir?media=inside", headers=doctor).content)["entry"]
        for one in (EARLIER, visit["id"])
    ]
    union = {entry["fullUrl"]: entry for entries in alone for entry in entries}
    assert {entry["fullUrl"]: entry for entry in whole["entry"]} == union
    assert "audio/wav" in str(whole)


def test_days_are_of_where_the_care_is_given(hub: Any, doctor: Any, period: str, visit: Any) -> None:
    """Half past midnight in Sweden is the day before in UTC."""
    with hub.database.transaction() as session:
        at = hub.clock().replace(hour=23, minute=30) - timedelta(days=3)
        session.execute(update(VisitRow).where(VisitRow.id == EARLIER).values(opened_at=at))
    assert visits_in(hub.client.get(period, headers=doctor, params=days(hub, 3, 3))) == []
    assert visits_in(hub.client.get(period, headers=doctor, params=days(hub, 2, 2))) == [str(EARLIER)]


def test_the_log_names_patient_period_and_each_visit(hub: Any, doctor: Any, period: str, visit: Any) -> None:
    before = len(hub.actions())
    asked = days(hub, 7, 0)
    hub.client.get(period, headers=doctor, params=asked)
    with hub.database.reading() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.seq)).all()[before:]
        told = [(row.action, str(row.patient_id), row.visit_id and str(row.visit_id), row.object) for row in rows]
    patient, span = visit["patient"]["id"], f"{asked['from']}/{asked['to']}"
    assert told == [
        ("period_exported", patient, None, f"patient {patient} {span} visits 2"),
        ("visit_exported", patient, str(EARLIER), f"visit {EARLIER} period {span}"),
        ("visit_exported", patient, visit["id"], f"visit {visit['id']} period {span}"),
    ]


def test_a_period_without_a_visit_is_said_and_logged(hub: Any, doctor: Any, period: str) -> None:
    before = len(hub.actions())
    answer = hub.client.get(period, headers=doctor, params=days(hub, 3, 2))
    assert [entry["resource"]["resourceType"] for entry in decode(answer.content)["entry"]] == ["Patient"]
    assert hub.actions()[before:] == ["period_exported"]


@pytest.mark.parametrize(("name", "most"), [("MOST_VISITS", 1), ("MOST_RECORDS", 3)])
def test_too_much_is_refused_and_leaves_no_row(
    hub: Any, doctor: Any, period: str, monkeypatch: Any, name: str, most: int
) -> None:
    assert len(visits_in(hub.client.get(period, headers=doctor, params=days(hub, 7, 0)))) == 2
    before = hub.actions()
    monkeypatch.setattr(fhir_exports, name, most)
    answer = hub.client.get(period, headers=doctor, params=days(hub, 7, 0))
    assert (answer.status_code, answer.json()) == (413, {"code": "period_too_large"})
    assert hub.actions() == before


def test_files_of_all_visits_are_counted_together(hub: Any, doctor: Any, period: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(fhir_exports, "MOST_MEDIA_BYTES", len(SOUND) - 1)
    asked = {**days(hub, 7, 0), "media": "inside"}
    answer = hub.client.get(period, headers=doctor, params=asked)
    assert (answer.status_code, answer.json()) == (413, {"code": "too_large"})
    assert len(visits_in(hub.client.get(period, headers=doctor, params={**asked, "media": "inside_or_links"}))) == 2


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"from": "2026-11-02", "to": "2026-11-01"}, "bad_period"),
        ({"from": "2026-11-02"}, "bad_request"),
        ({"from": "yesterday", "to": "2026-11-01"}, "bad_request"),
        ({"from": "0001-01-01", "to": "2026-11-01"}, "bad_request"),
        ({"from": "2026-11-02", "to": "9999-12-31"}, "bad_request"),
    ],
)
def test_what_is_no_period(hub: Any, doctor: Any, period: str, asked: Any, code: str) -> None:
    answer = hub.client.get(period, headers=doctor, params=asked)
    assert (answer.status_code, answer.json()) == (422, {"code": code})


def test_a_patient_without_care_relation_is_as_if_she_were_not(hub: Any, doctor: Any, period: str) -> None:
    """Same status, same bytes, whether the patient is another's or nobody's."""
    with hub.database.transaction() as session:
        session.execute(update(CareAgreement).values(valid_until=hub.clock()))
    before = hub.actions()
    for path in (period, f"/api/patients/{uuid.uuid4()}/fhir"):
        answer = hub.client.get(path, headers=doctor, params=days(hub, 7, 0))
        assert (answer.status_code, answer.content) == (404, b'{"code":"not_found"}')
    assert hub.actions() == before


def test_only_the_visits_the_caller_may_see(hub: Any, doctor: Any, period: str, visit: Any) -> None:
    """The same patient's visit by another care provider, without an agreement, is not in it."""
    with hub.database.transaction() as session:
        elsewhere = Organization(id=uuid.uuid4(), name="Sundsvalls kommun")
        session.add(elsewhere)
        session.flush()
        session.execute(update(VisitRow).where(VisitRow.id == EARLIER).values(organization_id=elsewhere.id))
    answer = hub.client.get(period, headers=doctor, params=days(hub, 7, 0))
    assert visits_in(answer) == [visit["id"]]
    assert str(EARLIER) not in answer.text


def test_it_follows_who_a_patient_turned_out_to_be(hub: Any, doctor: Any, period: str, visit: Any) -> None:
    """An unknown man's visit is in the period of the person he is, and of himself; taken back, it is not any more."""
    now, nurse = hub.clock(), patients.Stated(demo_id("Anna Lind"), "anhörig kom")
    with hub.database.transaction() as session:
        mine = session.get_one(VisitRow, uuid.UUID(visit["id"]))
        unknown = patients.register_temporary(session, SIRI, patients.Described("Okänd man"), now).id
        told = {name: getattr(mine, name) for name in ("organization_id", "kit_id", "reason", "background", "colour")}
        when = {"scheduled_at": now - timedelta(hours=2), "opened_at": now - timedelta(hours=2)}
        session.add(VisitRow(id=AS_UNKNOWN, patient_id=unknown, state="closed", **when, **told))
        patient = mine.patient_id

    def merging(what: Any) -> None:
        with hub.database.transaction() as session:
            of, into = session.get_one(PatientRow, unknown), session.get_one(PatientRow, patient)
            what(session, SIRI, of, *([into] if what is patients.merge else []), nurse, now)

    def asked(path: str) -> Any:
        return hub.client.get(path, headers=doctor, params=days(hub, 7, 0))

    other = f"/api/patients/{unknown}/fhir"
    assert visits_in(asked(period)) == [str(EARLIER), visit["id"]]
    assert visits_in(asked(other)) == [str(AS_UNKNOWN)]
    merging(patients.merge)
    for path in (period, other):
        answer = asked(path)
        assert set(visits_in(answer)) == {str(EARLIER), str(AS_UNKNOWN), visit["id"]}
        entries = [entry["resource"] for entry in decode(answer.content)["entry"]]
        links = {
            one["id"]: [(link["type"], link["other"]["reference"]) for link in one["link"]]
            for one in entries
            if one["resourceType"] == "Patient"
        }
        assert links == {
            str(unknown): [("replaced-by", f"urn:uuid:{patient}")],
            str(patient): [("replaces", f"urn:uuid:{unknown}")],
        }
        subjects = {one["id"]: one["subject"]["reference"] for one in entries if one["resourceType"] == "Encounter"}
        assert subjects[str(AS_UNKNOWN)] == f"urn:uuid:{unknown}"
        assert [str(fault) for fault in fhirkit.validate(answer.text)] == []
    merging(patients.unmerge)
    assert visits_in(asked(period)) == [str(EARLIER), visit["id"]]
    assert visits_in(asked(other)) == [str(AS_UNKNOWN)]


def test_a_block_under_the_other_identity_hides_all_of_the_person(
    hub: Any, doctor: Any, period: str, visit: Any
) -> None:
    """Recorded for the unknown man that he was: also what was documented under his number."""
    now = hub.clock()
    with hub.database.transaction() as session:
        mine = session.get_one(VisitRow, uuid.UUID(visit["id"]))
        unknown = patients.register_temporary(session, SIRI, patients.Described("Okänd man"), now)
        told = {name: getattr(mine, name) for name in ("organization_id", "kit_id", "reason", "background", "colour")}
        session.add(
            VisitRow(id=AS_UNKNOWN, patient_id=unknown.id, state="closed", scheduled_at=now, opened_at=now, **told)
        )
        into = session.get_one(PatientRow, mine.patient_id)
        patients.merge(session, SIRI, unknown, into, patients.Stated(demo_id("Anna Lind"), "x"), now)
        blocks.block(session, SIRI, unknown.id, mine.organization_id, now, "", None)
        unknown_id = unknown.id
    assert hub.client.get(period, headers=doctor, params=days(hub, 7, 0)).status_code == 404
    with hub.database.transaction() as session:
        (row,) = blocks.blocks_of(session, into.id)
        blocks.lift(session, SIRI, row.id, "patient", now)
    answer = hub.client.get(period, headers=doctor, params=days(hub, 7, 0))
    assert str(unknown_id) in answer.text
