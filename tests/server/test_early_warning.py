"""NEWS2 at the hub: counted from what the visit holds, told anew with every change, scale 2 by a doctor's word only."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from carebag_server import early_warning
from carebag_server.announcements import Announcement
from carebag_server.score_tables import PremiseRow


def number(name: str, value: str, unit: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit}


OBSERVER = {"id": "observer", "kind": "observer"}
BY_EYE = {"provenance": "observed", "device": OBSERVER}
MEASURED = [
    ("blood_pressure", [number("systolic", "118", "mm[Hg]"), number("diastolic", "70", "mm[Hg]")]),
    ("oximetry", [number("spo2", "90", "%"), number("pulse", "96", "/min")]),
    ("temperature", [number("temperature", "38.4", "Cel")]),
]


def measured(hub: Any, visit: Any) -> None:
    for kind, quantities in MEASURED:
        hub.kit.store("reading", visit, kind=kind, quantities=quantities)


def observed(hub: Any, visit: Any, kind: str, quantities: Any = (), **seen: Any) -> Any:
    return hub.kit.store("reading", visit, kind=kind, quantities=list(quantities), seen=seen, **BY_EYE)


def all_of_it(hub: Any, visit: Any) -> Any:
    measured(hub, visit)
    observed(hub, visit, "respiration", [number("respiration", "22", "/min")], breaths=11, counted_s=30)
    observed(hub, visit, "oxygen", breathes="air")
    return observed(hub, visit, "consciousness", consciousness="C")


def score(hub: Any, doctor: Any, visit: Any) -> Any:
    return hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()["news2"]


def points(told: Any) -> dict[str, Any]:
    return {part["parameter"]: part["points"] for part in told["parts"]}


def say(hub: Any, doctor: Any, visit: Any, says: str) -> Any:
    return hub.client.post(f"/api/visits/{visit['id']}/premises", headers=doctor, json={"says": says})


@pytest.fixture
def heard(hub: Any) -> list[Announcement]:
    """What the rooms are told."""
    told: list[Announcement] = []
    hub.app.state.hub.database.listener = told.extend
    return told


def scores(heard: list[Announcement]) -> list[Any]:
    return [one.changed.news2 for one in heard if one.changed.news2 is not None]


def test_it_is_in_the_visit_with_all_its_parts(hub: Any, doctor: Any, visit: Any) -> None:
    assert score(hub, doctor, visit)["state"] == "incomplete"
    all_of_it(hub, visit)
    told = score(hub, doctor, visit)
    wanted = {"respiration": 2, "spo2": 3, "oxygen": 0, "systolic": 0, "pulse": 1, "consciousness": 3, "temperature": 1}
    assert points(told) == wanted
    assert (told["total"], told["risk"], told["state"], told["preliminary"]) == (10, "high", "complete", True)


def test_the_room_is_told_once_for_each_transaction(hub: Any, doctor: Any, visit: Any, heard: Any) -> None:
    records = [hub.kit.record("reading", visit, kind=kind, quantities=numbers) for kind, numbers in MEASURED]
    heard.clear()
    hub.kit.send(*records)
    (told,) = scores(heard)
    assert points(told.model_dump())["temperature"] == 1
    assert heard[-1].changed.news2 is told


def test_what_is_rejected_or_withdrawn_leaves_it_at_once(hub: Any, doctor: Any, visit: Any, heard: Any) -> None:
    wrong = all_of_it(hub, visit)
    heard.clear()
    hub.kit.store("reading_withdrawn", visit, reading_id=wrong["id"])
    assert scores(heard)[-1].total is None
    told = score(hub, doctor, visit)
    assert [part["lack"] for part in told["parts"] if part["parameter"] == "consciousness"] == ["missing"]
    right = observed(hub, visit, "consciousness", consciousness="A")
    assert (score(hub, doctor, visit)["total"], scores(heard)[-1].total) == (7, 7)
    path = f"/api/visits/{visit['id']}/readings/{right['id']}/decision"
    answer = hub.client.post(path, headers=doctor, json={"decision": "rejected", "reason": "fel patient"})
    assert answer.status_code == 200
    assert (score(hub, doctor, visit)["total"], scores(heard)[-1].total) == (None, None)


def test_scale_two_is_a_doctors_logged_word_and_the_last_one_holds(
    hub: Any, doctor: Any, visit: Any, heard: Any
) -> None:
    all_of_it(hub, visit)
    heard.clear()
    answer = say(hub, doctor, visit, "hypercapnic")
    assert answer.status_code == 201
    assert (answer.json()["says"], answer.json()["author"]) == ("hypercapnic", "Elena Ruiz")
    assert [one.changed.premise.says for one in heard if one.changed.premise] == ["hypercapnic"]
    told = score(hub, doctor, visit)
    assert (told["scale"], points(told)["spo2"], scores(heard)[-1].scale) == (2, 0, 2)
    assert say(hub, doctor, visit, "hypercapnic").json()["id"] == answer.json()["id"]
    say(hub, doctor, visit, "usual")
    assert score(hub, doctor, visit)["scale"] == 1
    assert hub.actions(visit["id"]).count("premise_said") == 2
    (kit_visit, *_) = [one for one in hub.kit.request("GET", "/api/kit/visits").json() if one.get("premises")]
    assert [one["says"] for one in kit_visit["premises"]] == ["hypercapnic", "usual"]
    assert "news2" not in kit_visit


def test_a_kit_never_says_scale_two(hub: Any, doctor: Any, visit: Any) -> None:
    """Nothing that a nurse sends chooses it: the record has no such field."""
    record = hub.kit.record("reading", visit, kind="oxygen", seen={"breathes": "air", "scale": 2}, **BY_EYE)
    assert hub.kit.send(record)["refused"]
    nurse = hub.sign_in("nurse")
    assert say(hub, nurse, visit, "hypercapnic").status_code in (401, 403)


def test_also_of_a_visit_that_is_closed_and_never_of_anothers(hub: Any, doctor: Any, visit: Any) -> None:
    all_of_it(hub, visit)
    hub.kit.store("visit_closed", visit, plan_read=False)
    assert say(hub, doctor, visit, "hypercapnic").status_code == 201
    assert say(hub, doctor, {"id": "00000000-0000-0000-0000-000000000009"}, "usual").status_code == 404
    assert say(hub, doctor, visit, "scale_2").status_code == 422


def test_there_is_an_end_to_changing_it(hub: Any, doctor: Any, visit: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(early_warning, "MOST_IN_A_VISIT", 4)
    for n in range(4):
        assert say(hub, doctor, visit, "usual" if n % 2 else "hypercapnic").status_code == 201
    answer = say(hub, doctor, visit, "hypercapnic")
    assert (answer.status_code, answer.json()) == (409, {"code": "too_many_premises"})
    with hub.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(PremiseRow)) == 4


def test_what_came_late_counts_by_when_it_was_seen(hub: Any, doctor: Any, visit: Any, clock: Any) -> None:
    """The order of arrival is no order."""
    early = hub.kit.record("reading", visit, kind="consciousness", seen={"consciousness": "A"}, **BY_EYE)
    clock.forward(minutes=20)
    observed(hub, visit, "consciousness", consciousness="V")
    hub.kit.send(early)
    doctor = hub.sign_in("doctor")
    assert points(score(hub, doctor, visit))["consciousness"] == 3


def test_switched_off_there_is_none(hub: Any, doctor: Any, visit: Any, heard: Any) -> None:
    inner = hub.app.state.hub
    inner.settings = replace(inner.settings, news2=False)
    all_of_it(hub, visit)
    snapshot = hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()
    assert "news2" not in snapshot
    assert scores(heard) == []
    answer = say(hub, doctor, visit, "hypercapnic")
    assert (answer.status_code, answer.json()) == (409, {"code": "news2_off"})


def test_an_hour_old_value_is_too_old_for_a_newer_one(hub: Any, doctor: Any, visit: Any, clock: Any) -> None:
    all_of_it(hub, visit)
    clock.forward(minutes=61)
    observed(hub, visit, "oxygen", breathes="air")
    doctor = hub.sign_in("doctor")
    told = score(hub, doctor, visit)
    assert told["total"] is None
    assert {part["lack"] for part in told["parts"] if part["parameter"] != "oxygen"} == {"stale"}
