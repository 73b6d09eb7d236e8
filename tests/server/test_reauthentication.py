"""Signing needs a proof of who somebody is that is not older than five minutes, bound to one session and its person."""

from typing import Any

import pytest
from starlette.testclient import TestClient

HOME = "http://localhost:8470"


def draft(hub: Any, doctor: Any, visit: Any) -> str:
    body = {"assessment": "UVI", "plan": "Antibiotika", "base_version": 0}
    assert hub.client.put(f"/api/visits/{visit['id']}/note", headers=doctor, json=body).status_code == 200
    return f"/api/visits/{visit['id']}/note/sign"


def sign(hub: Any, doctor: Any, path: str) -> Any:
    return hub.client.post(path, headers=doctor, json={"version": 1})


def test_who_just_signed_in_signs(hub: Any, doctor: Any, visit: Any, clock: Any) -> None:
    path = draft(hub, doctor, visit)
    clock.forward(minutes=5)
    assert sign(hub, doctor, path).status_code == 200


def test_an_old_proof_is_renewed_and_the_note_is_as_it_was(hub: Any, doctor: Any, visit: Any, clock: Any) -> None:
    path = draft(hub, doctor, visit)
    clock.forward(minutes=5, seconds=1)
    before = hub.actions()
    refused = sign(hub, doctor, path)
    assert (refused.status_code, refused.json()) == (403, {"code": "reauthenticate"})
    assert hub.actions() == before
    assert hub.client.post("/api/session/prove/demo", headers=doctor).status_code == 204
    assert hub.actions()[-1] == "identity_proved"
    assert sign(hub, doctor, path).json()["plan"] == "Antibiotika"


def test_use_alone_proves_nothing(hub: Any, doctor: Any, visit: Any, clock: Any) -> None:
    path = draft(hub, doctor, visit)
    for _ in range(3):
        clock.forward(minutes=2)
        assert hub.client.post("/api/session/used", headers=doctor).status_code == 204
    assert sign(hub, doctor, path).json() == {"code": "reauthenticate"}


def test_a_clock_that_went_back_makes_nothing_fresh(hub: Any, doctor: Any, visit: Any, clock: Any) -> None:
    path = draft(hub, doctor, visit)
    clock.forward(minutes=-1)
    assert sign(hub, doctor, path).json() == {"code": "reauthenticate"}


def test_a_visit_that_is_not_mine_is_not_there_however_old_the_proof(hub: Any, doctor: Any, clock: Any) -> None:
    clock.forward(minutes=6)
    answer = sign(hub, doctor, "/api/visits/00000000-0000-0000-0000-000000000001/note/sign")
    assert (answer.status_code, answer.json()) == (404, {"code": "not_found"})


def test_the_proof_of_one_session_is_none_for_another(hub: Any, doctor: Any, visit: Any, clock: Any) -> None:
    path = draft(hub, doctor, visit)
    clock.forward(minutes=6)
    elsewhere = hub.browser()
    elsewhere.portal = hub.client.portal
    hub.sign_in("doctor", elsewhere)
    assert elsewhere.post("/api/session/prove/demo", headers=doctor).status_code == 204
    assert sign(hub, doctor, path).json() == {"code": "reauthenticate"}


@pytest.mark.parametrize(
    ("address", "host"), [("10.0.0.7", "localhost:8470"), ("127.0.0.1", "evil.example"), ("127.0.0.1", "[::1")]
)
def test_a_press_proves_nothing_from_afar_or_under_another_name(small_hub: Any, address: str, host: str) -> None:
    doctor = small_hub.sign_in("doctor")
    afar = TestClient(small_hub.app, base_url=HOME, client=(address, 50000), cookies=small_hub.client.cookies)
    afar.portal = small_hub.client.portal
    answer = afar.post("/api/session/prove/demo", headers={**doctor, "Host": host})
    codes = (404, {"code": "not_found"}), (421, {"code": "foreign_host"})
    assert (answer.status_code, answer.json()) in codes


def test_a_press_proves_nothing_outside_a_demo(small_hub: Any) -> None:
    doctor = small_hub.sign_in("doctor")
    object.__setattr__(small_hub.app.state.hub.settings, "demo", False)
    assert small_hub.client.post("/api/session/prove/demo", headers=doctor).status_code == 404
    assert small_hub.client.get("/api/session", headers=doctor).json()["ways"] == []


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
def test_a_foreign_page_renews_nothing(small_hub: Any, origin: str | None) -> None:
    small_hub.sign_in("doctor")
    headers = {"X-Carebag-As": "doctor"} | ({"Origin": origin} if origin else {})
    answer = small_hub.client.post("/api/session/prove/demo", headers=headers)
    assert (answer.status_code, answer.json()) == (403, {"code": "foreign_origin"})


def test_the_page_knows_how_its_session_is(small_hub: Any, clock: Any) -> None:
    doctor = small_hub.sign_in("doctor")

    def now() -> Any:
        return small_hub.client.get("/api/session", headers=doctor).json()

    said = now()
    assert (said["state"], said["fresh"], said["name"], said["ways"]) == ("open", True, "Elena Ruiz", ["demo"])
    assert said["idle_seconds"] == 900
    clock.forward(minutes=6)
    assert (now()["state"], now()["fresh"]) == ("open", False)
    clock.forward(minutes=9)  # asking was no use
    assert now()["state"] == "locked"
    clock.forward(hours=12)
    assert now()["state"] == "over"
