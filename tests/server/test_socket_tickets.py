"""A page's socket needs a ticket beside the cookie: fresh, of this session or guest and of this socket, and once."""

import logging
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import WebSocketDenialResponse

from carebag_server import sessions, socket_tickets
from carebag_server.database import Database
from carebag_server.refusals import Refused
from carebag_server.socket_tickets import SocketTicketRow
from carebag_server.tables import SignedIn
from carebag_wire import PROTOCOL
from carebag_wire.base import uuid7
from carebag_wire.socket_ticket import PREFIX, SUBPROTOCOL, VALID

HOME = "http://localhost:8470"
CONSOLE, GUEST = "/api/ws/console", "/api/ws/guest"


@pytest.fixture
def doctor(hub: Any) -> Any:
    return hub.sign_in("doctor")


def opens(browser: Any, offered: Sequence[str], path: str = CONSOLE, origin: str = HOME) -> str:
    """ "opened", or the code of the refusal."""
    target = f"ws://localhost:8470{path}" + ("?as=doctor" if path == CONSOLE else "")
    try:
        with browser.websocket_connect(target, list(offered), headers={"Origin": origin}) as socket:
            assert socket.accepted_subprotocol == SUBPROTOCOL  # and never the ticket
            socket.send_json({"type": "hello", "protocol": PROTOCOL, "client": path.rsplit("/", 1)[1]})
            assert socket.receive_json()["type"] == "welcome"
            return "opened"
    except WebSocketDenialResponse as refused:
        return str(refused.json()["code"])


def offer(browser: Any, headers: Any, path: str = CONSOLE) -> list[str]:
    offered = browser.ticket(path, headers.get("X-Carebag-As", ""), headers)
    assert len(offered) == 2
    return list(offered)


def guest_browser(hub: Any, doctor: Any) -> Any:
    head = hub.visits()[0]
    hub.kit.store("visit_opened", head)
    wanted = {"role": "relative", "name": "Karin", "consent": True}
    invited = hub.client.post(f"/api/visits/{head['id']}/guests", headers=doctor, json=wanted).json()
    phone = hub.browser()
    phone.portal = hub.client.portal
    said = {"token": invited["url"].split("#token=")[1], "name": "Karin"}
    assert phone.post("/api/guest/enter", json=said, headers={"Origin": HOME}).status_code == 200
    return phone


def test_a_ticket_opens_one_socket_once(hub: Any, doctor: Any) -> None:
    offered = offer(hub.client, doctor)
    assert opens(hub.client, offered) == "opened"
    assert opens(hub.client, offered) == "ticket_refused"


@pytest.mark.parametrize("offered", [[], [SUBPROTOCOL], ["ticket"], [SUBPROTOCOL, PREFIX + "a", PREFIX + "b"]])
def test_a_cookie_alone_opens_none(hub: Any, doctor: Any, offered: list[str]) -> None:
    assert opens(hub.client, offered) == "no_ticket"


@pytest.mark.parametrize("invented", ["", "x", "x" * 43, "\x7f"])
def test_an_invented_ticket_opens_none(hub: Any, doctor: Any, invented: str) -> None:
    offer(hub.client, doctor)
    assert opens(hub.client, [SUBPROTOCOL, PREFIX + invented]) == "ticket_refused"


def test_half_a_minute_is_enough(hub: Any, doctor: Any, clock: Any) -> None:
    late, in_time = offer(hub.client, doctor), offer(hub.client, doctor)
    clock.forward(seconds=29.9)
    assert opens(hub.client, in_time) == "opened"
    clock.forward(seconds=0.1)
    assert opens(hub.client, late) == "ticket_refused"


def test_a_ticket_is_of_its_session(hub: Any, doctor: Any) -> None:
    other = hub.browser()
    other.portal = hub.client.portal
    theirs = hub.sign_in("doctor", other)
    offered = offer(hub.client, doctor)
    assert opens(other, offered) == "ticket_refused"
    assert opens(hub.client, offered) == "opened"  # who tries in vain uses nothing up
    assert opens(other, offer(other, theirs)) == "opened"


def test_a_ticket_is_of_its_socket(hub: Any, doctor: Any) -> None:
    phone = guest_browser(hub, doctor)
    of_the_guest, of_the_console = offer(phone, {"Origin": HOME}, GUEST), offer(hub.client, doctor)
    assert opens(phone, of_the_console, GUEST) == "ticket_refused"
    assert opens(hub.client, of_the_guest) == "ticket_refused"
    assert opens(phone, of_the_guest, GUEST) == "opened"


def test_even_a_holder_needs_the_ticket_of_this_very_socket(database: Database, clock: Any) -> None:
    holder = uuid7(1)
    with database.transaction() as session:
        ticket = socket_tickets.issue(session, "guest", holder, clock())
    with pytest.raises(Refused), database.transaction() as session:
        socket_tickets.redeem(session, ticket, "console", holder, clock())


def test_another_origin_opens_none_whatever_it_shows(hub: Any, doctor: Any) -> None:
    offered = offer(hub.client, doctor)
    assert opens(hub.client, offered, origin="https://evil.example") == "foreign_origin"
    foreign = {**doctor, "Origin": "https://evil.example"}
    assert hub.client.post(f"{CONSOLE}/ticket", headers=foreign).json() == {"code": "foreign_origin"}
    without = {"X-Carebag-As": "doctor"}
    assert hub.client.post(f"{CONSOLE}/ticket", headers=without).json() == {"code": "foreign_origin"}


def test_an_ended_or_locked_session_uses_none(hub: Any, doctor: Any) -> None:
    offered = offer(hub.client, doctor)
    hub.client.post("/api/session/lock", headers=doctor)
    assert opens(hub.client, offered) == "session_locked"
    assert hub.client.post(f"{CONSOLE}/ticket", headers=doctor).json() == {"code": "session_locked"}
    hub.client.post("/api/session/end", headers=doctor)
    assert opens(hub.client, offered) == "not_signed_in"  # its cookie is gone as well


def test_a_page_that_comes_back_by_itself_is_no_use_of_the_session(hub: Any, doctor: Any, clock: Any) -> None:
    """Else a line that breaks now and then would keep a screen open that nobody sits before."""

    def used() -> Any:
        with hub.database.reading() as session:
            return session.scalars(select(SignedIn.used_at).order_by(SignedIn.id.desc())).first()

    before = used()
    clock.forward(minutes=10)
    assert opens(hub.client, offer(hub.client, doctor)) == "opened"
    assert used() == before
    clock.forward(minutes=5)
    assert hub.client.post(f"{CONSOLE}/ticket", headers=doctor).json() == {"code": "session_locked"}


def test_tickets_are_stored_as_digests_and_cleared_away(hub: Any, doctor: Any, clock: Any) -> None:
    def rows() -> list[SocketTicketRow]:
        with hub.database.reading() as session:
            return list(session.scalars(select(SocketTicketRow)))

    ticket = offer(hub.client, doctor)[1].removeprefix(PREFIX)
    (row,) = rows()
    assert row.ticket_sha256 == sessions.digest(ticket)
    assert row.expires_at - clock() == VALID == timedelta(seconds=30)
    clock.forward(minutes=1)
    offer(hub.client, doctor)
    assert [one.ticket_sha256 for one in rows()] != [row.ticket_sha256]
    assert len(rows()) == 1


def test_a_ticket_of_one_hub_is_taken_by_another_and_by_one_of_two_at_once(store_url: str, clock: Any) -> None:
    holder, here, there = uuid7(1), Database(store_url), Database(store_url)
    came: list[str] = []

    def come(hub: Database, ticket: str) -> None:
        try:
            with hub.transaction() as session:
                socket_tickets.redeem(session, ticket, "console", holder, clock())
            came.append("in")
        except Refused as refused:
            came.append(refused.code)

    for _ in range(5):
        came.clear()
        with here.transaction() as session:
            ticket = socket_tickets.issue(session, "console", holder, clock())
        both = [threading.Thread(target=come, args=(hub, ticket)) for hub in (there, here)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert sorted(came) == ["in", "ticket_refused"]
    here.dispose()
    there.dispose()


def test_no_ticket_in_a_log(hub: Any, doctor: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    offered = offer(hub.client, doctor)
    opens(hub.client, offered)
    opens(hub.client, offered)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("carebag")]
    assert any("ticket_refused" in line for line in ours)
    assert not any(offered[1].removeprefix(PREFIX) in line for line in ours)
