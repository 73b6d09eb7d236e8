"""Starts a kit and keeps it running: what `carebag kit` calls."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from aiohttp import web

from carebag_edge.agent import Agent, InstrumentsFactory
from carebag_edge.camera_port import ExaminationCamera
from carebag_edge.clock import Clock, system_clock
from carebag_edge.live_port import LiveFactory, NoLiveMedia
from carebag_edge.local import WEB_BUILD, LocalServer
from carebag_edge.settings import KitSettings

SHUTDOWN_S = 2.0


async def run_kit(
    settings: KitSettings,
    instruments_factory: InstrumentsFactory,
    live_factory: LiveFactory = lambda send_signal: NoLiveMedia(),
    *,
    camera: ExaminationCamera | None = None,
    clock: Clock | None = None,
    page: Path = WEB_BUILD,
    ready: Callable[[Agent, int], None] | None = None,
    before_listening: Callable[[], None] = lambda: None,
) -> None:
    """Run one kit until cancelled or asked to end (SIGTERM, SIGINT).

    Args:
        instruments_factory: makes the bag for a sink, e.g. `lambda sink: Bag(radio, sink, clock)`.
        live_factory: makes live media for a way to send call set-up.
        camera: the examination cameras that live media show; None: they cannot be worked.
        ready: called once with the running kit and the port of its page.
        before_listening: called when the nurse begins to listen, before the stethoscope is asked for sound.

    Raises:
        WrongJournal: the data folder is not this kit's.
        OSError: the port is taken.
    """
    agent = Agent(settings, clock or system_clock(), instruments_factory, live_factory, camera, before_listening)
    server = LocalServer(agent, page)
    runner = web.AppRunner(server.app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        await site.start()
        port = _port(runner)
        server.listening_on(port)
        with _ends_on_signals():
            if ready is not None:
                asyncio.get_running_loop().call_soon(ready, agent, port)
            await agent.run()
    finally:
        await runner.cleanup()


def _port(runner: web.AppRunner) -> int:
    address = runner.addresses[0]
    return int(address[1])


@contextlib.contextmanager
def _ends_on_signals() -> Iterator[None]:
    """SIGTERM and SIGINT cancel the kit, so that a recording is finished and the journal closed."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    handled: list[signal.Signals] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, task.cancel)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
