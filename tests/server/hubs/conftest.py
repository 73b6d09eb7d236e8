"""Buses of all kinds, and a Valkey (or Redis) server where its program is found."""

import asyncio
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carebag_server.hubs.bus import Bus
from carebag_server.hubs.bus_inside import Exchange, InsideBus

MakeBus = Callable[[], Bus]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def valkey_port() -> Iterator[int]:
    """A throw-away server on loopback."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        pytest.skip("no Valkey: install valkey-server or redis-server")
    port, folder = free_port(), Path(tempfile.mkdtemp(prefix="carebag-valkey-"))
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["inside", pytest.param("postgres", marks=pytest.mark.postgres), "valkey"])
def make_bus(request: pytest.FixtureRequest) -> MakeBus:
    """Makes buses that meet."""
    if request.param == "inside":
        exchange = Exchange()
        return lambda: InsideBus(exchange)
    if request.param == "postgres":
        from carebag_server.hubs.bus_postgres import PostgresBus

        url = request.getfixturevalue("postgres_url")
        return lambda: PostgresBus(url)
    from carebag_server.hubs.bus_valkey import ValkeyBus

    port = request.getfixturevalue("valkey_port")
    name = f"test{time.monotonic_ns()}"
    return lambda: ValkeyBus(f"valkey://127.0.0.1:{port}/{name}")


class Ears:
    """One connection to a bus, with all that it heard."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.heard: list[str] = []
        self.up, self.more = asyncio.Event(), asyncio.Event()
        self.running = asyncio.create_task(bus.run(self._hear, self.up.set))

    def _hear(self, text: str) -> None:
        self.heard.append(text)
        self.more.set()

    async def connected(self) -> "Ears":
        await asyncio.wait_for(self.up.wait(), 60)
        return self

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(60):
            while len(self.heard) < count:
                self.more.clear()
                await self.more.wait()
        return self.heard

    async def stop(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


@pytest.fixture
def listen() -> type[Ears]:
    return Ears
