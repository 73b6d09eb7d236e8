"""The unassigned tray at the hub: filed, set aside, taken back; in any order, by the reading's own kit, never past the
doctor's decision."""

import itertools
import json
from typing import Any

import pytest
from sqlalchemy import select, text
from tests.server.conftest import A_PHOTO

from carebag_server.database import Database
from carebag_server.migrate import downgrade, upgrade
from carebag_server.tables import AuditRow, Finding
from carebag_wire.base import uuid7


def read(hub: Any, doctor: Any, visit: Any) -> Any:
    return hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()


def views(hub: Any, doctor: Any, visit: Any) -> list[Any]:
    return [(one["decision"], one["taken_back"], one["filed_by"]) for one in read(hub, doctor, visit)["readings"]]


def stored_reading(kit: Any) -> Any:
    return kit.record("reading", None, provenance="stored")


def filing(kit: Any, visit: Any, reading: Any, decision: str = "this_patient", **more: Any) -> Any:
    return kit.record("reading_filed", visit, reading_id=reading["id"], decision=decision, **more)


def decide(hub: Any, doctor: Any, visit: Any, record: Any, decision: str = "kept", kind: str = "readings") -> Any:
    path = f"/api/visits/{visit['id']}/{kind}/{record['id']}/decision"
    return hub.client.post(path, headers=doctor, json={"decision": decision, "reason": "r"})


def test_a_reading_of_nobody_is_laid_before_the_doctor_once_it_is_filed(hub: Any, doctor: Any, visit: Any) -> None:
    reading = stored_reading(hub.kit)
    hub.kit.send(reading)
    assert read(hub, doctor, visit)["readings"] == []
    hub.clock.forward(minutes=2)
    hub.kit.send(filing(hub.kit, visit, reading))
    (view,) = read(hub, doctor, visit)["readings"]
    assert (view["decision"], view["filed_by"], view["taken_back"]) == ("draft", "Anna Lind", False)
    assert (view["filed_at"], view["received_at"]) == ("2026-11-23T09:32:00Z", "2026-11-23T09:30:00Z")
    assert (view["reading"]["provenance"], view["reading"]["binding"]["visit_id"]) == ("stored", None)
    assert decide(hub, doctor, visit, reading).json()["decision"] == "kept"


def test_the_log_names_the_filing_its_reading_and_the_patient(hub: Any, visit: Any) -> None:
    reading = stored_reading(hub.kit)
    hub.kit.send(reading, filing(hub.kit, None, reading, "set_aside"), filing(hub.kit, visit, reading))
    with hub.database.reading() as session:
        rows = {row.action: row for row in session.scalars(select(AuditRow))}
    for action, patient in (("reading_set_aside", None), ("reading_filed", visit["patient"]["id"])):
        row = rows[action]
        assert row.object.rpartition(" sha256:")[0] == f"reading {reading['id']} blood_pressure"
        assert (row.patient_id and str(row.patient_id)) == patient
        assert row.practitioner == "Anna Lind · Väska 1"
    assert "filing_without_effect" not in rows


def test_taken_back_it_is_seen_rejected_by_the_nurse_and_cannot_be_decided(hub: Any, doctor: Any, visit: Any) -> None:
    reading = stored_reading(hub.kit)
    hub.kit.send(reading, filing(hub.kit, visit, reading))
    hub.kit.send(filing(hub.kit, visit, reading, "set_aside", reason="the husband's"))
    (view,) = read(hub, doctor, visit)["readings"]
    assert (view["decision"], view["taken_back"], view["decided_by"], view["reason"]) == (
        "rejected",
        True,
        "Anna Lind",
        "the husband's",
    )
    assert decide(hub, doctor, visit, reading).json() == {"code": "already_decided"}
    hub.kit.send(filing(hub.kit, visit, reading))
    assert views(hub, doctor, visit) == [("draft", False, "Anna Lind")]
    (view,) = read(hub, doctor, visit)["readings"]
    assert (view["decided_by"], view["decided_at"], view["reason"]) == ("", None, "")


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_of_arrival_does_not_matter(small_hub: Any, order: tuple[int, ...]) -> None:
    """Filed in one visit, taken back, filed in another: whatever comes first, the last decision holds."""
    hub = small_hub
    doctor = hub.sign_in("doctor")
    first, second = hub.visits()[:2]
    reading = stored_reading(hub.kit)
    records = [
        reading,
        filing(hub.kit, first, reading),
        filing(hub.kit, first, reading, "set_aside", reason="wrong patient"),
        filing(hub.kit, second, reading),
    ]
    for at in order:
        hub.kit.send(records[at])
        drafts = [one for visit in (first, second) for one in views(hub, doctor, visit) if one[0] == "draft"]
        assert len(drafts) <= 1
    assert views(hub, doctor, first) == [("rejected", True, "Anna Lind")]
    assert read(hub, doctor, first)["readings"][0]["reason"] == "wrong patient"
    assert views(hub, doctor, second) == [("draft", False, "Anna Lind")]


def test_the_doctors_decision_stays(hub: Any, doctor: Any, visit: Any) -> None:
    other = hub.visits()[1]
    reading = stored_reading(hub.kit)
    hub.kit.send(reading, filing(hub.kit, visit, reading))
    decide(hub, doctor, visit, reading)
    late, elsewhere = filing(hub.kit, visit, reading, "set_aside"), filing(hub.kit, other, reading)
    assert hub.kit.send(late, elsewhere)["refused"] == {}
    assert views(hub, doctor, visit) == [("kept", False, "Anna Lind")]
    assert read(hub, doctor, other)["readings"] == []
    assert hub.actions().count("filing_without_effect") == 2


def test_only_this_kits_own_readings_of_the_tray(hub: Any, doctor: Any, visit: Any) -> None:
    neighbour = hub.enrol("Väska 9")
    theirs, bound = stored_reading(neighbour), hub.kit.record("reading", visit)
    neighbour.send(theirs)
    photo = hub.kit.record("photo_taken", None)
    hub.kit.send(bound, photo)
    for what in (theirs, bound, photo):
        hub.kit.send(filing(hub.kit, visit, what), filing(hub.kit, visit, what, "set_aside"))
    assert views(hub, doctor, visit) == [("draft", False, "")]
    assert hub.actions().count("filing_without_effect") == 6
    early = stored_reading(neighbour)
    hub.kit.send(filing(hub.kit, visit, early))
    neighbour.send(early)
    assert len(views(hub, doctor, visit)) == 1


def test_only_into_this_kits_own_visits(hub: Any, doctor: Any, visit: Any) -> None:
    neighbour = hub.enrol("Väska 9")
    reading = stored_reading(neighbour)
    wrong_patient = filing(hub.kit, visit, reading)
    wrong_patient["binding"]["patient_id"] = str(uuid7(0))
    neighbour.send(reading, filing(neighbour, visit, reading), filing(neighbour, visit, reading, "set_aside"))
    hub.kit.send(wrong_patient, filing(hub.kit, None, reading))
    assert views(hub, doctor, visit) == []
    assert hub.actions().count("binding_differs") == 3
    assert "reading_filed" not in hub.actions()


def test_set_aside_without_ever_being_filed_touches_no_visit(hub: Any, doctor: Any, visit: Any) -> None:
    reading = stored_reading(hub.kit)
    hub.kit.send(reading, filing(hub.kit, None, reading, "set_aside"))
    assert views(hub, doctor, visit) == []
    hub.kit.send(filing(hub.kit, visit, reading))
    assert views(hub, doctor, visit) == [("draft", False, "Anna Lind")]


def test_the_room_and_the_kit_are_told(hub: Any, visit: Any) -> None:
    told: list[Any] = []
    hub.database.listener = told.extend
    reading = stored_reading(hub.kit)
    hub.kit.send(reading, filing(hub.kit, visit, reading))
    announcement, counted_anew = told
    assert counted_anew.changed.news2 is not None
    assert str(announcement.changed.reading.reading.id) == reading["id"]
    assert announcement.changed.reading.filed_by == "Anna Lind"


def test_a_kit_reads_its_filed_readings_with_its_visits(hub: Any, visit: Any) -> None:
    reading = stored_reading(hub.kit)
    hub.kit.send(reading, filing(hub.kit, visit, reading))
    snapshots = hub.kit.request("GET", "/api/kit/visits").json()
    assert [view["reading"]["id"] for view in snapshots[0]["readings"]] == [reading["id"]]


# A typed value and the photo of its display


def typed(kit: Any, visit: Any, photo: Any, request_id: str | None = None) -> Any:
    return kit.record("reading", visit, request_id, provenance="manual", display_photo=photo["id"])


@pytest.mark.parametrize("photo_first", [True, False])
def test_a_display_photo_is_decided_on_with_its_reading(hub: Any, doctor: Any, visit: Any, photo_first: bool) -> None:
    photo = hub.kit.record("photo_taken", visit, of="display")
    reading = typed(hub.kit, visit, photo)
    if photo_first:
        hub.kit.send(photo)
    hub.kit.send(reading)
    assert decide(hub, doctor, visit, photo, kind="photos").status_code == 404
    decide(hub, doctor, visit, reading)
    hub.kit.send(photo)
    seen = read(hub, doctor, visit)
    (shown,) = seen["photos"]
    assert shown["photo"]["id"] == seen["readings"][0]["reading"]["display_photo"]
    assert (shown["photo"]["of"], shown["decision"], shown["decided_by"]) == ("display", "kept", "Elena Ruiz")
    assert "photo_kept" not in hub.actions()


def test_a_display_photo_answers_no_request_and_can_be_opened(hub: Any, doctor: Any, visit: Any) -> None:
    path = f"/api/visits/{visit['id']}/requests"
    request = hub.client.post(path, headers=doctor, json={"kind": "photo"}).json()
    content = A_PHOTO
    photo = hub.kit.store("photo_taken", visit, request["id"], of="display")
    assert read(hub, doctor, visit)["requests"][0]["state"] == "asked"
    hub.kit.request("PUT", f"/api/kit/media/{photo['media_sha256']}", content, {"Content-Type": "image/jpeg"})
    answer = hub.client.get(f"/api/media/{visit['id']}/{photo['media_sha256']}?as=doctor")
    assert (answer.status_code, answer.content) == (200, content)


KINDS = ["blood_pressure", "oximetry", "crp", "temperature", "weight", "glucose"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_asked_for_answered_and_asked_for_again(small_hub: Any, kind: str) -> None:
    hub = small_hub
    doctor, visit = hub.sign_in("doctor"), hub.visits()[0]
    hub.kit.store("visit_opened", visit)
    path = f"/api/visits/{visit['id']}/requests"
    request = hub.client.post(path, headers=doctor, json={"kind": kind}).json()
    hub.kit.store("request_progressed", visit, request["id"])
    reading = hub.kit.store("reading", visit, request["id"], kind=kind)
    assert read(hub, doctor, visit)["requests"][0]["state"] == "answered"
    hub.clock.forward(seconds=1)
    body = {"decision": "rejected", "reason": "again", "ask_again": True}
    hub.client.post(f"/api/visits/{visit['id']}/readings/{reading['id']}/decision", headers=doctor, json=body)
    assert [one["state"] for one in read(hub, doctor, visit)["requests"]] == ["done", "asked"]
    assert read(hub, doctor, visit)["requests"][1]["kind"] == kind
    assert f"reading {reading['id']} {kind}" in _objects(hub)


def _objects(hub: Any) -> list[str]:
    with hub.database.reading() as session:
        return [row.object for row in session.scalars(select(AuditRow))]


def test_findings_of_the_version_before_survive_the_way_up_and_down(hub: Any, doctor: Any, visit: Any) -> None:
    reading, filed = hub.kit.record("reading", visit), stored_reading(hub.kit)
    hub.kit.send(reading, filed, filing(hub.kit, visit, filed))
    decide(hub, doctor, visit, reading)
    database = Database(hub.url)
    downgrade(database.engine, "0002")
    with database.engine.connect() as connection:
        rows = connection.execute(text("SELECT kind, decision, decided_by FROM finding")).all()
    assert [tuple(row) for row in rows] == [("reading", "kept", "Elena Ruiz")]
    upgrade(database.engine)
    with database.reading() as session:
        (row,) = session.scalars(select(Finding)).all()
    assert (row.decision, row.filed_by, row.filed_at, row.taken_back) == ("kept", "", None, False)
    database.dispose()


def test_word_for_word_whatever_is_decided(hub: Any, visit: Any) -> None:
    reading = stored_reading(hub.kit)
    record = filing(hub.kit, visit, reading, reason="å" * 500)
    hub.kit.send(reading, record)
    with hub.database.engine.connect() as connection:
        payload = connection.execute(text("SELECT payload FROM record WHERE kind = 'reading_filed'")).scalar_one()
    assert json.loads(payload) == record
    assert hub.kit.send(record)["stored"] == [record["id"]]
    assert hub.actions().count("reading_filed") == 1
