"""`/api/ws/guest` for a guest's page: the door, then the room. Whatever a guest sends, the room stays up."""

import asyncio
import contextlib
import time
import uuid

from fastapi import APIRouter, WebSocket
from starlette.concurrency import run_in_threadpool

from carebag_server import guests
from carebag_server.access import TheGuestConnecting
from carebag_server.callers import GuestCaller
from carebag_server.database import DatabaseBusy
from carebag_server.hub import Hub, TheHub
from carebag_server.hubs.events import GuestCame
from carebag_server.lines import Line, Over, greet
from carebag_server.reading_anew import ReadingAnew
from carebag_server.refusals import Refused
from carebag_server.rooms import guest_participant
from carebag_server.socket_routes import converse, until_one_ends
from carebag_server.together import LOOK_SECONDS
from carebag_server.tries import Pace
from carebag_server.turn import RelayGiver
from carebag_wire.guests import Guest
from carebag_wire.messages import LinkReport, Ping, Pong, Signal, from_guest

router = APIRouter()
BURST, PER_S = 400, 40.0
"""Call set-up with four others is some hundred candidates in the first seconds; beyond this it is a flood."""
RELAY_SECONDS = 0.5
"""How often it is looked whether the guest has been let in."""


@router.websocket("/api/ws/guest")
async def guest_socket(socket: WebSocket, caller: TheGuestConnecting, hub: TheHub) -> None:
    line = await hub.live.open(socket)
    talk = GuestTalk(hub, line, caller)
    try:
        await converse(hub, line, talk.talk)
    finally:
        if talk.noted:
            with contextlib.suppress(DatabaseBusy):  # the hub is stopping
                await run_in_threadpool(talk.note_leaving)


class GuestTalk:
    """One guest's side of the conversation."""

    def __init__(self, hub: Hub, line: Line, caller: GuestCaller) -> None:
        self.hub, self.line, self.caller = hub, line, caller
        self.noted = False
        self._pace = Pace(BURST, PER_S)
        self._relay = RelayGiver(hub.settings.turn, hub.now, self._may_relay, line.push)

    async def talk(self) -> None:
        live, guest = self.hub.live, self.caller.guest
        await greet(self.line, from_guest, "guest")
        anew = ReadingAnew(self.line, self._read_anew)
        live.welcome(self.line, guest_participant(guest.guest_id), guest.name)
        try:
            here = await run_in_threadpool(self._join)
        except Refused as refused:
            self.line.refuse(refused.code, fatal=True)
            raise Over from None
        await live.happen(GuestCame(line=self.line.number, guest=here, kit_id=self.caller.kit_id))
        await until_one_ends(self._listen(), self._watch(), self._serve_relay(), self._relay.run(), anew.run())

    async def _read_anew(self) -> None:
        here = await run_in_threadpool(self._look)
        if here is not None:
            await self.hub.live.happen(GuestCame(line=self.line.number, guest=here, kit_id=self.caller.kit_id))

    def _look(self) -> Guest | None:
        with self.hub.database.reading() as session:
            return guests.as_of(session, self.caller.guest.guest_id, self.hub.now())

    def _join(self) -> Guest:
        with self.hub.database.transaction() as session:
            guest = guests.joined(self.hub, session, self.caller)
        self.noted = True
        return guest

    def note_leaving(self) -> None:
        with self.hub.database.transaction() as session:
            guests.left(self.hub, session, self.caller)

    async def _listen(self) -> None:
        live = self.hub.live
        while True:
            message = await self.line.read(from_guest)
            if not self._pace.take(time.monotonic()):
                self.line.refuse("too_fast", fatal=True)
                raise Over
            if isinstance(message, Ping):
                self.line.push(Pong(id=message.id))
            elif isinstance(message, Signal):
                live.relay(live.rooms.signal(self.line.number, message))
            elif isinstance(message, LinkReport):
                live.relay(live.rooms.quality(self.line.number, message))
            else:
                self.line.refuse("bad_message")

    async def _serve_relay(self) -> None:
        """TURN credentials from the moment the guest is let in: the rooms know, the store need not be asked."""
        while True:
            me = guest_participant(self.caller.guest.guest_id)
            self._relay.serve(self.hub.live.rooms.let_in(self.line.number), me)
            await asyncio.sleep(RELAY_SECONDS)

    def _may_relay(self, visit_id: uuid.UUID) -> bool:
        return self.hub.live.rooms.let_in(self.line.number) == visit_id and self._why_not() is None

    async def _watch(self) -> None:
        """The visit may end while the hub that was told of it is another one, or the stay may be over."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            code = await run_in_threadpool(self._why_not)
            if code is not None:
                self.line.refuse(code, fatal=True)
                return

    def _why_not(self) -> str | None:
        with self.hub.database.reading() as session:
            return guests.still_welcome(session, self.caller.guest.guest_id, self.hub.now())
