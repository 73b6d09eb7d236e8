"""A patient's earlier visits: closed without consent or emergency, each opening on record, and over when it is over."""

import hashlib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from carebag_server.demo_data import PREMICARE, TIMRA, demo_id
from carebag_server.tables import AuditRow, CareAgreement, Commission, Organization, Practitioner, VisitRow

SOUND = b"\x01\x00\x02\x00\x03\x00\x04\x00"
SHA = hashlib.sha256(SOUND).hexdigest()
REASON = {"reason": "medvetslös, kan inte svara"}


@pytest.fixture
def hub(small_hub: Any) -> Any:
    """SQLite is enough here: `test_policy.py` and `test_earlier_sounds.py` ask both kinds of store."""
    return small_hub


def earlier_visit(hub: Any, of: Any, **changes: Any) -> Any:
    """A visit of the same patient nine days ago, with a recording that the hub has."""
    with hub.database.transaction() as session:
        now = session.get_one(VisitRow, uuid.UUID(of["id"]))
        then = hub.clock() - timedelta(days=9)
        told = {name: getattr(now, name) for name in ("organization_id", "patient_id", "kit_id", "nurse_commission_id")}
        told |= {"state": "closed", "scheduled_at": then, "closed_at": then, "reason": "", "background": "KANARIE"}
        row = VisitRow(id=uuid.uuid4(), colour=1, **{**told, **changes})
        session.add(row)
        made = {"id": str(row.id), "patient": {"id": str(row.patient_id)}}
    hub.kit.request("PUT", f"/api/kit/media/{SHA}", SOUND)
    hub.kit.store("sound_recorded", made)
    return made


@pytest.fixture
def before(hub: Any, visit: Any) -> Any:
    return earlier_visit(hub, visit)


def ways(visit: Any, before: Any) -> list[str]:
    """All by which earlier documentation is read."""
    days = "from=2026-11-01&to=2026-11-20"
    return [
        f"/api/visits/{before['id']}",
        f"/api/visits/{before['id']}/fhir",
        f"/api/visits/{before['id']}/pdf",
        f"/api/media/{before['id']}/{SHA}",
        f"/api/visits/{visit['id']}/sounds/earlier?point=mitral",
        f"/api/patients/{visit['patient']['id']}/fhir?{days}",
    ]


def opened(hub: Any, doctor: Any, visit: Any, before: Any) -> list[bool]:
    """By which of the ways something of the earlier visit comes; a refusal is the one of what is not there."""
    found = []
    for path in ways(visit, before):
        answer = hub.client.get(path, headers=doctor)
        if answer.status_code == 404:
            assert answer.content == b'{"code":"not_found"}'
        text = answer.content.decode("latin-1")
        found.append(answer.status_code == 200 and (before["id"] in text or "/pdf" in path or "/media" in path))
        assert found[-1] or "KANARIE" not in text
    return found


def do(hub: Any, doctor: Any, visit: Any, what: str, body: Any = None) -> Any:
    return hub.client.post(f"/api/visits/{visit['id']}/{what}", headers=doctor, json=body)


def state(hub: Any, doctor: Any, visit: Any) -> Any:
    answer = hub.client.get(f"/api/visits/{visit['id']}/earlier", headers=doctor)
    assert answer.status_code == 200, answer.text
    return answer.json()


def rows(hub: Any) -> list[AuditRow]:
    with hub.database.reading() as session:
        found = list(session.scalars(select(AuditRow).order_by(AuditRow.seq)))
        session.expunge_all()
        return found


CLOSED, OPEN = [False] * 6, [True] * 6


def test_closed_without_consent(hub: Any, doctor: Any, visit: Any, before: Any) -> None:
    assert opened(hub, doctor, visit, before) == CLOSED
    told = state(hub, doctor, visit)
    assert (told["consent"], told["emergency"], told["blocked"], told["blocked_by"]) == (None, None, False, [])
    assert not told["same_provider"]
    assert "KANARIE" not in str(told)


def test_consent_opens_until_it_is_over(hub: Any, doctor: Any, visit: Any, before: Any, clock: Any) -> None:
    told = hub.consent(doctor, visit)
    assert (told["consent"]["asked_by"], told["consent"]["how"]) == ("doctor", "spoken")
    assert told["consent"]["recorded_by"] == "Elena Ruiz"
    assert opened(hub, doctor, visit, before) == OPEN
    clock.forward(hours=24)
    assert opened(hub, hub.sign_in("doctor"), visit, before) == CLOSED
    assert state(hub, doctor, visit)["consent"] is None


def test_a_consent_is_withdrawn(hub: Any, doctor: Any, visit: Any, before: Any) -> None:
    hub.consent(doctor, visit)
    hub.consent(doctor, visit, days=30)
    assert do(hub, doctor, visit, "consent/withdraw").json()["consent"] is None
    assert opened(hub, doctor, visit, before) == CLOSED
    again = do(hub, doctor, visit, "consent/withdraw")
    assert (again.status_code, again.json()) == (409, {"code": "no_consent"})
    assert hub.actions(visit["id"])[-3:] == ["consent_recorded", "consent_recorded", "consent_withdrawn"]


def test_an_emergency_opens_for_an_hour_and_all_of_it_is_marked(
    hub: Any, doctor: Any, visit: Any, before: Any, clock: Any
) -> None:
    told = do(hub, doctor, visit, "emergency", REASON)
    assert told.status_code == 201
    assert told.json()["emergency"]["reason"] == REASON["reason"]
    start = len(rows(hub))
    assert opened(hub, doctor, visit, before) == OPEN
    done = rows(hub)[start:]
    assert {row.purpose for row in done} == {"emergency"}
    assert len(done) == 7  # the period has a row of its own
    hub.client.get(f"/api/visits/{visit['id']}", headers=doctor)
    assert rows(hub)[-1].purpose == "care"
    clock.forward(minutes=59)
    doctor = hub.sign_in("doctor")
    assert opened(hub, doctor, visit, before) == OPEN
    clock.forward(minutes=1)
    assert opened(hub, doctor, visit, before) == CLOSED
    assert state(hub, doctor, visit)["emergency"] is None


def test_an_emergency_is_ended(hub: Any, doctor: Any, visit: Any, before: Any) -> None:
    do(hub, doctor, visit, "emergency", REASON)
    twice = do(hub, doctor, visit, "emergency", REASON)
    assert (twice.status_code, twice.json()) == (409, {"code": "emergency_lasts"})
    assert do(hub, doctor, visit, "emergency/end").json()["emergency"] is None
    assert opened(hub, doctor, visit, before) == CLOSED
    again = do(hub, doctor, visit, "emergency/end")
    assert (again.status_code, again.json()) == (409, {"code": "no_emergency"})
    assert [row.purpose for row in rows(hub) if row.action.startswith("emergency_")] == ["emergency"] * 2


@pytest.mark.parametrize("reason", ["", "    ", "nöd", "    nöd    ", "x" * 501, "a\x00bcdef"])
def test_no_emergency_without_a_reason(hub: Any, doctor: Any, visit: Any, reason: str) -> None:
    assert do(hub, doctor, visit, "emergency", {"reason": reason}).status_code == 422
    assert "emergency_opened" not in hub.actions()


def colleague(hub: Any, organization: str) -> None:
    """The demo's doctor is somebody else from now on, of that organization."""
    with hub.database.transaction() as session:
        session.merge(Organization(id=demo_id(organization), name=organization))
        session.add(Practitioner(id=demo_id("Another"), name="Another", title="läkare"))
        session.flush()
        told = {"practitioner_id": demo_id("Another"), "organization_id": demo_id(organization), "unit": "x"}
        session.add(Commission(id=demo_id("Another doctor"), role="doctor", **told))
        if organization != PREMICARE:
            sides = {"home_organization_id": demo_id(TIMRA), "doctor_organization_id": demo_id(organization)}
            session.add(CareAgreement(id=uuid.uuid4(), valid_from=hub.clock() - timedelta(days=1), **sides))


def as_colleague(hub: Any) -> Any:
    from carebag_server import sessions

    with hub.database.transaction() as session:
        token = sessions.issue_link(session, demo_id("Another doctor"), hub.clock())
    browser = hub.browser()
    browser.portal = hub.client.portal
    answer = browser.post("/api/session/link", json={"token": token}, headers={"Origin": "http://localhost:8470"})
    assert answer.status_code == 200
    return browser


@pytest.mark.parametrize(
    ("organization", "by_consent", "by_emergency"), [(PREMICARE, True, False), ("Annan Vård AB", False, False)]
)
def test_for_whom_it_opens(
    hub: Any, doctor: Any, visit: Any, before: Any, organization: str, by_consent: bool, by_emergency: bool
) -> None:
    """Consent is for the care provider, emergency for the one doctor."""
    colleague(hub, organization)
    browser, path = as_colleague(hub), f"/api/visits/{before['id']}"
    do(hub, doctor, visit, "emergency", REASON)
    assert (browser.get(path, headers=doctor).status_code == 200) == by_emergency
    hub.consent(doctor, visit)
    assert (browser.get(path, headers=doctor).status_code == 200) == by_consent


def test_nothing_is_done_in_an_earlier_visit(hub: Any, doctor: Any, visit: Any, before: Any) -> None:
    """Consent is to read."""
    hub.consent(doctor, visit)
    for what, body in [
        ("requests", {"kind": "crp"}),
        ("consent", {"asked_by": "doctor", "how": "spoken", "days": 1}),
        ("emergency", REASON),
        ("guests", {"role": "relative", "name": "K", "consent": True}),
    ]:
        assert do(hub, doctor, before, what, body).status_code == 404
    assert hub.client.get(f"/api/visits/{before['id']}/earlier", headers=doctor).status_code == 404


def test_consent_without_a_visit_of_now_opens_nothing(
    hub: Any, doctor: Any, visit: Any, before: Any, clock: Any
) -> None:
    hub.consent(doctor, visit, days=365)
    hub.kit.store("visit_closed", visit)
    clock.forward(hours=73)
    doctor = hub.sign_in("doctor")
    assert opened(hub, doctor, visit, before)[:4] == [False] * 4


def test_one_provider_needs_no_consent(hub: Any, doctor: Any, visit: Any) -> None:
    """The earlier visit is of the doctor's own care provider."""
    with hub.database.transaction() as session:
        own = {"home_organization_id": demo_id(PREMICARE), "doctor_organization_id": demo_id(PREMICARE)}
        session.add(CareAgreement(id=uuid.uuid4(), valid_from=hub.clock() - timedelta(days=1), **own))
    before = earlier_visit(hub, visit, organization_id=demo_id(PREMICARE))
    assert opened(hub, doctor, visit, before) == OPEN
    assert {row.purpose for row in rows(hub) if str(row.visit_id) == before["id"] and row.role == "doctor"} == {"care"}


def test_the_medical_lead_sees_it_at_once(hub: Any, doctor: Any, visit: Any, before: Any, clock: Any) -> None:
    reviewer = hub.sign_in("reviewer")
    assert hub.client.get("/api/review/emergencies", headers=reviewer).json() == []
    do(hub, doctor, visit, "emergency", REASON)
    opened(hub, doctor, visit, before)
    (one,) = hub.client.get("/api/review/emergencies", headers=reviewer).json()
    assert (one["doctor"], one["organization"], one["reason"]) == ("Elena Ruiz", PREMICARE, REASON["reason"])
    assert (one["visit_id"], one["patient"]["name"], one["lasts"]) == (visit["id"], "Tolvan Tolvansson", True)
    assert one["acts"] == 8
    assert rows(hub)[-1].action == "emergencies_read"
    clock.forward(minutes=61)
    reviewer = hub.sign_in("reviewer")
    (one,) = hub.client.get("/api/review/emergencies", headers=reviewer).json()
    assert not one["lasts"]
    marked = hub.client.get("/api/review/marked", headers=reviewer).json()
    assert [item["why"] for item in marked] == ["emergency"] * 8
    assert marked[0]["event"]["seq"] > marked[-1]["event"]["seq"]


def test_another_municipality_s_lead_sees_nothing_of_it(hub: Any, doctor: Any, visit: Any, before: Any) -> None:
    do(hub, doctor, visit, "emergency", REASON)
    with hub.database.transaction() as session:
        session.add(Organization(id=demo_id("Elsewhere"), name="Elsewhere"))
        session.flush()
        session.get_one(Commission, demo_id("Karin Berg reviewer")).organization_id = demo_id("Elsewhere")
    reviewer = hub.sign_in("reviewer")
    assert hub.client.get("/api/review/emergencies", headers=reviewer).json() == []
    assert hub.client.get("/api/review/marked", headers=reviewer).json() == []


def test_who_signs_out_leaves_no_emergency_open(hub: Any, doctor: Any, visit: Any, before: Any) -> None:
    path = f"/api/visits/{visit['id']}/emergency"
    assert hub.client.post(path, headers=doctor, json=REASON).status_code == 201
    assert hub.client.post("/api/session/end", headers=doctor).status_code == 204
    assert hub.actions()[-2:] == ["emergency_ended", "signed_out"]
    anew = hub.sign_in("doctor")
    assert hub.client.get(f"/api/visits/{visit['id']}/earlier", headers=anew).json()["emergency"] is None
