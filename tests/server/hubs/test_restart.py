"""A hub that is alone is killed or stopped in the middle of a visit and started again on the same database: who
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

    async def until_kept(self, *words: str) -> None:
        """The row has all of this; looked at as long as it takes."""
        engine = create_engine(self.url)
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


@pytest.mark.parametrize("first", ["kit", "page"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_who_comes_back_to_a_hub_that_was_started_again_was_never_gone(
    hub: OneHub, number: int, first: str
) -> None:
    doctor, visit = await hub.sign_in(), await opened(hub)
    page = {"key": secrets.token_urlsafe(32), "turn": 1, "visit_id": None}
    kit, console = await hub.kit_line(0), await hub.console(0, doctor, page)
    await kit.say(type="kit_status", visit_id=visit["id"], devices=[], unsent=0, nurse_present=True)
    await console.join(visit)
    who = await console.present("doctor", "kit", "nurse")
    asked = await hub.call(0, "POST", f"/api/visits/{visit['id']}/requests", {"kind": "crp"}, **doctor)
    await hub.until_kept('"entered"', '"nurse_present":true', console.me.rpartition(":")[2])
    await hub.end(number)
    for line in (kit, console):
        with contextlib.suppress(ConnectionError):  # told before, or not
            await line.until("nothing")
    await hub.again()

    async def kit_back() -> Any:
        back = await hub.kit_line(0)
        told = next(one for one in (await back.until("kit_visits"))["visits"] if one["visit"]["id"] == visit["id"])
        assert [one["id"] for one in told["requests"]] == [asked["id"]]
        return back

    async def page_back() -> Any:
        back = await hub.console(0, doctor, {**page, "turn": 2, "visit_id": visit["id"]})
        assert back.me == console.me
        snapshot = await back.join(visit, take_over=True)
        assert snapshot["kit_online"] is True
        assert [(one["id"], one["state"]) for one in snapshot["requests"]] == [(asked["id"], "asked")]
        return back

    if first == "kit":
        kit, console = await kit_back(), await page_back()
    else:
        console, kit = await page_back(), await kit_back()
    # call set-up finds both at once, under the names that they had
    await kit.say(type="signal", visit_id=visit["id"], to=who["doctor"], epoch=2, candidate={})
    assert (await console.until("signal"))["sender"] == who["kit"]
    await console.say(type="signal", visit_id=visit["id"], to=who["nurse"], epoch=2, candidate={})
    assert (await kit.until("signal"))["sender"] == who["doctor"]
    await hub.call(0, "POST", f"/api/visits/{visit['id']}/requests/{asked['id']}/cancel", {}, **doctor)
    await kit.changed("request", "cancelled")
    await console.changed("request", "cancelled")
    assert console.listed
    assert all(one == set(who.values()) for one in console.listed + kit.listed)
