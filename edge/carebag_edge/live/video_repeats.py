"""Packets of a picture that are sent once more than the page asks, on a path that loses some and has room.

Two losses make a picture stand still for a quarter of a second: of a packet and of its repeat, and of a picture's last
packet, which the page misses only when the next picture comes. So a repeat that the page asked for goes out twice, and
the end of each picture once more, apart in time, as retransmissions (RFC 4588): what came already is dropped there.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from aiortc import RTCRtpSender

from carebag_edge.live.cures import answer_losses, end_of_picture

APART_S: Final = 0.02
"""Longer than the bursts of a radio that lose both."""
LOSS_FROM: Final = 0.01
LOSS_TO: Final = 0.15
"""Above it the path is full, and more packets make it worse."""
KBPS_FROM: Final = 150

Send = Callable[[int], Awaitable[None]]


def worth_repeating(loss: float, kbps: int) -> bool:
    """Whether a picture of `kbps` over a path that loses this share (0 to 1) gains by repeats."""
    return LOSS_FROM <= loss <= LOSS_TO and kbps >= KBPS_FROM


class VideoRepeats:
    """Of one viewer's picture; make it on the event loop."""

    def __init__(self, sender: RTCRtpSender, worth: Callable[[], bool]) -> None:
        self._sender = sender
        self._worth = worth
        self._loop = asyncio.get_running_loop()
        self._send: Send = sender._retransmit
        self._tasks: set[asyncio.Task[None]] = set()
        self.repeated = 0
        """Packets sent that nobody asked for."""
        answer_losses(sender, self._answer)

    def picture_made(self) -> None:
        """A picture is about to be sent; may be called in another thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: so is the call
            self._loop.call_soon_threadsafe(self._loop.call_later, APART_S, self._end_again)

    async def _answer(self, number: int, send: Send) -> None:
        await send(number)
        if self._worth():
            self._loop.call_later(APART_S, self._again, number)

    def _end_again(self) -> None:
        number = end_of_picture(self._sender) if self._worth() else None
        if number is not None:
            self._again(number)

    def _again(self, number: int) -> None:
        self.repeated += 1
        task = self._loop.create_task(self._sent(number))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _sent(self, number: int) -> None:
        with contextlib.suppress(ConnectionError):  # the call ended meanwhile
            await self._send(number)
