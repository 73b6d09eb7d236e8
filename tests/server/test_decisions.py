"""A draft is kept or rejected once, by a person, with a reason; asking again makes a new request in the same act."""

from typing import Any

import pytest


def ask(hub: Any, doctor: Any, visit: Any, **wanted: Any) -> Any:
    body = {"kind": "blood_pressure", "circumstances": {"site": "left_arm", "posture": "sitting"}, **wanted}
    answer = hub.client.post(f"/api/visits/{visit['id']}/requests", headers=doctor, json=body)
    assert answer.status_code == 201
    return answer.json()


def decide(hub: Any, doctor: Any, visit: Any, record: Any, kind: str = "readings", **said: Any) -> Any:
    path = f"/api/visits/{visit['id']}/{kind}/{record['id']}/decision"
    return hub.client.post(path, headers=doctor, json=said)


def read(hub: Any, doctor: Any, visit: Any) -> Any:
    return hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()


def test_kept_by_whom_and_when(hub: Any, doctor: Any, visit: Any, clock: Any) -> None:
    request = ask(hub, doctor, visit)
    record = hub.kit.store("reading", visit, request["id"])
    draft = read(hub, doctor, visit)["readings"][0]
    assert (draft["decision"], draft["decided_by"], draft["received_at"]) == ("draft", "", "2026-11-23T09:30:00Z")
    clock.forward(minutes=1)
    view = decide(hub, doctor, visit, record, decision="kept").json()
    assert (view["decision"], view["decided_by"], view["decided_at"]) == ("kept", "Elena Ruiz", "2026-11-23T09:31:00Z")
    after = read(hub, doctor, visit)
    assert after["readings"] == [view]
    assert [one["state"] for one in after["requests"]] == ["done"]


def test_rejected_and_asked_again(hub: Any, doctor: Any, visit: Any, clock: Any) -> None:
    request = ask(hub, doctor, visit, note="after five minutes of rest")
    record = hub.kit.store("reading", visit, request["id"])
    clock.forward(seconds=30)
    decide(hub, doctor, visit, record, decision="rejected", reason="the patient spoke", ask_again=True)
    after = read(hub, doctor, visit)
    old, new = after["requests"]
    assert (old["state"], new["state"], new["again_of"], new["reason"]) == (
        "done",
        "asked",
        request["id"],
        "the patient spoke",
    )
    assert (new["kind"], new["circumstances"], new["note"]) == (old["kind"], old["circumstances"], old["note"])
    assert (after["readings"][0]["decision"], after["readings"][0]["reason"]) == ("rejected", "the patient spoke")
    assert hub.actions(visit["id"])[-3:] == ["reading_rejected", "request_made", "visit_read"]


def test_a_reading_nobody_asked_for_can_be_asked_again(hub: Any, doctor: Any, visit: Any) -> None:
    record = hub.kit.store("reading", visit, circumstances={"site": "right_arm"})
    decide(hub, doctor, visit, record, decision="rejected", reason="other arm", ask_again=True)
    (request,) = read(hub, doctor, visit)["requests"]
    assert (request["kind"], request["circumstances"]["site"], request["again_of"]) == (
        "blood_pressure",
        "right_arm",
        None,
    )


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"decision": "rejected"}, "reason_needed"),
        ({"decision": "rejected", "reason": "  "}, "reason_needed"),
        ({"decision": "kept", "ask_again": True}, "kept_needs_no_new_one"),
        ({"decision": "draft"}, "bad_request"),
        ({"decision": "kept", "reason": "nul \x00"}, "bad_request"),
        ({"decision": "kept", "extra": 1}, "bad_request"),
    ],
)
def test_what_is_no_decision(hub: Any, doctor: Any, visit: Any, said: Any, code: str) -> None:
    answer = decide(hub, doctor, visit, hub.kit.store("reading", visit), **said)
    assert (answer.status_code, answer.json()) == (422, {"code": code})
    assert read(hub, doctor, visit)["readings"][0]["decision"] == "draft"


@pytest.mark.parametrize("second", [{"decision": "kept"}, {"decision": "rejected", "reason": "no"}])
def test_once_and_for_good(hub: Any, doctor: Any, visit: Any, second: Any) -> None:
    record = hub.kit.store("reading", visit)
    decide(hub, doctor, visit, record, decision="rejected", reason="moved")
    answer = decide(hub, doctor, visit, record, **second)
    assert (answer.status_code, answer.json()) == (409, {"code": "already_decided"})


def test_a_sound_is_not_a_reading(hub: Any, doctor: Any, visit: Any) -> None:
    record = hub.kit.store("sound_recorded", visit)
    for wrong in ("readings", "photos"):
        assert decide(hub, doctor, visit, record, wrong, decision="kept").status_code == 404
    assert decide(hub, doctor, visit, record, "sounds", decision="kept").json()["decision"] == "kept"


def test_a_photo_rejected_and_asked_again(hub: Any, doctor: Any, visit: Any) -> None:
    record = hub.kit.store("photo_taken", visit)
    answer = decide(hub, doctor, visit, record, "photos", decision="rejected", reason="dark", ask_again=True)
    assert answer.json()["decision"] == "rejected"
    assert [one["kind"] for one in read(hub, doctor, visit)["requests"]] == ["photo"]


def test_a_reading_of_another_visit_is_not_found(hub: Any, doctor: Any, visit: Any) -> None:
    record = hub.kit.store("reading", visit)
    answer = decide(hub, doctor, hub.visits()[1], record, decision="kept")
    assert (answer.status_code, answer.json()) == (404, {"code": "not_found"})


def test_after_closing_drafts_are_decided_but_nothing_new_is_asked(hub: Any, doctor: Any, visit: Any) -> None:
    first, second = hub.kit.store("reading", visit), hub.kit.store("reading", visit)
    hub.kit.store("visit_closed", visit)
    assert decide(hub, doctor, visit, first, decision="kept").status_code == 200
    again = decide(hub, doctor, visit, second, decision="rejected", reason="x", ask_again=True)
    assert (again.status_code, again.json()) == (409, {"code": "visit_closed"})
    assert read(hub, doctor, visit)["readings"][1]["decision"] == "draft"  # all of the act or nothing
    answer = hub.client.post(f"/api/visits/{visit['id']}/requests", headers=doctor, json={"kind": "crp"})
    assert answer.json() == {"code": "visit_closed"}


def test_cancel(hub: Any, doctor: Any, visit: Any) -> None:
    request = ask(hub, doctor, visit)
    path = f"/api/visits/{visit['id']}/requests/{request['id']}/cancel"
    cancelled = hub.client.post(path, headers=doctor, json={"reason": "not needed"}).json()
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "not needed")
    assert hub.client.post(path, headers=doctor, json={}).json() == {"code": "too_late"}


def test_a_value_measured_all_the_same_is_not_lost(hub: Any, doctor: Any, visit: Any) -> None:
    request = ask(hub, doctor, visit)
    hub.client.post(f"/api/visits/{visit['id']}/requests/{request['id']}/cancel", headers=doctor, json={})
    hub.kit.store("reading", visit, request["id"])
    after = read(hub, doctor, visit)
    assert (after["requests"][0]["state"], len(after["readings"])) == ("answered", 1)


def test_an_error_is_ended_by_the_doctors_word(hub: Any, doctor: Any, visit: Any) -> None:
    request = ask(hub, doctor, visit)
    hub.kit.store("request_progressed", visit, request["id"])
    record = hub.kit.store("reading", visit, request["id"], quantities=[], problem="cuff_too_loose")
    decide(hub, doctor, visit, record, decision="rejected", reason="tighter", ask_again=True)
    assert sorted(one["state"] for one in read(hub, doctor, visit)["requests"]) == ["asked", "done"]
