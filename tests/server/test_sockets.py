"""The hub's WebSockets, through the real application: hello first, clear refusals, and a whole conversation."""

import json
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from carebag_server import socket_routes, together
from carebag_server.tables import Kit, SignedIn
from carebag_wire.messages import MAX_MESSAGE_BYTES

HOME = "http://localhost:8470"
CONSOLE = "ws://localhost:8470/api/ws/console?as=doctor"
HELLO = {"type": "hello", "protocol": 2, "client": "console"}


@contextmanager
def console(hub: Any) -> Any:
    """A doctor's socket after hello, welcome and the first queue."""
    with hub.client.websocket_connect(CONSOLE, headers={"Origin": HOME}) as socket:
        socket.send_json(HELLO)
        socket.welcome = until(socket, "welcome")
        socket.queue = until(socket, "queue")
        yield socket


@contextmanager
def kit_line(hub: Any, kit: Any = None) -> Any:
    kit = kit or hub.kit
    headers = {"Authorization": kit.proof("GET", "/api/ws/kit")}
    with hub.client.websocket_connect("ws://localhost:8470/api/ws/kit", headers=headers) as socket:
        socket.send_json({**HELLO, "client": "kit"})
        until(socket, "welcome")
        socket.visits = until(socket, "kit_visits")["visits"]
        yield socket


def until(socket: Any, kind: str, **fields: Any) -> Any:
    """The next message of a kind, passing over others."""
    while True:
        message = socket.receive_json()
        if message["type"] == kind and all(message.get(key) == value for key, value in fields.items()):
            return message


def changed(socket: Any, part: str) -> Any:
    while True:
        message = until(socket, "changed")
        if message[part] is not None:
            return message[part]


def join(socket: Any, visit: Any, **more: Any) -> Any:
    socket.send_json({"type": "join", "visit_id": visit["id"], **more})
    snapshot = until(socket, "snapshot")["snapshot"]
    until(socket, "present")
    return snapshot


def sound(socket: Any) -> None:
    """The connection is as good as before."""
    socket.send_json({"type": "ping", "id": 77})
    assert until(socket, "pong")["id"] == 77


def test_hello_welcome_and_the_list(hub: Any, doctor: Any) -> None:
    with console(hub) as socket:
        assert socket.welcome["me"] == "Elena Ruiz"
        assert socket.welcome["participant_id"].startswith("doctor:")
        names = [visit["patient"]["name"] for visit in socket.queue["visits"]]
        assert names == ["Tolvan Tolvansson", "Sven Testsson", "Gun Testdotter"]


@pytest.mark.parametrize(
    "first",
    [
        json.dumps({**HELLO, "protocol": 3}),
        json.dumps({**HELLO, "client": "kit"}),
        json.dumps({"type": "ping", "id": 1}),
        "no json",
        "",
        json.dumps({**HELLO, "more": 1}),
    ],
)
def test_anything_but_hello_first_is_refused(small_hub: Any, first: str) -> None:
    small_hub.sign_in("doctor")
    with small_hub.client.websocket_connect(CONSOLE, headers={"Origin": HOME}) as socket:
        socket.send_text(first)
        problem = socket.receive_json()
        assert (problem["code"], problem["fatal"]) == ("wrong_version", True)
        assert socket.receive()["type"] == "websocket.close"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "bad_message"),
        ("[]", "bad_message"),
        ('{"type": "nothing"}', "bad_message"),
        ('{"type": "hello", "protocol": 2, "client": "console"}', "bad_message"),
        ('{"type": "join", "visit_id": "1"}', "bad_message"),
        ('{"type": "ping", "id": -1}', "bad_message"),
        ('{"type": "ping", "id": 1, "x": 1}', "bad_message"),
        ("[" * 100_000, "bad_message"),
        (" " * (MAX_MESSAGE_BYTES + 1), "too_large"),
        ("å" * (MAX_MESSAGE_BYTES // 2 + 1), "too_large"),
        ('{"type": "join", "visit_id": "00000000-0000-0000-0000-000000000001"}', "not_found"),
    ],
)
def test_a_bad_message_is_answered_and_the_line_stays(small_hub: Any, text: str, code: str) -> None:
    small_hub.sign_in("doctor")
    with console(small_hub) as socket:
        socket.send_text(text)
        problem = until(socket, "problem")
        assert (problem["code"], problem["fatal"]) == (code, False)
        sound(socket)


def test_bytes_are_no_message(small_hub: Any) -> None:
    small_hub.sign_in("doctor")
    with console(small_hub) as socket:
        socket.send_bytes(b"\x00\xff")
        assert until(socket, "problem")["code"] == "bad_message"
        sound(socket)


def test_join_and_follow_a_blood_pressure(hub: Any, doctor: Any, visit: Any) -> None:
    """Ask, measure, keep: each change reaches console and kit whole."""
    with console(hub) as socket, kit_line(hub) as kit:
        snapshot = join(socket, visit)
        assert (snapshot["visit"]["id"], snapshot["kit_online"], snapshot["readings"]) == (visit["id"], True, [])
        base = f"/api/visits/{visit['id']}"
        request = hub.client.post(f"{base}/requests", headers=doctor, json={"kind": "blood_pressure"}).json()
        assert changed(kit, "request") == changed(socket, "request") == request
        record = hub.kit.store("reading", visit, request["id"])
        view = changed(socket, "reading")
        assert (view["reading"]["id"], view["decision"]) == (record["id"], "draft")
        assert changed(socket, "request")["state"] == "answered"
        hub.client.post(f"{base}/readings/{record['id']}/decision", headers=doctor, json={"decision": "kept"})
        assert until_kept(kit)["decided_by"] == "Elena Ruiz"
        assert changed(socket, "reading")["decision"] == "kept"


def until_kept(socket: Any) -> Any:
    while True:
        view = changed(socket, "reading")
        if view["decision"] == "kept":
            return view


def test_joining_is_logged_and_the_first_coming_is_noted(hub: Any, doctor: Any, visit: Any) -> None:
    with console(hub) as socket:
        assert join(socket, visit)["visit"]["doctor_joined_at"] == "2026-11-23T09:30:00Z"
    assert "room_joined" in hub.actions(visit["id"])


def test_the_list_follows_the_visits(hub: Any, doctor: Any) -> None:
    head = hub.visits()[1]
    with console(hub) as socket:
        assert [visit["state"] for visit in socket.queue["visits"]] == ["planned"] * 3
        hub.kit.store("visit_opened", head)
        assert [visit["state"] for visit in until(socket, "queue")["visits"]] == ["planned", "open", "planned"]


def test_every_list_on_every_page_has_its_own_row(hub: Any, doctor: Any, monkeypatch: Any) -> None:
    """However many changes come at once: shown as often as logged."""
    monkeypatch.setattr(socket_routes, "QUEUE_SECONDS", 0.01)
    with console(hub) as first, console(hub) as second:
        shown = {first: 1, second: 1}
        for head in hub.visits():
            hub.kit.store("visit_opened", head)
        for page in shown:
            while {visit["state"] for visit in page.queue["visits"]} != {"open"}:
                page.queue = until(page, "queue")
                shown[page] += 1
        for _ in range(1000):
            for page in shown:
                shown[page] += queues_until_now(page)
            if hub.actions().count("visits_listed") == sum(shown.values()):
                break
        assert hub.actions().count("visits_listed") == sum(shown.values())
        assert 2 <= min(shown.values()) <= max(shown.values()) <= 4


def queues_until_now(socket: Any) -> int:
    socket.send_json({"type": "ping", "id": 5})
    count = 0
    while (message := socket.receive_json()) != {"type": "pong", "id": 5}:
        count += message["type"] == "queue"
    return count


def test_a_second_tab_takes_over(hub: Any, doctor: Any, visit: Any) -> None:
    with console(hub) as first, console(hub) as second:
        join(first, visit)
        second.send_json({"type": "join", "visit_id": visit["id"]})
        assert until(second, "problem")["code"] == "seat_taken"
        join(second, visit, take_over=True)
        assert until(first, "superseded")["visit_id"] == visit["id"]
        sound(first)
        join(first, visit, take_over=True)
        assert until(second, "superseded")


def test_call_set_up_both_ways(hub: Any, doctor: Any, visit: Any) -> None:
    with console(hub) as socket, kit_line(hub) as kit:
        join(socket, visit)
        kit.send_json(
            {"type": "kit_status", "visit_id": visit["id"], "devices": [], "unsent": 2, "nurse_present": True}
        )
        assert until(socket, "kit_status")["unsent"] == 2
        present = until(socket, "present")
        roles = {one["role"]: one["id"] for one in present["participants"]}
        assert set(roles) == {"doctor", "kit", "nurse"}
        offer = {"type": "offer", "sdp": "v=0"}
        socket.send_json(
            {"type": "signal", "visit_id": visit["id"], "to": roles["nurse"], "epoch": 1, "description": offer}
        )
        got = until(kit, "signal")
        assert (got["sender"], got["to"], got["description"]) == (roles["doctor"], roles["nurse"], offer)
        kit.send_json({"type": "signal", "visit_id": visit["id"], "to": got["sender"], "sender": got["to"], "epoch": 1,
                       "candidate": {}})  # fmt: skip
        assert until(socket, "signal")["sender"] == roles["nurse"]


def test_live_state_reaches_the_room(hub: Any, doctor: Any, visit: Any) -> None:
    vitals = {"seq": 1, "state": "live", "since": "2026-11-23T09:30:00Z", "spo2_percent": "97"}
    with console(hub) as socket, kit_line(hub) as kit:
        join(socket, visit)
        kit.send_json({"type": "live", "visit_id": visit["id"], "vitals": vitals})
        assert until(socket, "live")["vitals"]["spo2_percent"] == "97"


def test_kit_comes_and_goes(hub: Any, doctor: Any, visit: Any) -> None:
    with console(hub) as socket:
        assert join(socket, visit)["kit_online"] is False
        with kit_line(hub):
            assert until(socket, "present")["kit_online"] is True
        assert until(socket, "present")["kit_online"] is False


def test_a_session_that_ran_out_ends_the_socket(hub: Any, doctor: Any, clock: Any) -> None:
    with console(hub) as socket:
        clock.forward(minutes=14)
        sound(socket)
        clock.forward(hours=12)
        socket.send_json({"type": "ping", "id": 1})
        problem = until(socket, "problem")
        assert (problem["code"], problem["fatal"]) == ("session_ended", True)
        assert socket.receive()["type"] == "websocket.close"


def test_a_silent_socket_ends_with_its_session(hub: Any, doctor: Any, clock: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.01)
    with console(hub) as socket:
        with hub.database.transaction() as session:
            session.execute(update(SignedIn).values(ended_at=clock()))
        assert until(socket, "problem")["code"] == "session_ended"


def test_a_revoked_kit_is_cut_off(hub: Any, clock: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.01)
    with kit_line(hub) as kit:
        with hub.database.transaction() as session:
            session.execute(update(Kit).values(revoked_at=clock()))
        assert until(kit, "problem")["code"] == "kit_revoked"


def test_who_lost_the_care_relation_cannot_join(hub: Any, doctor: Any, visit: Any, clock: Any) -> None:
    from carebag_server.tables import CareAgreement

    with console(hub) as socket:
        with hub.database.transaction() as session:
            session.execute(update(CareAgreement).values(valid_until=clock()))
        socket.send_json({"type": "join", "visit_id": visit["id"]})
        assert until(socket, "problem")["code"] == "not_found"
        sound(socket)


@pytest.fixture(scope="module")
def lines(fuzz_hub: Any) -> Any:
    """One console in a room and one kit, for all examples."""
    fuzz_hub.sign_in("doctor")
    visit = fuzz_hub.visits()[0]
    with console(fuzz_hub) as doctor, kit_line(fuzz_hub) as kit:
        join(doctor, visit)
        yield doctor, kit, visit


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
KINDS = ["hello", "ping", "join", "leave", "signal", "kit_status", "live", "snapshot", "problem"]
FIELDS = ["visit_id", "to", "sender", "epoch", "description", "candidate", "id", "take_over", "devices", "unsent",
          "nurse_present", "vitals", "listening", "protocol", "client"]  # fmt: skip


@given(st.data())
def test_any_message_leaves_the_line_sound(lines: Any, data: st.DataObject) -> None:
    doctor, kit, visit = lines
    message = data.draw(
        st.one_of(
            json_values,
            st.dictionaries(st.sampled_from(FIELDS), json_values | st.just(visit["id"]), max_size=6).map(
                lambda fields: {**fields, "type": data.draw(st.sampled_from(KINDS))}
            ),
        )
    )
    for socket in (doctor, kit):
        socket.send_text(json.dumps(message))
        sound(socket)


@given(st.text())
def test_any_text_leaves_the_line_sound(lines: Any, text: str) -> None:
    for socket in lines[:2]:
        socket.send_text(text)
        sound(socket)


def test_a_flood_of_a_console_waits_in_its_own_line(
    hub: Any, doctor: Any, visit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kit's line is kept: what is over the pace is not laid into it."""
    monkeypatch.setattr(socket_routes, "BURST", 5)
    monkeypatch.setattr(socket_routes, "PER_S", 0.2)
    with kit_line(hub) as kit, console(hub) as doctors:
        join(doctors, visit)
        until(kit, "present")
        for epoch in range(400):
            doctors.send_json(
                {
                    "type": "signal",
                    "visit_id": visit["id"],
                    "to": f"kit:{hub.kit.kit_id}",
                    "epoch": epoch,
                    "candidate": {},
                }
            )
        assert [until(kit, "signal")["epoch"] for _ in range(5)] == [0, 1, 2, 3, 4]
        kit.send_json({"type": "ping", "id": 7})
        assert kit.receive_json()["type"] == "pong"  # and no sixth
