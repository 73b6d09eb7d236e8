"""The SFU adapter for Janus: its VideoRoom plugin over its WebSocket API (subprotocol `janus-protocol`).

Each publication has a room of its own: a random number, a random pin, nothing that tells of a visit. When the hub or
its socket dies, Janus ends the session and with it every room and leg.
"""

import asyncio
import contextlib
import itertools
import json
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from carebag_server.sfu.port import Leg, SfuEvents, SfuFailed

PLUGIN = "janus.plugin.videoroom"
ANSWER_S = 5.0
OPEN_S = 3.0
KEEPALIVE_S = 20.0
"""Janus forgets a session after 60 s of silence."""
RETRY_S = (0.5, 1.0, 2.0)
MAX_BYTES = 256 * 1024
log = logging.getLogger("carebag.hub")


class _Error(BaseModel):
    code: int = 0


class _Plugin(BaseModel):
    data: dict[str, Any] = {}


class _Jsep(BaseModel):
    type: str
    sdp: str = Field(max_length=100_000)


class _Said(BaseModel):
    """What is used of anything Janus says."""

    janus: str
    transaction: str = ""
    sender: int = 0
    data: dict[str, Any] = {}
    plugindata: _Plugin = _Plugin()
    jsep: _Jsep | None = None
    error: _Error = _Error()

    @property
    def refusal(self) -> int | None:
        """Janus's own number for what was wrong; None where nothing was."""
        if self.janus == "error":
            return self.error.code
        code = self.plugindata.data.get("error_code")
        return code if isinstance(code, int) else (0 if "error" in self.plugindata.data else None)


@dataclass(frozen=True)
class _Room:
    """Where one publication is, and what opens it."""

    number: int
    feed: int
    pin: str
    secret: str


class JanusSfu:
    """An `Sfu`. A leg is a plugin handle, by a number of ours.

    Args:
        url: `ws://127.0.0.1:8188`.
        secret: Janus's `api_secret`.
    """

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret
        self._socket: ClientConnection | None = None
        self._session = 0
        self._failures = 0
        """In a row, to reach it."""
        self._asked: dict[str, asyncio.Future[_Said]] = {}
        self._transactions = itertools.count(1)
        self._legs = itertools.count(1)
        self._handles: dict[Leg, int] = {}
        self._rooms: dict[Leg, _Room] = {}
        self._partings: set[asyncio.Task[None]] = set()

    async def run(self, events: SfuEvents) -> None:
        while True:
            try:
                async with self._opened() as socket:
                    await self._serve(socket, events)
            except (OSError, TimeoutError, WebSocketException, SfuFailed) as failed:
                if self._failures == 0:
                    why = failed.code if isinstance(failed, SfuFailed) else type(failed).__name__
                    log.warning("sfu: not reached: %s", why)
            await asyncio.sleep(RETRY_S[min(self._failures, len(RETRY_S) - 1)])
            self._failures += 1

    def _opened(self) -> connect:
        return connect(
            self._url,
            subprotocols=[Subprotocol("janus-protocol")],
            open_timeout=OPEN_S,
            max_size=MAX_BYTES,
            ping_interval=5,
            ping_timeout=10,
            close_timeout=1,
            proxy=None,
            logger=_quiet,  # its own lines would hold descriptions with addresses
        )

    async def _serve(self, socket: ClientConnection, events: SfuEvents) -> None:
        self._socket = socket
        reading = asyncio.create_task(self._read(socket, events))
        living = asyncio.create_task(self._live(events))
        try:
            done, _ = await asyncio.wait({reading, living}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._gone()
            for task in (reading, living, *self._partings):
                task.cancel()
            await asyncio.gather(reading, living, *self._partings, return_exceptions=True)
            events.available(False)

    async def _live(self, events: SfuEvents) -> None:
        self._session = _id(await self._ask("create"))
        self._failures = 0
        events.available(True)
        log.info("sfu: reached")
        while True:
            await asyncio.sleep(KEEPALIVE_S)
            await self._ask("keepalive", ack=True)

    def _gone(self) -> None:
        self._socket = None
        self._session = 0
        self._handles.clear()
        self._rooms.clear()
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(SfuFailed("sfu_away"))
        self._asked.clear()

    async def _read(self, socket: ClientConnection, events: SfuEvents) -> None:
        async for text in socket:
            try:
                said = _Said.model_validate_json(text)
            except ValidationError:
                log.warning("sfu: a message was not understood")
                continue
            self._heard(said, events)

    def _heard(self, said: _Said, events: SfuEvents) -> None:
        if said.janus == "timeout":
            raise SfuFailed("sfu_away")
        asked = self._asked.get(said.transaction)
        if asked is not None:
            # what takes time is acknowledged first; what takes none is only acknowledged
            if not asked.done() and (said.janus != "ack" or said.transaction.startswith("ack")):
                asked.set_result(said)
        elif said.janus in ("webrtcup", "hangup", "detached"):
            leg = next((leg for leg, handle in self._handles.items() if handle == said.sender), None)
            if leg is not None:
                (events.up if said.janus == "webrtcup" else events.over)(leg)

    async def _ask(self, verb: str, *, handle: int = 0, ack: bool = False, **more: Any) -> _Said:
        """Raises `SfuFailed`. With `ack` the acknowledgement is all that comes."""
        socket = self._socket
        if socket is None:
            raise SfuFailed("sfu_away")
        transaction = f"{'ack' if ack else 'ask'}{next(self._transactions)}"
        with self._waiting(transaction) as asked:
            try:
                places = {"session_id": self._session, "handle_id": handle, "apisecret": self._secret}
                named = {name: value for name, value in places.items() if value}
                await socket.send(json.dumps({"janus": verb, "transaction": transaction, **named, **more}))
                async with asyncio.timeout(ANSWER_S):
                    said = await asked
            except TimeoutError:
                raise SfuFailed("sfu_no_answer") from None
            except (OSError, WebSocketException):
                raise SfuFailed("sfu_away") from None
        if said.refusal is not None:
            log.warning("sfu: refused, code %d", said.refusal)
            raise SfuFailed("sfu_refused")
        return said

    @contextlib.contextmanager
    def _waiting(self, transaction: str) -> Iterator[asyncio.Future[_Said]]:
        asked = self._asked[transaction] = asyncio.get_running_loop().create_future()
        try:
            yield asked
        finally:
            self._asked.pop(transaction, None)

    async def publish(self, offer: str) -> tuple[Leg, str]:
        leg = await self._attach()
        number, pin, secret = secrets.randbelow(2**52) + 1, secrets.token_hex(16), secrets.token_hex(16)
        self._rooms[leg] = _Room(number, 0, pin, secret)
        try:
            await self._ask("message", handle=self._handle(leg), body=_new_room(number, pin, secret))
            body = {"request": "joinandconfigure", "ptype": "publisher", "room": number, "pin": pin}
            said = await self._ask("message", handle=self._handle(leg), body=body, jsep={"type": "offer", "sdp": offer})
            feed, answer = said.plugindata.data.get("id"), _sdp(said, "answer")
            if not isinstance(feed, int):
                raise SfuFailed("sfu_not_understood")
        except BaseException:
            self.hang_up(leg)
            raise
        self._rooms[leg] = _Room(number, feed, pin, secret)
        return leg, answer

    async def subscribe(self, publication: Leg) -> tuple[Leg, str]:
        room = self._rooms.get(publication)
        if room is None:
            raise SfuFailed("sfu_away")
        leg = await self._attach()
        body = {"request": "join", "ptype": "subscriber", "room": room.number, "pin": room.pin}
        try:
            said = await self._ask("message", handle=self._handle(leg), body=body | {"streams": [{"feed": room.feed}]})
            return leg, _sdp(said, "offer")
        except BaseException:
            self.hang_up(leg)
            raise

    async def answer(self, leg: Leg, answer: str) -> None:
        jsep = {"type": "answer", "sdp": answer}
        await self._ask("message", handle=self._handle(leg), body={"request": "start"}, jsep=jsep)

    async def candidate(self, leg: Leg, candidate: dict[str, Any]) -> None:
        found = candidate if candidate.get("candidate") else {"completed": True}
        await self._ask("trickle", handle=self._handle(leg), ack=True, candidate=found)

    def hang_up(self, leg: Leg) -> None:
        handle, room = self._handles.pop(leg, None), self._rooms.pop(leg, None)
        if handle is not None:
            task = asyncio.create_task(self._part(handle, room), name="sfu parting")
            self._partings.add(task)
            task.add_done_callback(self._partings.discard)

    async def _part(self, handle: int, room: _Room | None) -> None:
        if room is not None:
            body = {"request": "destroy", "room": room.number, "secret": room.secret}
            with contextlib.suppress(SfuFailed):  # it may never have been made
                await self._ask("message", handle=handle, body=body)
        with contextlib.suppress(SfuFailed):
            await self._ask("detach", handle=handle)

    async def _attach(self) -> Leg:
        handle = _id(await self._ask("attach", plugin=PLUGIN))
        leg = next(self._legs)
        self._handles[leg] = handle
        return leg

    def _handle(self, leg: Leg) -> int:
        if leg not in self._handles:
            raise SfuFailed("sfu_away")
        return self._handles[leg]


def _new_room(number: int, pin: str, secret: str) -> dict[str, Any]:
    """One sender; whose picture it is says nothing of the name. No cap on the rate: the kit leads its own encoder."""
    return {
        "request": "create",
        "room": number,
        "description": "carebag",
        "is_private": True,
        "pin": pin,
        "secret": secret,
        "publishers": 1,
        "audiocodec": "opus",
        "videocodec": "vp8",
        "bitrate": 0,
        "record": False,
    }


def _id(said: _Said) -> int:
    found = said.data.get("id")
    if not isinstance(found, int) or found <= 0:
        raise SfuFailed("sfu_not_understood")
    return found


def _sdp(said: _Said, kind: str) -> str:
    if said.jsep is None or said.jsep.type != kind:
        raise SfuFailed("sfu_not_understood")
    return said.jsep.sdp


_quiet = logging.getLogger("carebag.hub.sfu-socket")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False
