"""Hubs without a bus between them must not serve one database: their people would not see each other.

Each hub has a row and counts its beats in it. Who comes and finds a row that it cannot share watches it: if it is
counted on, that hub lives, and the newcomer refuses to start; if not, its hub is gone. Nobody's clock is asked, so
machines whose clocks differ do not matter, nor one that slept. Of a process of this very machine the kernel knows at
once. No advisory lock: behind a pooler it is another's, and after a cut it may stay.
"""

import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Connection, delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column

from carebag_server.database import Database, DatabaseBusy
from carebag_server.hubs.process_mark import is_surely_dead, own_mark
from carebag_server.tables import Base

log = logging.getLogger("carebag.hub")
BEAT_S = 3.0
STALE_S = 12.0
"""A row that was not counted on for so long is of a hub that is gone."""
LOOK_S = 0.5


class HubRunning(Base, kw_only=True):
    """A hub process that serves this database; not data, and in no backup.

    These columns stay as they are: a hub of a newer version takes its place before it migrates.
    """

    __tablename__ = "hub_running"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    bus: Mapped[str]
    """As it was given; "" for none. Hubs of the same one may be there together."""
    host: Mapped[str]
    """Name of its machine, for the words of a refusal."""
    process: Mapped[str]
    """See `process_mark`."""
    beats: Mapped[int] = mapped_column(BigInteger)


class AnotherHub(Exception):
    """One runs that this one cannot share the database with; the text says what to do."""


@dataclass
class Place:
    """This hub's row.

    Args:
        lost: called once, from another thread, when another hub has taken the database while this one was held up.
        now: seconds of a clock that only goes forward.
    """

    database: Database
    bus: str
    lost: Callable[[], None] = lambda: None
    now: Callable[[], float] = time.monotonic
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    _taken: bool = False
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def take(self, *, alone: bool = False) -> None:
        """Blocks for `STALE_S` at most, while it is not known whether a hub that left its row lives.

        Args:
            alone: the tables are about to be changed: beside no other hub, of the same bus neither.

        Raises:
            AnotherHub: it does.
        """
        first: dict[uuid.UUID, int] | None = None
        until = self.now() + STALE_S
        while True:
            others = self._try(stale={} if first is None or self.now() < until else first, alone=alone)
            if not others:
                return
            if first is None:
                first = {one.id: one.beats for one in others}
                log.warning("another hub left its row in this database: looking for %.0f s whether it runs", STALE_S)
            for one in others:
                if first.get(one.id) != one.beats:  # counted on, or come meanwhile
                    raise AnotherHub(self._words(one, alone))
            time.sleep(LOOK_S)

    def _try(self, stale: dict[uuid.UUID, int], *, alone: bool = False) -> list[HubRunning]:
        """Take the place if nobody is in the way, else give who is; `stale`: rows of the dead, if still the same."""
        with self.database.transaction() as session:
            in_the_way = []
            for one in session.scalars(select(HubRunning).where(HubRunning.id != self.id)).all():
                if is_surely_dead(one.process) or stale.get(one.id) == one.beats:
                    session.delete(one)
                elif alone or not self.bus or one.bus != self.bus:
                    in_the_way.append(one)
            if not in_the_way:
                self._insert(session)
        self._taken = not in_the_way
        return in_the_way

    def is_alone(self, connection: Connection) -> None:
        """In the transaction that changes the tables: a hub of the same bus may have come since the place was taken.

        Raises:
            AnotherHub: one has.
        """
        with Session(bind=connection) as session:
            other = session.scalars(select(HubRunning).where(HubRunning.id != self.id)).first()
            if other is not None:
                raise AnotherHub(self._words(other, alone=True))

    def _insert(self, session: Session) -> None:
        session.add(HubRunning(id=self.id, bus=self.bus, host=socket.gethostname(), process=own_mark(), beats=0))

    def _words(self, other: HubRunning, alone: bool) -> str:
        where = f"another hub runs on this database, on the machine {other.host}"
        if alone and self.bus and other.bus == self.bus:
            return (
                f"{where}, and its tables are of an older version than this program's. Nothing was changed. All hubs "
                "must be of one version: stop all of the older one first, then start the new ones"
            )
        if not self.bus and not other.bus:
            how = "start all of them with the same --bus, on PostgreSQL"
        elif self.bus and other.bus:
            how = "give all of them the same --bus"
        else:
            how = f"it was started {'with' if other.bus else 'without'} --bus, this one was not told the same"
        return (
            f"{where}: people at one would not see those at the other. Stop that one first; or, if "
            f"several hubs are meant to serve it, {how}. A hub that crashed is in the way for {STALE_S:.0f} s at most. "
            "Nothing was changed"
        )

    def start_beating(self) -> None:
        self._thread = threading.Thread(target=self._beat_on, name="hub-row", daemon=True)
        self._thread.start()

    def _beat_on(self) -> None:
        while not self._stop.wait(BEAT_S):
            try:
                if not self.beat():
                    self.lost()
                    return
            except (DBAPIError, DatabaseBusy) as error:  # the hub itself says what is wrong with the database
                log.warning("this hub's row could not be counted on: %s", type(error).__name__)

    def beat(self) -> bool:
        """Count on. False if the row is gone and another hub in its place."""
        with self.database.transaction() as session:
            mine = update(HubRunning).where(HubRunning.id == self.id).values(beats=HubRunning.beats + 1)
            if session.execute(mine.returning(HubRunning.id)).first() is not None:
                return True
        # taken for dead while it was held up, or a standby that had not heard of it yet was promoted
        return not self._try(stale={})

    def leave(self) -> None:
        """After the last act: the next hub may start at once. Twice is no fault."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(BEAT_S)
        if not self._taken:
            return
        try:
            with self.database.transaction() as session:
                session.execute(delete(HubRunning).where(HubRunning.id == self.id))
        except (DBAPIError, DatabaseBusy) as error:
            log.warning("this hub's row stays: %s", type(error).__name__)
