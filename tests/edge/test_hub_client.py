"""The kit's requests where the hub does not answer."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from carebag_edge import hub_client
from carebag_edge.clock import system_clock
from carebag_edge.errors import HubAway, HubSlow
from carebag_edge.hub_client import HubClient
from carebag_edge.keys import load_or_create


async def no_pace(size: int) -> None: ...


@pytest.fixture
async def silent_hub() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def sent(url: str, folder: Path) -> None:
    async with HubClient(url, load_or_create(folder, None, 0), system_clock()) as client:
        await client.send_piece("0" * 64, 0, b"piece", no_pace, last=True)


async def test_a_hub_that_takes_too_long_is_slow(
    silent_hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_client, "MEDIA_TIMEOUT_S", 0.2)
    with pytest.raises(HubSlow):
        await sent(silent_hub, tmp_path)


async def test_where_nobody_listens_it_is_away_and_not_slow(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(HubAway) as away:
            await sent(f"http://127.0.0.1:{taken.getsockname()[1]}", tmp_path)
    assert not isinstance(away.value, HubSlow)
