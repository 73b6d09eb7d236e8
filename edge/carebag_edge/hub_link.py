"""The kit's WebSocket to the hub: visits, requests and who is present come in; state that may be lost goes out.

`LinkCore` says what a message means (no I/O); `HubLink` keeps the connection.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Literal, Protocol

import aiohttp
from pydantic import ValidationError

from carebag_edge.backoff import Backoff
from carebag_edge.errors import HubAway, HubRefused
from carebag_edge.hub_client import HubClient
from carebag_edge.hub_refusal import advice
from carebag_wire import PROTOCOL
from carebag_wire.base import Wire
from carebag_wire.calls import Relay, SfuServes
from carebag_wire.messages import (
    CameraDo,
    Changed,
    Hello,
    KitStatus,
    KitVisits,
    LinkReport,
    Live,
    NurseOut,
    Present,
    Problem,
    Signal,
    Welcome,
    to_kit,
)
from carebag_wire.visit import DoctorHears

log = logging.getLogger(__name__)
FromHub = KitVisits | Changed | Present | Signal | DoctorHears | Relay | LinkReport | CameraDo | SfuServes | NurseOut
"""What the hub says that the kit acts on."""
HubState = Literal["online", "connecting", "offline"]
STATUS_EVERY_S = 1.0
LIVE_EVERY_S = 1.0
WELCOME_WITHIN_S = 5.0
LONGEST_WAIT_S = 2.0
"""Between two attempts: somebody stands beside a patient and waits."""
QUEUE = 256


class LinkCore:
    """Whether the hub is there, since when, and what it just said."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.state: HubState = "connecting"
        self.since = now()
        self.relay_only = False
        """The hub wants media to go by way of a relay or not at all."""
        self.problem: str | None = None
        """Why the hub would not have us: a code."""

    def connected(self) -> Hello:
        """The transport is up; the hub is `online` only when it answers this."""
        return Hello(protocol=PROTOCOL, client="kit")

    def received(self, text: str | bytes) -> FromHub | Welcome | None:
        """What a message means for the kit; None for what needs no attention or cannot be read."""
        try:
            message = to_kit.validate_json(text)
        except ValidationError:
            self.problem = "unknown_message"
            return None
        if isinstance(message, Welcome):
            if message.protocol != PROTOCOL:
                self.problem = "wrong_version"
                return None
            self.relay_only = message.relay_only
            self._enter("online")
            self.problem = None
            return message
        if isinstance(message, Problem):
            self.problem = message.code
            return None
        if self.state != "online" or not isinstance(message, FromHub):
            return None
        return message

    def disconnected(self) -> bool:
        """The connection broke, or none could be made; whether that is news."""
        return self._enter("offline")

    def _enter(self, state: HubState) -> bool:
        if state == self.state:
            return False
        self.state, self.since = state, self._now()
        return True


class LinkOwner(Protocol):
    """What the link asks of the kit."""

    def link_changed(self) -> None:
        """`core.state` or `core.problem` is another one."""

    async def hub_said(self, message: FromHub) -> None: ...

    def kit_status(self) -> KitStatus: ...

    def live(self) -> Live | None:
        """Live state of now; None while there is none."""


class HubLink:
    """Keeps the WebSocket up: back-off up to 0.25 s, then to 2 s; a dead connection is noticed within 6 s."""

    def __init__(self, hub: HubClient, core: LinkCore, owner: LinkOwner) -> None:
        self._hub = hub
        self.core = core
        self._owner = owner
        self._signals: asyncio.Queue[Signal | LinkReport] = asyncio.Queue(QUEUE)
        self._status_due = asyncio.Event()
        self._backoff = Backoff(most_s=LONGEST_WAIT_S, chance=secrets.SystemRandom().random)
        self._renewed = asyncio.Event()
        self._given_up: set[asyncio.Task[None]] = set()

    def send_signal(self, signal: Signal | LinkReport) -> None:
        """Pass call set-up or a report on; dropped while the hub is away, since calls are set up anew anyway."""
        if self.core.state == "online":
            with contextlib.suppress(asyncio.QueueFull):
                self._signals.put_nowait(signal)

    def status_changed(self) -> None:
        """Tell the hub about the instruments soon."""
        self._status_due.set()

    def renew(self) -> None:
        """The kit has another address: give up the connection of now, and make one at once."""
        self._renewed.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._renewed.clear()
            problem = self.core.problem
            attempt = asyncio.create_task(self._attempt())
            try:
                await self._until_renewed(attempt)
            except asyncio.CancelledError:
                attempt.cancel()
                await asyncio.wait([attempt, *self._given_up])
                raise
            self._attempt_over(problem)
            wait_s = 0.0 if self._renewed.is_set() else self._backoff.failed()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._renewed.wait()

    def _attempt_over(self, problem_before: str | None) -> None:
        problem = self.core.problem
        if self.core.disconnected() or problem != problem_before:
            self._owner.link_changed()
        if problem != problem_before and (words := advice(problem, self._hub.key)) is not None:
            log.warning("%s", words)

    async def _until_renewed(self, attempt: asyncio.Task[None]) -> None:
        renewed = asyncio.create_task(self._renewed.wait())
        try:
            await asyncio.wait([attempt, renewed], return_when=asyncio.FIRST_COMPLETED)
        finally:
            renewed.cancel()
        if attempt.done():
            attempt.result()
        else:
            # it says goodbye for some seconds, to nobody: not waited for
            attempt.cancel()
            self._given_up.add(attempt)
            attempt.add_done_callback(self._given_up.discard)

    async def _attempt(self) -> None:
        try:
            async with await self._hub.open_socket() as socket:
                await self._serve(socket)
        except HubRefused as error:
            self.core.problem = error.code
        except HubAway:
            self.core.problem = None

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await self._send(socket, self.core.connected())
        while not self._signals.empty():
            self._signals.get_nowait()
        senders = [
            asyncio.create_task(send(socket)) for send in (self._send_signals, self._send_status, self._send_live)
        ]
        try:
            await self._receive(socket)
        finally:
            for sender in senders:
                sender.cancel()
            await asyncio.gather(*senders, return_exceptions=True)

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        timeout: float | None = WELCOME_WITHIN_S
        while True:
            try:
                frame = await socket.receive(timeout)
            except TimeoutError:
                return
            if frame.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return
            before = (self.core.state, self.core.problem)
            message = self.core.received(frame.data)
            if isinstance(message, Welcome):
                timeout = None
                self._backoff.succeeded()
                self._status_due.set()
            elif message is not None:
                await self._owner.hub_said(message)
            if before != (self.core.state, self.core.problem):
                self._owner.link_changed()

    async def _send_signals(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await self._send(socket, await self._signals.get())

    async def _send_status(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await self._status_due.wait()
            self._status_due.clear()
            if self.core.state == "online":
                await self._send(socket, self._owner.kit_status())
            await asyncio.sleep(STATUS_EVERY_S)

    async def _send_live(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await asyncio.sleep(LIVE_EVERY_S)
            live = self._owner.live() if self.core.state == "online" else None
            if live is not None:
                await self._send(socket, live)

    @staticmethod
    async def _send(socket: aiohttp.ClientWebSocketResponse, message: Wire) -> None:
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            await socket.send_str(message.model_dump_json())
