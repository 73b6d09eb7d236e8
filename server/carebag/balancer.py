"""A small load balancer over TCP, to try several hubs on one machine, and for tests."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

HOST = "127.0.0.1"


class _End(asyncio.Protocol):
    """One side of a connection through the balancer; what comes before the other side is there waits."""

    def __init__(self, opened: Callable[["_End"], None] | None = None) -> None:
        self._opened = opened
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._opened is not None:
            self._opened(self)

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        self.flush()

    def flush(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(self._waiting)
            self._waiting = b""

    def connection_lost(self, error: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Balancer:
    """Hands each connection to a hub that takes it.

    Args:
        ports: of the hubs, on loopback.
        in_turn: the next one each time; else the first one as long as it takes connections.
    """

    def __init__(self, ports: Sequence[int], *, in_turn: bool = True) -> None:
        self.ports, self.in_turn = list(ports), in_turn
        self._next = 0
        self._connecting: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _End(self._opened), HOST, 0)
        return int(self._server.sockets[0].getsockname()[1])

    def _opened(self, end: _End) -> None:
        task = asyncio.create_task(self._connect(end))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, end: _End) -> None:
        start, self._next = self._next, self._next + self.in_turn
        for place in range(len(self.ports)):
            port = self.ports[(start + place) % len(self.ports)]
            with contextlib.suppress(OSError):
                _, up = await asyncio.get_running_loop().create_connection(_End, HOST, port)
                end.other, up.other = up, end
                end.flush()
                return
        assert end.transport is not None
        end.transport.close()

    async def stop(self) -> None:
        self._server.close()
        connecting = list(self._connecting)
        for task in connecting:
            task.cancel()
        await asyncio.gather(*connecting, return_exceptions=True)


@contextmanager
def running(*balancers: Balancer) -> Iterator[list[int]]:
    """The balancers in a thread of their own; gives their ports."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="balancer", daemon=True)
    thread.start()
    try:
        yield [asyncio.run_coroutine_threadsafe(one.start(), loop).result(10) for one in balancers]
    finally:
        for one in balancers:
            asyncio.run_coroutine_threadsafe(one.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
