"""Every read and change of patient data leaves exactly its rows, with what the law names; no row, no answer."""

import json
import re
import uuid
from typing import Any

import pytest

from carebag_server import audit
from carebag_server.tables import AuditRow

SOUND = b"\x01\x00\x02\x00\x03\x00\x04\x00"


def act(hub: Any, headers: Any, verb: str, path: str, body: Any = None) -> Any:
    answer = hub.client.request(verb, path, headers=headers, json=body)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content and answer.headers["content-type"] == "application/json" else None


def drive(hub: Any) -> list[tuple[str, list[str]]]:
    """A whole visit; each step with the log's new actions."""
    steps: list[tuple[str, list[str]]] = []
    seen = 0

    def step(name: str) -> None:
        nonlocal seen
        actions = hub.actions()
        steps.append((name, actions[seen:]))
        seen = len(actions)

    doctor, reviewer = hub.sign_in("doctor"), hub.sign_in("reviewer")
    step("sign in")
    head = hub.visits()[0]
    base = f"/api/visits/{head['id']}"
    step("kit reads visits")
    hub.kit.store("visit_opened", head)
    step("open")
    act(hub, doctor, "GET", "/api/visits")
    step("list")
    act(hub, doctor, "GET", base)
    step("read")
    request = act(hub, doctor, "POST", f"{base}/requests", {"kind": "blood_pressure"})
    step("ask")
    hub.kit.store("request_progressed", head, request["id"])
    step("begin")
    reading = hub.kit.store("reading", head, request["id"])
    step("measure")
    act(hub, doctor, "POST", f"{base}/readings/{reading['id']}/decision", {"decision": "kept"})
    step("keep")
    other = act(hub, doctor, "POST", f"{base}/requests", {"kind": "crp"})
    act(hub, doctor, "POST", f"{base}/requests/{other['id']}/cancel", {"reason": ""})
    step("ask and cancel")
    sound = hub.kit.store("sound_recorded", head)
    hub.kit.request("PUT", f"/api/kit/media/{sound['media_sha256']}", SOUND)
    step("sound")
    act(hub, doctor, "GET", f"/api/media/{head['id']}/{sound['media_sha256']}?as=doctor")
    step("fetch")
    heard = {"stream": 1, "sha256": sound["media_sha256"], "samples": 4, "repaired": 0, "missing": 0}
    act(hub, doctor, "POST", f"{base}/sounds/heard", heard)
    step("heard")
    mark = act(hub, doctor, "POST", f"{base}/marks", {"stream": 1, "sample": 2, "rate_hz": 4000, "kind": "murmur"})
    act(hub, doctor, "POST", f"{base}/marks/{mark['id']}/take_back")
    step("mark and take back")
    act(hub, doctor, "POST", f"{base}/premises", {"says": "hypercapnic"})
    step("premise of a score")
    act(hub, doctor, "PUT", f"{base}/note", {"assessment": "a", "plan": "p", "base_version": 0})
    act(hub, doctor, "POST", f"{base}/note/sign", {"version": 1})
    step("note")
    act(hub, doctor, "GET", f"{base}/earlier")
    act(hub, doctor, "POST", f"{base}/consent", {"asked_by": "nurse", "how": "spoken", "days": 1})
    act(hub, doctor, "POST", f"{base}/consent/withdraw")
    act(hub, doctor, "POST", f"{base}/emergency", {"reason": "unconscious"})
    act(hub, doctor, "POST", f"{base}/emergency/end")
    step("consent and emergency")
    tray = hub.kit.store("reading", None, provenance="stored")
    hub.kit.store("reading_filed", head, reading_id=tray["id"])
    hub.kit.store("reading_filed", head, reading_id=tray["id"], decision="set_aside")
    step("file and take back")
    said = {"to_visit_id": hub.visits()[1]["id"], "reason": "r"}
    seen = len(hub.actions())  # the kit read its visits
    move = act(hub, doctor, "POST", f"{base}/moves/{reading['id']}", said)
    act(hub, reviewer, "GET", "/api/review/moves")
    act(hub, reviewer, "POST", f"/api/review/moves/{move['id']}", {"decision": "moved"})
    step("move")
    hub.kit.store("visit_closed", head)
    step("close")
    act(hub, doctor, "GET", f"{base}/fhir")
    act(hub, doctor, "GET", f"{base}/fhir?media=inside")
    today = hub.clock().date()
    act(hub, doctor, "GET", f"/api/patients/{head['patient']['id']}/fhir?from={today}&to={today}")
    act(hub, reviewer, "GET", f"/api/review/visits/{head['id']}/fhir")
    step("export")
    act(hub, doctor, "GET", f"{base}/pdf?lang=fi")
    step("print")
    act(hub, reviewer, "GET", "/api/review/visits")
    act(hub, reviewer, "GET", f"/api/review/visits/{head['id']}/events")
    act(hub, reviewer, "GET", "/api/review/emergencies")
    act(hub, reviewer, "GET", "/api/review/marked")
    act(hub, reviewer, "GET", "/api/audit/verify")
    step("review")
    return steps


EXPECTED = [
    ("sign in", ["signed_in", "signed_in"]),
    ("kit reads visits", ["visit_sent_to_kit"] * 3),
    ("open", ["visit_opened"]),
    ("list", ["visits_listed"]),
    ("read", ["visit_read"]),
    ("ask", ["request_made"]),
    ("begin", ["request_started"]),
    ("measure", ["reading_stored"]),
    ("keep", ["reading_kept"]),
    ("ask and cancel", ["request_made", "request_cancelled"]),
    ("sound", ["sound_recorded_stored", "media_stored"]),
    ("fetch", ["media_read"]),
    ("heard", ["sound_heard"]),
    ("mark and take back", ["mark_made", "mark_taken_back"]),
    ("premise of a score", ["premise_said"]),
    ("note", ["note_written", "note_signed"]),
    (
        "consent and emergency",
        ["earlier_access_read", "consent_recorded", "consent_withdrawn", "emergency_opened", "emergency_ended"],
    ),
    ("file and take back", ["unassigned", "reading_filed", "reading_taken_back"]),
    ("move", ["move_proposed", "moves_listed", "moved_away", "moved_here"]),
    ("close", ["visit_closed"]),
    ("export", ["visit_exported", "visit_exported", "period_exported", "visit_exported", "audit_exported"]),
    ("print", ["visit_printed"]),
    ("review", ["visits_listed", "audit_read", "emergencies_read", "marked_reads_read", "audit_verified"]),
]


def test_one_row_for_each_act_in_order(hub: Any) -> None:
    assert drive(hub) == EXPECTED


def test_each_row_says_all_that_the_law_names(hub: Any) -> None:
    drive(hub)
    with hub.database.reading() as session:
        rows = session.query(AuditRow).all()
    for row in rows:
        named = (row.action, row.object, row.practitioner, row.role, row.care_unit, row.organization, row.purpose)
        assert all(named), row.action
        assert row.origin == "127.0.0.1"
        assert len(row.request_ref) == 16
    of_patient = [row for row in rows if row.action not in WITHOUT_PATIENT]
    assert all(row.patient_id for row in of_patient)
    assert all(row.visit_id for row in of_patient if row.action != "period_exported")


WITHOUT_PATIENT = {
    *("signed_in", "visits_listed", "audit_verified", "unassigned"),
    *("emergencies_read", "marked_reads_read", "moves_listed"),
}


def test_the_log_is_whole_after_it(hub: Any) -> None:
    drive(hub)
    reviewer = hub.sign_in("reviewer")
    check = hub.client.get("/api/audit/verify", headers=reviewer).json()
    assert (check["intact"], check["why"]) == (True, None)


def test_nothing_clinical_in_the_log(hub: Any) -> None:
    drive(hub)
    with hub.database.reading() as session:
        rows = session.query(AuditRow).all()
    text = json.dumps([[row.object, row.practitioner, row.origin, row.purpose] for row in rows])
    without_ids = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,}", "", text)  # digits by chance
    for canary in ("Tolvan", "19121212", "urosepsis", "128"):
        assert canary not in without_ids


PATHS = [
    ("GET", "/api/visits", None),
    ("GET", "/api/visits/{visit}", None),
    ("GET", "/api/visits/{visit}/fhir", None),
    ("GET", "/api/visits/{visit}/pdf", None),
    ("GET", "/api/visits/{visit}/earlier", None),
    ("POST", "/api/visits/{visit}/consent", {"asked_by": "doctor", "how": "spoken", "days": 1}),
    ("POST", "/api/visits/{visit}/emergency", {"reason": "unconscious"}),
    ("POST", "/api/visits/{visit}/requests", {"kind": "crp"}),
    ("POST", "/api/visits/{visit}/premises", {"says": "hypercapnic"}),
    ("PUT", "/api/visits/{visit}/note", {"assessment": "a", "plan": "p", "base_version": 0}),
]


@pytest.mark.parametrize(("verb", "path", "body"), PATHS)
def test_no_row_no_answer(hub: Any, doctor: Any, visit: Any, monkeypatch: Any, verb: str, path: str, body: Any) -> None:
    """If the row cannot be written, nothing is read and nothing is changed."""

    def fail(*_: object) -> str:
        raise OSError("disk full while Tolvan was read")

    before = hub.actions()
    monkeypatch.setattr(audit, "row_hash", fail)
    answer = hub.client.request(verb, path.format(visit=visit["id"]), headers=doctor, json=body)
    assert (answer.status_code, answer.json()) == (500, {"code": "internal"})
    monkeypatch.undo()
    assert hub.actions() == before
    after = hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()
    assert (after["requests"], after["notes"]) == ([], [])


def test_no_row_no_record(hub: Any, visit: Any, monkeypatch: Any) -> None:
    """The kit is not told `stored` and sends it again."""
    record = hub.kit.record("reading", visit)
    body = json.dumps({"records": [hub.kit.envelope(record)]}).encode()
    monkeypatch.setattr(audit, "row_hash", lambda *_: 1 / 0)
    assert hub.kit.request("POST", "/api/kit/records", body).status_code == 500
    monkeypatch.undo()
    receipt = hub.kit.request("POST", "/api/kit/records", body).json()
    assert receipt["stored"] == [record["id"]]
    assert hub.actions(visit["id"]).count("reading_stored") == 1


def test_a_refused_act_leaves_no_row(hub: Any, doctor: Any, visit: Any) -> None:
    before = hub.actions()
    hub.client.get(f"/api/visits/{uuid.uuid4()}", headers=doctor)
    hub.client.post(f"/api/visits/{visit['id']}/note/sign", headers=doctor, json={"version": 1})
    assert hub.actions() == before


def test_a_broken_log_shows_to_the_reviewer(hub: Any, visit: Any) -> None:
    reviewer = hub.sign_in("reviewer")
    with hub.database.engine.begin() as connection:
        on = " ON audit_event" if hub.database.engine.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER audit_event_update{on}")
        connection.exec_driver_sql("UPDATE audit_event SET practitioner = 'Nobody' WHERE seq = 2")
    check = hub.client.get("/api/audit/verify", headers=reviewer).json()
    assert (check["intact"], check["broken_at"], check["why"]) == (False, 2, "changed")
