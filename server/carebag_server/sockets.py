"""The WebSockets: a thin shell that carries events to `rooms.Rooms` and its actions to the sockets.

Everything here runs on the event loop; the store is asked in threads. Messages in: text, at most `MAX_MESSAGE_BYTES`,
`hello` first. What is wrong is answered with a `problem`, and the connection stays, unless it is `fatal`.
"""

import asyncio
import contextlib
import itertools
import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from carebag_server.announcements import Announcement
from carebag_server.outgoing import Outgoing
from carebag_server.rooms import Action, Close, Connection, Rooms, Send
from carebag_server.sfu.desk import SfuDesk
from carebag_server.sfu.port import Sfu
from carebag_server.sfu.watching import SFU_LINE
from carebag_wire import PROTOCOL
from carebag_wire.base import Wire
from carebag_wire.messages import MAX_MESSAGE_BYTES, CameraDo, Hello, Problem, Welcome
from carebag_wire.visit import Participant

log = logging.getLogger("carebag.hub")
HELLO_SECONDS = 10.0
STOP_SECONDS = 2.0


class Over(Exception):
    """This connection is to be closed."""


@dataclass(eq=False)
class Line:
    """One accepted socket with what waits to be sent on it."""

    number: Connection
    socket: WebSocket
    outgoing: Outgoing = field(default_factory=Outgoing)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    closing: bool = False
    requeue: Callable[[uuid.UUID], None] | None = None
    """For a console: a visit of this organisation changed, so its list of visits may be another."""

    def push(self, message: Wire) -> None:
        if not self.closing and not self.outgoing.push(message):
            log.warning("a reader was too slow and was let go")
            self.close()
        self.wake.set()

    def close(self) -> None:
        self.closing = True
        self.wake.set()

    def refuse(self, code: str, *, fatal: bool = False) -> None:
        self.push(Problem(code=code, fatal=fatal))
        if fatal:
            self.close()

    def last_word(self, code: str) -> None:
        """A fatal problem on a line that is closing already."""
        self.outgoing.push(Problem(code=code, fatal=True))
        self.wake.set()

    async def hang_up(self) -> None:
        """Close the socket if the peer has not done so."""
        states = (self.socket.client_state, self.socket.application_state)
        try:
            if states == (WebSocketState.CONNECTED, WebSocketState.CONNECTED):
                with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                    await self.socket.close()
        finally:
            self.gone.set()

    async def write(self) -> None:
        """Send what waits until the line is closed and everything before that is out."""
        while True:
            message = self.outgoing.pop()
            if message is not None:
                await self.socket.send_text(message.model_dump_json())
            elif self.closing:
                return
            else:
                self.wake.clear()
                await self.wake.wait()

    async def read(self, adapter: TypeAdapter[Any]) -> Any:
        """The next good message; bad ones are answered here.

        Raises:
            Over: the peer has gone.
        """
        while True:
            event = await self.socket.receive()
            if event["type"] == "websocket.disconnect":
                raise Over
            text = event.get("text")
            if text is None:
                self.refuse("bad_message")
            elif len(text) > MAX_MESSAGE_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_MESSAGE_BYTES:
                self.refuse("too_large")
            else:
                try:
                    return adapter.validate_json(text)
                except (ValidationError, UnicodeEncodeError):
                    self.refuse("bad_message")


class LiveRooms:
    """The rooms and their lines; made on the event loop's thread by `start`."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.rooms = Rooms()
        self.relay_only = False
        """Told to everyone who comes in."""
        self.now = now
        self._lines: dict[Connection, Line] = {}
        self._numbers = itertools.count(1)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sfu: SfuDesk | None = None

    def start(self, sfu: Sfu | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        if sfu is not None:
            self._sfu = SfuDesk(sfu, lambda said: self.carry_out(self.rooms.with_sfu(said.visit_id).hear(said)))
            self._sfu.start()
            self.rooms.has_sfu = True

    async def stop(self) -> None:
        """Tell everyone that the hub goes down; they come back and get a snapshot."""
        self._loop = None
        lines = list(self._lines.values())
        for line in lines:
            line.refuse("hub_stopping", fatal=True)
        if lines:
            await asyncio.wait([asyncio.create_task(line.gone.wait()) for line in lines], timeout=STOP_SECONDS)
        if self._sfu is not None:
            await self._sfu.stop()

    def presence(self, visit_id: uuid.UUID, kit_id: uuid.UUID) -> tuple[list[Participant], bool]:
        """Who is in the room now; from any thread."""
        if self._loop is None:
            return [], False
        future = asyncio.run_coroutine_threadsafe(self._participants(visit_id, kit_id), self._loop)
        return future.result(timeout=5)

    async def _participants(self, visit_id: uuid.UUID, kit_id: uuid.UUID) -> tuple[list[Participant], bool]:
        return self.rooms.participants(visit_id, kit_id)

    def announced(self, announcements: list[Announcement]) -> None:
        """The store's listener: called by the thread that committed, in the order of the commits."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._publish, announcements)

    def _publish(self, announcements: list[Announcement]) -> None:
        for announcement in announcements:
            self.carry_out(self.rooms.publish(announcement))
        for organization_id in {one.organization_id for one in announcements if one.changed.visit is not None}:
            for line in list(self._lines.values()):
                if line.requeue is not None and organization_id is not None:
                    line.requeue(organization_id)

    def tell_kit(self, kit_id: uuid.UUID, message: CameraDo) -> bool:
        """Hand the message to a kit that is in that visit; False if it is not there. From any thread."""
        if self._loop is None:
            return False
        return asyncio.run_coroutine_threadsafe(self._tell_kit(kit_id, message), self._loop).result(timeout=5)

    def kit_hears(self, kit_id: uuid.UUID, message: CameraDo) -> bool:
        """Whether `tell_kit` would reach it now: asked before an act is logged that else would not happen."""
        if self._loop is None:
            return False
        return asyncio.run_coroutine_threadsafe(self._kit_hears(kit_id, message), self._loop).result(timeout=5)

    async def _kit_hears(self, kit_id: uuid.UUID, message: CameraDo) -> bool:
        return bool(self.rooms.camera(kit_id, message))

    async def _tell_kit(self, kit_id: uuid.UUID, message: CameraDo) -> bool:
        actions = self.rooms.camera(kit_id, message)
        self.carry_out(actions)
        return bool(actions)

    def carry_out(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Send) and action.connection == SFU_LINE and self._sfu is not None:
                self._sfu.take(action.message)
                continue
            line = self._lines.get(action.connection)
            if line is None:
                continue
            if isinstance(action, Close):
                line.close()
            else:
                line.push(action.message)

    async def open(self, socket: WebSocket) -> Line:
        await socket.accept()
        line = Line(next(self._numbers), socket)
        self._lines[line.number] = line
        return line

    async def greet(self, line: Line, adapter: TypeAdapter[Any], client: str) -> None:
        """The first message: `hello` with our protocol, in time.

        Raises:
            Over: anything else; the peer was told why.
        """
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                hello = await self._first(line, adapter)
        except TimeoutError:
            line.refuse("no_hello", fatal=True)
            raise Over from None
        if not isinstance(hello, Hello) or hello.protocol != PROTOCOL or hello.client != client:
            line.refuse("wrong_version", fatal=True)
            raise Over

    @staticmethod
    async def _first(line: Line, adapter: TypeAdapter[Any]) -> Any:
        event = await line.socket.receive()
        if event["type"] == "websocket.disconnect":
            raise Over
        try:
            return adapter.validate_json(event.get("text") or "")
        except (ValidationError, UnicodeEncodeError):
            return None

    def welcome(self, line: Line, participant_id: str, name: str) -> None:
        line.push(
            Welcome(
                protocol=PROTOCOL,
                participant_id=participant_id,
                me=name,
                server_time=self.now(),
                relay_only=self.relay_only,
            )
        )

    def forget(self, line: Line) -> None:
        """The conversation is over, from whichever side."""
        self._lines.pop(line.number, None)
        self.carry_out(self.rooms.gone(line.number))
