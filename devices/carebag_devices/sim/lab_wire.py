"""The far end of a wire: where a simulated analyser is plugged in."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from carebag_devices.errors import DeviceError, DeviceLost
from carebag_devices.wired.address import Listen, parse_address
from carebag_devices.wired.stream import PIECE, Listener, Stream, open_stream

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


class CableEnd(Stream):
    """The simulator's end of a pseudo terminal."""

    def __init__(self, near: int, far: int) -> None:
        self.heard = False
        self._near, self._far = near, far
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._open = True
        os.set_blocking(near, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(near, self._readable)

    def _readable(self) -> None:
        try:
            self._pieces.put_nowait(os.read(self._near, PIECE))
        except BlockingIOError:
            return
        except OSError:
            self.pull()

    async def read(self) -> bytes:
        piece = await self._pieces.get() if self._open else b""
        if not piece:
            raise DeviceLost("link_broken")
        self.heard = True
        return piece

    async def write(self, data: bytes) -> None:
        while data and self._open:
            try:
                data = data[os.write(self._near, data) :]
            except BlockingIOError:
                await asyncio.sleep(RETRY_S)
        if not self._open:
            raise DeviceLost("link_broken")

    def pull(self) -> None:
        """Both ends are gone."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._near)
            os.close(self._near)
            os.close(self._far)
            self._pieces.put_nowait(b"")

    async def close(self) -> None:
        self.pull()


class Pty:
    """A serial cable without hardware: the kit opens `path`, the simulator holds the other end. POSIX only.

    `path` is a link that always leads to the present terminal, as `/dev/serial/by-id` does after a new plugging in.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end: CableEnd | None = None

    @property
    def url(self) -> str:
        return f"serial://{self.path}?baud=115200"

    async def plug(self) -> Stream:
        """A new cable; the one before is pulled out."""
        import tty

        self.pull()
        near, far = os.openpty()
        tty.setraw(far)
        self._end = CableEnd(near, far)
        fresh = self.path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(far))
        fresh.replace(self.path)
        return self._end

    def pull(self) -> None:
        """The kit finds its port gone."""
        self.path.unlink(missing_ok=True)
        if self._end is not None:
            self._end.pull()
            self._end = None
