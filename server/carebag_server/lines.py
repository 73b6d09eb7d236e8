"""One accepted WebSocket: what waits to be sent on it, and what is read from it, checked."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from carebag_server.outgoing import Outgoing
from carebag_server.seats import Connection
from carebag_wire import PROTOCOL
from carebag_wire.base import Wire
from carebag_wire.calls import Relay
from carebag_wire.messages import MAX_MESSAGE_BYTES, Hello, Pong, Present, Problem, Signal, Superseded, Welcome

log = logging.getLogger("carebag.hub")


OF_THE_CALL = (Pong, Present, Problem, Relay, Signal, Superseded, Welcome)
"""What a call needs to go on, and nothing about the patient."""


PASSING = frozenset({"hub_stopping", "internal", "no_hello"})
"""Refusals after which a page or a kit comes back at once; the others are for good."""
LEAVING = frozenset({1000, 1001})
"""With which a page that is closed, or leaves, closes its socket (RFC 6455, 7.4.1); what breaks has another code."""


HELLO_SECONDS = 10.0


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
    locked: bool = False
    """The session is locked: what is not of the call is withheld until its owner is back."""
    withheld: int = 0
    """How many messages were, so far."""
    has_left: bool = False
    """Either side said that this is the end; else the connection broke, and the same one may come back."""
    read_anew: Callable[[], None] | None = None
    """What is shown here may have changed without a word: the visit is read anew, over this connection."""
    requeue: Callable[[uuid.UUID | None], None] | None = None
    """For a console: a visit of this organisation (None: of any) changed, so its list of visits may be another."""
    look_again: Callable[[], None] | None = None
    """For a console: whether it may still see the visit that it is in, and how that looks now."""

    def push(self, message: Wire) -> None:
        if self.locked and not isinstance(message, OF_THE_CALL):
            self.withheld += 1
            return
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
            self.has_left = self.has_left or code not in PASSING
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
                self.has_left = self.has_left or event.get("code") in LEAVING
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


async def greet(line: Line, adapter: TypeAdapter[Any], client: str) -> Hello:
    """The first message: `hello` with our protocol, in time.

    Raises:
        Over: anything else; the peer was told why.
    """
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            hello = await _first(line, adapter)
    except TimeoutError:
        line.refuse("no_hello", fatal=True)
        raise Over from None
    if not isinstance(hello, Hello) or hello.protocol != PROTOCOL or hello.client != client:
        line.refuse("wrong_version", fatal=True)
        raise Over
    return hello


async def _first(line: Line, adapter: TypeAdapter[Any]) -> Any:
    event = await line.socket.receive()
    if event["type"] == "websocket.disconnect":
        raise Over
    try:
        return adapter.validate_json(event.get("text") or "")
    except (ValidationError, UnicodeEncodeError):
        return None
