"""Kit requests: signed over everything that counts, in time, once, by a kit that is not revoked."""

import json
import secrets
import uuid
from typing import Any

import pytest
from sqlalchemy import update

from carebag_server.tables import Kit

VISITS = "/api/kit/visits"


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def get(hub: Any, **headers: str) -> Any:
    return hub.client.get(VISITS, headers=headers)


def test_a_signed_request_is_taken_once(hub: Any) -> None:
    proof = hub.kit.proof("GET", VISITS)
    assert get(hub, Authorization=proof).status_code == 200
    assert refusal(get(hub, Authorization=proof)) == (401, "proof_used")


def test_a_used_proof_is_remembered_over_a_restart(hub: Any) -> None:
    from starlette.testclient import TestClient

    from carebag_server.app import create_app

    proof = hub.kit.proof("GET", VISITS)
    assert get(hub, Authorization=proof).status_code == 200
    with TestClient(create_app(hub.settings, hub.clock), base_url="http://localhost:8470") as restarted:
        assert refusal(restarted.get(VISITS, headers={"Authorization": proof})) == (401, "proof_used")


def test_what_was_not_signed_is_refused(hub: Any) -> None:
    assert refusal(get(hub)) == (401, "bad_proof")
    for method, target in [("POST", VISITS), ("GET", VISITS + "?day=1"), ("GET", "/api/kit/visit")]:
        assert refusal(get(hub, Authorization=hub.kit.proof(method, target))) == (401, "bad_proof")


def test_the_query_is_signed_too(hub: Any) -> None:
    target = VISITS + "?day=%C3%A5"
    assert hub.client.get(target, headers={"Authorization": hub.kit.proof("GET", target)}).status_code == 200


def test_the_body_is_signed(hub: Any) -> None:
    proof = hub.kit.proof("POST", "/api/kit/nurse", b"{}")
    body = json.dumps({"code": "x" * 30}).encode()
    headers = {"Authorization": proof, "Content-Type": "application/json"}
    assert refusal(hub.client.post("/api/kit/nurse", content=body, headers=headers)) == (401, "bad_proof")


@pytest.mark.parametrize(("seconds", "status"), [(60, 200), (-60, 200), (60.002, 401), (-60.002, 401), (-9e8, 401)])
def test_the_clock_may_differ_by_a_minute(hub: Any, clock: Any, seconds: float, status: int) -> None:
    unix_ms = int((clock().timestamp() + seconds) * 1000)
    answer = get(hub, Authorization=hub.kit.proof("GET", VISITS, unix_ms=unix_ms))
    assert answer.status_code == status
    if status != 200:
        assert answer.json() == {"code": "clock_differs"}


def test_a_nonce_of_one_kit_is_not_anothers(hub: Any) -> None:
    other, nonce = hub.enrol("Väska 2"), secrets.token_urlsafe(18)
    for kit in (hub.kit, other):
        assert get(hub, Authorization=kit.proof("GET", VISITS, nonce=nonce)).status_code == 200


def test_old_nonces_are_forgotten(hub: Any, clock: Any) -> None:
    get(hub, Authorization=hub.kit.proof("GET", VISITS))
    clock.forward(minutes=10)
    get(hub, Authorization=hub.kit.proof("GET", VISITS))
    with hub.database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM kit_nonce").scalar() == 1


def test_an_unknown_kit_is_told_so(hub: Any) -> None:
    hub.kit.kit_id = uuid.uuid4()
    answer = get(hub, Authorization=hub.kit.proof("GET", VISITS))
    assert refusal(answer) == (401, "kit_unknown")
    assert answer.headers["x-carebag-refusal"] == "kit_unknown"


def test_another_kits_id_is_refused(hub: Any) -> None:
    hub.kit.kit_id = hub.enrol("Väska 2").kit_id  # another kit's id, our key
    assert refusal(get(hub, Authorization=hub.kit.proof("GET", VISITS))) == (401, "bad_proof")


def test_a_revoked_kit_is_refused_at_once(hub: Any, clock: Any) -> None:
    with hub.database.transaction() as session:
        session.execute(update(Kit).where(Kit.id == hub.kit.kit_id).values(revoked_at=clock()))
    assert refusal(get(hub, Authorization=hub.kit.proof("GET", VISITS))) == (401, "kit_revoked")


def test_a_browser_is_not_a_kit(hub: Any) -> None:
    headers = {"Authorization": hub.kit.proof("GET", VISITS), "Origin": "http://localhost:8470"}
    assert refusal(hub.client.get(VISITS, headers=headers)) == (403, "foreign_origin")
