"""A person's own sessions: seen by their owner alone, and ended from any of them by who proved lately who they are."""

import uuid
from typing import Any

import pytest
from starlette.testclient import TestClient

HOME = "http://localhost:8470"
AS_DOCTOR = {"Origin": HOME, "X-Carebag-As": "doctor"}


@pytest.fixture
def elsewhere(hub: Any, doctor: Any) -> Any:
    """The same doctor in another browser, signed in a minute later."""
    hub.clock.forward(minutes=1)
    door = next(one for one in hub.client.get("/api/demo/doors").json() if one["role"] == "doctor")
    browser = TestClient(hub.client.app, base_url=HOME, client=("127.0.0.1", 50000))
    token = door["url"].split("#token=")[1]
    assert browser.post("/api/session/link", json={"token": token}, headers={"Origin": HOME}).status_code == 200
    return browser


def mine(client: Any, headers: Any = AS_DOCTOR) -> Any:
    return client.get("/api/session/mine", headers=headers).json()


def test_who_is_signed_in_twice_sees_both(hub: Any, doctor: Any, elsewhere: Any) -> None:
    reviewer = hub.sign_in("reviewer")
    newer, older = mine(hub.client)
    assert [(one["role"], one["locked"]) for one in (newer, older)] == [("doctor", False)] * 2
    assert (newer["this"], older["this"]) == (False, True)
    assert [one["this"] for one in mine(elsewhere)] == [True, False]
    assert [one["role"] for one in mine(hub.client, reviewer)] == ["reviewer"]
    for _ in range(2):
        hub.clock.forward(minutes=8)
        seen = mine(elsewhere)
    assert [one["locked"] for one in seen] == [False, True]
    hub.clock.forward(hours=12)
    assert mine(elsewhere) == {"code": "session_ended"}


@pytest.mark.parametrize("all_others", [True, False])
def test_the_other_one_is_ended_from_here(hub: Any, doctor: Any, elsewhere: Any, all_others: bool) -> None:
    other = mine(hub.client)[0]["id"]
    path = "/api/session/others/end" if all_others else f"/api/session/mine/{other}/end"
    assert hub.client.post(path, headers=doctor).status_code == 204
    assert hub.actions()[-1] == "sessions_ended"
    assert elsewhere.get("/api/me", headers=AS_DOCTOR).json() == {"code": "session_ended"}
    assert [one["this"] for one in mine(hub.client)] == [True]


def test_nobody_ends_anothers(hub: Any, doctor: Any, elsewhere: Any) -> None:
    reviewer = hub.sign_in("reviewer")
    for one in (mine(hub.client)[0]["id"], str(uuid.uuid4())):
        answer = hub.client.post(f"/api/session/mine/{one}/end", headers=reviewer)
        assert (answer.status_code, answer.json()) == (404, {"code": "not_found"})
    assert hub.client.post("/api/session/others/end", headers=reviewer).status_code == 204
    assert len(mine(hub.client)) == 2


def test_who_has_not_proved_lately_ends_nothing(hub: Any, doctor: Any, elsewhere: Any) -> None:
    hub.clock.forward(minutes=6)
    for path in (f"mine/{mine(hub.client)[0]['id']}", "others"):
        answer = hub.client.post(f"/api/session/{path}/end", headers=doctor)
        assert (answer.status_code, answer.json()) == (403, {"code": "reauthenticate"})
    assert len(mine(hub.client)) == 2
