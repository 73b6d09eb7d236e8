"""`/api/ws/console` for the doctor's page and `/api/ws/kit` for a kit: sign-in is the policy's, the talk is here."""

import asyncio
import base64
import contextlib
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from fastapi import APIRouter, WebSocket
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect

from carebag_server import sessions, together, visits
from carebag_server.access import DoctorConnecting, TheKitConnecting
from carebag_server.callers import KitCaller, PersonCaller
from carebag_server.database import DatabaseBusy
from carebag_server.hub import Hub, TheHub
from carebag_server.hubs.events import ConsoleCame, Entered, Joined, KitCame, KitEntered, KitSaid, Left
from carebag_server.kit_keys import SEEN_EVERY, note_seen
from carebag_server.kit_nurses import NurseWatch
from carebag_server.lines import Line, Over, greet
from carebag_server.reading_anew import ReadingAnew
from carebag_server.refusals import Refused
from carebag_server.relations import visible_visit
from carebag_server.rooms import kit_participant, nurse_participant
from carebag_server.same_page import page_mark
from carebag_server.seats import doctor_participant
from carebag_server.tries import Pace
from carebag_server.turn import RelayGiver
from carebag_wire.messages import (
    Hello,
    Join,
    KitStatus,
    KitVisits,
    Leave,
    LinkReport,
    Live,
    NurseOut,
    Ping,
    Pong,
    Signal,
    Snapshot,
    from_console,
    from_kit,
)
from carebag_wire.review import QuestionsWaiting
from carebag_wire.visit import DoctorHears, VisitSnapshot

router = APIRouter()
log = logging.getLogger("carebag.hub")
FLUSH_SECONDS = 5.0
LAST_WORD_SECONDS = 0.2
"""For what a peer said before it closed, where that was noticed by what could not be sent to it."""
QUEUE_SECONDS = 0.5
"""Between two lists to one page: each is read, and logged, anew, with those of the others who wait."""
QUESTIONS_SECONDS = 10.0
"""How soon a doctor with an open console sees that the medical lead asked something."""
_ENDINGS = (Over, WebSocketDisconnect)


@router.websocket("/api/ws/console")
async def console_socket(socket: WebSocket, caller: DoctorConnecting, hub: TheHub) -> None:
    line = await hub.live.open(socket)
    await converse(hub, line, Console(hub, line, caller).talk)


@router.websocket("/api/ws/kit")
async def kit_socket(socket: WebSocket, caller: TheKitConnecting, hub: TheHub) -> None:
    line = await hub.live.open(socket)
    await converse(hub, line, KitTalk(hub, line, caller).talk)


async def converse(hub: Hub, line: Line, talk: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Read and write until either side is done; then what was said before is still sent."""
    writing = asyncio.create_task(line.write())
    reading = asyncio.create_task(talk())
    try:
        await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
        if not line.closing:
            await asyncio.wait({reading}, timeout=LAST_WORD_SECONDS)
    finally:
        hub.live.forget(line)  # before anything is awaited: a cancelled task may not get that far
        reading.cancel()
        line.close()
    try:
        (outcome,) = await asyncio.gather(reading, return_exceptions=True)
        if isinstance(outcome, Exception) and not isinstance(outcome, _ENDINGS):
            log.error("a socket failed: %s", type(outcome).__name__)
            line.last_word("internal")
        await asyncio.wait({writing}, timeout=FLUSH_SECONDS)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await line.hang_up()


async def until_one_ends(*parts: Coroutine[Any, Any, None]) -> None:
    """Run side by side until the first ends; its exception, if any, is raised here."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_live(hub: Hub, caller: PersonCaller | KitCaller, visit_id: uuid.UUID) -> bool:
    """Whether a visit is the caller's to see, and not over."""
    try:
        with hub.database.reading() as session:
            return visible_visit(session, caller, visit_id, hub.now()).state != "closed"
    except Refused:
        return False


def nurses_of(snapshots: Iterable[VisitSnapshot]) -> dict[uuid.UUID, str]:
    """Who is the nurse in which visit."""
    heads = (one.visit for one in snapshots)
    return {head.id: head.nurse.name for head in heads if head.nurse is not None}


BURST, PER_S = 150, 50.0
"""Of a console to the others in its room; a call that is set up with everybody takes some fifty messages."""


class Console:
    """The doctor's side: the list of visits, and one room at a time."""

    def __init__(self, hub: Hub, line: Line, caller: PersonCaller) -> None:
        self.hub, self.line, self.caller = hub, line, caller
        self._queue_wanted = asyncio.Event()
        self._look_wanted = asyncio.Event()
        self._homes: frozenset[uuid.UUID] = frozenset()
        self._pace = Pace(BURST, PER_S)
        self._relay = RelayGiver(hub.settings.turn, hub.now, self._may_relay, line.push)

    async def talk(self) -> None:
        live, person = self.hub.live, self.caller.person
        came = await self._came(await greet(self.line, from_console, "console"))
        anew = ReadingAnew(self.line, self._read_anew)
        await live.happen(came)
        self._participant_id = doctor_participant(person.practitioner_id, came.page or str(came.line))
        live.welcome(self.line, self._participant_id, person.name)
        self._queue_wanted.set()
        self.line.requeue = self._requeue
        self.line.look_again = self._look_wanted.set
        await until_one_ends(self._answer(), self._send_queues(), *self._watches(), self._relay.run(), anew.run())

    async def _came(self, hello: Hello) -> ConsoleCame:
        """A page that was in a room has its seat there again, if its person still may see the visit."""
        person, page = self.caller.person, hello.page
        came = ConsoleCame(line=self.line.number, practitioner_id=person.practitioner_id, name=person.name)
        if page is None:
            return came
        seat = page.visit_id
        if seat is not None and not await run_in_threadpool(_is_live, self.hub, self.caller, seat):
            seat = None
        mark = page_mark(self.caller.session_id, page.key)
        return came.model_copy(update={"page": mark, "turn": page.turn, "visit_id": seat})

    async def _read_anew(self) -> None:
        live, visit_id = self.hub.live, self.hub.live.rooms.seated(self.line.number)
        if self.line.locked:
            self.line.withheld += 1  # unlocking reads
        elif visit_id is not None and await live.hold(self.line):
            try:
                read = await run_in_threadpool(self._read, visit_id)
            except Refused as refused:
                await live.happen(Left(line=self.line.number))
                self.line.refuse(refused.code)
                return
            nurses, sent = nurses_of([read]), Snapshot(snapshot=read)
            await live.happen(Entered(line=self.line.number, visit_id=visit_id, nurses=nurses, snapshot=sent))

    async def _answer(self) -> None:
        answers: dict[type, Callable[[Any], Awaitable[None]]] = {
            Ping: self._ping,
            Join: self._join,
            Leave: self._leave,
            Signal: self._signal,
            DoctorHears: self._doctor_hears,
            LinkReport: self._quality,
        }
        while True:
            message = await self.line.read(from_console)
            answer = answers.get(type(message))
            if answer is None:
                self.line.refuse("bad_message")
            else:
                await self._paced(message)
                await answer(message)

    async def _paced(self, message: object) -> None:
        """What goes on to others at once goes no faster than they can take it: a flood costs the one who sends it."""
        if isinstance(message, Signal | DoctorHears | LinkReport):
            await asyncio.sleep(self._pace.owed_s(time.monotonic()))

    async def _ping(self, ping: Ping) -> None:
        """A page that pings is open, which does not mean that somebody sits before it."""
        await self._look_at_session()
        self.line.push(Pong(id=ping.id))

    async def _look_at_session(self) -> None:
        state = await run_in_threadpool(sessions.state_now, self.hub.database, self.caller.session_id, self.hub.now())
        if state == "over":
            self.line.refuse("session_ended", fatal=True)
            raise Over
        if state == "locked" and not self.line.locked:
            self.line.locked = True
            self.line.refuse("session_locked")
        elif state == "open" and self.line.locked:
            await self._unlock()

    async def _unlock(self) -> None:
        """The owner is back: the page gets anew what was withheld. The call was never away."""
        while True:
            withheld, visit_id = self.line.withheld, self.hub.live.rooms.seated(self.line.number)
            try:
                read = None if visit_id is None else await run_in_threadpool(self._read, visit_id)
            except Refused as refused:  # may not be seen any more
                read = None
                await self.hub.live.happen(Left(line=self.line.number))
                self.line.refuse(refused.code)
            if self.line.withheld == withheld:
                break  # nothing was withheld after it was read
        self.line.locked = False
        if read is not None:
            self._show(read)
        self._queue_wanted.set()

    def _show(self, read: VisitSnapshot) -> None:
        self.line.push(Snapshot(snapshot=read))
        kit = self.hub.live.rooms.kits.get(read.visit.kit_id)
        if kit is not None and kit.status is not None:
            self.line.push(kit.status)

    def _read(self, visit_id: uuid.UUID) -> VisitSnapshot:
        with self.hub.database.transaction() as session:
            return visits.read_visit(self.hub, session, self.caller, visit_id)

    async def _join(self, join: Join) -> None:
        live = self.hub.live
        if self.line.locked:
            self.line.refuse("session_locked")
            return
        self._relay.serve(None)
        try:
            kit_id = await run_in_threadpool(self._kit_of, join)
            joined = {"line": self.line.number, "visit_id": join.visit_id, "kit_id": kit_id}
            await live.happen(Joined(**joined, take_over=join.take_over))
            if live.rooms.seated(self.line.number) != join.visit_id:
                return
            snapshot = await run_in_threadpool(self._enter, join)
        except Refused as refused:
            await live.happen(Left(line=self.line.number))
            self.line.refuse(refused.code)
            return
        if snapshot.visit.state != "closed":
            self._relay.serve_at_once(join.visit_id, self._participant_id)
        nurses, read = nurses_of([snapshot]), Snapshot(snapshot=snapshot)
        await live.happen(Entered(line=self.line.number, visit_id=join.visit_id, nurses=nurses, snapshot=read))

    def _may_relay(self, visit_id: uuid.UUID) -> bool:
        """While the doctor sits in the room of a visit that is not over and still may see it."""
        return self.hub.live.rooms.seated(self.line.number) == visit_id and _is_live(self.hub, self.caller, visit_id)

    def _kit_of(self, join: Join) -> Any:
        with self.hub.database.reading() as session:
            return visible_visit(session, self.caller, join.visit_id, self.hub.now()).kit_id

    def _enter(self, join: Join) -> VisitSnapshot:
        with self.hub.database.transaction() as session:
            return visits.enter_visit(self.hub, session, self.caller, join.visit_id)

    async def _leave(self, _leave: Leave) -> None:
        self._relay.serve(None)
        await self.hub.live.happen(Left(line=self.line.number))

    async def _signal(self, signal: Signal) -> None:
        self.hub.live.relay(self.hub.live.rooms.signal(self.line.number, signal))

    async def _doctor_hears(self, hears: DoctorHears) -> None:
        if self.line.locked:
            return
        self.hub.live.relay(self.hub.live.rooms.doctor_hears(self.line.number, hears))

    async def _quality(self, quality: LinkReport) -> None:
        self.hub.live.relay(self.hub.live.rooms.quality(self.line.number, quality))

    def _requeue(self, organization_id: uuid.UUID | None) -> None:
        """A visit of this organisation changed: the list is sent anew to those who see its visits."""
        if organization_id is None or organization_id in self._homes:
            self._queue_wanted.set()

    async def _send_queues(self) -> None:
        while True:
            await self._queue_wanted.wait()
            self._queue_wanted.clear()
            if self.line.locked:
                continue  # unlocking asks for it
            visit_list = await self.hub.lists.ask(self.caller)
            self._homes = visit_list.homes
            self.line.push(visit_list.message)
            await asyncio.sleep(QUEUE_SECONDS)

    def _watches(self) -> list[Coroutine[Any, Any, None]]:
        return [self._watch_session(), self._watch_seat(), self._watch_questions()]

    async def _watch_seat(self) -> None:
        """Who may not see the visit any more is shown out of its room, and the list is another. When something was
        hidden or shown of a patient, it is looked at once, and who stays gets the visit as it is now."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(together.LOOK_SECONDS):
                    await self._look_wanted.wait()
            wanted = self._look_wanted.is_set()
            self._look_wanted.clear()
            visit_id = self.hub.live.rooms.seated(self.line.number)
            if visit_id is None:
                continue
            if not await self.hub.seats.ask((self.caller, visit_id)):
                await self._show_out()
            elif wanted and not self.line.locked:
                try:
                    self._show(await run_in_threadpool(self._read, visit_id))
                except Refused:  # hidden just now
                    await self._show_out()

    async def _show_out(self) -> None:
        self._relay.serve(None)
        await self.hub.live.happen(Left(line=self.line.number))
        self.line.refuse("seat_ended")
        self._queue_wanted.set()

    async def _watch_questions(self) -> None:
        """That something waits is told at once and when it changes; what it is, the page fetches where it is shown."""
        told: list[uuid.UUID] = []
        while True:
            if not self.line.locked:
                waiting = await self.hub.questions.ask(self.caller.person.practitioner_id)
                if waiting != told and not self.line.locked:
                    self.line.push(QuestionsWaiting(ids=waiting))
                    told = waiting
            await asyncio.sleep(QUESTIONS_SECONDS)

    async def _watch_session(self) -> None:
        """A page that does not ping must not go on reading when its session is locked or has run out."""
        while True:
            await (self.hub.locked if self.line.locked else self.hub.signed_in).until_over(self.caller.session_id)
            try:
                await self._look_at_session()
            except Over:
                return


class KitTalk:
    """The kit's side: today's visits, then what it says of its instruments and passes on from the nurse's page."""

    def __init__(self, hub: Hub, line: Line, caller: KitCaller) -> None:
        self.hub, self.line, self.caller = hub, line, caller
        self._relay = RelayGiver(
            hub.settings.turn, hub.now, lambda visit_id: _is_live(hub, caller, visit_id), line.push
        )
        self._nurse = NurseWatch(hub.nurses, lambda commission_id: line.push(NurseOut(commission_id=commission_id)))

    async def talk(self) -> None:
        live, kit = self.hub.live, self.caller
        await greet(self.line, from_kit, "kit")
        anew = ReadingAnew(self.line, self._read_anew)
        live.welcome(self.line, kit_participant(kit.kit_id), kit.name)
        number, key = self.line.number, base64.b64encode(kit.public_key).decode()
        await live.happen(KitCame(line=number, kit_id=kit.kit_id, name=kit.name, key=key))
        await self._enter()
        watching = (self._watch_enrolment(), self._stay_seen(), self._nurse.run(), self._relay.run(), anew.run())
        await until_one_ends(self._listen(), *watching)

    async def _enter(self) -> None:
        read = await run_in_threadpool(self._visits)
        kit_visits = KitVisits(
            visits=read, telephone=self.hub.settings.telephone, time_zone=self.hub.settings.time_zone
        )
        await self.hub.live.happen(KitEntered(line=self.line.number, nurses=nurses_of(read), visits=kit_visits))

    async def _read_anew(self) -> None:
        if await self.hub.live.hold(self.line):
            await self._enter()

    async def _listen(self) -> None:
        while True:
            self._hear(await self.line.read(from_kit))

    async def _watch_enrolment(self) -> None:
        """A kit that is reported lost is cut off within a minute."""
        await self.hub.enrolled.until_over(self.caller.kit_id)
        self.line.refuse("kit_revoked", fatal=True)

    async def _stay_seen(self) -> None:
        """A kit that is connected and asks for nothing is there all the same."""
        while True:
            await asyncio.sleep(SEEN_EVERY.total_seconds())
            with contextlib.suppress(DatabaseBusy):
                await run_in_threadpool(self._seen)

    def _seen(self) -> None:
        with self.hub.database.transaction() as session:
            note_seen(session, self.caller.kit_id, self.hub.now())

    def _visits(self) -> list[VisitSnapshot]:
        with self.hub.database.transaction() as session:
            return visits.kit_snapshots(self.hub, session, self.caller)

    def _hear(self, message: object) -> None:
        live = self.hub.live
        if isinstance(message, Ping):
            self.line.push(Pong(id=message.id))
        elif isinstance(message, Signal):
            live.relay(live.rooms.signal(self.line.number, message))
        elif isinstance(message, KitStatus):
            self._nurse.named(message.nurse_commission)
            message = message.model_copy(update={"nurse_commission": None})
            live.tell(KitSaid(line=self.line.number, status=message))
            nurse = [nurse_participant(self.caller.kit_id)] if message.nurse_present else []
            self._relay.serve(message.visit_id, kit_participant(self.caller.kit_id), *nurse)
        elif isinstance(message, Live):
            live.relay(live.rooms.live(self.line.number, message))
        elif isinstance(message, LinkReport):
            live.relay(live.rooms.quality(self.line.number, message))
        else:
            self.line.refuse("bad_message")
