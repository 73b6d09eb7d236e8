"""One doctor's call: attempts numbered by epoch, each a fresh peer; a broken one is replaced while someone looks."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

from carebag_edge.live.port import MediaPeer, NoNetworkPath, PeerEvents
from carebag_edge.live_port import SendSignal
from carebag_wire.messages import Signal

RETRY_S = (0.25, 1.0, 2.0, 5.0)
"""Waits before the next attempt after failures in a row."""
FRESH_MS = 1000
"""A page that asks for a first offer while one this young is on its way gets no second one."""

log = logging.getLogger(__name__)


class Call:
    """Offers to one viewer, takes the answer and candidates, starts anew when it fails or the page asks.

    A signal with neither description nor candidate is the page asking: epoch 0 for "I have nothing yet", or any epoch
    above the one that broke.
    """

    def __init__(
        self,
        visit_id: UUID,
        viewer: str,
        build: Callable[[PeerEvents], MediaPeer],
        send_signal: SendSignal,
        unix_ms: Callable[[], int],
    ) -> None:
        self.visit_id = visit_id
        self.viewer = viewer
        self._build = build
        self._send_signal = send_signal
        self._unix_ms = unix_ms
        self.on_opened: Callable[[Call, str], None] = lambda call, channel: None
        self.on_message: Callable[[Call, str, str | bytes], None] = lambda call, channel, message: None
        self.carry_sound_on_channel = False
        self._epoch = 0
        self._began_ms = 0
        self._failures = 0
        self._peer: MediaPeer | None = None
        self._inbox: asyncio.Queue[Signal | str] = asyncio.Queue()
        self._inbox.put_nowait("new")
        self._gathering: asyncio.Future[dict[str, Any]] | None = None
        self._task = asyncio.create_task(self._run(), name="live call")

    def signal(self, signal: Signal) -> None:
        """Queue what the page said; never blocks (a candidate's name may take a second to resolve)."""
        if self._inbox.qsize() < 500:
            self._inbox.put_nowait(signal)

    def send_sound(self, packet: bytes, rtp_time: int) -> None:
        if self._peer is None:
            return
        if self.carry_sound_on_channel:
            self._peer.send("repair", packet)
        else:
            self._peer.send_sound(packet, rtp_time)

    def send(self, channel: Literal["live", "repair"], message: str | bytes) -> bool:
        return self._peer is not None and self._peer.send(channel, message)

    async def settled(self) -> None:
        """Wait until everything queued so far was done."""
        await self._inbox.join()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._drop()

    async def _run(self) -> None:
        while True:
            event = await self._inbox.get()
            try:
                await self._take(event)
            except ValueError as refused:
                log.warning("live: call set-up refused: %s", refused)
            except OSError as failed:
                log.warning("live: a connection could not be made: %s", type(failed).__name__)
                self._inbox.put_nowait("failed")
            finally:
                self._inbox.task_done()

    async def _take(self, event: Signal | str) -> None:
        if isinstance(event, str):
            await self._state(event)
        elif event.description is None and event.candidate is None:
            if self._asks_rightly(event.epoch):
                await self._begin()
        elif event.epoch == self._epoch and self._peer is not None:
            if event.description is not None:
                await self._peer.answer(event.description)
            if event.candidate is not None:
                await self._peer.candidate(event.candidate)

    def _asks_rightly(self, epoch: int) -> bool:
        return epoch > self._epoch or (epoch == 0 and self._unix_ms() - self._began_ms > FRESH_MS)

    async def _state(self, state: str) -> None:
        if state == "new":
            await self._begin()
        elif state == "connected":
            self._failures = 0
        elif state == "failed":
            log.info("live: a connection failed and is made anew")
            await asyncio.sleep(RETRY_S[min(self._failures, len(RETRY_S) - 1)])
            self._failures += 1
            await self._begin()

    async def _begin(self) -> None:
        await self._drop()
        self.carry_sound_on_channel = False
        self._began_ms = self._unix_ms()
        # rises over restarts of the kit too, so that a page never takes a new offer for an old one
        epoch = self._epoch = max(self._epoch + 1, self._began_ms)
        peer = self._peer = self._build(self._events(epoch))
        try:
            # not to be cancelled in the middle: a socket being opened would be left behind
            self._gathering = asyncio.ensure_future(peer.offer())
            description = await asyncio.shield(self._gathering)
        except NoNetworkPath as error:
            log.warning("live: %s: this machine has no address but loopback", error.code)
            return
        self._send_signal(Signal(visit_id=self.visit_id, to=self.viewer, epoch=epoch, description=description))

    def _events(self, epoch: int) -> PeerEvents:
        def current(act: Callable[[], None]) -> None:
            if epoch == self._epoch:
                act()

        return PeerEvents(
            state=lambda state: current(lambda: self._inbox.put_nowait(state)),
            opened=lambda channel: current(lambda: self.on_opened(self, channel)),
            message=lambda channel, data: current(lambda: self.on_message(self, channel, data)),
        )

    async def _drop(self) -> None:
        peer, self._peer = self._peer, None
        gathering, self._gathering = self._gathering, None
        if gathering is not None:
            await asyncio.wait([gathering])
        if peer is not None:
            await peer.close()
