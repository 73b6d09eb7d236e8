"""The far end of a wire: where a simulated analyser is plugged in."""

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from carebag_devices.errors import DeviceError
from carebag_devices.wired.address import Listen, parse_address
from carebag_devices.wired.stream import Listener, Stream, open_stream

RETRY_S = 0.05

Plug = Callable[[], Awaitable[Stream]]
"""Gives the next connection to the kit; waits for it as long as it takes."""


@asynccontextmanager
async def plugged(url: str) -> AsyncIterator[Plug]:
    """The simulator's own address: it dials `tcp://`, waits at `tcp-listen://`, opens `serial://`."""
    address = parse_address(url)
    if isinstance(address, Listen):
        async with Listener(address) as listener:
            yield listener.accept
        return

    async def dial() -> Stream:
        while True:
            try:
                return await open_stream(address)
            except DeviceError:
                await asyncio.sleep(RETRY_S)

    yield dial


class Pty:
    """A serial cable without hardware: the kit opens `path`, the simulator holds the other end. POSIX only.

    `path` is a link that always leads to the present terminal, as `/dev/serial/by-id` does after a new plugging in.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._far: int | None = None
        self._transports: list[asyncio.BaseTransport] = []

    @property
    def url(self) -> str:
        return f"serial://{self.path}?baud=115200"

    async def plug(self) -> Stream:
        """A new cable end; the one before is pulled out."""
        self.pull()
        near, self._far = os.openpty()
        tty.setraw(self._far)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        reading, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(os.dup(near), "rb", 0))
        writing, _ = await loop.connect_write_pipe(
            lambda: asyncio.streams.FlowControlMixin(), os.fdopen(near, "wb", 0)
        )
        self._transports = [reading, writing]
        fresh = self.path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._far))
        fresh.replace(self.path)
        return Stream(reader, asyncio.StreamWriter(writing, protocol, reader, loop))

    def pull(self) -> None:
        """The kit finds its port gone."""
        for transport in self._transports:
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
            else:
                transport.close()
        self._transports = []
        if self._far is not None:
            os.close(self._far)
            self._far = None
        self.path.unlink(missing_ok=True)
