"""Between the rooms and the SFU: from a visit's second viewer on, one picture of the kit is handed on to all of them.

Kit and pages say ordinary call set-up to the participant `sfu`. Each visit has a task of its own that does one thing
after the other; what it says goes out through `say`. The kit is told which viewers have their picture from here, and
sends its own to the others: so a page that cannot reach the SFU loses nothing.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from carebag_server.sfu.port import Leg, Sfu, SfuEvents, SfuFailed
from carebag_server.sfu.watching import Watching
from carebag_server.tries import Pace
from carebag_wire.base import Wire
from carebag_wire.calls import MAX_SDP, SFU, SfuServes
from carebag_wire.messages import Signal

ASKS_AT_ONCE, ASKS_PER_S = 5, 0.2
"""New connections that one participant may have made: each costs the SFU sockets and a key exchange."""
INBOX = 400
AGAIN_S = 5.0
"""After the SFU would not, or a leg broke."""
MAX_CANDIDATE = 1000
TRACKS = {"0": "camera"}
"""As in a kit's offer: which `mid` is what."""
log = logging.getLogger("carebag.hub")
Say = Callable[[Signal | SfuServes], None]


@dataclass
class _End:
    """One participant's connection with the SFU."""

    pace: Pace = field(default_factory=lambda: Pace(ASKS_AT_ONCE, ASKS_PER_S))
    leg: Leg | None = None
    epoch: int = 0
    said: Signal | None = None
    """Our description, to be said again if it was lost."""
    answered: bool = False
    up: bool = False

    def end(self) -> Leg | None:
        leg, self.leg = self.leg, None
        self.said, self.answered, self.up = None, False, False
        return leg


_Event = Signal | Watching | tuple[Literal["up", "over", "again"], Leg] | bool


class SfuDesk:
    """The visits that go by way of the SFU. All methods are called on the event loop."""

    def __init__(
        self,
        sfu: Sfu,
        say: Say,
        unix_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sfu, self.say, self.unix_ms, self.monotonic = sfu, say, unix_ms, monotonic
        self.available = False
        self._visits: dict[uuid.UUID, _Visit] = {}
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        events = SfuEvents(
            available=self._available,
            up=lambda leg: self._tell_all(("up", leg)),
            over=lambda leg: self._tell_all(("over", leg)),
        )
        self._running = asyncio.create_task(self.sfu.run(events), name="sfu")

    async def stop(self) -> None:
        tasks = [visit.task for visit in self._visits.values()]
        if self._running is not None:
            tasks.append(self._running)
        self._visits.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def take(self, message: Wire) -> None:
        """From the rooms: who watches now, or call set-up from one who may."""
        if isinstance(message, Watching):
            self._watching(message)
        elif isinstance(message, Signal) and (visit := self._visits.get(message.visit_id)) is not None:
            visit.put(message)

    def nobody(self) -> None:
        """Nothing is known any more of who is in the rooms."""
        for visit_id in list(self._visits):
            self._watching(Watching(visit_id=visit_id, kit=None, viewers=()))

    def _watching(self, now: Watching) -> None:
        """The room is another; without viewers the visit is over here."""
        visit = self._visits.get(now.visit_id)
        if visit is None and now.viewers:
            visit = self._visits[now.visit_id] = _Visit(self, now.visit_id)
        if visit is not None:
            visit.put(now)
            if not now.viewers:
                del self._visits[now.visit_id]

    def _available(self, available: bool) -> None:
        self.available = available
        self._tell_all(available)

    def _tell_all(self, event: _Event) -> None:
        for visit in self._visits.values():
            visit.put(event)


class _Visit:
    """One room: the kit's publication, and the viewers who have it."""

    def __init__(self, desk: SfuDesk, visit_id: uuid.UUID) -> None:
        self._desk, self._sfu, self._id = desk, desk.sfu, visit_id
        self._inbox: asyncio.Queue[_Event] = asyncio.Queue()
        self._now = Watching(visit_id=visit_id, kit=None, viewers=())
        self._kit = ""
        """Who publishes, also while its way to the hub is broken."""
        self._publication = _End()
        self._watchers: dict[str, _End] = {}
        self.task = asyncio.create_task(self._run(), name="sfu visit")

    def put(self, event: _Event) -> None:
        """A flood of set-up is dropped; what the hub itself says is not."""
        if not isinstance(event, Signal) or self._inbox.qsize() < INBOX:
            self._inbox.put_nowait(event)

    async def _run(self) -> None:
        try:
            while True:
                event = await self._inbox.get()
                try:
                    await self._take(event)
                except SfuFailed as failed:
                    log.warning("sfu: %s", failed.code)
                    self._later()
                if isinstance(event, Watching) and not event.viewers:
                    return
        finally:
            self._drop_all()

    def _later(self) -> None:
        asyncio.get_running_loop().call_later(AGAIN_S, self.put, ("again", 0))

    async def _take(self, event: _Event) -> None:
        if isinstance(event, Signal):
            await (self._of_kit(event) if event.sender == self._now.kit else self._of_viewer(event))
        elif isinstance(event, Watching):
            await self._room_is(event)
        elif isinstance(event, bool):
            self._forget()
            self._tell_kit()
        elif event[0] == "up":
            await self._up(event[1])
        elif event[0] == "over":
            self._over(event[1])
        else:
            await self._again()

    # The room

    async def _room_is(self, now: Watching) -> None:
        self._now = now
        if now.kit is not None and self._kit not in ("", now.kit):
            self._drop_all()  # another bag has the visit
        self._kit = now.kit or self._kit
        for gone in [one for one in self._watchers if one not in now.viewers]:
            self._hang_up(self._watchers.pop(gone))
        self._tell_kit()
        await self._again()

    async def _again(self) -> None:
        """What the kit offers, or had before a restart of ours, is offered anew; so is what viewers should have."""
        if self._publication.leg is None and self._now.kit is not None and self._desk.available:
            self._say_to(self._now.kit, 0)
        await self._subscribe_all()

    def _tell_kit(self) -> None:
        if self._now.kit is not None:
            served = [viewer for viewer, end in self._watchers.items() if end.up]
            state = SfuServes(visit_id=self._id, to=self._now.kit, available=self._desk.available, viewers=served)
            self._desk.say(state)

    # The kit's side

    async def _of_kit(self, signal: Signal) -> None:
        publication = self._publication
        offer = _sdp(signal.description, "offer")
        if offer is not None and signal.epoch == publication.epoch and publication.said is not None:
            self._desk.say(publication.said)
        elif offer is not None and signal.epoch > publication.epoch and self._may(publication):
            self._drop_all()
            publication.leg, answer = await self._sfu.publish(offer)
            publication.epoch = signal.epoch
            publication.said = self._say_to(signal.sender, signal.epoch, {"type": "answer", "sdp": answer})
        elif signal.epoch == publication.epoch:
            await self._candidate(publication, signal)

    async def _subscribe_all(self) -> None:
        if not self._publication.up:
            return
        for viewer in self._now.viewers:
            if self._watchers.setdefault(viewer, _End()).leg is None:
                await self._subscribe(viewer)

    # The viewers' side

    async def _of_viewer(self, signal: Signal) -> None:
        end = self._watchers.get(signal.sender)
        if end is None or signal.sender not in self._now.viewers:
            return
        answer = _sdp(signal.description, "answer")
        if signal.description is None and signal.candidate is None:
            await self._asked(signal, end)
        elif signal.epoch != end.epoch or end.leg is None:
            return
        elif answer is not None and not end.answered:
            end.answered = True
            await self._sfu.answer(end.leg, answer)
        else:
            await self._candidate(end, signal)

    async def _asked(self, signal: Signal, end: _End) -> None:
        """The page has nothing yet, or gave up what it had."""
        if end.said is not None and not end.answered and signal.epoch <= end.epoch:
            self._desk.say(end.said)
        elif self._publication.up and self._may(end):
            await self._subscribe(signal.sender)

    async def _subscribe(self, viewer: str) -> None:
        end = self._watchers[viewer]
        was_up = end.up
        self._hang_up(end)
        if was_up:
            self._tell_kit()
        assert self._publication.leg is not None
        end.leg, offer = await self._sfu.subscribe(self._publication.leg)
        end.epoch = max(end.epoch + 1, self._desk.unix_ms())
        end.said = self._say_to(viewer, end.epoch, {"type": "offer", "sdp": offer, "tracks": TRACKS})

    async def _candidate(self, end: _End, signal: Signal) -> None:
        candidate = _candidate(signal.candidate)
        if end.leg is not None and candidate is not None:
            await self._sfu.candidate(end.leg, candidate)

    def _may(self, end: _End) -> bool:
        return end.pace.take(self._desk.monotonic())

    # What the SFU says

    async def _up(self, leg: Leg) -> None:
        if leg == self._publication.leg:
            self._publication.up = True
            await self._subscribe_all()
            return
        for end in self._watchers.values():
            if end.leg == leg:
                end.up = True
                self._tell_kit()

    def _over(self, leg: Leg) -> None:
        if leg == self._publication.leg:
            self._drop_all()
            self._tell_kit()
            if self._now.kit is not None:
                self._say_to(self._now.kit, 0)  # if it has not ended this itself
            return
        for viewer, end in self._watchers.items():
            if end.leg == leg:
                self._hang_up(end)
                self._say_to(viewer, end.epoch)
                self._tell_kit()
                self._later()

    # Endings

    def _drop_all(self) -> None:
        """The publication is over, and so is what came of it; the pages are told."""
        for end in self._watchers.values():
            self._hang_up(end)
        self._hang_up(self._publication)
        self._forget()

    def _forget(self) -> None:
        """The legs are gone already."""
        for viewer, end in self._watchers.items():
            self._say_to(viewer, end.epoch)
        self._watchers.clear()
        self._publication.end()

    def _hang_up(self, end: _End) -> None:
        leg = end.end()
        if leg is not None:
            self._sfu.hang_up(leg)

    def _say_to(self, whom: str, epoch: int, description: dict[str, Any] | None = None) -> Signal:
        signal = Signal(visit_id=self._id, sender=SFU, to=whom, epoch=epoch, description=description)
        self._desk.say(signal)
        return signal


def _sdp(description: dict[str, Any] | None, kind: str) -> str | None:
    if description is None or description.get("type") != kind:
        return None
    sdp = description.get("sdp")
    return sdp if isinstance(sdp, str) and 0 < len(sdp) <= MAX_SDP else None


def _candidate(candidate: dict[str, Any] | None) -> dict[str, Any] | None:
    """What may be passed on of a candidate; {} ends them, None for anything that is none."""
    if candidate is None or candidate == {}:
        return candidate
    text, mid, place = (candidate.get(name) for name in ("candidate", "sdpMid", "sdpMLineIndex"))
    if text == "":
        return {}
    if not isinstance(text, str) or len(text) > MAX_CANDIDATE or not isinstance(mid, str) or len(mid) > 16:
        return None
    passed: dict[str, Any] = {"candidate": text, "sdpMid": mid}
    return passed | ({"sdpMLineIndex": place} if isinstance(place, int) and 0 <= place < 16 else {})
