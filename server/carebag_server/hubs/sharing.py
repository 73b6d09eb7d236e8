"""How what happens in the rooms of this hub becomes known: to itself only, or to all hubs over a bus."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from carebag_server.hubs.bus import Bus, BusCut
from carebag_server.hubs.company import BEAT_S, Company, Crew, hub_of, line_of
from carebag_server.hubs.events import Passed, RoomEvent
from carebag_server.seats import Connection

log = logging.getLogger("carebag.hub")
AGAIN_S = 0.5
"""Between two tries to reach the bus."""
GOODBYE_S = 1.0


class Sharing(Protocol):
    """Event loop only."""

    @property
    def is_in(self) -> bool:
        """Whether everybody is known who is in the rooms, so that people may be let in."""

    @property
    def is_first(self) -> bool:
        """Whether there was no other hub that knows who was there."""

    @property
    def keeps(self) -> bool:
        """Whether it is for this hub to keep who is there."""

    def say(self, event: RoomEvent, heard: Callable[[], None] | None = None) -> bool:
        """Let it happen; `heard` when it has. False if it cannot."""

    def pass_on(self, end: Connection, event: Passed) -> None:
        """To the hub where that connection is."""

    def is_here(self, line: Connection) -> bool:
        """Whether a connection is at this hub."""

    def line(self, number: int) -> Connection:
        """A number for a new connection; `number` counts those of this hub."""

    def start(self) -> None: ...

    async def stop(self) -> None:
        """Tell the others, if there are any."""


class Alone:
    """One hub: everything happens at once and is known to all."""

    is_in = is_first = keeps = True

    def __init__(self, act: Callable[[RoomEvent], None]) -> None:
        self._act = act

    def say(self, event: RoomEvent, heard: Callable[[], None] | None = None) -> bool:
        self._act(event)
        if heard is not None:
            heard()
        return True

    def pass_on(self, end: Connection, event: Passed) -> None:
        self._act(event)

    def is_here(self, line: Connection) -> bool:
        return True

    def line(self, number: int) -> Connection:
        return number

    def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass


class Shared:
    """One of several hubs; keeps the connection to the bus, and the beats."""

    def __init__(self, bus: Bus, crew: Crew) -> None:
        self._bus = bus
        self.company = Company(crew, bus.say)
        self._running: asyncio.Task[None] | None = None

    @property
    def is_in(self) -> bool:
        return self.company.phase == "in"

    @property
    def is_first(self) -> bool:
        return self.company.is_first

    @property
    def keeps(self) -> bool:
        return self.company.keeps

    def say(self, event: RoomEvent, heard: Callable[[], None] | None = None) -> bool:
        return self.company.say(event, heard)

    def pass_on(self, end: Connection, event: Passed) -> None:
        self.company.pass_on(hub_of(end), event)

    def is_here(self, line: Connection) -> bool:
        return hub_of(line) == self.company.number

    def line(self, number: int) -> Connection:
        return line_of(self.company.number, number)

    def start(self) -> None:
        self._running = asyncio.create_task(self._run(), name="hubs")

    async def stop(self) -> None:
        if self._running is None:
            return
        heard = asyncio.Event()
        self.company.leave(heard.set)
        try:
            async with asyncio.timeout(GOODBYE_S):
                await heard.wait()
        except TimeoutError:
            log.warning("the other hubs could not be told that this one stops")
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            up = asyncio.Event()
            parts = [asyncio.create_task(self._on_the_bus(up)), asyncio.create_task(self._beat(up))]
            try:
                await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for part in parts:
                    part.cancel()
                await asyncio.gather(*parts, return_exceptions=True)
                self.company.cut()
            await asyncio.sleep(AGAIN_S)

    async def _on_the_bus(self, up: asyncio.Event) -> None:
        def connected() -> None:
            self.company.up()
            up.set()

        try:
            await self._bus.run(self.company.heard, connected)
        except BusCut as cut:
            log.error("the bus between the hubs: %s", cut)

    async def _beat(self, up: asyncio.Event) -> None:
        await up.wait()
        while True:
            if not self.company.beat():
                return
            await asyncio.sleep(BEAT_S)
