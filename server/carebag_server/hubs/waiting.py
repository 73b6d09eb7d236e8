"""What a hub has yet to say on the bus, in its order."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable

MOST = 50_000
"""Texts that may wait; a hub that cannot say more than this is as good as cut off."""
AT_ONCE = 200


class Waiting:
    """Added to at any time, given out in lots. Event loop only."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque()
        self._wake = asyncio.Event()

    def add(self, texts: Iterable[str]) -> None:
        self._texts.extend(texts)
        self._wake.set()

    def clear(self) -> None:
        self._texts.clear()

    async def lots(self) -> AsyncIterator[list[str]]:
        """At most `AT_ONCE` at a time, without end.

        Raises:
            OSError: more wait than `MOST`.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._texts:
                if len(self._texts) > MOST:
                    raise OSError("too slow")
                yield [self._texts.popleft() for _ in range(min(AT_ONCE, len(self._texts)))]
