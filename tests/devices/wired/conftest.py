"""A kit with a durable journal, and analysers at the far end of real sockets and real terminals."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from carebag_devices.catalog import Model, model_named
from carebag_devices.drivers.session import Ledger, Reporter
from carebag_devices.errors import DeviceError
from carebag_devices.events import DeviceState, Event, Identity, Measured, StateChanged
from carebag_devices.sim.lab_wire import Pty, plugged
from carebag_devices.wired import run_wired, wired_identity

PATIENCE_S = 20.0


class Kit:
    """Keeps what it is told as the real one does: durable, once for each measurement id, also across restarts."""

    def __init__(self) -> None:
        self.journal: dict[str, Measured] = {}
        self.events: list[Event] = []
        self.refuse: Callable[[Measured], bool] = lambda _event: False
        self.refused = 0
        self._news = asyncio.Event()

    def tell(self, event: Event) -> bool:
        if isinstance(event, Measured):
            if self.refuse(event):
                self.refused += 1
                self._news.set()
                return False
            self.journal.setdefault(event.measurement_id, event)
        self.events.append(event)
        self._news.set()
        return True

    def reporter(self, identity: Identity) -> Reporter:
        """A new one knows nothing of before, as after a restart."""
        return Reporter(identity, self.tell, Ledger(time.monotonic))

    async def until(self, condition: Callable[[], Any]) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := condition()):
                self._news.clear()
                await self._news.wait()
        return found

    async def until_measured(self, count: int = 1) -> Measured:
        await self.until(lambda: len(self.journal) >= count)
        return list(self.journal.values())[count - 1]

    async def until_state(self, state: DeviceState, detail: str | None = None) -> StateChanged:
        return await self.until(
            lambda: next(
                (e for e in self.states()[-1:] if e.state is state and (detail is None or e.detail == detail)), None
            )
        )

    def states(self) -> list[StateChanged]:
        return [event for event in self.events if isinstance(event, StateChanged)]

    def told(self) -> list[tuple[DeviceState, str]]:
        return [key for key, _ in itertools.groupby((e.state, e.detail) for e in self.states())]

    def values(self) -> list[str]:
        """Everything in the journal, in words."""
        return [
            event.problem or " ".join(f"{v.comparator or ''}{v.value} {v.unit}" for v in event.values)
            for event in self.journal.values()
        ]


@pytest.fixture
def kit() -> Kit:
    return Kit()


@asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, DeviceError):
                raise result


class Bench:
    """One analyser and the kit, connected in one of three ways."""

    def __init__(self, way: str, model: Model, kit: Kit, folder: Path, port: int) -> None:
        self.kit, self.model, self.way = kit, model, way
        self.pty = Pty(folder / "analyser")
        tcp = f"127.0.0.1:{port}"
        self.kit_url = {"dial": f"tcp://{tcp}", "listen": f"tcp-listen://{tcp}", "pty": self.pty.url}[way]
        self._far_url = f"tcp-listen://{tcp}" if way == "dial" else f"tcp://{tcp}"

    async def serve(self) -> None:
        """The kit's side, with a fresh memory."""
        await run_wired(self.kit_url, self.model, self.kit.reporter(wired_identity(self.kit_url, self.model)))

    async def analyse(self, analyser: Any) -> None:
        """The analyser's side."""
        if self.way == "pty":
            try:
                await analyser.run(self.pty.plug)
            finally:
                self.pty.pull()
        else:
            async with plugged(self._far_url) as plug:
                await analyser.run(plug)

    @asynccontextmanager
    async def running(self, analyser: Any) -> AsyncIterator[None]:
        async with background(self.analyse(analyser), self.serve()):
            yield


@pytest.fixture(params=["dial", "listen", "pty"])
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def make_bench(kit: Kit, tmp_path: Path, unused_tcp_port: int, way: str) -> Callable[[str], Bench]:
    def make(model: str) -> Bench:
        found = model_named(model)
        assert found is not None
        return Bench(way, found, kit, tmp_path, unused_tcp_port)

    return make


@pytest.fixture
def in_background() -> Any:
    return background
