"""What an operator's command changed beside a running hub reaches those who are connected: found in the access log."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool

from carebag_server.database import Database
from carebag_server.hubs.events import ReadAnew
from carebag_server.sockets import LiveRooms
from carebag_server.tables import AuditRow, VisitRow

log = logging.getLogger("carebag.hub")
LOOK_SECONDS = 5.0
OPERATOR_ROLE = "admin"


@dataclass(frozen=True)
class Found:
    """Acts of operators up to a row of the log."""

    seq: int
    visits: set[UUID] = field(default_factory=set)
    kits: set[UUID] = field(default_factory=set)


class AdminActs:
    """Looks every `LOOK_SECONDS`; each hub of several does so for its own connections."""

    def __init__(self, database: Database, live: LiveRooms) -> None:
        self._database, self._live = database, live
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        seq: int | None = None
        while True:
            with contextlib.suppress(Exception):  # the store is away: looked at again from the same row on
                found = await run_in_threadpool(acts_after, self._database, seq)
                seq = found.seq
                if found.visits:
                    log.info("visits were changed beside the hub: %d", len(found.visits))
                    self._live.act(ReadAnew(visits=list(found.visits), kits=list(found.kits)))
            await asyncio.sleep(LOOK_SECONDS)


def acts_after(database: Database, seq: int | None) -> Found:
    """Visits, and their kits, that operators changed after a row of the log; None: only where the log ends now."""
    with database.reading() as session:
        last = session.scalar(select(func.max(AuditRow.seq))) or 0
        if seq is None or last == seq:
            return Found(last)
        theirs = select(AuditRow.visit_id, AuditRow.patient_id).where(
            AuditRow.seq > seq, AuditRow.seq <= last, AuditRow.role == OPERATOR_ROLE
        )
        rows = session.execute(theirs).all()
        visits = {row.visit_id for row in rows if row.visit_id is not None}
        merged = {row.patient_id for row in rows if row.visit_id is None and row.patient_id is not None}
        concerned = (VisitRow.patient_id.in_(merged)) & (VisitRow.state != "closed")
        found = session.execute(select(VisitRow.id, VisitRow.kit_id).where(VisitRow.id.in_(visits) | concerned)).all()
        return Found(last, {row.id for row in found}, {row.kit_id for row in found})
