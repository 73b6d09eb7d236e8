"""TURN credentials: the scheme of coturn, bound to room and user, only for who is in a live visit, in time anew."""

import argparse
import base64
import dataclasses
import hashlib
import hmac
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_server.app import create_app
from carebag_server.settings import Settings, UnsafeSettings, settings_from
from carebag_server.turn import TurnSettings, credential_for, is_weak, pseudonym, relay_for

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SECRET = "c2a1f09e8b7d6a5f4e3d2c1b0a998877"
URLS = (
    "turn:turn.example.se:3478?transport=udp",
    "turn:turn.example.se:3478?transport=tcp",
    "turns:turn.example.se:443",
)
TURN = TurnSettings(urls=URLS, secret=SECRET)
VISIT = uuid.UUID(int=7)
HOME = "http://localhost:8470"
HELLO = {"type": "hello", "protocol": 2}


def test_the_scheme_is_coturns() -> None:
    relay = relay_for(TURN, VISIT, "doctor:1", NOW)
    assert relay is not None
    expiry, name = relay.username.split(":")
    assert int(expiry) == int(NOW.timestamp()) + 3600 == int(relay.expires_at.timestamp())
    assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]{12}", name)
    digest = hmac.new(SECRET.encode(), relay.username.encode(), hashlib.sha1).digest()
    assert relay.credential == base64.b64encode(digest).decode()
    assert (relay.to, relay.visit_id, tuple(relay.urls), relay.relay_only) == ("doctor:1", VISIT, URLS, False)


def test_without_a_turn_server_nobody_gets_anything() -> None:
    assert relay_for(TurnSettings(), VISIT, "doctor:1", NOW) is None


ROOMS = st.integers(0, 3).map(lambda number: uuid.UUID(int=number))
USERS = st.sampled_from(["kit:1", "nurse:1", "doctor:1:1", "doctor:1:2", ""])


@given(ROOMS, USERS, ROOMS, USERS)
def test_each_room_and_user_has_a_name_of_its_own(room: uuid.UUID, user: str, other: uuid.UUID, another: str) -> None:
    one, two = relay_for(TURN, room, user, NOW), relay_for(TURN, other, another, NOW)
    assert one is not None
    assert two is not None
    rooms = [relay.username.split(":")[1].split("-")[0] for relay in (one, two)]
    assert (rooms[0] == rooms[1]) == (room == other)
    assert (one.username == two.username) == ((room, user) == (other, another))
    assert (one.credential == two.credential) == (one.username == two.username)


def test_names_do_not_tell_who_it_is() -> None:
    relay = relay_for(TURN, VISIT, "doctor:anna", NOW)
    assert relay is not None
    assert str(VISIT) not in relay.username
    assert "anna" not in relay.username
    assert pseudonym(SECRET, "room", "x") != pseudonym(SECRET, "user", "x") != pseudonym(SECRET[::-1], "user", "x")


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(Settings(turn=TURN))


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({}, None),
        ({"urls": ()}, None),
        ({"urls": (), "relay_only": True}, "relay_only_without_turn"),
        ({"relay_only": True}, None),
        ({"secret": ""}, "turn_without_secret"),
        ({"secret": "north"}, "weak_turn_secret"),
        ({"secret": "a" * 64}, "weak_turn_secret"),
        ({"secret": SECRET[:31]}, "weak_turn_secret"),
        ({"urls": ("stun:a",)}, "bad_turn_url"),
        ({"urls": ("turn:",)}, "bad_turn_url"),
        ({"urls": ("turn:a:0",)}, "bad_turn_url"),
        ({"urls": ("turn:a:65536",)}, "bad_turn_url"),
        ({"urls": ("turns:a?transport=udp",)}, "bad_turn_url"),
        ({"urls": ("turn:a?transport=sctp",)}, "bad_turn_url"),
        ({"urls": ("turn:user@a",)}, "bad_turn_url"),
        ({"urls": ("turn:a b",)}, "bad_turn_url"),
        ({"urls": ("turn:[2001:db8::1]:3478",)}, None),
        ({"urls": ("turn:a",) * 13}, "bad_turn_url"),
    ],
)
def test_what_an_operator_may_choose(changed: dict[str, Any], fault: str | None) -> None:
    settings = dataclasses.replace(TURN, **changed)
    assert settings.fault(demo=False) == fault
    if fault:
        origins = ("https://hub.example.se",)
        with pytest.raises(UnsafeSettings) as refused:
            create_app(Settings(turn=settings, origins=origins, kit_page_origin="https://kit.example.se"))
        assert refused.value.code == fault


def test_a_demo_may_have_a_weak_secret() -> None:
    assert TurnSettings(urls=URLS, secret="north").fault(demo=True) is None
    assert TurnSettings(urls=URLS).fault(demo=True) == "turn_without_secret"
    assert not is_weak(SECRET)


def test_settings_from_environment_and_command_line(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n", encoding="utf-8")
    file.chmod(0o600)
    environ = {"CAREBAG_TURN": ", ".join(URLS), "CAREBAG_TURN_SECRET_FILE": str(file), "CAREBAG_RELAY_ONLY": "1"}
    assert settings_from(argparse.Namespace(), environ).turn == dataclasses.replace(TURN, relay_only=True)
    said = argparse.Namespace(turn=URLS[2], relay_only=False)
    chosen = settings_from(said, {**environ, "CAREBAG_TURN_SECRET": "x", "CAREBAG_RELAY_ONLY": "no"}).turn
    assert chosen == TurnSettings(urls=URLS[2:], secret="x")
    with pytest.raises(UnsafeSettings, match="no_turn_secret_file"):
        settings_from(said, {"CAREBAG_TURN_SECRET_FILE": str(tmp_path / "none")})
    assert settings_from(argparse.Namespace(), {}).turn == TurnSettings()


# On the sockets


@pytest.fixture
def turn_hub(small_hub: Any) -> Any:
    """A hub with TURN, whose credentials live a second: the next come after half of one."""
    hub = small_hub.app.state.hub
    hub.settings = dataclasses.replace(hub.settings, turn=dataclasses.replace(TURN, lifetime_s=1))
    small_hub.sign_in("doctor")
    return small_hub


def console(hub: Any) -> Any:
    return hub.client.websocket_connect("ws://localhost:8470/api/ws/console?as=doctor", headers={"Origin": HOME})


def kit_line(hub: Any) -> Any:
    headers = {"Authorization": hub.kit.proof("GET", "/api/ws/kit")}
    return hub.client.websocket_connect("ws://localhost:8470/api/ws/kit", headers=headers)


def until(socket: Any, kind: str) -> Any:
    while True:
        message = socket.receive_json()
        if message["type"] == kind:
            return message


def before_pong(socket: Any) -> list[str]:
    """Types of all messages that come before the answer to a ping."""
    socket.send_json({"type": "ping", "id": 5})
    types: list[str] = []
    while not types or types[-1] != "pong":
        types.append(socket.receive_json()["type"])
    return types


def status(visit_id: str | None, nurse: bool) -> dict[str, Any]:
    return {"type": "kit_status", "visit_id": visit_id, "devices": [], "unsent": 0, "nurse_present": nurse}


def test_a_doctor_in_the_room_gets_them_and_gets_them_anew(turn_hub: Any) -> None:
    visit = turn_hub.visits()[0]
    turn_hub.kit.store("visit_opened", visit)
    with console(turn_hub) as socket:
        socket.send_json({**HELLO, "client": "console"})
        me = until(socket, "welcome")["participant_id"]
        assert "relay" not in before_pong(socket)
        socket.send_json({"type": "join", "visit_id": visit["id"]})
        # before the page is told of anybody whom it could call
        first = socket.receive_json()
        while first["type"] not in ("relay", "snapshot", "present"):
            first = socket.receive_json()
        assert first["type"] == "relay"
        turn_hub.clock.forward(seconds=30)
        # one that was on its way already is of the same second
        while (again := until(socket, "relay"))["username"] == first["username"]:
            pass
    assert (first["to"], first["visit_id"], tuple(first["urls"])) == (me, visit["id"], URLS)
    assert first["credential"] == credential_for(SECRET, first["username"])
    assert again["credential"] == credential_for(SECRET, again["username"]) != first["credential"]


def test_a_visit_that_is_over_gives_nothing(turn_hub: Any) -> None:
    visit = turn_hub.visits()[0]
    turn_hub.kit.store("visit_opened", visit)
    turn_hub.kit.store("visit_closed", visit)
    with console(turn_hub) as socket, kit_line(turn_hub) as kit:
        socket.send_json({**HELLO, "client": "console"})
        kit.send_json({**HELLO, "client": "kit"})
        until(kit, "kit_visits")
        kit.send_json(status(visit["id"], nurse=True))
        socket.send_json({"type": "join", "visit_id": visit["id"]})
        until(socket, "present")
        # the second pong comes later than what the first join could have brought
        assert "relay" not in before_pong(socket) + before_pong(kit) + before_pong(socket)


def test_a_kit_gets_them_for_itself_and_for_the_nurses_page(turn_hub: Any) -> None:
    visit = turn_hub.visits()[0]
    turn_hub.kit.store("visit_opened", visit)
    with kit_line(turn_hub) as kit:
        kit.send_json({**HELLO, "client": "kit"})
        until(kit, "kit_visits")
        kit.send_json(status(visit["id"], nurse=False))
        assert until(kit, "relay")["to"] == f"kit:{turn_hub.kit.kit_id}"
        kit.send_json(status(visit["id"], nurse=True))
        addressed = {until(kit, "relay")["to"] for _ in range(3)}
        assert addressed == {f"kit:{turn_hub.kit.kit_id}", f"nurse:{turn_hub.kit.kit_id}"}


def test_a_kit_gets_none_for_a_visit_of_another(turn_hub: Any) -> None:
    theirs = turn_hub.visits()[0]
    turn_hub.kit.store("visit_opened", theirs)
    other = turn_hub.enrol("Väska 9")
    headers = {"Authorization": other.proof("GET", "/api/ws/kit")}
    with turn_hub.client.websocket_connect("ws://localhost:8470/api/ws/kit", headers=headers) as kit:
        kit.send_json({**HELLO, "client": "kit"})
        until(kit, "kit_visits")
        kit.send_json(status(theirs["id"], nurse=True))
        assert "relay" not in before_pong(kit) + before_pong(kit)


def test_the_room_knows_the_kits_key(turn_hub: Any) -> None:
    visit = turn_hub.visits()[0]
    turn_hub.kit.store("visit_opened", visit)
    with console(turn_hub) as socket, kit_line(turn_hub) as kit:
        kit.send_json({**HELLO, "client": "kit"})
        until(kit, "kit_visits")
        socket.send_json({**HELLO, "client": "console"})
        socket.send_json({"type": "join", "visit_id": visit["id"]})
        people = until(socket, "present")["participants"]
    keys = {one["role"]: one["key"] for one in people}
    assert keys == {"doctor": "", "kit": base64.b64encode(turn_hub.kit.public_key).decode()}


def test_a_guest_gets_them_when_let_in_and_not_before(turn_hub: Any) -> None:
    visit = turn_hub.visits()[0]
    turn_hub.kit.store("visit_opened", visit)
    doctor = turn_hub.sign_in("doctor")
    karin = {"role": "relative", "name": "Karin", "consent": True}
    invited = turn_hub.client.post(f"/api/visits/{visit['id']}/guests", headers=doctor, json=karin).json()
    phone = turn_hub.browser()
    phone.portal = turn_hub.client.portal
    entering = {"token": invited["url"].split("#token=")[1], "name": "Karin Ek"}
    assert phone.post("/api/guest/enter", json=entering, headers={"Origin": HOME}).status_code == 200
    with phone.websocket_connect("ws://localhost:8470/api/ws/guest", headers={"Origin": HOME}) as socket:
        socket.send_json({**HELLO, "client": "guest"})
        until(socket, "guest_room")
        assert "relay" not in before_pong(socket) + before_pong(socket)
        guest = f"/api/visits/{visit['id']}/guests/{invited['guest']['id']}"
        turn_hub.client.post(guest, headers=doctor, json={"act": "admit"})
        relay = until(socket, "relay")
    assert (relay["to"], relay["visit_id"]) == (f"guest:{invited['guest']['id']}", visit["id"])


@pytest.mark.parametrize("only", [True, False])
def test_everyone_is_told_at_the_door_that_media_is_held_to_the_relay(turn_hub: Any, only: bool) -> None:
    turn_hub.app.state.hub.live.relay_only = only
    with console(turn_hub) as socket, kit_line(turn_hub) as kit:
        socket.send_json({**HELLO, "client": "console"})
        kit.send_json({**HELLO, "client": "kit"})
        assert until(socket, "welcome")["relay_only"] is until(kit, "welcome")["relay_only"] is only
