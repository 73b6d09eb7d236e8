"""The nurse's page server alone, hub away: who gets in, what is refused, and that nothing shakes it."""

import asyncio
import io
import json
import re
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carebag_devices.events import PairingChanged, RadioChanged
from carebag_edge.agent import Agent
from carebag_edge.kit import run_kit
from carebag_edge.local import parse
from carebag_edge.settings import KitSettings
from carebag_wire import nowhere
from carebag_wire.api import NurseIdentity
from carebag_wire.messages import NurseOut, Problem, Signal
from carebag_wire.socket_ticket import PREFIX, SUBPROTOCOL
from carebag_wire.values import Circumstances

NOWHERE = "http://127.0.0.1:9"


class Page:
    """A running kit without a hub, and a browser."""

    def __init__(self, agent: Agent, port: int, web: aiohttp.ClientSession) -> None:
        self.agent, self.port, self.web = agent, port, web
        self.url = f"http://127.0.0.1:{port}"
        self.token = ""

    def enter(self, world: Any) -> None:
        """As if the hub had vouched for a nurse; its part is in `test_sync_with_hub`."""
        until = self.agent.clock.utc().replace(year=2099)
        self.token, _ = self.agent.sessions.enter(NurseIdentity(person=world.nurse(), expires_at=until))

    @property
    def headers(self) -> dict[str, str]:
        return {"Origin": self.url, "Cookie": f"carebag_kit={self.token}"}

    async def status(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        more.setdefault("headers", self.headers)
        async with self.web.request(method, f"{self.url}{path}", **more) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith(("{", "[")) else text

    async def ticket(self) -> tuple[str, str]:
        """What the page offers when it opens its socket."""
        status, answer = await self.status("POST", "/api/ws/ticket")
        assert status == 201, answer
        return SUBPROTOCOL, PREFIX + answer["ticket"]

    async def socket(self) -> aiohttp.ClientWebSocketResponse:
        socket = await self.web.ws_connect(f"{self.url}/api/ws", headers=self.headers, protocols=await self.ticket())
        await socket.send_json({"type": "hello", "protocol": 2, "client": "nurse"})
        assert (await socket.receive_json())["type"] == "welcome"
        return socket


async def until(socket: aiohttp.ClientWebSocketResponse, kind: str) -> Any:
    async with asyncio.timeout(30):
        while True:
            message = await socket.receive_json()
            if message["type"] == kind:
                return message


async def problems_until_pong(socket: aiohttp.ClientWebSocketResponse) -> list[str]:
    """Codes of what was refused before the next answer to a ping."""
    codes = []
    while (message := await socket.receive_json(timeout=30))["type"] != "pong":
        if message["type"] == "problem":
            codes.append(message["code"])
    return codes


@pytest.fixture
async def page(tmp_path: Path, instruments: Any) -> AsyncIterator[Page]:
    (tmp_path / "page" / "assets").mkdir(parents=True)
    (tmp_path / "page" / "index.html").write_text("<!doctype html><title>kit</title>")
    (tmp_path / "page" / "assets" / "app.js").write_text("1")
    (tmp_path / "page" / "secret.txt").write_text("secret")
    ready: asyncio.Future[tuple[Agent, int]] = asyncio.get_running_loop().create_future()
    settings = KitSettings(data=tmp_path / "kit", hub_url=NOWHERE, port=0, reserve_bytes=2**20, pin_required=False)
    running = asyncio.create_task(
        run_kit(
            settings, instruments, page=tmp_path / "page", ready=lambda agent, port: ready.set_result((agent, port))
        )
    )
    agent, port = await ready
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as web:
        yield Page(agent, port, web)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


OPEN = [("GET", "/"), ("GET", "/assets/app.js"), ("GET", "/api/health"), ("POST", "/api/enter")]
CLOSED = [
    ("GET", "/api/me"),
    ("POST", "/api/leave"),
    ("GET", "/api/ws"),
    ("POST", "/api/ws/ticket"),
    ("GET", "/api/lock"),
    ("POST", "/api/lock"),
    ("POST", "/api/used"),
    ("POST", "/api/unlock"),
    ("POST", "/api/pin"),
    ("GET", f"/api/media/{'0' * 64}"),
    ("POST", "/api/visits/01920000-0000-7000-8000-000000000000/photo"),
    ("POST", "/api/visits/01920000-0000-7000-8000-000000000000/guests"),
    ("POST", "/api/visits/01920000-0000-7000-8000-000000000000/guests/01920000-0000-7000-8000-000000000001"),
]


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_without_the_nurses_cookie_there_is_nothing(page: Page, method: str, path: str) -> None:
    for cookie in ("", "carebag_kit=wrong", "carebag_kit="):
        headers = {"Origin": page.url, "Cookie": cookie}
        assert await page.status(method, path, headers=headers) == (401, {"code": "not_signed_in"})


async def test_every_route_is_in_one_of_the_lists(page: Page, tmp_path: Path) -> None:
    from carebag_edge.local import LocalServer

    routes = LocalServer(page.agent, tmp_path).app.router.routes()
    for route in routes:
        if route.method != "HEAD" and route.resource is not None:
            form = re.compile(re.sub(r"{[a-z0-9_]+}", "[^/]+", route.resource.canonical))
            assert any(method == route.method and form.fullmatch(path) for method, path in OPEN + CLOSED)


@pytest.mark.parametrize(("method", "path"), OPEN + CLOSED)
async def test_a_foreign_page_or_host_name_comes_no_further(page: Page, world: Any, method: str, path: str) -> None:
    page.enter(world)
    foreign = {**page.headers, "Origin": "https://evil.example"}
    assert await page.status(method, path, headers=foreign) == (403, {"code": "foreign_origin"})
    rebound = {**page.headers, "Host": f"evil.example:{page.port}"}
    assert await page.status(method, path, headers=rebound) == (403, {"code": "foreign_host"})


@pytest.mark.parametrize(("method", "path"), [one for one in OPEN + CLOSED if one[0] != "GET" or one[1] == "/api/ws"])
async def test_no_origin_at_all_is_foreign_too(page: Page, world: Any, method: str, path: str) -> None:
    page.enter(world)
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        sent = {"Cookie": page.headers["Cookie"], **headers}
        assert await page.status(method, path, headers=sent) == (403, {"code": "foreign_origin"})


@pytest.mark.parametrize(("method", "path"), [*OPEN, *CLOSED, ("GET", "/nothing"), ("PUT", "/")])
async def test_every_answer_has_the_security_headers(page: Page, method: str, path: str) -> None:
    async with page.web.request(method, f"{page.url}{path}", headers={"Origin": page.url}) as answer:
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/assets/app.js", "/api/health", "/nope"])
async def test_every_text_says_its_letters(page: Page, path: str) -> None:
    async with page.web.get(f"{page.url}{path}", headers={"Accept": "text/html"}) as answer:
        said = answer.headers["Content-Type"]
        assert said.startswith(("text/html", "text/javascript", "application/json"))
        assert "charset=utf-8" in said.lower()


@pytest.mark.parametrize("path", ["/assets/..%2fsecret.txt", "/secret.txt", "/assets/", "/assets/%00"])
async def test_no_file_but_the_pages_own(page: Page, path: str) -> None:
    status, body = await page.status("GET", path)
    assert (status, "secret" in str(body)) == (404, False)


async def test_an_address_that_is_no_page_is_one_for_people(page: Page) -> None:
    asked = {"Origin": page.url, "Accept": "text/html,*/*;q=0.8"}
    async with page.web.get(f"{page.url}/nope", headers=asked) as answer:
        assert (answer.status, answer.content_type, await answer.text()) == (404, "text/html", nowhere.NOWHERE)
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert await page.status("GET", "/nope") == (404, {"code": "not_found"})
    assert await page.status("GET", "/api/nope", headers=asked) == (404, {"code": "not_found"})


async def test_who_is_not_signed_in_is_told_where_the_hub_is(page: Page) -> None:
    status, health = await page.status("GET", "/api/health", headers={})
    assert (status, health["status"], health["hub"]) == (200, "ok", NOWHERE)


async def test_the_page_is_missing_and_says_so(tmp_path: Path, page: Page) -> None:
    (tmp_path / "page" / "index.html").unlink()
    status, body = await page.status("GET", "/")
    assert (status, "not built" in str(body)) == (200, True)


async def test_entering_without_a_hub_is_a_word(page: Page) -> None:
    assert await page.status("POST", "/api/enter", json={"code": "x" * 30}) == (503, {"code": "hub_needed"})
    assert await page.status("POST", "/api/enter", data=b"\xff{") == (400, {"code": "bad_request"})


CRP_5 = {"name": "crp", "value": "5", "unit": "mg/L"}
BAD = [
    ("{}", "unknown_message"),
    ("not json", "unknown_message"),
    ('{"type": "kit_state"}', "unknown_message"),
    ('{"type": "open_visit", "visit_id": "x", "identifiers": []}', "unknown_message"),
    ('{"type": "ping", "id": 1, "more": 2}', "unknown_message"),
    ('{"type": "ping", "id": 1}' + " " * 300_000, "too_large"),
    ('{"type": "hello", "protocol": 2, "client": "nurse"}', "unexpected_message"),
    ('{"type": "close_visit", "plan_read": true}', "visit_not_open"),
    ('{"type": "start_request", "request_id": "01920000-0000-7000-8000-000000000000"}', "visit_not_open"),
    ('{"type": "start_listening", "point": "mitral"}', "visit_not_open"),
    ('{"type": "start_listening", "point": "elbow"}', "unknown_message"),
    ('{"type": "press_simulator", "device": "cuff", "action": "start"}', "not_simulated"),
    ('{"type": "take_spot"}', "oximeter_not_live"),
    ('{"type": "give_passkey", "passkey": 1000000}', "unknown_message"),
    ('{"type": "add_cartridge", "product": "CRP", "lot": "1", "expires": "2027-02-30"}', "no_such_date"),
    ('{"type": "remove_cartridge", "cartridge_id": "01920000-0000-7000-8000-000000000000"}', "unknown_cartridge"),
    (
        '{"type": "file_reading", "reading_id": "01920000-0000-7000-8000-000000000000", "decision": "set_aside"}',
        "not_in_tray",
    ),
    (
        json.dumps({"type": "enter_reading", "kind": "crp", "quantities": [CRP_5], "again": [{**CRP_5, "value": "6"}]}),
        "entries_differ",
    ),
]


async def test_whatever_is_said_wrongly_is_refused_and_the_connection_stays(page: Page, world: Any) -> None:
    page.enter(world)
    socket = await page.socket()
    for text, code in BAD:
        await socket.send_str(text)
        assert (await until(socket, "problem"))["code"] == code
    await socket.send_bytes(b"\x00")
    assert (await until(socket, "problem"))["code"] == "unknown_message"
    await socket.send_json({"type": "ping", "id": 7})
    assert (await until(socket, "pong"))["id"] == 7
    await socket.close()


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"type": "hello", "protocol": 99, "client": "nurse"}', "wrong_version"),
        ('{"type": "ping", "id": 1}', "hello_expected"),
        ("x", "unknown_message"),
    ],
)
async def test_hello_comes_first_and_of_this_version(page: Page, world: Any, first: str, code: str) -> None:
    page.enter(world)
    ticket = await page.ticket()
    async with page.web.ws_connect(f"{page.url}/api/ws", headers=page.headers, protocols=ticket) as socket:
        await socket.send_str(first)
        problem = await socket.receive_json()
        assert (problem["type"], problem["fatal"]) == ("problem", True)
        assert problem["code"] in (code, "hello_expected")
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_the_socket_opens_with_a_fresh_ticket_of_its_own_cookie_and_once(page: Page, world: Any) -> None:
    async def status(*protocols: str, **headers: str) -> int:
        try:
            socket = await page.web.ws_connect(
                f"{page.url}/api/ws", headers={**page.headers, **headers}, protocols=protocols
            )
        except aiohttp.WSServerHandshakeError as error:
            return error.status
        assert socket.protocol == SUBPROTOCOL  # and never the ticket
        await socket.close()
        return 101

    nurse = NurseIdentity(person=world.nurse(), expires_at=page.agent.clock.utc().replace(year=2099))
    page.token, _ = page.agent.sessions.enter(nurse)
    _, used = await page.ticket()
    assert await status(SUBPROTOCOL, used) == 101
    assert await status(SUBPROTOCOL, used) == 403
    assert await status() == 403
    assert await status(SUBPROTOCOL) == 403
    assert await status(SUBPROTOCOL, PREFIX + "x" * 43) == 403
    _, first = await page.ticket()
    _, second = await page.ticket()
    assert await status(SUBPROTOCOL, first, second) == 403
    before = page.headers["Cookie"]
    page.token, _ = page.agent.sessions.enter(nurse)  # in another tab, with a cookie of its own
    assert await status(SUBPROTOCOL, first) == 403
    assert await status(SUBPROTOCOL, first, Cookie=before) == 101


async def test_offline_the_visit_can_be_done_from_what_is_known(page: Page, world: Any) -> None:
    page.enter(world)
    visit = world.visit()
    page.agent.bedside.hub_said(world.told(visit))
    socket = await page.socket()
    visit_id = str(visit.visit.id)
    await socket.send_json({"type": "open_visit", "visit_id": visit_id, "identifiers": ["name"]})
    assert (await until(socket, "problem"))["code"] == "two_identifiers"
    await socket.send_json({"type": "open_visit", "visit_id": visit_id, "identifiers": ["name", "address"]})
    while (state := await until(socket, "kit_state"))["open"] is None:
        pass
    assert (state["hub"], state["unsent"], state["open"]["visit"]["state"]) == ("offline", 1, "open")
    other = world.visit()
    page.agent.bedside.hub_said(world.told(visit, other))
    for again in (visit_id, str(other.visit.id)):  # a double tap is silent, another patient is not
        await socket.send_json({"type": "open_visit", "visit_id": again, "identifiers": ["name", "address"]})
    await socket.send_json({"type": "ping", "id": 1})
    assert await problems_until_pong(socket) == ["already_open"]
    await socket.close()


async def test_a_photo_is_stripped_kept_and_shown(page: Page, world: Any, photo: bytes) -> None:
    page.enter(world)
    visit = world.visit()
    page.agent.bedside.hub_said(world.told(visit))
    socket = await page.socket()
    await socket.send_json(
        {"type": "open_visit", "visit_id": str(visit.visit.id), "identifiers": ["name", "personal_id"]}
    )
    while (await until(socket, "kit_state"))["open"] is None:
        pass
    path = f"/api/visits/{visit.visit.id}/photo"
    status, view = await page.status("POST", path, data=photo)
    assert (status, view["photo"]["media_type"], view["photo"]["width"]) == (201, "image/jpeg", 64)
    async with page.web.get(f"{page.url}/api/media/{view['photo']['media_sha256']}", headers=page.headers) as answer:
        content = await answer.read()
    assert (answer.status, b"62.4876N" in content, content[:2]) == (200, False, b"\xff\xd8")
    assert await page.status("POST", path, data=b"GIF89a") == (422, {"code": "not_an_image"})
    assert await page.status("POST", path, data=io.BytesIO(b"\xff\xd8" + b"x" * 21 * 1024 * 1024)) == (
        413,
        {"code": "too_large"},
    )
    other = path.replace(str(visit.visit.id), str(world.new_id()))
    assert await page.status("POST", other, data=photo) == (409, {"code": "visit_not_open"})
    assert await page.status("POST", "/api/visits/x/photo", data=b"") == (404, {"code": "not_found"})
    await socket.close()


async def opened(page: Page, world: Any, *kinds: Any) -> tuple[aiohttp.ClientWebSocketResponse, Any]:
    """A nurse in an open visit with these requests."""
    page.enter(world)
    visit = world.visit()
    visit = visit.model_copy(update={"requests": [world.request(visit.visit.id, kind) for kind in kinds]})
    page.agent.bedside.hub_said(world.told(visit))
    socket = await page.socket()
    await socket.send_json(
        {"type": "open_visit", "visit_id": str(visit.visit.id), "identifiers": ["name", "personal_id"]}
    )
    while (await until(socket, "kit_state"))["open"] is None:
        pass
    return socket, visit


async def test_a_value_typed_with_a_photo_of_the_display_answers_what_was_asked(
    page: Page, world: Any, photo: bytes
) -> None:
    socket, visit = await opened(page, world, "glucose", "crp")
    path = f"/api/visits/{visit.visit.id}/photo"
    assert await page.status("POST", f"{path}?of=dog", data=photo) == (400, {"code": "bad_request"})
    status, view = await page.status("POST", f"{path}?of=display", data=photo)
    assert (status, view["photo"]["of"], view["photo"]["binding"]["request_id"]) == (201, "display", None)
    glucose, crp = visit.requests
    typed = [{"name": "glucose", "value": "6.10", "unit": "mmol/L"}]
    message = {
        "type": "enter_reading", "kind": "glucose", "quantities": typed, "again": typed, "device": "Contour",
        "photo_id": view["photo"]["id"], "request_id": str(crp.id),
    }  # fmt: skip
    await socket.send_json(message)
    assert (await until(socket, "problem"))["code"] == "unknown_request"
    for _ in range(2):  # a double click is one value
        await socket.send_json({**message, "request_id": str(glucose.id)})
    while not (state := await until(socket, "kit_state"))["open"]["readings"]:
        pass
    await socket.send_json({"type": "ping", "id": 1})
    await until(socket, "pong")
    (shown,) = page.agent.kit_state().open.readings  # type: ignore[union-attr]
    assert (shown.reading.binding.request_id, shown.reading.device.model) == (glucose.id, "Contour")
    assert state["open"]["readings"][0]["reading"]["quantities"][0]["value"] == "6.10"
    assert [one.state for one in page.agent.kit_state().open.requests] == ["answered", "asked"]  # type: ignore[union-attr]
    assert page.agent.bedside.binder.armed == ()
    await socket.close()


async def test_tray_cartridges_and_check_are_on_the_page(page: Page, world: Any) -> None:
    page.enter(world)
    page.agent.intake(world.pressure(provenance="stored", measurement_id="a"))
    page.agent.intake(world.pressure("131", provenance="stored", measurement_id="b"))
    socket = await page.socket()
    state = await until(socket, "kit_state")
    assert (state["tray_count"], [one["offered"] for one in state["tray"]]) == (2, [False, False])
    newest = state["tray"][0]["reading"]
    assert newest["quantities"][0]["value"] == "131"
    await socket.send_json({"type": "file_reading", "reading_id": newest["id"], "decision": "set_aside"})
    await socket.send_json({"type": "add_cartridge", "product": "CRP", "lot": "1", "expires": "2027-02-28"})
    await socket.send_json({"type": "finish_check", "remarks": 2})
    while (state := await until(socket, "kit_state"))["check"] is None:
        pass
    assert (state["tray_count"], state["set_aside"][0]["reading"]["id"]) == (1, newest["id"])
    assert (state["cartridges"][0]["added_by"], state["check"]["remarks"]) == ("Anna Lind", 2)
    await socket.send_json({"type": "remove_cartridge", "cartridge_id": state["cartridges"][0]["id"]})
    while (await until(socket, "kit_state"))["cartridges"]:
        pass
    await socket.close()


async def test_the_pairing_guide_is_on_the_page(page: Page, world: Any) -> None:
    page.enter(world)
    socket = await page.socket()
    await socket.send_json({"type": "start_pairing", "kind": "cuff"})
    await socket.send_json({"type": "ping", "id": 1})
    await until(socket, "pong")
    assert page.agent.instruments.done == [("start_pairing", "cuff")]  # type: ignore[attr-defined]
    page.agent.intake(PairingChanged("searching", seconds_left=60.0))
    page.agent.intake(RadioChanged("bluetooth_off"))
    while (state := await until(socket, "kit_state"))["radio_problem"] is None:
        pass
    assert (state["pairing"]["stage"], state["pairing"]["kind"]) == ("searching", "cuff")
    await socket.close()


async def test_a_nurse_whose_time_is_over_is_out(page: Page, world: Any) -> None:
    past = page.agent.clock.utc().replace(year=2020)
    page.token, _ = page.agent.sessions.enter(NurseIdentity(person=world.nurse(), expires_at=past))
    assert await page.status("GET", "/api/me") == (401, {"code": "not_signed_in"})
    assert page.agent.kit_state().nurse is None


async def test_a_colleague_takes_over_and_the_page_before_sees_nothing_more(page: Page, world: Any) -> None:
    page.enter(world)
    socket = await page.socket()
    await until(socket, "kit_state")
    page.enter(world)
    page.agent.changed("saved")
    problem = await until(socket, "problem")
    assert (problem["code"], problem["fatal"]) == ("session_expired", True)
    assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_a_nurse_who_leaves_is_out_in_all_her_tabs(page: Page, world: Any) -> None:
    page.enter(world)
    socket = await page.socket()
    await until(socket, "kit_state")
    assert (await page.status("POST", "/api/leave"))[0] == 200
    assert (await until(socket, "problem"))["code"] == "session_expired"
    assert await page.status("GET", "/api/me") == (401, {"code": "not_signed_in"})
    assert page.agent.kit_status().nurse_commission is None


async def test_a_nurse_whom_the_hub_signed_out_is_told_so_and_what_was_measured_stays(page: Page, world: Any) -> None:
    page.enter(world)
    person = page.agent.sessions.person
    assert person is not None
    page.agent.bedside.hub_said(world.told(world.visit()))
    before = page.agent.journal.unsent().count
    socket = await page.socket()
    await until(socket, "kit_state")
    assert page.agent.kit_status().nurse_commission == person.commission_id
    await page.agent.hub_said(NurseOut(commission_id=world.new_id()))
    assert await page.status("GET", "/api/me") != (401, {"code": "nurse_out"})
    await page.agent.hub_said(NurseOut(commission_id=person.commission_id))
    problem = await until(socket, "problem")
    assert (problem["code"], problem["fatal"]) == ("nurse_out", True)
    assert await page.status("GET", "/api/me") == (401, {"code": "nurse_out"})
    assert (page.agent.kit_status().nurse_commission, page.agent.journal.unsent().count) == (None, before)


async def test_the_journal_is_its_owners_alone(page: Page) -> None:
    folder = page.agent.settings.data
    for name in ("journal.sqlite", "journal.sqlite-wal", "kit_key", "data_key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


async def test_of_two_open_pages_only_the_latest_speaks_in_the_call(page: Page, world: Any, monkeypatch: Any) -> None:
    said: list[int] = []
    monkeypatch.setattr(page.agent.link, "send_signal", lambda signal: said.append(signal.epoch))
    page.enter(world)
    first = await page.socket()
    await until(first, "kit_state")
    second = await page.socket()
    await until(second, "kit_state")
    signal = {"type": "signal", "visit_id": str(world.new_id()), "sender": "", "to": "doctor:1"}
    for socket, epoch in ((first, 1), (second, 2)):
        await socket.send_json({**signal, "epoch": epoch})
        await socket.send_json({"type": "ping", "id": epoch})
        await until(socket, "pong")
    await second.close()
    while said == [2]:  # the kit hears of the closed page a moment later
        await first.send_json({**signal, "epoch": 3})
        await first.send_json({"type": "ping", "id": 3})
        await until(first, "pong")
    assert said == [2, 3]
    await first.close()


async def test_a_call_that_fails_and_a_full_disk_stop_nothing(page: Page, world: Any, monkeypatch: Any) -> None:
    tried = asyncio.Event()

    async def failing(signal: Any) -> None:
        tried.set()
        raise RuntimeError

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    page.enter(world)
    monkeypatch.setattr(page.agent.live_media, "on_signal", failing)
    await page.agent.hub_said(Signal(visit_id=world.new_id(), to="kit", epoch=1))
    await asyncio.wait_for(tried.wait(), 30)
    monkeypatch.setattr(page.agent.journal, "put_state", full)
    await page.agent.hub_said(world.told(world.visit()))
    monkeypatch.undo()
    socket = await page.socket()
    await socket.send_json({"type": "ping", "id": 7})
    assert (await until(socket, "pong"))["id"] == 7
    await socket.close()


@given(data=st.text() | st.recursive(st.none() | st.integers() | st.text(), lambda c: st.dictionaries(st.text(), c)))
def test_any_text_is_a_message_or_a_problem(data: Any) -> None:
    text = data if isinstance(data, str) else json.dumps(data)
    frame = aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, text, None)
    assert isinstance(parse(frame), Problem)


GUESTS = "/api/visits/01920000-0000-7000-8000-000000000000/guests"


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (GUESTS, {"role": "relative", "name": "Karin", "consent": True}, (503, "hub_needed")),
        (GUESTS, {"role": "relative", "name": "Karin"}, (422, "bad_request")),
        (GUESTS, {"role": "king", "name": "Karin", "consent": True}, (422, "bad_request")),
        (f"{GUESTS}/01920000-0000-7000-8000-000000000001", {"act": "admit"}, (503, "hub_needed")),
        (f"{GUESTS}/01920000-0000-7000-8000-000000000001", {"act": "fly"}, (422, "bad_request")),
        (f"{GUESTS}/x", {"act": "admit"}, (404, "not_found")),
    ],
)
async def test_guests_are_the_hubs_to_decide(page: Page, world: Any, path: str, body: Any, expected: Any) -> None:
    page.enter(world)
    status, answer = await page.status("POST", path, json=body)
    assert (status, answer["code"]) == expected


async def test_what_would_disturb_the_sound_is_done_before_it_begins(page: Page, world: Any) -> None:
    socket, visit = await opened(page, world, "listen")
    done: list[tuple[object, ...]] = page.agent.instruments.done  # type: ignore[attr-defined]
    page.agent.before_listening = lambda: done.append(("before_listening",))
    await socket.send_json({"type": "start_request", "request_id": str(visit.requests[0].id)})
    while (await until(socket, "kit_state"))["open"]["requests"][0]["state"] != "started":
        pass
    await page.agent.instruments.asked.wait()  # type: ignore[attr-defined]
    assert [one[0] for one in done if one[0] in ("before_listening", "listen")] == ["before_listening", "listen"]
    await socket.close()


async def test_a_double_tap_begins_one_listening_and_another_point_is_refused(page: Page, world: Any) -> None:
    socket, visit = await opened(page, world, "listen", "listen")
    mine, other = (str(one.id) for one in visit.requests)
    for request_id in (mine, mine, other):
        await socket.send_json({"type": "start_request", "request_id": request_id})
    await socket.send_json({"type": "ping", "id": 1})
    assert await problems_until_pong(socket) == ["already_listening"]
    await page.agent.instruments.asked.wait()  # type: ignore[attr-defined]
    assert [one[0] for one in page.agent.instruments.done].count("listen") == 1  # type: ignore[attr-defined]
    await socket.close()


async def test_she_listens_unasked_once_and_what_the_doctor_asks_for_there_is_answered(page: Page, world: Any) -> None:
    socket, visit = await opened(page, world, "listen")
    hands: Any = page.agent.instruments
    for point in ("aortic", "aortic", "erb"):
        await socket.send_json({"type": "start_listening", "point": point})
    await socket.send_json({"type": "ping", "id": 1})
    assert await problems_until_pong(socket) == ["already_listening"]
    await hands.asked.wait()
    hands.sound(np.arange(1, 401))
    await socket.send_json({"type": "stop_listening"})
    while not (state := await until(socket, "kit_state"))["open"]["sounds"]:
        pass
    (view,) = state["open"]["sounds"]
    assert view["sound"]["binding"]["request_id"] is None
    assert (view["sound"]["circumstances"]["point"], state["open"]["requests"][0]["state"]) == ("aortic", "asked")
    told = visit.requests[0].model_copy(update={"circumstances": Circumstances(point="mitral")})
    page.agent.bedside.hub_said(world.told(visit.model_copy(update={"requests": [told]})))
    await socket.send_json({"type": "start_listening", "point": "mitral"})
    while (await until(socket, "kit_state"))["open"]["requests"][0]["state"] != "started":
        pass
    assert [one[0] for one in hands.done].count("listen") == 2
    await socket.close()


@pytest.mark.parametrize(
    "said",
    [
        {"type": "close_visit", "plan_read": True},
        {"type": "start_listening", "point": "mitral"},
        {"type": "take_spot"},
        {"type": "put_question", "text": "Febern?"},
        {"type": "enter_reading", "kind": "crp", "quantities": [CRP_5], "again": [CRP_5]},
        {"type": "enter_observed", "kind": "consciousness", "seen": {"consciousness": "A"}},
        {"type": "file_reading", "reading_id": "01920000-0000-7000-8000-000000000000", "decision": "set_aside"},
    ],
)
async def test_a_tap_on_a_page_that_is_behind_does_nothing_in_the_next_visit(
    page: Page, world: Any, said: dict[str, Any]
) -> None:
    socket, visit = await opened(page, world)
    before = page.agent.journal.unsent().count
    await socket.send_json({**said, "visit_id": "01920000-0000-7000-8000-000000000009"})
    await socket.send_json({"type": "ping", "id": 1})
    assert await problems_until_pong(socket) == ["another_visit"]
    assert page.agent.journal.unsent().count == before
    await socket.send_json({"type": "put_question", "text": "Febern?", "visit_id": str(visit.visit.id)})
    await socket.send_json({"type": "ping", "id": 2})
    assert await problems_until_pong(socket) == []
    await socket.close()


async def test_a_stethoscope_that_never_answered_does_not_stay_on_the_page(page: Page, world: Any) -> None:
    socket, _visit = await opened(page, world)
    hands: Any = page.agent.instruments
    hands.silent = True
    await socket.send_json({"type": "start_listening", "point": "mitral"})
    while (shown := (await until(socket, "kit_state"))["listening"]) is None or shown["state"] != "lost":
        pass
    await socket.send_json({"type": "stop_listening"})
    while (await until(socket, "kit_state"))["listening"] is not None:
        pass
    await socket.close()


async def test_a_locked_page_is_served_no_patient_and_opened_by_the_right_pin(page: Page, world: Any) -> None:
    socket, visit = await opened(page, world)
    assert await page.status("POST", "/api/lock") == (403, {"code": "no_pin"})
    assert (await page.status("POST", "/api/pin", json={"pin": "407162"}))[0] == 200
    status, lock = await page.status("POST", "/api/lock")
    assert (status, lock["state"], lock["nurse"]) == (200, "locked", "Anna Lind")
    told = await until(socket, "page_lock")
    assert visit.visit.patient.name not in json.dumps([lock, told])
    await socket.send_json({"type": "close_visit", "plan_read": False})
    await socket.send_json({"type": "ping", "id": 1})
    assert await problems_until_pong(socket) == ["session_locked"]
    assert page.agent.visit_is_open()
    for path in (f"/api/media/{'0' * 64}", f"/api/visits/{visit.visit.id}/photo"):
        method = "GET" if "media" in path else "POST"
        assert await page.status(method, path) == (401, {"code": "session_locked"})
    anew = await page.web.ws_connect(f"{page.url}/api/ws", headers=page.headers, protocols=await page.ticket())
    await anew.send_json({"type": "hello", "protocol": 2, "client": "nurse"})
    assert [(await anew.receive_json())["type"] for _ in range(2)] == ["welcome", "page_lock"]
    assert await page.status("POST", "/api/unlock", json={"pin": "407163"}) == (403, {"code": "wrong_pin"})
    assert (await page.status("POST", "/api/unlock", json={"pin": "407162"}))[0] == 200
    while (await until(socket, "kit_state"))["open"] is None:
        pass
    await anew.close()
    await socket.close()


async def test_the_next_nurse_is_shown_no_patient_of_an_open_visit_until_she_takes_it_over(
    page: Page, world: Any
) -> None:
    """Not by the page, not by files, not by what she sends; then all of it."""
    socket, visit = await opened(page, world)
    await socket.close()
    name = visit.visit.patient.name
    page.enter(world)
    anew = await page.web.ws_connect(f"{page.url}/api/ws", headers=page.headers, protocols=await page.ticket())
    await anew.send_json({"type": "hello", "protocol": 2, "client": "nurse"})
    state = await until(anew, "kit_state")
    assert (state["open"], state["held"]["nurse"]) == (None, "Anna Lind")
    assert name not in json.dumps(state)
    for path in (f"/api/media/{'0' * 64}", f"/api/visits/{visit.visit.id}/photo"):
        method = "GET" if "media" in path else "POST"
        assert await page.status(method, path) == (403, {"code": "visit_held"})
    for message in ({"type": "close_visit", "plan_read": True}, {"type": "take_spot"}):
        await anew.send_json(message)
        await anew.send_json({"type": "ping", "id": 1})
        assert await problems_until_pong(anew) == ["visit_held"]
    assert page.agent.visit_is_open()
    await anew.send_json({"type": "take_over_visit"})
    while (state := await until(anew, "kit_state"))["open"] is None:
        assert name not in json.dumps(state)
    assert (state["held"], state["open"]["visit"]["patient"]["name"]) == (None, name)
    await anew.close()
