"""Who is in the rooms, kept in the store: hubs that all ended and were started again know whom to expect.

Calls go on while a hub is started again; a page, a kit or a guest that comes back within seconds is the participant
that it was (`same_page.py`), if those who are back before it do not first see it gone. A hub that comes to others is
told by them; one that is alone, or the first of several, has only its store. Of several one keeps the rooms of all
(`Company.keeps`), and each once more when it is told to end. What is kept is what a hub tells one that comes in
(`hubs/events.py`): names and ids, nothing that was measured.
See docs/decisions/0030-hubs-that-take-everything-in-one-order.md.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Mapped, mapped_column
from starlette.concurrency import run_in_threadpool

from carebag_server.database import Database
from carebag_server.hubs.events import RoomEvent
from carebag_server.tables import Base

log = logging.getLogger("carebag.hub")
KEPT_FOR = timedelta(seconds=60)
"""A hub that was away for longer expects nobody: a call that outlived it is no call any more."""
BEAT_S = 5.0
"""How often it is said that what is kept is of now, while somebody is there."""
PAUSE_S = 0.2
"""At least, between two writings."""
NOBODY = "[]"
_THE_ONE = 1
_events: TypeAdapter[list[RoomEvent]] = TypeAdapter(list[RoomEvent])
KEPT = frozenset(
    {"console_came", "kit_came", "kit_entered", "guest_came", "joined", "entered", "left", "away", "gone", "announced"}
)
"""What is written at once; the rest, a kit's state, with the next beat."""


class RoomsKept(Base, kw_only=True):
    """One row, written over; not data, and in no backup."""

    __tablename__ = "rooms_kept"
    id: Mapped[int] = mapped_column(primary_key=True)
    events: Mapped[str]
    """JSON: what makes the rooms what they are, for a hub that knows nothing of them."""
    kept_at: Mapped[datetime]


class RoomKeeper:
    """Keeps what `now` says is there, from `start` to `stop`.

    Args:
        clock: gives aware UTC times.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock
        self._now: Callable[[], list[RoomEvent] | None] = list
        self._changed = asyncio.Event()
        self._is_empty = False
        """What is kept is surely nobody."""
        self._task: asyncio.Task[None] | None = None

    def expected(self) -> list[RoomEvent]:
        """What makes the rooms of the hub before, if it was there a moment ago. Blocks."""
        with self._database.reading() as session:
            row = session.get(RoomsKept, _THE_ONE)
        self._is_empty = row is None or row.events == NOBODY
        if row is None or self._is_empty:
            return []
        if abs(self._clock() - row.kept_at) > KEPT_FOR:
            return []
        try:
            return _events.validate_json(row.events)
        except ValidationError:  # of another version
            log.warning("who was in the rooms before cannot be read: all come in anew")
            return []

    def start(self, now: Callable[[], list[RoomEvent] | None]) -> None:
        """`now` gives what makes the rooms, None where another hub keeps it; asked on the event loop."""
        self._now, self._changed = now, asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def happened(self, event: RoomEvent) -> None:
        if event.what in KEPT:
            self._changed.set()

    async def stop(self) -> None:
        """Keep what is there now, and nothing after it: those who are sent away because the hub ends are expected."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])  # not `suppress(CancelledError)`, which would take ours for its
        await self._keep()

    async def _run(self) -> None:
        while True:
            # not `wait_for`: in Python 3.11 it swallows a cancelling that comes together with the event
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await self._changed.wait()
            self._changed.clear()
            await self._keep()
            await asyncio.sleep(PAUSE_S)

    async def _keep(self) -> None:
        events = self._now()
        if events is None:
            self._is_empty = False  # another one may write there
            return
        text = _events.dump_json(events).decode()
        if text == NOBODY and self._is_empty:
            return
        try:
            await run_in_threadpool(self._write, text)
        except Exception as error:  # the hub goes on, and would be started again as before
            log.warning("who is in the rooms could not be kept: %s", type(error).__name__)
        else:
            self._is_empty = text == NOBODY

    def _write(self, text: str) -> None:
        with self._database.transaction() as session:
            session.merge(RoomsKept(id=_THE_ONE, events=text, kept_at=self._clock()))
