"""A page elsewhere, in the browser of a signed-in doctor, of the same site: no ticket for it and no socket."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, expect

from carebag.demonstration import Demo
from carebag.pages import DESK, SLOW_MS, Doctor, new_page

pytestmark = [pytest.mark.e2e, pytest.mark.without_call]
OPEN = """([url, protocols]) => new Promise((said) => {
  const socket = new WebSocket(url, protocols)
  socket.onopen = () => { said(socket.protocol === 'carebag' ? 'opened' : 'odd'); socket.close() }
  socket.onerror = () => said('refused')
})"""
ASK = """([url, mode]) => fetch(url, {method: 'POST', mode, credentials: 'include',
  headers: mode === 'no-cors' ? {} : {'X-Carebag-As': 'doctor'}})
  .then(async (answer) => (await answer.json()).ticket, () => 'failed')"""


class Foreign(BaseHTTPRequestHandler):
    """Another program's page on this machine: same host name, another port, no policy against it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title>")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Foreign) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def doctor(demo: Demo, chromium: Browser) -> Doctor:
    person = Doctor(new_page(chromium, DESK))
    person.enter(demo.hub_url)
    expect(person.part("queue-visit").first).to_be_visible(timeout=SLOW_MS)
    return person


def ask(page: Page, demo: Demo, mode: str = "cors") -> str:
    return str(page.evaluate(ASK, [f"{demo.hub_url}/api/ws/console/ticket", mode]))


def opens(page: Page, demo: Demo, *protocols: str) -> str:
    url = demo.hub_url.replace("http", "ws", 1) + "/api/ws/console?as=doctor"
    return str(page.evaluate(OPEN, [url, list(protocols)]))


def test_the_own_page_opens_a_socket_with_a_ticket_and_once(demo: Demo, doctor: Doctor) -> None:
    page = doctor.page
    ticket = f"ticket.{ask(page, demo)}"
    assert opens(page, demo, "carebag") == "refused"
    assert opens(page, demo, "carebag", ticket) == "opened"
    assert opens(page, demo, "carebag", ticket) == "refused"


def test_a_page_of_another_origin_gets_no_ticket_and_opens_nothing_with_one(
    demo: Demo, doctor: Doctor, elsewhere: str
) -> None:
    ticket = f"ticket.{ask(doctor.page, demo)}"
    foreign = doctor.page.context.new_page()
    foreign.goto(elsewhere)
    assert ask(foreign, demo) == "failed"  # a header of ours is asked for first, and refused
    assert ask(foreign, demo, "no-cors") == "failed"  # refused, and not for other origins to read at that
    assert opens(foreign, demo, "carebag", ticket) == "refused"
    foreign.close()
    assert opens(doctor.page, demo, "carebag", ticket) == "opened"  # and used nothing up


def test_a_page_comes_back_with_another_ticket_and_none_is_in_an_address(demo: Demo, doctor: Doctor) -> None:
    page = doctor.page
    asked: list[str] = []
    addresses: list[str] = []
    page.on("response", lambda one: asked.append(json.loads(one.text())["ticket"]) if "ticket" in one.url else None)
    page.on("websocket", lambda one: addresses.append(one.url))
    for times in (1, 2):
        page.reload()
        expect(doctor.part("queue-visit").first).to_be_visible(timeout=SLOW_MS)
        assert len(asked) == len(addresses) == times
    assert asked[0] != asked[1]
    assert not any(ticket in address for ticket in asked for address in addresses)
