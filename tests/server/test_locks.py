"""A session nobody uses is locked: it gives nothing, but the call goes on; its owner alone opens it again."""

from contextlib import contextmanager
from typing import Any

import pytest

from carebag_server import together
from carebag_wire import PROTOCOL

HOME = "http://localhost:8470"


def get(hub: Any, headers: Any, path: str) -> tuple[int, Any]:
    answer = hub.client.get(path, headers=headers)
    return answer.status_code, answer.json()


LOCKED = (401, {"code": "session_locked"})


def unlock(hub: Any, headers: Any) -> Any:
    return hub.client.post("/api/session/prove/demo", headers=headers)


def test_idle_for_a_quarter_of_an_hour_it_gives_nothing_until_its_owner_is_back(
    hub: Any, doctor: Any, visit: Any, clock: Any
) -> None:
    clock.forward(minutes=14, seconds=59)
    assert get(hub, doctor, "/api/me")[0] == 200
    clock.forward(minutes=15)
    for path in ("/api/me", "/api/visits", f"/api/visits/{visit['id']}", "/api/passkey/keys"):
        assert get(hub, doctor, path) == LOCKED
    assert hub.client.post("/api/session/used", headers=doctor).json() == {"code": "session_locked"}
    assert hub.client.post("/api/session/lock", headers=doctor).json() == {"code": "session_locked"}
    assert unlock(hub, doctor).status_code == 204
    assert get(hub, doctor, f"/api/visits/{visit['id']}")[0] == 200


def test_locked_by_hand(hub: Any, doctor: Any) -> None:
    assert hub.client.post("/api/session/lock", headers=doctor).status_code == 204
    assert get(hub, doctor, "/api/visits") == LOCKED
    assert get(hub, doctor, "/api/session")[1]["state"] == "locked"
    unlock(hub, doctor)
    assert get(hub, doctor, "/api/visits")[0] == 200
    assert [action for action in hub.actions() if action in ("session_locked", "identity_proved")] == [
        "session_locked",
        "identity_proved",
    ]


def test_a_locked_session_can_be_left(hub: Any, doctor: Any) -> None:
    hub.client.post("/api/session/lock", headers=doctor)
    assert hub.client.post("/api/session/end", headers=doctor).status_code == 204
    assert unlock(hub, doctor).status_code == 401


def test_a_signed_out_session_is_not_opened_again(hub: Any, doctor: Any) -> None:
    cookie = hub.client.cookies["carebag_doctor"]
    hub.client.post("/api/session/end", headers=doctor)
    hub.client.cookies.set("carebag_doctor", cookie, domain="localhost.local")
    answer = unlock(hub, doctor)
    assert (answer.status_code, answer.json()) == (401, {"code": "session_ended"})


def test_after_twelve_hours_a_proof_begins_another_session(hub: Any, doctor: Any, clock: Any) -> None:
    old = hub.client.cookies["carebag_doctor"]
    clock.forward(hours=12)
    assert get(hub, doctor, "/api/visits") == (401, {"code": "session_ended"})
    assert unlock(hub, doctor).status_code == 204
    assert hub.client.cookies["carebag_doctor"] != old
    assert get(hub, doctor, "/api/visits")[0] == 200
    hub.client.cookies.set("carebag_doctor", old, domain="localhost.local")
    assert unlock(hub, doctor).json() == {"code": "session_ended"}


def test_locks_do_not_reach_other_slots(hub: Any, doctor: Any) -> None:
    reviewer = hub.sign_in("reviewer")
    hub.client.post("/api/session/lock", headers=doctor)
    assert get(hub, reviewer, "/api/review/visits")[0] == 200


@contextmanager
def console(hub: Any) -> Any:
    with hub.client.websocket_connect("ws://localhost:8470/api/ws/console?as=doctor", headers={"Origin": HOME}) as it:
        it.send_json({"type": "hello", "protocol": PROTOCOL, "client": "console"})
        yield it


@contextmanager
def kit_line(hub: Any) -> Any:
    headers = {"Authorization": hub.kit.proof("GET", "/api/ws/kit")}
    with hub.client.websocket_connect("ws://localhost:8470/api/ws/kit", headers=headers) as it:
        it.send_json({"type": "hello", "protocol": PROTOCOL, "client": "kit"})
        yield it


def until(socket: Any, kind: str) -> tuple[Any, list[str]]:
    """The next message of a kind, and the kinds of those before it."""
    before: list[str] = []
    while True:
        message = socket.receive_json()
        if message["type"] == kind:
            return message, before
        before.append(message["type"])


def test_the_call_goes_on_over_a_locked_socket_and_nothing_else(hub: Any, doctor: Any, visit: Any, clock: Any) -> None:
    with console(hub) as socket, kit_line(hub) as kit:
        me = until(socket, "welcome")[0]["participant_id"]
        socket.send_json({"type": "join", "visit_id": visit["id"]})
        until(socket, "snapshot")
        until(socket, "queue")
        clock.forward(minutes=15)
        socket.send_json({"type": "ping", "id": 1})
        problem, _ = until(socket, "problem")
        assert (problem["code"], problem["fatal"]) == ("session_locked", False)
        until(socket, "pong")

        vitals = {"seq": 1, "state": "live", "since": "2026-11-23T09:30:00Z", "spo2_percent": "97"}
        kit.send_json({"type": "live", "visit_id": visit["id"], "vitals": vitals})
        reading = hub.kit.store("reading", visit)
        kit_id = f"kit:{hub.kit.kit_id}"
        signal = {"type": "signal", "visit_id": visit["id"], "epoch": 1, "candidate": {}}
        kit.send_json({**signal, "to": me, "sender": kit_id})
        got, before = until(socket, "signal")
        assert (got["sender"], set(before) - {"present", "pong"}) == (kit_id, set())
        socket.send_json({**signal, "to": kit_id})
        assert until(kit, "signal")[0]["sender"] == me

        socket.send_json({"type": "join", "visit_id": visit["id"], "take_over": True})
        assert until(socket, "problem")[0]["code"] == "session_locked"

        assert unlock(hub, doctor).status_code == 204
        socket.send_json({"type": "ping", "id": 2})
        snapshot, _ = until(socket, "snapshot")
        assert [one["reading"]["id"] for one in snapshot["snapshot"]["readings"]] == [reading["id"]]
        until(socket, "queue")
        hub.kit.store("reading", visit)
        until(socket, "changed")


def test_a_silent_socket_is_locked_too_and_opened(
    hub: Any, doctor: Any, visit: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.01)
    with console(hub) as socket:
        socket.send_json({"type": "join", "visit_id": visit["id"]})
        until(socket, "snapshot")
        clock.forward(minutes=15)
        assert until(socket, "problem")[0]["code"] == "session_locked"
        unlock(hub, doctor)
        until(socket, "snapshot")
        hub.client.post("/api/session/end", headers=doctor)
        assert until(socket, "problem")[0]["code"] == "session_ended"


def test_no_socket_opens_for_a_locked_session(hub: Any, doctor: Any) -> None:
    from starlette.testclient import WebSocketDenialResponse

    hub.client.post("/api/session/lock", headers=doctor)
    with pytest.raises(WebSocketDenialResponse) as refused, console(hub):
        pass
    assert refused.value.json() == {"code": "session_locked"}
