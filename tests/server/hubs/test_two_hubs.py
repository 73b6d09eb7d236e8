"""Two hub processes on one PostgreSQL behind a load balancer: what is said at one is heard at the other, and a hub that
is killed in the middle of a visit is missed for seconds only."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from carebag.balancer import Balancer
from carebag_server.demo_data import ensure_demo
from carebag_wire import PROTOCOL
from carebag_wire.socket_ticket import PREFIX, SUBPROTOCOL

pytestmark = pytest.mark.postgres
PATIENCE_S = 60


class TwoHubs:
    """The processes, and HTTP and sockets at a chosen one of them (0, 1) or through the balancer (None)."""

    def __init__(self, url: str, folder: Path, kit: Any, ports: list[int], bus: str) -> None:
        self.url, self.folder, self.kit, self.ports, self.bus = url, folder, kit, ports, bus
        self.balancer = Balancer(ports)
        self.hubs: list[subprocess.Popen[bytes]] = []

    async def start(self) -> None:
        self.front = await self.balancer.start()
        self.origin = f"http://localhost:{self.front}"
        self.client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self.hubs = [self._hub(port) for port in self.ports]
        for hub in (0, 1):
            await self._until_in(hub)

    def _hub(self, port: int) -> subprocess.Popen[bytes]:
        options = ["--demo", "--database", self.url, "--media", str(self.folder / "media"), "--port", str(port)]
        options += ["--origin", self.origin, "--bus", self.bus]
        with (self.folder / f"hub-{port}.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "carebag.cli", "hub", *options], stdout=log, stderr=log)

    async def _until_in(self, hub: int) -> None:
        for _ in range(PATIENCE_S * 10):
            with contextlib.suppress(aiohttp.ClientError):
                async with self.client.get(self.at(hub) + "/api/health") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
        raise AssertionError((self.folder / f"hub-{self.ports[hub]}.log").read_text())

    async def stop(self) -> None:
        await self.client.close()
        for hub in self.hubs:
            hub.kill()
            hub.wait()
        await self.balancer.stop()
        await asyncio.sleep(0.05)  # what is closed is let go of

    def at(self, hub: int | None) -> str:
        return f"http://127.0.0.1:{self.front if hub is None else self.ports[hub]}"

    async def call(self, hub: int | None, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {"Host": f"localhost:{self.front}", "Connection": "close", **headers}
        sent |= {"Origin": self.origin} if "Authorization" not in headers else {}
        data = json.dumps(body) if body is not None else None
        sent |= {"Content-Type": "application/json"} if body is not None else {}
        async with self.client.request(method, self.at(hub) + path, data=data, headers=sent) as answer:
            assert answer.status < 300, (answer.status, await answer.text())
            self.cookies = {name: value.value for name, value in answer.cookies.items()}
            return await answer.json() if answer.status != 204 else None

    async def sign_in(self) -> dict[str, str]:
        doors = await self.call(0, "GET", "/api/demo/doors")
        door = next(one for one in doors if one["role"] == "doctor")
        await self.call(1, "POST", "/api/session/link", {"token": door["url"].split("#token=")[1]})
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": cookie, "X-Carebag-As": "doctor"}

    async def by_kit(self, hub: int | None, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else b""
        return await self.call(hub, method, path, body, Authorization=self.kit.proof(method, path, data))

    async def console(self, hub: int | None, doctor: dict[str, str], page: Any = None) -> "Socket":
        ticket = (await self.call(hub, "POST", "/api/ws/console/ticket", **doctor))["ticket"]
        headers = {"Cookie": doctor["Cookie"], "Origin": self.origin}
        said = {"page": page} if page else {}
        protocols = (SUBPROTOCOL, PREFIX + ticket)
        return await self._socket(hub, "/api/ws/console?as=doctor", "console", headers, said, protocols)

    async def kit_line(self, hub: int | None) -> "Socket":
        return await self._socket(hub, "/api/ws/kit", "kit", {"Authorization": self.kit.proof("GET", "/api/ws/kit")})

    async def _socket(
        self,
        hub: int | None,
        path: str,
        client: str,
        headers: dict[str, str],
        said: Any = None,
        protocols: tuple[str, ...] = (),
    ) -> "Socket":
        headers = {"Host": f"localhost:{self.front}", **headers}
        socket = Socket(await self.client.ws_connect(self.at(hub) + path, headers=headers, protocols=protocols))
        await socket.say(type="hello", protocol=PROTOCOL, client=client, **(said or {}))
        socket.me = (await socket.until("welcome"))["participant_id"]
        return socket


class Socket:
    def __init__(self, line: aiohttp.ClientWebSocketResponse) -> None:
        self.line, self.me = line, ""
        self.listed: list[set[str]] = []
        """Who was in the room, each time that this was said."""
        self.kinds: set[str] = set()
        """Of all messages that came."""

    async def say(self, **message: Any) -> None:
        await self.line.send_str(json.dumps(message))

    async def until(self, kind: str, **fields: Any) -> Any:
        """The next message of a kind, passing over others.

        Raises:
            ConnectionError: the hub closed, or died.
        """
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame = await self.line.receive()
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    raise ConnectionError
                message = json.loads(frame.data)
                self.kinds.add(message["type"])
                if message["type"] == "present":
                    self.listed.append({one["id"] for one in message["participants"]})
                if message["type"] == kind and all(message.get(key) == value for key, value in fields.items()):
                    return message

    async def changed(self, part: str, state: str | None = None) -> Any:
        while True:
            message = await self.until("changed")
            if message[part] is not None and (state is None or message[part]["state"] == state):
                return message[part]

    async def join(self, visit: Any, take_over: bool = False) -> Any:
        await self.say(type="join", visit_id=visit["id"], take_over=take_over)
        return (await self.until("snapshot"))["snapshot"]

    async def present(self, *roles: str, online: bool = True) -> Any:
        """When these and no others are in the room; gives them by role."""
        while True:
            message = await self.until("present")
            by_role = {one["role"]: one["id"] for one in message["participants"]}
            if set(by_role) == set(roles) and message["kit_online"] == online:
                return by_role


class RealClock:
    def __call__(self) -> datetime:
        return datetime.now(UTC)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


@pytest.fixture
async def hubs(request: Any, postgres_url: str, tmp_path: Path, make_kit: Any) -> AsyncIterator[TwoHubs]:
    bus = getattr(request, "param", "postgresql")
    if bus == "valkey":
        bus = f"valkey://127.0.0.1:{request.getfixturevalue('valkey_port')}/{tmp_path.name}"
    kit = make_kit(RealClock())
    ensure_demo(postgres_url, kit.kit_id, kit.public_key)
    made = TwoHubs(postgres_url, tmp_path, kit, free_ports(2), bus)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


async def opened(hubs: TwoHubs) -> Any:
    """A visit that the nurse opened."""
    visit = (await hubs.by_kit(0, "GET", "/api/kit/visits"))[0]["visit"]
    record = hubs.kit.envelope(hubs.kit.record("visit_opened", visit))
    await hubs.by_kit(1, "POST", "/api/kit/records", {"records": [record]})
    return visit


async def test_a_visit_over_two_hubs(hubs: TwoHubs) -> None:
    """Kit at one hub, doctor at the other, acts at either: everything that one hub does."""
    doctor, visit = await hubs.sign_in(), await opened(hubs)
    kit, page = await hubs.kit_line(0), await hubs.console(1, doctor)
    assert (await page.join(visit))["kit_online"] is True
    status = {"visit_id": visit["id"], "devices": [], "unsent": 2, "nurse_present": True}
    await kit.say(type="kit_status", **status)
    assert (await page.until("kit_status"))["unsent"] == 2
    who = await page.present("doctor", "kit", "nurse")
    assert await kit.present("doctor", "kit", "nurse") == who
    # call set-up, both ways, with the true sender
    await page.say(type="signal", visit_id=visit["id"], to=who["nurse"], epoch=1, candidate={})
    assert (await kit.until("signal"))["sender"] == page.me
    await kit.say(type="signal", visit_id=visit["id"], to=page.me, sender=who["nurse"], epoch=1, candidate={})
    assert (await page.until("signal"))["sender"] == who["nurse"]
    # what goes on at the bedside, and what the doctor hears
    vitals = {"seq": 1, "state": "live", "since": "2026-11-23T09:30:00Z", "spo2_percent": "97"}
    await kit.say(type="live", visit_id=visit["id"], vitals=vitals)
    assert (await page.until("live"))["vitals"]["spo2_percent"] == "97"
    await page.say(type="doctor_hears", visit_id=visit["id"], source="live", view="bell")
    assert (await kit.until("doctor_hears"))["sender"] == page.me
    # acts at either hub reach both
    for hub in (0, 1):
        path = f"/api/visits/{visit['id']}/requests"
        asked = await hubs.call(hub, "POST", path, {"kind": "blood_pressure"}, **doctor)
        assert await kit.changed("request", "asked") == await page.changed("request", "asked") == asked
        record = hubs.kit.record("reading", visit, asked["id"])
        envelope = hubs.kit.envelope(record)
        await hubs.by_kit(1 - hub, "POST", "/api/kit/records", {"records": [envelope]})
        assert (await page.changed("reading"))["reading"]["id"] == record["id"]
    await hubs.call(0, "POST", f"/api/visits/{visit['id']}/camera", {"act": "freeze"}, **doctor)
    await hubs.call(1, "POST", f"/api/visits/{visit['id']}/camera", {"act": "release"}, **doctor)
    assert [(await kit.until("camera_do"))["act"] for _ in range(2)] == ["freeze", "release"]


async def test_one_seat_and_one_connection_at_both_hubs_and_a_hub_that_stops(hubs: TwoHubs) -> None:
    doctor, visit = await hubs.sign_in(), await opened(hubs)
    kit, first, second = await hubs.kit_line(0), await hubs.console(0, doctor), await hubs.console(1, doctor)
    await first.join(visit)
    await second.say(type="join", visit_id=visit["id"])
    assert (await second.until("problem"))["code"] == "seat_taken"
    await second.join(visit, take_over=True)
    await first.until("superseded")
    newer = await hubs.kit_line(1)
    assert (await kit.until("problem"))["code"] == "superseded"
    await newer.say(type="kit_status", visit_id=visit["id"], devices=[], unsent=7, nurse_present=False)
    assert (await second.until("kit_status"))["unsent"] == 7
    # a hub that stops tells its own people and the other hub at once
    hubs.hubs[1].terminate()
    assert (await newer.until("problem"))["code"] == "hub_stopping"
    assert (await second.until("problem"))["code"] == "hub_stopping"
    assert (await first.join(visit, take_over=True))["kit_online"] is False


@pytest.mark.parametrize("hubs", ["postgresql", "valkey"], indirect=True)
async def test_a_hub_is_killed_and_the_visit_goes_on_at_the_other(hubs: TwoHubs) -> None:
    """All of the dead hub come again through the balancer; who was at the other one sees them go and come."""
    doctor, visit = await hubs.sign_in(), await opened(hubs)
    kit, page = await hubs.kit_line(0), await hubs.console(1, doctor)
    await page.join(visit)
    await page.present("doctor", "kit")
    killed = time.monotonic()
    os.kill(hubs.hubs[0].pid, signal.SIGKILL)
    with pytest.raises(ConnectionError):
        await kit.until("nothing")
    await page.present("doctor", online=False)
    missed_s = time.monotonic() - killed
    kit = await hubs.kit_line(None)
    await kit.until("kit_visits")
    while True:  # the page of a visit that was changed just now is sent for, to be read anew
        with contextlib.suppress(ConnectionError):
            await page.join(visit, take_over=True)
            await page.present("doctor", "kit")
            break
        page = await hubs.console(None, doctor)
    back_s = time.monotonic() - killed
    print(f"missed after {missed_s:.2f} s, back after {back_s:.2f} s")
    assert back_s < PATIENCE_S
    asked = await hubs.call(None, "POST", f"/api/visits/{visit['id']}/requests", {"kind": "crp"}, **doctor)
    assert await kit.changed("request", "asked") == asked


async def test_a_page_of_the_hub_that_is_killed_is_the_same_participant_at_the_other(hubs: TwoHubs) -> None:
    """Those at the other hub see it neither go nor come, and keep their connections when the dead hub is missed."""
    doctor, visit = await hubs.sign_in(), await opened(hubs)
    path = f"/api/visits/{visit['id']}/requests"
    page = {"key": secrets.token_urlsafe(32), "turn": 1, "visit_id": None}
    kit, first = await hubs.kit_line(0), await hubs.console(1, doctor, page)
    await first.join(visit)
    who = await kit.present("doctor", "kit")
    assert who["doctor"] == first.me
    kit.listed.clear()
    kit.kinds.clear()
    killed = time.monotonic()
    os.kill(hubs.hubs[1].pid, signal.SIGKILL)
    with pytest.raises(ConnectionError):
        await first.until("nothing")
    again = await hubs.console(None, doctor, {**page, "turn": 2, "visit_id": visit["id"]})
    assert again.me == first.me
    back_s = time.monotonic() - killed
    # call set-up finds it at once
    await kit.say(type="signal", visit_id=visit["id"], to=first.me, epoch=1, candidate={})
    assert (await again.until("signal"))["sender"] == who["kit"]
    assert (await again.join(visit, take_over=True))["kit_online"] is True
    again.kinds.clear()
    asked = await hubs.call(None, "POST", path, {"kind": "crp"}, **doctor)
    assert await kit.changed("request", "asked") == asked
    asked_s = time.monotonic() - killed
    await hubs.call(None, "POST", f"{path}/{asked['id']}/cancel", {}, **doctor)
    await kit.changed("request", "cancelled")
    withdrawn_s = time.monotonic() - killed
    # the dead hub is missed: what it may have changed last is read over the connections that are there
    for line, kind in ((kit, "kit_visits"), (again, "snapshot")):
        if kind not in line.kinds:
            await line.until(kind)
    read_s = time.monotonic() - killed
    asked = await hubs.call(None, "POST", path, {"kind": "crp"}, **doctor)
    assert await kit.changed("request", "asked") == await again.changed("request", "asked") == asked
    for line in (kit, again):
        assert line.listed
        assert all(one == {first.me, who["kit"]} for one in line.listed)
    print(f"back {back_s:.2f} s, asked {asked_s:.2f} s, withdrawn {withdrawn_s:.2f} s, read anew {read_s:.2f} s")


async def test_a_page_that_does_not_come_back_is_gone_from_the_other_hub(hubs: TwoHubs) -> None:
    doctor, visit = await hubs.sign_in(), await opened(hubs)
    kit = await hubs.kit_line(0)
    page = await hubs.console(1, doctor, {"key": secrets.token_urlsafe(32), "turn": 1, "visit_id": None})
    await page.join(visit)
    await kit.present("doctor", "kit")
    os.kill(hubs.hubs[1].pid, signal.SIGKILL)
    await kit.present("kit")
