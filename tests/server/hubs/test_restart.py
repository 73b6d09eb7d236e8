"""All hubs, one or several, are killed or stopped in the middle of a visit and started again on the same database: who
comes back is who it was, and nobody sees anybody go."""

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import create_engine, text
from tests.server.hubs.test_two_hubs import PATIENCE_S, RealClock, TwoHubs, free_ports, opened

from carebag_server.demo_data import ensure_demo


class OneHub(TwoHubs):
    """Asked for as either of two."""

    async def start(self) -> None:
        self.front = self.ports[0]
        self.origin = f"http://localhost:{self.front}"
        self.client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        await self.again()

    async def again(self) -> None:
        self.hubs = [self._hub(self.front)]
        await self._until_in(0)

    def _hub(self, port: int) -> subprocess.Popen[bytes]:
        options = ["--demo", "--database", self.url, "--media", str(self.folder / "media"), "--port", str(port)]
        with (self.folder / f"hub-{port}.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "carebag.cli", "hub", *options], stdout=log, stderr=log)

    async def stop(self) -> None:
        await self.client.close()
        for hub in self.hubs:
            hub.kill()
            hub.wait()
        await asyncio.sleep(0.05)  # what is closed is let go of

    async def end(self, number: int) -> None:
        os.kill(self.hubs[0].pid, number)
        await asyncio.to_thread(self.hubs[0].wait, PATIENCE_S)


async def until_kept(url: str, *words: str) -> None:
    """The row has all of this; looked at as long as it takes."""
    engine = create_engine(url)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with engine.connect() as connection:
                    kept = connection.execute(text("SELECT events FROM rooms_kept")).scalar() or ""
                if all(word in kept for word in words):
                    return
                await asyncio.sleep(0.05)
    finally:
        engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def hub(request: pytest.FixtureRequest, tmp_path: Path, make_kit: Any) -> AsyncIterator[OneHub]:
    sqlite = f"sqlite:///{tmp_path}/hub.sqlite"
    url = sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    kit = make_kit(RealClock())
    ensure_demo(url, kit.kit_id, kit.public_key)
    made = OneHub(url, tmp_path, kit, free_ports(1) * 2, "")
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


class AllHubs(TwoHubs):
    """Two hubs that all end and are all started again."""

    async def end(self, number: int, *, one_by_one: bool) -> None:
        for hub in self.hubs:
            os.kill(hub.pid, number)
            if one_by_one:
                await asyncio.to_thread(hub.wait, PATIENCE_S)
        for hub in self.hubs:
            await asyncio.to_thread(hub.wait, PATIENCE_S)

    async def again(self, *hubs: int) -> None:
        for hub in hubs:
            self.hubs[hub] = self._hub(self.ports[hub])
        for hub in hubs:
            await self._until_in(hub)


@pytest.fixture
async def hubs(request: Any, postgres_url: str, tmp_path: Path, make_kit: Any) -> AsyncIterator[AllHubs]:
    bus = getattr(request, "param", "postgresql")
    if bus == "valkey":
        bus = f"valkey://127.0.0.1:{request.getfixturevalue('valkey_port')}/{tmp_path.name}"
    kit = make_kit(RealClock())
    ensure_demo(postgres_url, kit.kit_id, kit.public_key)
    made = AllHubs(postgres_url, tmp_path, kit, free_ports(2), bus)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


class Visited:
    """A visit with a kit at one hub and a doctor's page at the other, or at the same if there is one only."""

    def __init__(self, hub: TwoHubs) -> None:
        self.hub = hub
        self.page = {"key": secrets.token_urlsafe(32), "turn": 1, "visit_id": None}

    async def begin(self) -> None:
        hub = self.hub
        self.doctor, self.visit = await hub.sign_in(), await opened(hub)
        self.id = self.visit["id"]
        self.kit, self.console = await hub.kit_line(0), await hub.console(1, self.doctor, self.page)
        await self.kit.say(type="kit_status", visit_id=self.id, devices=[], unsent=0, nurse_present=True)
        await self.console.join(self.visit)
        self.who = await self.console.present("doctor", "kit", "nurse")
        body = {"kind": "crp"}
        self.asked = await hub.call(0, "POST", f"/api/visits/{self.id}/requests", body, **self.doctor)
        await until_kept(hub.url, '"entered"', '"nurse_present":true', self.console.me.rpartition(":")[2])

    async def let_go(self) -> None:
        for line in (self.kit, self.console):
            with contextlib.suppress(ConnectionError):  # told before, or not
                await line.until("nothing")

    async def kit_back(self) -> None:
        """At the hub where it was not."""
        self.kit = await self.hub.kit_line(1)
        told = next(one for one in (await self.kit.until("kit_visits"))["visits"] if one["visit"]["id"] == self.id)
        assert [one["id"] for one in told["requests"]] == [self.asked["id"]]

    async def page_back(self) -> Any:
        """Likewise; gives the snapshot."""
        before = self.console.me
        self.console = await self.hub.console(0, self.doctor, {**self.page, "turn": 2, "visit_id": self.id})
        assert self.console.me == before
        snapshot = await self.console.join(self.visit, take_over=True)
        assert [(one["id"], one["state"]) for one in snapshot["requests"]] == [(self.asked["id"], "asked")]
        return snapshot

    async def all_back(self, first: str) -> None:
        """Nobody was ever seen to go; but that a kit is connected is not said before it is."""
        if first == "kit":
            await self.kit_back()
            assert (await self.page_back())["kit_online"] is True
        else:
            assert (await self.page_back())["kit_online"] is False
            said = await self.console.until("present")
            assert (said["kit_online"], said.get("kit_expected")) == (False, True)
            await self.kit_back()
        said = await self.console.until("present", kit_online=True)
        assert "kit_expected" not in said
        await self.goes_on()

    async def goes_on(self) -> None:
        kit, console, visit_id, who = self.kit, self.console, self.id, self.who
        # call set-up finds both at once, under the names that they had
        await kit.say(type="signal", visit_id=visit_id, to=who["doctor"], epoch=2, candidate={})
        assert (await console.until("signal"))["sender"] == who["kit"]
        await console.say(type="signal", visit_id=visit_id, to=who["nurse"], epoch=2, candidate={})
        assert (await kit.until("signal"))["sender"] == who["doctor"]
        path = f"/api/visits/{visit_id}/requests/{self.asked['id']}/cancel"
        await self.hub.call(0, "POST", path, {}, **self.doctor)
        await kit.changed("request", "cancelled")
        await console.changed("request", "cancelled")
        assert console.listed
        assert all(one == set(who.values()) for one in console.listed + kit.listed)


@pytest.mark.parametrize("first", ["kit", "page"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_who_comes_back_to_a_hub_that_was_started_again_was_never_gone(
    hub: OneHub, number: int, first: str
) -> None:
    visited = Visited(hub)
    await visited.begin()
    await hub.end(number)
    await visited.let_go()
    await hub.again()
    await visited.all_back(first)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("hubs", "number", "one_by_one", "first"),
    [
        ("postgresql", signal.SIGKILL, False, "page"),
        ("postgresql", signal.SIGTERM, False, "page"),
        ("postgresql", signal.SIGTERM, True, "kit"),
        ("valkey", signal.SIGKILL, False, "kit"),
        ("valkey", signal.SIGTERM, True, "page"),
    ],
    indirect=["hubs"],
)
async def test_who_comes_back_after_all_hubs_ended_was_never_gone(
    hubs: AllHubs, number: int, one_by_one: bool, first: str
) -> None:
    """Together as in a power cut, or one by one as in a deployment: the last one that ended knew of a kit that was at
    the first."""
    visited = Visited(hubs)
    await visited.begin()
    await hubs.end(number, one_by_one=one_by_one)
    await visited.let_go()
    await hubs.again(0, 1)
    await visited.all_back(first)


@pytest.mark.postgres
async def test_a_hub_that_comes_back_to_one_that_lived_on_expects_nobody(hubs: AllHubs) -> None:
    """The kit that was at it and stayed away is gone, although it is still kept for the case that all end."""
    visited = Visited(hubs)
    await visited.begin()
    hubs.hubs[0].kill()
    await asyncio.to_thread(hubs.hubs[0].wait, PATIENCE_S)
    await visited.console.present("doctor", online=False)
    await until_kept(hubs.url, '"kit_came"')
    await hubs.again(0)
    newcomer = await hubs.console(0, visited.doctor)
    await newcomer.join(visited.visit, take_over=True)
    said = await newcomer.until("present")
    assert (len(said["participants"]), said["kit_online"], said.get("kit_expected", False)) == (1, False, False)
