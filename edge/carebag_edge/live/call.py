"""One doctor's call: attempts numbered by epoch, each a fresh peer; a broken one is replaced while someone looks."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from uuid import UUID

from carebag_edge.live.ending import end
from carebag_edge.live.port import MediaPeer, NoNetworkPath, PeerEvents
from carebag_edge.live.rtp_clock import ClockPoint
from carebag_edge.live_port import PathQuality, SendSignal, VideoLimit
from carebag_edge.token_bucket import TokenBucket
from carebag_wire.messages import Signal

RETRY_S = (0.25, 1.0, 2.0, 5.0)
"""Waits before the next attempt after failures in a row."""
ASKS_PER_S, ASKS_AT_ONCE = 20.0, 40.0
"""A page asks for what is missing eight times a second."""
ANEW_PER_S, ANEW_AT_ONCE = 0.5, 5.0
"""New connections that a page may ask for: each costs sockets and a key exchange."""
FAR_AHEAD_MS = 10 * 365 * 86_400_000
"""No clock of a kit was ever so far ahead; counting from there would leave no number above."""
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
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.visit_id = visit_id
        self.viewer = viewer
        self._build = build
        self._send_signal = send_signal
        self._unix_ms = unix_ms
        self._monotonic = monotonic
        self.on_opened: Callable[[Call, str], None] = lambda call, channel: None
        self.on_message: Callable[[Call, str, str | bytes], None] = lambda call, channel, message: None
        self.prepare: Callable[[bool], Awaitable[None]] | None = None
        """Awaited before each attempt, with whether the one before came to nothing."""
        self.carry_sound_on_channel = False
        self.guest = False
        """Hears monitor sound, and may ask for no exact samples."""
        self._asks = TokenBucket(ASKS_PER_S, ASKS_AT_ONCE)
        self._anew = TokenBucket(ANEW_PER_S, ANEW_AT_ONCE)
        self._limit: VideoLimit = "full"
        self._sound_kbps = 0.0
        self._epoch = 0
        self._connected = False
        self._offer: Signal | None = None
        """What was offered and not answered yet."""
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
        if self.carry_sound_on_channel or not self._peer.exact_in_rtp:
            self._peer.send("repair", packet)
        else:
            self._peer.send_sound(packet, rtp_time)

    def may_ask(self) -> bool:
        """Whether this page's message is one too many; it repeats what it still needs."""
        return self._asks.allows(1.0, self._monotonic())

    def send_monitor(self, packet: bytes, rtp_time: int) -> None:
        if self._peer is not None:
            self._peer.send_monitor(packet, rtp_time)

    def expect_sound(self, kbps: float) -> None:
        self._sound_kbps = kbps
        if self._peer is not None:
            self._peer.expect_sound(kbps)

    def limit_video(self, limit: VideoLimit) -> None:
        self._limit = limit
        if self._peer is not None:
            self._peer.limit_video(limit)

    async def watch(self) -> None:
        if self._peer is not None:
            await self._peer.watch()

    def quality(self) -> PathQuality | None:
        return self._peer.quality() if self._peer is not None else None

    def clocks(self, t_us: int) -> list[ClockPoint]:
        return self._peer.clocks(t_us) if self._peer is not None else []

    def picture_times(self) -> tuple[int, ...]:
        return self._peer.picture_times() if self._peer is not None else ()

    def send(self, channel: Literal["live", "repair"], message: str | bytes) -> bool:
        return self._peer is not None and self._peer.send(channel, message)

    def renew(self, *, moved: bool) -> None:
        """Connect anew at once: always when the kit has `moved`, else where nothing is connected."""
        self._inbox.put_nowait("moved" if moved else "reachable")

    async def settled(self) -> None:
        """Wait until everything queued so far was done."""
        await self._inbox.join()

    async def close(self) -> None:
        await end(self._task)
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
            await self._asked(event.epoch)
        elif event.epoch == self._epoch and self._peer is not None:
            if event.description is not None:
                await self._answered(event.description)
            if event.candidate is not None:
                await self._peer.candidate(event.candidate)

    async def _asked(self, epoch: int) -> None:
        """An offer may be lost on its way: then the same again, a second connection would cost both sides more."""
        if epoch == 0 and self._offer is not None:
            self._send_signal(self._offer)
        elif epoch > self._unix_ms() + FAR_AHEAD_MS:
            raise ValueError("epoch_out_of_range")
        elif epoch == 0 or epoch > self._epoch:
            if not self._anew.allows(1.0, self._monotonic()):
                raise ValueError("asked_too_often")
            # the page counts from a kit whose clock was ahead of ours
            self._epoch = max(self._epoch, epoch - 1)
            await self._begin()

    async def _answered(self, description: dict[str, Any]) -> None:
        """A second answer, sent in case the first was lost, changes nothing."""
        if self._peer is not None and self._offer is not None:
            await self._peer.answer(description)
            self._offer = None

    async def _state(self, state: str) -> None:
        if state in ("new", "moved"):
            await self._begin()
        elif state == "reachable":
            await self._offered_again()
        elif state == "connected":
            self._failures = 0
            self._connected = True
        elif state == "failed":
            self._connected = False
            log.info("live: a connection failed and is made anew")
            await asyncio.sleep(RETRY_S[min(self._failures, len(RETRY_S) - 1)])
            self._failures += 1
            await self._begin()

    async def _offered_again(self) -> None:
        """Call set-up is passed on again: what could not be offered meanwhile is, what lives is left alone."""
        if self._connected:
            return
        if self._offer is not None:
            self._send_signal(self._offer)
        else:
            await self._begin()

    async def _begin(self) -> None:
        came_to_nothing = self._peer is not None and not self._connected
        await self._drop()
        self.carry_sound_on_channel = self._connected = False
        # rises over restarts of the kit too, so that a page never takes a new offer for an old one
        epoch = self._epoch = max(self._epoch + 1, self._unix_ms())
        if self.prepare is not None:
            await self.prepare(came_to_nothing)
        peer = self._peer = self._build(self._events(epoch))
        peer.limit_video(self._limit)
        peer.expect_sound(self._sound_kbps)
        try:
            # not to be cancelled in the middle: a socket being opened would be left behind
            self._gathering = asyncio.ensure_future(peer.offer())
            description = await asyncio.shield(self._gathering)
        except NoNetworkPath as error:
            log.warning("live: %s: this machine has no address but loopback", error.code)
            return
        self._offer = Signal(visit_id=self.visit_id, to=self.viewer, epoch=epoch, description=description)
        self._send_signal(self._offer)

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
        self._offer = None
        gathering, self._gathering = self._gathering, None
        if gathering is not None:
            await asyncio.wait([gathering])
        if peer is not None:
            await peer.close()
