"""Blocks from the sound system's thread to the event loop: bounded, and what does not fit is counted.

The sound system's thread must never wait, and a loop that is busy for seconds must not pile up memory.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

MAX_BLOCKS = 250
"""Five seconds of blocks of 20 ms."""


@dataclass(frozen=True)
class Block:
    """`data` is PCM16 in this machine's byte order, mono."""

    data: bytes
    captured_s: float
    """When the first sample was taken, by the sound system's clock."""
    overflowed: bool
    """The sound system lost samples before this block."""
    dropped: int = 0
    """So many samples before this block did not fit here."""


class Handover:
    """Made in the loop that takes; `take` is called there, once for each block, in order."""

    def __init__(self, take: Callable[[Block], None], max_blocks: int = MAX_BLOCKS) -> None:
        self._loop = asyncio.get_running_loop()
        self._take, self._max = take, max_blocks
        self._lock = threading.Lock()
        self._waiting: deque[Block] = deque()
        self._dropped, self._overflowed, self._called = 0, False, False

    def put(self, data: bytes, captured_s: float, overflowed: bool) -> None:
        """From any thread. Never waits, never raises."""
        with self._lock:
            overflowed |= self._overflowed
            if len(self._waiting) >= self._max:
                self._dropped += len(data) // 2
                self._overflowed = overflowed
                return
            self._waiting.append(Block(data, captured_s, overflowed, self._dropped))
            self._dropped, self._overflowed = 0, False
            call, self._called = not self._called, True
        if call:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to hear
                self._loop.call_soon_threadsafe(self.drain)

    def drain(self) -> None:
        """In the loop: hand over all that waits."""
        with self._lock:
            blocks, self._waiting, self._called = self._waiting, deque(), False
        for block in blocks:
            self._take(block)
