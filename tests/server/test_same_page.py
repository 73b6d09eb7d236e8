"""A doctor's page whose connection breaks is back as the participant that it was, and nobody else can be it."""

import secrets
import time
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from starlette.testclient import WebSocketDenialResponse

from carebag_server import sockets
from carebag_server.hubs.events import ReadAnew
from carebag_server.same_page import MARK_CHARS, page_mark
from carebag_server.tables import CareAgreement, SignedIn

HOME = "http://localhost:8470"
CONSOLE = "ws://localhost:8470/api/ws/console?as=doctor"
BROKEN, LEFT = 1006, 1001
sessions, keys = st.uuids(), st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(sessions, keys, sessions, keys)
def test_another_session_or_another_page_has_another_mark(first: UUID, key: str, other: UUID, other_key: str) -> None:
    mark = page_mark(first, key)
    assert mark == page_mark(first, key)
    assert (len(mark), mark.strip("0123456789abcdef")) == (MARK_CHARS, "")
    assert (mark == page_mark(other, other_key)) == ((first, key) == (other, other_key))
    assert key not in mark


def until(socket: Any, kind: str, **fields: Any) -> Any:
    while True:
        message = socket.receive_json()
        if message["type"] == kind and all(message.get(key) == value for key, value in fields.items()):
            return message


@contextmanager
def page(hub: Any, key: str, turn: int, visit: Any = None, client: Any = None) -> Any:
    """A doctor's socket whose `hello` names its page, after the welcome."""
    with (client or hub.client).websocket_connect(CONSOLE, headers={"Origin": HOME}) as socket:
        socket.send_json(hello(key, turn, visit))
        socket.me = until(socket, "welcome")["participant_id"]
        yield socket


def hello(key: str, turn: int, visit: Any = None) -> Any:
    same = {"key": key, "turn": turn, "visit_id": visit["id"] if visit else None}
    return {"type": "hello", "protocol": 2, "client": "console", "page": same}


@contextmanager
def kit_line(hub: Any) -> Any:
    headers = {"Authorization": hub.kit.proof("GET", "/api/ws/kit")}
    with hub.client.websocket_connect("ws://localhost:8470/api/ws/kit", headers=headers) as socket:
        socket.send_json({"type": "hello", "protocol": 2, "client": "kit"})
        until(socket, "kit_visits")
        yield socket


def join(socket: Any, visit: Any) -> Any:
    socket.send_json({"type": "join", "visit_id": visit["id"], "take_over": True})
    return until(socket, "snapshot")["snapshot"]


def doctors(present: Any) -> list[str]:
    return [one["id"] for one in present["participants"] if one["role"] == "doctor"]


def heard_by(kit: Any, hub: Any, visit: Any) -> list[list[str]]:
    """The doctors of each `present` that the kit has been told, up to now."""
    kit.send_json({"type": "ping", "id": 5})
    told = []
    while (message := kit.receive_json())["type"] != "pong":
        told += [doctors(message)] if message["type"] == "present" else []
    return told


def another_browser(hub: Any) -> Any:
    """With a sign-in of its own, on the same event loop."""
    other = hub.browser()
    other.portal = hub.client.portal
    hub.sign_in("doctor", other)
    return other


@pytest.fixture
def key() -> str:
    return secrets.token_urlsafe(32)


def test_a_broken_connection_is_taken_up_and_nobody_sees_it(hub: Any, doctor: Any, visit: Any, key: str) -> None:
    with kit_line(hub) as kit, page(hub, key, 1) as first:
        join(first, visit)
        until(first, "present")
        assert doctors(until(kit, "present")) == [first.me]
        first.close(BROKEN)
        with page(hub, key, 2, visit) as again:
            assert again.me == first.me
            # call set-up finds it before it has its snapshot
            kit.send_json({"type": "signal", "visit_id": visit["id"], "to": again.me, "epoch": 1, "candidate": {}})
            assert until(again, "signal")["sender"] == f"kit:{hub.kit.kit_id}"
            join(again, visit)
            until(again, "present")
            told = heard_by(kit, hub, visit)
            assert told
            assert all(one == [first.me] for one in told)


def test_a_half_dead_connection_is_replaced(hub: Any, doctor: Any, visit: Any, key: str) -> None:
    """The hub has not noticed yet that the first is broken; what comes late of the first counts no more."""
    with page(hub, key, 1) as first:
        join(first, visit)
        with page(hub, key, 3, visit) as again:
            assert until(first, "problem")["code"] == "superseded"
            with hub.client.websocket_connect(CONSOLE, headers={"Origin": HOME}) as late:
                late.send_json(hello(key, 2, visit))
                assert until(late, "problem", fatal=True)["code"] == "superseded"
            assert join(again, visit)["visit"]["id"] == visit["id"]


def test_who_does_not_come_back_is_gone(hub: Any, doctor: Any, visit: Any, key: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(sockets, "AWAY_SECONDS", 0.1)
    with kit_line(hub) as kit, page(hub, key, 1) as first:
        join(first, visit)
        until(kit, "present")
        first.close(BROKEN)
        while doctors(until(kit, "present")):
            continue


@pytest.mark.parametrize("code", [1000, LEFT])
def test_a_page_that_is_closed_is_gone_at_once(hub: Any, doctor: Any, visit: Any, key: str, code: int) -> None:
    with kit_line(hub) as kit, page(hub, key, 1) as first:
        join(first, visit)
        until(kit, "present")
        began = time.monotonic()
        first.close(code)
        while doctors(until(kit, "present")):
            continue
        assert time.monotonic() - began < sockets.AWAY_SECONDS


def test_a_copied_secret_is_nothing_in_another_session(hub: Any, doctor: Any, visit: Any, key: str) -> None:
    """Of the same doctor even: another sign-in is another participant, and has the seat only by taking it over."""
    with page(hub, key, 1) as first:
        join(first, visit)
        with page(hub, key, 2, visit, client=another_browser(hub)) as copy:
            assert copy.me != first.me
            copy.send_json({"type": "join", "visit_id": visit["id"]})
            assert until(copy, "problem")["code"] == "seat_taken"


def test_two_tabs_are_two_participants_with_one_seat(hub: Any, doctor: Any, visit: Any, key: str) -> None:
    with page(hub, key, 1) as first, page(hub, secrets.token_urlsafe(32), 1) as second:
        assert first.me != second.me
        join(first, visit)
        join(second, visit)
        until(first, "superseded")
        # the first breaks and comes back: it does not say that it sits there, and has no seat
        first.close(BROKEN)
        with page(hub, key, 2) as again:
            again.send_json({"type": "join", "visit_id": visit["id"]})
            assert until(again, "problem")["code"] == "seat_taken"


def test_no_seat_is_kept_for_who_may_not_see_the_visit_any_more(
    hub: Any, doctor: Any, visit: Any, key: str, clock: Any
) -> None:
    with kit_line(hub) as kit, page(hub, key, 1) as first:
        join(first, visit)
        until(kit, "present")
        first.close(BROKEN)
        with hub.database.transaction() as session:
            session.execute(update(CareAgreement).values(valid_until=clock()))
        with page(hub, key, 2, visit) as again:
            while doctors(until(kit, "present")):
                continue
            kit.send_json({"type": "signal", "visit_id": visit["id"], "to": again.me, "epoch": 1, "candidate": {}})
            assert until(kit, "problem")["code"] == "not_here"


def test_a_session_that_ended_comes_back_as_nobody(hub: Any, doctor: Any, visit: Any, key: str, clock: Any) -> None:
    with page(hub, key, 1) as first:
        join(first, visit)
        with hub.database.transaction() as session:
            session.execute(update(SignedIn).values(ended_at=clock()))
        first.send_json({"type": "ping", "id": 1})
        assert until(first, "problem", fatal=True)["code"] == "session_ended"
    with pytest.raises(WebSocketDenialResponse), page(hub, key, 2, visit):
        pass
    assert hub.app.state.hub.live.presence(UUID(visit["id"]), hub.kit.kit_id) == ([], False)


@pytest.mark.parametrize(
    "said",
    [{"key": "short", "turn": 1}, {"key": "a" * 42 + "+", "turn": 1}, {"key": "a" * 43}, {"key": "a" * 43, "turn": -1}],
)
def test_a_page_that_says_it_wrongly_is_refused(hub: Any, doctor: Any, said: Any) -> None:
    with hub.client.websocket_connect(CONSOLE, headers={"Origin": HOME}) as socket:
        socket.send_json({"type": "hello", "protocol": 2, "client": "console", "page": said})
        assert until(socket, "problem", fatal=True)["code"] == "wrong_version"


def test_what_may_have_changed_unsaid_is_read_over_the_same_connections(
    hub: Any, doctor: Any, visit: Any, key: str
) -> None:
    with kit_line(hub) as kit, page(hub, key, 1) as first:
        join(first, visit)
        until(first, "present")
        live = hub.app.state.hub.live
        live._loop.call_soon_threadsafe(live.act, ReadAnew(visits=[UUID(visit["id"])], kits=[hub.kit.kit_id]))
        assert until(first, "snapshot")["snapshot"]["visit"]["id"] == visit["id"]
        until(kit, "kit_visits")
        first.send_json({"type": "ping", "id": 9})
        assert until(first, "pong")["id"] == 9
        assert all(one == [first.me] for one in heard_by(kit, hub, visit))
