"""Headers on every answer, limits, and faults that tell nothing: not to the caller, not in the log."""

import logging
from typing import Any

import pytest

from carebag_server import guards, visits
from carebag_server.access import policies

POLICY = {
    "default-src 'self'",
    "connect-src 'self' ws://localhost:8470",
    "media-src 'self' blob:",
    "img-src 'self' blob: data:",
    "worker-src 'self' blob:",
    "frame-ancestors 'none'",
}


def paths(hub: Any) -> list[tuple[str, str]]:
    routes = [route.split(" ") for route in policies(hub.app) if not route.startswith("WEBSOCKET")]
    return [(method, path.replace("{", "").replace("}", "")) for method, path in routes] + [("GET", "/no/such/page")]


def test_every_answer_has_the_headers(small_hub: Any) -> None:
    for method, path in paths(small_hub):
        headers = small_hub.client.request(method, path).headers
        assert set(headers["content-security-policy"].split("; ")) >= POLICY
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["permissions-policy"].startswith("camera=(self), microphone=(self)")
        assert len(headers["x-request-ref"]) == 16
        assert headers["cache-control"]


def test_patient_data_is_never_cached(small_hub: Any) -> None:
    doctor = small_hub.sign_in("doctor")
    assert small_hub.client.get("/api/visits", headers=doctor).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/api", "/api/nothing", "/assets/../app.py", "/.env"]
)
def test_what_is_not_there(small_hub: Any, path: str) -> None:
    answer = small_hub.client.get(path)
    assert (answer.status_code, answer.json()) == (404, {"code": "not_found"})


def test_wrong_method(small_hub: Any) -> None:
    answer = small_hub.client.delete("/api/health")
    assert (answer.status_code, answer.json()) == (405, {"code": "bad_method"})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"", 422),
        (b"[" * 100_000, 400),
        (b"\xff", 400),
        (b'{"kind": "nonsense"}', 422),
        (b'{"kind": "crp", "note": "\\ud800"}', 422),
        (b'{"kind": "crp", "note": "a\\u0000b"}', 422),
    ],
)
def test_bad_bodies_are_refused_without_echo(small_hub: Any, body: bytes, status: int) -> None:
    doctor, visit = small_hub.sign_in("doctor"), small_hub.visits()[0]
    headers = {**doctor, "Content-Type": "application/json"}
    answer = small_hub.client.post(f"/api/visits/{visit['id']}/requests", headers=headers, content=body)
    assert (answer.status_code, answer.json()) == (status, {"code": "bad_request"})


def test_a_body_that_is_too_large(small_hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "MAX_BODY_BYTES", 1000)
    for path in ("/api/kit/records", "/api/session/link"):
        answer = small_hub.client.post(path, content=b"x" * 1001, headers={"Origin": "http://localhost:8470"})
        assert (answer.status_code, answer.json()) == (413, {"code": "too_large"})


def test_a_fault_tells_nothing(
    small_hub: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("Tolvan Tolvansson 19121212-1212")

    doctor = small_hub.sign_in("doctor")
    monkeypatch.setattr(visits, "list_heads", fail)
    caplog.set_level(logging.DEBUG)
    answer = small_hub.client.get("/api/visits", headers=doctor)
    assert (answer.status_code, answer.json()) == (500, {"code": "internal"})
    assert "RuntimeError" in caplog.text
    assert answer.headers["x-request-ref"] in caplog.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "Tolvan" not in caplog.text


def test_a_whole_visit_leaves_no_patient_data_in_the_log(small_hub: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    doctor, head = small_hub.sign_in("doctor"), small_hub.visits()[0]
    small_hub.kit.store("visit_opened", head)
    small_hub.kit.store("reading", head)
    base = f"/api/visits/{head['id']}"
    small_hub.client.get(base, headers=doctor)
    small_hub.client.put(f"{base}/note", headers=doctor, json={"assessment": "CANARY", "plan": "", "base_version": 0})
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("carebag"))
    assert "/api/visits/{visit_id}/note" in ours
    for canary in (head["id"], head["patient"]["id"], "Tolvan", "191212121212", "19121212-1212", "CANARY", "128.50"):
        assert canary not in ours
