"""What a page or a kit is shown may have changed and nobody said so: it is read anew, over the connection of now."""

import asyncio
from collections.abc import Awaitable, Callable

from carebag_server.lines import Line

HELD_LOOK_S = 0.05
"""While what is being read already is not there."""


class ReadingAnew:
    """Reads for one line, once for all that asked meanwhile.

    Args:
        read: reads and sends.
    """

    def __init__(self, line: Line, read: Callable[[], Awaitable[None]]) -> None:
        self._read = read
        self._asked = asyncio.Event()
        line.read_anew = self._asked.set

    async def run(self) -> None:
        """Until cancelled. Failing to read ends it, and with it the socket, which then comes back."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._read()
