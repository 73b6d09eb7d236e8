"""A hub that will not have the kit: the kit says why and what to do, once, in its log and on the nurse's page."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from carebag_edge.agent import Agent
from carebag_edge.clock import system_clock
from carebag_edge.errors import HubAway
from carebag_edge.hub_client import HubClient
from carebag_edge.hub_link import HubLink, LinkCore
from carebag_edge.hub_refusal import advice, standing
from carebag_edge.keys import KitKey, load_or_create
from carebag_edge.live_port import NoLiveMedia
from carebag_edge.settings import KitSettings


@pytest.fixture
def key(tmp_path: Path) -> KitKey:
    return load_or_create(tmp_path, None, 1_764_000_000_000)


class Owner:
    """Counts what the link tells; the second attempt is over when it was refused twice."""

    def __init__(self) -> None:
        self.told = 0

    def link_changed(self) -> None:
        self.told += 1


class Refusing:
    """A hub that refuses every handshake."""

    def __init__(self) -> None:
        self.headers, self.status = {"x-carebag-refusal": "kit_unknown"}, 401
        self.knocks: asyncio.Queue[None] = asyncio.Queue()
        self.elsewhere = 0

    async def other_place(self, _request: web.Request) -> web.Response:
        self.elsewhere += 1
        return web.json_response({})

    async def answer(self, _request: web.Request) -> web.Response:
        self.knocks.put_nowait(None)
        return web.json_response({}, status=self.status, headers=self.headers)


@pytest.fixture
async def refusing() -> AsyncIterator[tuple[Refusing, str]]:
    hub = Refusing()
    app = web.Application()
    app.router.add_get("/api/ws/kit", hub.answer)
    app.router.add_get("/elsewhere", hub.other_place)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield hub, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def knocked(hub: Refusing, url: str, key: KitKey, times: int) -> tuple[LinkCore, Owner]:
    """A link that has been refused `times` times and is about to knock again."""
    clock, owner = system_clock(), Owner()
    core = LinkCore(clock.utc)
    async with HubClient(url, key, clock) as client:
        running = asyncio.create_task(HubLink(client, core, owner).run())  # type: ignore[arg-type]
        async with asyncio.timeout(30):
            for _ in range(times + 1):
                await hub.knocks.get()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    return core, owner


async def test_an_unknown_kit_says_what_to_do_once(
    refusing: tuple[Refusing, str], key: KitKey, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        core, owner = await knocked(*refusing, key, 2)
    assert (core.state, core.problem, owner.told) == ("offline", "kit_unknown", 1)
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("carebag")]
    assert str(key.kit_id) in line
    assert "carebag kit enrol" in line


@pytest.mark.parametrize("headers", [{}, {"x-carebag-refusal": "Not a code!"}])
async def test_what_gives_no_reason_has_none(refusing: tuple[Refusing, str], key: KitKey, headers: Any) -> None:
    refusing[0].headers = headers
    core, _ = await knocked(*refusing, key, 1)
    assert core.problem == "handshake_refused"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_nobody_sends_a_kit_elsewhere(refusing: tuple[Refusing, str], key: KitKey, status: int) -> None:
    """An answer in the hub's place may not carry a proof to another address."""
    hub, url = refusing
    hub.status, hub.headers = status, {"Location": f"{url}/elsewhere"}
    async with HubClient(url, key, system_clock()) as client:
        with pytest.raises(HubAway):
            await client.open_socket()
    assert hub.elsewhere == 0


def test_only_what_stays_is_told_to_a_person(key: KitKey) -> None:
    assert [standing(code) for code in ("kit_unknown", "busy", None)] == ["kit_unknown", None, None]
    assert advice("busy", key) is None
    assert advice(None, key) is None


def test_the_nurses_page_is_told(tmp_path: Path, hands: Any, instruments: Any) -> None:
    settings = KitSettings(data=tmp_path / "kit", hub_url="http://127.0.0.1:9", reserve_bytes=2**20)
    agent = Agent(settings, hands.clock, instruments, lambda send_signal: NoLiveMedia())
    told = []
    for code in ("busy", "kit_unknown", None):
        agent.link.core.problem = code
        told.append(agent.kit_state().hub_problem)
    agent.journal.close()
    assert told == [None, "kit_unknown", None]
