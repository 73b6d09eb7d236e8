"""Two people move what was measured on another patient: a doctor says so, the medical lead decides."""

from typing import Any

import pytest
from sqlalchemy import select

from carebag_server.demo_data import demo_id
from carebag_server.tables import AuditRow, Commission

Json = dict[str, Any]


@pytest.fixture
def other(hub: Any, visit: Json) -> Json:
    """Another patient's visit, whose doctor is the same."""
    head = hub.visits()[1]
    hub.kit.store("visit_opened", head)
    return dict(head)


@pytest.fixture
def lead(hub: Any) -> Any:
    return hub.sign_in("reviewer")


def propose(
    hub: Any, doctor: Any, visit: Json, record: Json, to: Json, reason: str = "Manschetten satt på hustrun."
) -> Any:
    path = f"/api/visits/{visit['id']}/moves/{record['id']}"
    return hub.client.post(path, headers=doctor, json={"to_visit_id": to["id"], "reason": reason})


def decide(hub: Any, lead: Any, move: Json, decision: str = "moved", reason: str = "") -> Any:
    path = f"/api/review/moves/{move['id']}"
    return hub.client.post(path, headers=lead, json={"decision": decision, "reason": reason})


def readings(hub: Any, doctor: Any, visit: Json) -> list[tuple[Any, ...]]:
    shown = hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()
    return [(one["reading"]["id"], one["decision"], one.get("move", ""), one["reason"]) for one in shown["readings"]]


def test_it_is_struck_where_it_was_and_a_draft_where_it_belongs(
    hub: Any, doctor: Any, lead: Any, visit: Json, other: Json
) -> None:
    reading = hub.kit.store("reading", visit)
    path = f"/api/visits/{visit['id']}/readings/{reading['id']}/decision"
    assert hub.client.post(path, headers=doctor, json={"decision": "kept"}).status_code == 200
    answer = propose(hub, doctor, visit, reading, other)
    assert answer.status_code == 201, answer.text
    move = answer.json()
    assert (move["state"], move["kind"], move["about"], move["own"]) == ("proposed", "reading", "blood_pressure", True)
    # nothing is moved by one person
    assert readings(hub, doctor, visit) == [(reading["id"], "kept", "proposed", "")]
    assert readings(hub, doctor, other) == []
    (listed,) = hub.client.get("/api/review/moves", headers=lead).json()
    assert (listed["id"], listed["own"], listed["to_visit"]["id"]) == (move["id"], False, other["id"])
    done = decide(hub, lead, move)
    assert (done.status_code, done.json()["state"], done.json()["decided_by"] != "") == (200, "moved", True)
    assert readings(hub, doctor, visit) == [(reading["id"], "rejected", "away", "Manschetten satt på hustrun.")]
    assert readings(hub, doctor, other) == [(reading["id"], "draft", "here", "")]
    path = f"/api/visits/{other['id']}/readings/{reading['id']}/decision"
    assert hub.client.post(path, headers=doctor, json={"decision": "kept"}).json()["decision"] == "kept"
    for of in (visit, other):
        assert hub.client.get(f"/api/visits/{of['id']}/fhir", headers=doctor).status_code == 200
        assert hub.client.get(f"/api/visits/{of['id']}/pdf", headers=doctor).status_code == 200


def test_the_log_has_it_under_both_patients(hub: Any, doctor: Any, lead: Any, visit: Json, other: Json) -> None:
    reading = hub.kit.store("reading", visit)
    decide(hub, lead, propose(hub, doctor, visit, reading, other).json())
    with hub.database.reading() as session:
        rows = {row.action: row for row in session.scalars(select(AuditRow))}
    whose = {action: (str(rows[action].visit_id), rows[action].role) for action in ("moved_away", "moved_here")}
    assert whose == {"moved_away": (visit["id"], "reviewer"), "moved_here": (other["id"], "reviewer")}
    assert (str(rows["move_proposed"].patient_id), rows["move_proposed"].role) == (visit["patient"]["id"], "doctor")
    assert str(rows["moved_here"].patient_id) == other["patient"]["id"]


def test_sound_and_photo_go_with_their_files(hub: Any, doctor: Any, lead: Any, visit: Json, other: Json) -> None:
    sound = hub.kit.store("sound_recorded", visit)
    hub.kit.request("PUT", f"/api/kit/media/{sound['media_sha256']}", b"\x01\x00\x02\x00\x03\x00\x04\x00")
    media = f"/api/media/{{}}/{sound['media_sha256']}?as=doctor"
    assert hub.client.get(media.format(other["id"])).status_code == 404
    move = propose(hub, doctor, visit, sound, other).json()
    assert (move["kind"], decide(hub, lead, move).status_code) == ("sound", 200)
    shown = hub.client.get(f"/api/visits/{other['id']}", headers=doctor).json()
    assert [(one["decision"], one["move"], one["media_stored"]) for one in shown["sounds"]] == [("draft", "here", True)]
    assert hub.client.get(media.format(other["id"])).status_code == 200
    photo = hub.kit.store("photo_taken", visit)
    assert decide(hub, lead, propose(hub, doctor, visit, photo, other).json()).status_code == 200
    assert len(hub.client.get(f"/api/visits/{other['id']}", headers=doctor).json()["photos"]) == 1


def test_not_moved_it_stays_as_it_was_and_may_be_proposed_again(
    hub: Any, doctor: Any, lead: Any, visit: Json, other: Json
) -> None:
    reading = hub.kit.store("reading", visit)
    move = propose(hub, doctor, visit, reading, other).json()
    assert decide(hub, lead, move, "refused").json() == {"code": "reason_needed"}
    told = decide(hub, lead, move, "refused", "Rätt patient enligt sköterskan.").json()
    assert (told["state"], told["decided_reason"]) == ("refused", "Rätt patient enligt sköterskan.")
    assert readings(hub, doctor, visit) == [(reading["id"], "draft", "", "")]
    assert decide(hub, lead, move).json() == {"code": "move_decided"}
    assert propose(hub, doctor, visit, reading, other).status_code == 201


def test_it_comes_back_by_two_people_as_well(hub: Any, doctor: Any, lead: Any, visit: Json, other: Json) -> None:
    reading = hub.kit.store("reading", visit)
    decide(hub, lead, propose(hub, doctor, visit, reading, other).json())
    assert propose(hub, doctor, visit, reading, other).json() == {"code": "not_there_now"}
    decide(hub, lead, propose(hub, doctor, other, reading, visit).json())
    assert readings(hub, doctor, visit) == [(reading["id"], "draft", "here", "")]
    assert [one[1:3] for one in readings(hub, doctor, other)] == [("rejected", "away")]


def test_one_person_in_two_roles_moves_nothing(hub: Any, doctor: Any, visit: Json, other: Json) -> None:
    move = propose(hub, doctor, visit, hub.kit.store("reading", visit), other).json()
    with hub.database.transaction() as session:
        doctors = session.scalars(select(Commission).where(Commission.role == "doctor")).first()
        for row in session.scalars(select(Commission).where(Commission.role == "reviewer")):
            row.practitioner_id = doctors.practitioner_id
    assert decide(hub, hub.sign_in("reviewer"), move).json() == {"code": "other_person_decides"}


def test_what_is_not_there_or_not_hers_is_not_moved(hub: Any, doctor: Any, lead: Any, visit: Json, other: Json) -> None:
    reading = hub.kit.store("reading", visit)
    assert propose(hub, doctor, visit, reading, visit).json() == {"code": "same_visit"}
    assert propose(hub, doctor, other, reading, visit).json() == {"code": "not_found"}
    assert propose(hub, doctor, visit, reading, {"id": str(demo_id("nobody"))}).json() == {"code": "not_found"}
    assert propose(hub, doctor, visit, {"id": str(demo_id("nothing"))}, other).json() == {"code": "not_found"}
    assert propose(hub, doctor, visit, reading, other, "  ").status_code == 422
    assert propose(hub, lead, visit, reading, other).status_code in (401, 403)
    assert propose(hub, doctor, visit, reading, other).status_code == 201
    assert propose(hub, doctor, visit, reading, other).json() == {"code": "move_proposed"}
    assert decide(hub, lead, {"id": str(demo_id("no move"))}).json() == {"code": "not_found"}


def test_a_typed_value_takes_the_photo_of_its_display_along(
    hub: Any, doctor: Any, lead: Any, visit: Json, other: Json
) -> None:
    photo = hub.kit.store("photo_taken", visit, of="display")
    reading = hub.kit.store("reading", visit, provenance="manual", display_photo=photo["id"])
    assert propose(hub, doctor, visit, photo, other).json() == {"code": "not_found"}
    assert decide(hub, lead, propose(hub, doctor, visit, reading, other).json()).status_code == 200
    shown = hub.client.get(f"/api/visits/{other['id']}", headers=doctor).json()
    assert [(one["photo"]["of"], one["decision"], one["move"]) for one in shown["photos"]] == [
        ("display", "draft", "here")
    ]
