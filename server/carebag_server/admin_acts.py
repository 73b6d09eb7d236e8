"""What an operator's command changed beside a running hub reaches those who are connected: found in the access log."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, or_, select
from starlette.concurrency import run_in_threadpool

from carebag_server.database import Database
from carebag_server.hubs.events import ReadAnew
from carebag_server.one_person import ever_one
from carebag_server.sockets import LiveRooms
from carebag_server.tables import AuditRow, VisitRow

log = logging.getLogger("carebag.hub")
LOOK_SECONDS = 3.0
OPERATOR_ROLE = "admin"
BLOCKS = frozenset({"block_recorded", "block_lifted"})
PROTECTIONS = frozenset({"identity_protected", "identity_protection_ended"})
MERGES = frozenset({"patient_merged", "patient_unmerged"})
"""What holds for one identity holds for another from then on, or no more."""
HIDING = BLOCKS | PROTECTIONS | MERGES
"""What hides something of a patient, or shows it again."""


@dataclass(frozen=True)
class Found:
    """Acts up to a row of the log."""

    seq: int
    visits: set[UUID] = field(default_factory=set)
    """Changed by operators: whoever is in their rooms comes again."""
    kits: set[UUID] = field(default_factory=set)
    hidden_seq: int = 0
    """The last row by which something was hidden or shown; 0: none."""
    hidden_visits: set[UUID] = field(default_factory=set)
    """All of the patients concerned, under every identity that was ever said to be theirs: a merge that was taken back
    shows again what it hid."""
    hidden_kits: set[UUID] = field(default_factory=set)
    """Kits that show such a patient's identity: a block hides nothing from the provider's own nurses."""


class AdminActs:
    """Looks every `LOOK_SECONDS`; each hub of several does so for its own connections."""

    def __init__(self, database: Database, live: LiveRooms) -> None:
        self._database, self._live = database, live
        self._looking: asyncio.Task[None] | None = None
        self.hidden_seq = 0
        """The last row of the log by which something was hidden or shown of a patient since the hub runs."""

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
                self._tell(found)
            await asyncio.sleep(LOOK_SECONDS)

    def _tell(self, found: Found) -> None:
        if found.visits:
            log.info("visits were changed beside the hub: %d", len(found.visits))
            self._live.act(ReadAnew(visits=list(found.visits), kits=list(found.kits)))
        if found.hidden_seq:
            log.info("something of a patient was hidden or shown: visits %d", len(found.hidden_visits))
            self.hidden_seq = found.hidden_seq
            self._live.hidden_or_shown(found.hidden_visits, found.hidden_kits)


def acts_after(database: Database, seq: int | None) -> Found:
    """What was done beside the hubs after a row of the log; None: only where the log ends now."""
    with database.reading() as session:
        last = session.scalar(select(func.max(AuditRow.seq))) or 0
        if seq is None or last == seq:
            return Found(last)
        theirs = select(AuditRow.seq, AuditRow.action, AuditRow.visit_id, AuditRow.patient_id).where(
            AuditRow.seq > seq,
            AuditRow.seq <= last,
            or_(AuditRow.role == OPERATOR_ROLE, AuditRow.action.in_(HIDING)),
        )
        rows = session.execute(theirs).all()
        hiding = [row for row in rows if row.action in HIDING]
        changed = [row for row in rows if row.action not in HIDING or row.action in MERGES]
        visits = {row.visit_id for row in changed if row.visit_id is not None}
        merged = {row.patient_id for row in changed if row.visit_id is None and row.patient_id is not None}
        hidden = ever_one(session, {row.patient_id for row in hiding if row.patient_id is not None})
        shown_anew = {row.patient_id for row in hiding if row.action not in BLOCKS and row.patient_id is not None}
        protected = ever_one(session, shown_anew)
        concerned = (VisitRow.patient_id.in_(merged)) & (VisitRow.state != "closed")
        of_visits = select(VisitRow.id, VisitRow.kit_id, VisitRow.patient_id)
        found = session.execute(of_visits.where(VisitRow.id.in_(visits) | concerned)).all()
        of_hidden = session.execute(of_visits.where(VisitRow.patient_id.in_(hidden))).all() if hidden else []
        return Found(
            last,
            {row.id for row in found},
            {row.kit_id for row in found},
            max((row.seq for row in hiding), default=0),
            {row.id for row in of_hidden},
            {row.kit_id for row in of_hidden if row.patient_id in protected},
        )
