"""The bus of hubs that live in one process: what one says, all hear at once."""

import asyncio
from collections import deque
from collections.abc import Callable

from carebag_server.hubs.bus import BusCut


class Exchange:
    """Where the `InsideBus`es of one process meet."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[str], None]] = []
        self._waiting: deque[str] = deque()
        self._delivering = False

    def add(self, heard: Callable[[str], None]) -> None:
        self._listeners.append(heard)

    def remove(self, heard: Callable[[str], None]) -> None:
        self._listeners.remove(heard)

    def say(self, text: str) -> None:
        """What is said while something is delivered comes after that: all hear the same order."""
        self._waiting.append(text)
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._waiting:
                now = self._waiting.popleft()
                for heard in list(self._listeners):
                    heard(now)
        finally:
            self._delivering = False


class InsideBus:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._over: asyncio.Event | None = None

    async def run(self, heard: Callable[[str], None], up: Callable[[], None]) -> None:
        self._over = over = asyncio.Event()
        self._exchange.add(heard)
        try:
            up()
            await over.wait()
        finally:
            self._exchange.remove(heard)
            self._over = None
        raise BusCut("let go")

    def say(self, text: str) -> None:
        if self._over is not None:
            self._exchange.say(text)

    def cut(self) -> None:
        """As if the connection broke."""
        if self._over is not None:
            self._over.set()
