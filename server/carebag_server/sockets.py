"""The WebSockets: a thin shell that carries events to `rooms.Rooms` and its actions to the sockets.

Everything here runs on the event loop; the store is asked in threads. Messages in: text, at most `MAX_MESSAGE_BYTES`,
`hello` first. What is wrong is answered with a `problem`, and the connection stays, unless it is `fatal`.
"""

import asyncio
import contextlib
import itertools
import logging
import uuid
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket

from carebag_server.announcements import Announcement
from carebag_server.hubs import acting
from carebag_server.hubs.bus import Bus
from carebag_server.hubs.company import Why, hub_of
from carebag_server.hubs.events import Announced, Away, Expected, Gone, HubEvent, KitCame, Passed, ReadAnew, RoomEvent
from carebag_server.hubs.expecting import expect
from carebag_server.hubs.newest import Newest
from carebag_server.hubs.sharing import Alone, Shared, Sharing
from carebag_server.hubs.unseen import Touched
from carebag_server.lines import Line, Over
from carebag_server.reading_anew import HELD_LOOK_S
from carebag_server.rooms import Action, Close, Connection, Rooms, Send
from carebag_server.rooms_kept import RoomKeeper
from carebag_server.sfu.desk import SfuDesk
from carebag_server.sfu.port import Sfu
from carebag_server.sfu.watching import SFU_LINE, Watching
from carebag_wire import PROTOCOL
from carebag_wire.base import Wire
from carebag_wire.messages import CameraDo, Signal, Welcome
from carebag_wire.socket_ticket import SUBPROTOCOL
from carebag_wire.visit import Participant

__all__ = ["Line", "LiveRooms", "Over"]
log = logging.getLogger("carebag.hub")
STOP_SECONDS = 2.0
AWAY_SECONDS = 8.0
"""A page whose connection broke, or whose hub died, is back in less than one; so long it is not missed."""
EXPECTED_SECONDS = 20.0
"""So long hubs that were started again wait for those who were there; a page tries every 5 s, a kit every 2."""


class LiveRooms:
    """The rooms and their lines; made on the event loop's thread by `start`.

    Args:
        touched: which visits another hub may have changed before it broke off; asked in a thread.
    """

    def __init__(self, now: Callable[[], datetime], touched: Callable[[], Touched] | None = None) -> None:
        self.rooms = Rooms()
        self.relay_only = False
        """Told to everyone who comes in."""
        self.now = now
        self.sharing: Sharing = Alone(self.act)
        self.keeper: RoomKeeper | None = None
        """Tells whom to expect where no other hub can."""
        self._is_settled = True
        """Those who are expected are in the rooms."""
        self._ended_kits: dict[Connection, list[RoomEvent]] = {}
        """Kits that were at a hub which ended a moment ago: if this one ends too, they are expected."""
        self._touched = touched
        self._lines: dict[Connection, Line] = {}
        self._numbers = itertools.count(1)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sfu: SfuDesk | None = None
        self._stopping = False
        self._happening: set[asyncio.Future[bool]] = set()
        self._newest = Newest()
        self._unsaid: tuple[set[uuid.UUID], set[uuid.UUID]] = (set(), set())
        """Visits, and their kits, of which something changed while the other hubs could not be told."""
        self._background: set[asyncio.Task[None]] = set()

    def start(self, sfu: Sfu | None = None, bus: Bus | None = None) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), False
        if sfu is not None:
            self._sfu = SfuDesk(sfu, lambda said: self.relay(self.rooms.with_sfu(said.visit_id).hear(said)))
            self._sfu.start()
            self.rooms.has_sfu = True
        if bus is not None:
            self.sharing, self._is_settled = Shared(bus, self), False
        if self.keeper is not None:
            if bus is None:
                self._expect(self.keeper.expected())
            self.keeper.start(self._to_keep)
        self.sharing.start()

    async def stop(self) -> None:
        """Tell everyone that the hub goes down; they come back and get a snapshot."""
        self._stopping = True
        if self.keeper is not None:
            await self.keeper.stop()
        if isinstance(self.sharing, Alone):
            self._loop = None
        lines = list(self._lines.values())
        for line in lines:
            line.refuse("hub_stopping", fatal=True)
        if lines:
            await asyncio.wait([asyncio.create_task(line.gone.wait()) for line in lines], timeout=STOP_SECONDS)
        if self._sfu is not None:
            await self._sfu.stop()

    async def leave(self) -> None:
        """After `stop`, and after the last request: nothing changes any more that other hubs must be told."""
        await self.sharing.stop()
        self._loop = None

    @property
    def is_in(self) -> bool:
        """Whether everybody is known who is in the rooms, so that people may be let in."""
        return self.sharing.is_in and self._is_settled

    # What happens, here and at other hubs

    async def happen(self, event: RoomEvent) -> None:
        """Returns when it has happened in the rooms.

        Raises:
            Over: this hub does not know now who is in the rooms; the line is being closed.
        """
        heard: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._happening.add(heard)
        try:
            if not self.sharing.say(event, lambda: _settle(heard, True)) or not await heard:
                raise Over
        finally:
            self._happening.discard(heard)

    def tell(self, event: RoomEvent) -> None:
        """It happens, soon; what was changed in the store and cannot be told now is told as soon as it can be."""
        if not self.sharing.say(event) and isinstance(event, Announced):
            self._could_not_say(event)

    def act(self, event: RoomEvent) -> None:
        """It happened: see `hubs.company.Crew`."""
        match event:
            case Announced():
                news = [one for one in event.announcements if self._newest.is_news(one, event.order)]
                self.carry_out(acting.act(self.rooms, event.model_copy(update={"announcements": news})))
                self._requeue({one.organization_id for one in news if one.changed.visit is not None})
            case ReadAnew():
                self._bring_back(set(event.visits), set(event.kits))
            case Away():
                if event.hub_ends:
                    self._keep_for_a_moment(event.line)
                self.carry_out(acting.act(self.rooms, event))
                self._wait_for(event.line)
            case KitCame() if event.away:
                self.carry_out(acting.act(self.rooms, event))
                self._wait_for(event.line)
            case Expected():
                self._expect(event.events)
            case _:
                self.carry_out(acting.act(self.rooms, event))
        if self.keeper is not None:
            self.keeper.happened(event)

    def all_here(self) -> list[RoomEvent]:
        # of who is away its hub may be gone: all tell of them
        return acting.events_of(self.rooms, lambda line: self.sharing.is_here(line) or self.rooms.is_away(line))

    def hub_gone(self, hub: int, clean: bool) -> None:
        for connection in self.rooms.connections():
            if hub_of(connection) == hub:
                self.act(Away(line=connection, hub_ends=True))
        if not clean:
            log.warning("another hub is gone; visits that it may have changed last are read anew")
            self._in_background(self._catch_up())

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _wait_for(self, line: Connection) -> None:
        """Who does not come back is gone; every hub says so, since the line's own may be gone itself."""
        if self._loop is not None and self.rooms.is_away(line):
            # one that comes in does not know since when; the others say so in time
            seconds = AWAY_SECONDS if self.is_in else EXPECTED_SECONDS
            self._loop.call_later(seconds, self.tell, Gone(line=line))

    def _expect(self, events: list[RoomEvent]) -> None:
        lines, actions = expect(self.rooms, events)
        self.carry_out(actions)
        if isinstance(self.sharing, Alone):
            self._numbers = itertools.count(max(lines, default=0) + 1)
        for line in lines:
            asyncio.get_running_loop().call_later(EXPECTED_SECONDS, self.tell, Gone(line=line))

    async def _ask_the_store(self, keeper: RoomKeeper) -> None:
        """Whom to expect: no other hub knows. All are told, and nobody is let in before."""
        try:
            events = await run_in_threadpool(keeper.expected)
        except Exception as error:
            log.error("who was in the rooms before cannot be read (%s): all come in anew", type(error).__name__)
            events = []
        with contextlib.suppress(Over):  # cut off meanwhile: it comes in again, and asks again
            if events:
                await self.happen(Expected(events=events))
            self._is_settled = True

    def _keep_for_a_moment(self, line: Connection) -> None:
        kit = self.rooms.kit_at(line)
        if kit is not None and self._loop is not None:
            self._ended_kits[line] = acting.kit_events(kit)
            self._loop.call_later(EXPECTED_SECONDS, self._ended_kits.pop, line, None)

    def _to_keep(self) -> list[RoomEvent] | None:
        """What makes the rooms of all hubs; None: it is not for this one to say."""
        if not self.is_in or not (self.sharing.keeps or self._stopping):
            return None
        ended = [events for line, events in self._ended_kits.items() if self.rooms.kit_at(line) is None]
        return [*itertools.chain(*ended), *acting.events_of(self.rooms, lambda _: True)]

    async def _catch_up(self) -> None:
        """What the store says was changed, and the hub that did so may not have told."""
        if self._touched is None:
            return
        try:
            touched = await run_in_threadpool(self._touched)
        except Exception as error:
            log.error("the store cannot be asked what the other hub changed (%s): all come again", type(error).__name__)
            for line in self._lines.values():
                line.refuse("hub_stopping", fatal=True)
        else:
            self._bring_back(set(touched.visits), set(touched.kits))

    def came_in(self) -> None:
        log.info("this hub is one of those that serve the visits")
        (visits, kits), self._unsaid = self._unsaid, (set(), set())
        if visits:
            self.tell(ReadAnew(visits=list(visits), kits=list(kits)))
        if self.keeper is not None and self.sharing.is_first:
            self._in_background(self._ask_the_store(self.keeper))
        else:
            self._is_settled = True

    def fell_out(self, why: Why, unheard: list[HubEvent]) -> None:
        """Who is in the rooms is not known any more: everybody is sent away, to come in again here or elsewhere."""
        if why != "left":
            log.error("this hub is cut off from the others (%s): all sockets are closed, none is let in", why)
        for event in unheard:
            if isinstance(event, Announced):
                self._could_not_say(event)
        self.rooms, self._is_settled, self._ended_kits = Rooms(), False, {}
        self.rooms.has_sfu = self._sfu is not None
        self._newest = Newest()
        if self._sfu is not None:
            self._sfu.nobody()
        for line in self._lines.values():
            line.refuse("hub_stopping", fatal=True)
        for heard in self._happening:
            _settle(heard, False)

    def _could_not_say(self, event: Announced) -> None:
        for one in event.announcements:
            self._unsaid[0].add(one.changed.visit_id)
            self._unsaid[1].add(one.kit_id)

    def _bring_back(self, visits: set[uuid.UUID], kits: set[uuid.UUID]) -> None:
        """Those whose visits these are get them as they are now, over the connections that they have."""
        concerned = [number for number in self._lines if self.rooms.visit_of(number) in visits]
        concerned += [self.rooms.kits[kit_id].connection for kit_id in kits if kit_id in self.rooms.kits]
        for line in [self._lines[number] for number in concerned if number in self._lines]:
            if line.read_anew is not None:
                line.read_anew()
            else:
                line.refuse("hub_stopping", fatal=True)
        self._requeue({None})

    def hidden_or_shown(self, visits: set[uuid.UUID], kits: set[uuid.UUID]) -> None:
        """Of the patient of these visits something is hidden now, or shown again: consoles look again at the visit and
        the list, kits get their visits anew. Here only; each hub finds it by itself."""
        for number, line in self._lines.items():
            if line.look_again is not None and self.rooms.visit_of(number) in visits:
                line.look_again()
        self._bring_back(set(), kits)

    def _requeue(self, organizations: set[uuid.UUID | None]) -> None:
        for requeue in [line.requeue for line in self._lines.values() if line.requeue is not None]:
            for organization_id in organizations:
                requeue(organization_id)

    async def hold(self, line: Line) -> bool:
        """What changes is held back there from now on, until what is read now comes; False if nothing is shown."""
        while not self.rooms.read_anew(line.number):
            if not self.rooms.shows(line.number):
                return False
            await asyncio.sleep(HELD_LOOK_S)
        return True

    def presence(self, visit_id: uuid.UUID, kit_id: uuid.UUID) -> tuple[list[Participant], bool]:
        """Who is in the room now; from any thread."""
        if self._loop is None:
            return [], False
        future = asyncio.run_coroutine_threadsafe(self._participants(visit_id, kit_id), self._loop)
        return future.result(timeout=5)

    async def _participants(self, visit_id: uuid.UUID, kit_id: uuid.UUID) -> tuple[list[Participant], bool]:
        return self.rooms.participants(visit_id, kit_id)

    def announced(self, announcements: list[Announcement], order: int = 0) -> None:
        """The store's listener: called by the thread that committed; its order is that of the commits of all hubs."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.tell, Announced(order=order, announcements=announcements))

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
        self.relay(actions)
        return bool(actions)

    def relay(self, actions: Iterable[Action]) -> None:
        """Carry out what comes of what was said here only: what is for connections of other hubs is passed on."""
        for action in actions:
            end = self._end(action)
            if end is None or self.sharing.is_here(end):
                self.carry_out([action])
            elif isinstance(action, Send):
                passed = Passed.model_validate({"line": action.connection, "message": action.message})
                self.sharing.pass_on(end, passed)

    def _end(self, action: Action) -> Connection | None:
        """Whose hub it is for: the SFU's desk of a visit is where its kit is."""
        if not isinstance(action, Send) or not isinstance(action.message, Signal) or action.connection != SFU_LINE:
            return action.connection
        kit = self.rooms.with_sfu(action.message.visit_id).kit
        return None if kit is None else kit.connection

    def _to_desk(self, message: Wire) -> None:
        if self._sfu is None:
            return
        kit = self.rooms.with_sfu(message.visit_id).kit if isinstance(message, Watching) else None
        if isinstance(message, Watching) and kit is not None and not self.sharing.is_here(kit.connection):
            message = Watching(visit_id=message.visit_id, kit=None, viewers=())
        self._sfu.take(message)

    def carry_out(self, actions: Iterable[Action]) -> None:
        """What is for this hub's connections; the other hubs do the same with theirs."""
        for action in actions:
            if isinstance(action, Send) and action.connection == SFU_LINE:
                self._to_desk(action.message)
                continue
            line = self._lines.get(action.connection)
            if line is None:
                continue
            if isinstance(action, Close):
                line.close()
            else:
                line.push(action.message)

    async def open(self, socket: WebSocket) -> Line:
        # a page's ticket is among what it offers, and is never what is answered; a kit offers nothing
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", ()) else None)
        line = Line(self.sharing.line(next(self._numbers)), socket)
        self._lines[line.number] = line
        if self._stopping or not self.is_in:
            line.refuse("hub_stopping", fatal=True)
        return line

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
        self.tell(Gone(line=line.number) if line.has_left else Away(line=line.number, hub_ends=self._stopping))


def _settle(future: asyncio.Future[bool], outcome: bool) -> None:
    if not future.done():
        future.set_result(outcome)
