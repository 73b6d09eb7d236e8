"""Marks on a body sound: made by a doctor, seen by both sides, taken back by their author only, never deleted."""

import uuid
from typing import Any

import pytest

from carebag_server import marks
from carebag_server.demo_data import demo_id
from carebag_server.tables import MarkRow

WANTED = {"stream": 1, "sample": 8000, "rate_hz": 4000, "kind": "murmur", "text": "systole, apex"}


def make(hub: Any, doctor: Any, visit: Any, **changes: Any) -> Any:
    return hub.client.post(f"/api/visits/{visit['id']}/marks", headers=doctor, json={**WANTED, **changes})


def take_back(hub: Any, doctor: Any, visit: Any, mark: str) -> Any:
    return hub.client.post(f"/api/visits/{visit['id']}/marks/{mark}/take_back", headers=doctor)


def told(hub: Any) -> Any:
    """The marks as the kit gets them."""
    return hub.kit.request("GET", "/api/kit/visits").json()[0]["marks"]


def test_both_sides_have_it_with_author_and_time(hub: Any, doctor: Any, visit: Any) -> None:
    answer = make(hub, doctor, visit)
    assert answer.status_code == 201
    mark = answer.json()
    assert {name: mark[name] for name in WANTED} == WANTED
    assert (mark["author"], mark["author_id"]) == ("Elena Ruiz", str(demo_id("Elena Ruiz")))
    assert mark["at"]
    assert mark["taken_back_at"] is None
    assert told(hub) == [mark]
    assert hub.client.get(f"/api/visits/{visit['id']}", headers=doctor).json()["marks"] == [mark]
    assert hub.actions(visit["id"]).count("mark_made") == 1


def test_taken_back_it_stays_with_the_time_of_that(hub: Any, doctor: Any, visit: Any) -> None:
    mark = make(hub, doctor, visit).json()
    for _ in range(2):
        answer = take_back(hub, doctor, visit, mark["id"])
        assert answer.status_code == 200
        assert answer.json()["taken_back_at"] is not None
    assert [one["id"] for one in told(hub)] == [mark["id"]]
    assert told(hub)[0]["taken_back_at"] is not None
    assert hub.actions(visit["id"]).count("mark_taken_back") == 1


def test_another_doctors_mark_is_not_taken_back(hub: Any, doctor: Any, visit: Any) -> None:
    mark = make(hub, doctor, visit).json()
    with hub.database.transaction() as session:
        session.get_one(MarkRow, uuid.UUID(mark["id"])).author_id = demo_id("Anna Lind")
    answer = take_back(hub, doctor, visit, mark["id"])
    assert (answer.status_code, answer.json()) == (403, {"code": "not_yours"})
    assert told(hub)[0]["taken_back_at"] is None


def test_a_mark_of_another_visit_is_not_found(hub: Any, doctor: Any, visit: Any) -> None:
    mark = make(hub, doctor, visit).json()
    assert take_back(hub, doctor, hub.visits()[1], mark["id"]).status_code == 404


def test_only_when_the_visit_has_begun_and_also_when_it_is_over(hub: Any, doctor: Any, visit: Any) -> None:
    answer = make(hub, doctor, hub.visits()[1])
    assert (answer.status_code, answer.json()) == (409, {"code": "visit_not_open"})
    hub.kit.store("visit_closed", visit)
    assert make(hub, doctor, visit).status_code == 201


def test_not_without_end(hub: Any, doctor: Any, visit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "MOST_IN_A_VISIT", 2)
    assert [make(hub, doctor, visit).status_code for _ in range(3)] == [201, 201, 409]


@pytest.mark.parametrize(
    "changes",
    [{"kind": "stenosis"}, {"sample": -1}, {"rate_hz": 0}, {"text": "x" * 201}, {"text": "\u202e"}, {"stream": 2**54}],
)
def test_what_is_no_mark_is_refused(hub: Any, doctor: Any, visit: Any, changes: Any) -> None:
    assert make(hub, doctor, visit, **changes).status_code == 422
    assert told(hub) == []


def test_the_log_says_nothing_of_what_was_heard(hub: Any, doctor: Any, visit: Any) -> None:
    make(hub, doctor, visit, text="canary")
    reviewer = hub.sign_in("reviewer")
    events = hub.client.get(f"/api/review/visits/{visit['id']}/events", headers=reviewer).text
    assert "mark_made" in events
    assert "canary" not in events
    assert "murmur" not in events
