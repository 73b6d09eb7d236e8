"""The access log past its time: contents go, what tree and chain need stays, and an event of the log says so.

What stays of an event (`PrunedEvent`) is the hash of its leaf and its chain hash. Root, checkpoints and heads that were
kept elsewhere hold as before; what goes is who, whom, what, when (docs/decisions/0039).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, insert, not_, or_, select
from sqlalchemy.orm import Session

from carebag_server.audit import Act, Actor, append, entry_of
from carebag_server.audit_tree import leaf_hash
from carebag_server.retention.acts import KEPT_FOR_EVER
from carebag_server.retention.policies import Held, held, log_period
from carebag_server.retention.rules import Unsettled, cutoff
from carebag_server.retention.tables import PrunedEvent
from carebag_server.tables import AuditRow, VisitRow

AT_ONCE = 2000
"""Events in one act: while they go nobody else writes."""
_IN_ONE_STATEMENT = 500


@dataclass(frozen=True)
class DueEvents:
    before: datetime
    count: int
    held_back: int
    """Past their time, and under a hold."""
    oldest: datetime | None


def due_events(session: Session, now: datetime) -> DueEvents:
    """What of the log is past its time.

    Raises:
        Unsettled: a provider has not said how long, or has a hold on all of the log.
    """
    before = cutoff(now, log_period(session).years)
    holds = held(session)
    past = _past(before)
    total, oldest = session.execute(select(func.count(), func.min(AuditRow.at)).where(past)).one()
    free = 0 if holds.providers else session.scalar(select(func.count()).where(past, not_(_of(holds)))) or 0
    return DueEvents(before, free, total - free, oldest)


def due_hashes(session: Session, before: datetime) -> Iterator[tuple[int, str]]:
    """Number and chain hash of each event of before that may go, in their order: what they are is in the hash."""
    query = select(AuditRow.seq, AuditRow.hash).where(_past(before), not_(_of(held(session)))).order_by(AuditRow.seq)
    for row in session.execute(query.execution_options(yield_per=AT_ONCE)):
        yield row.seq, row.hash


def prune(
    session: Session, actor: Actor, before: datetime, decision: str, now: datetime, also_held: Held | None = None
) -> int:
    """Remove the contents of the oldest `AT_ONCE` events that are due, in the caller's writing transaction.

    The caller has verified the log: a changed event would get the hash of what it is now.

    Args:
        before: as `due_events` said.
        also_held: on what holds stood when it was approved; one that was lifted since lets nothing more go.

    Returns:
        How many; 0: none are left, and nothing was logged.

    Raises:
        Unsettled: as `due_events`; nothing was removed.
    """
    if before > cutoff(now, log_period(session).years):
        raise Unsettled("that moment is within the time of keeping")
    holds = held(session)
    if holds.providers:
        raise Unsettled("a hold on a whole care provider stands: the log is kept as it is")
    if also_held is not None:
        holds = Held(holds.providers, holds.patients | also_held.patients)
    query = select(AuditRow).where(_past(before), not_(_of(holds)))
    rows = session.scalars(query.order_by(AuditRow.seq).limit(AT_ONCE)).all()
    if rows:
        forget(session, actor, rows, decision, now)
    return len(rows)


def forget(session: Session, actor: Actor, rows: Sequence[AuditRow], decision: str, now: datetime) -> None:
    """Remove these events' contents, in the order of their numbers, and say so in the log.

    Whether their time is over, and what they are is what was written, is the caller's to know.
    """
    left = [(row.seq, leaf_hash(entry_of(row)), row.hash) for row in rows]
    over = hashlib.sha256()
    for seq, leaf, chain in left:
        over.update(f"{seq} {leaf.hex()} {chain}\n".encode())
    days = f"{rows[0].at.date()}/{rows[-1].at.date()}"
    thing = f"events {len(rows)} from {rows[0].seq} to {rows[-1].seq} days {days} by {decision} digest"
    act = append(session, actor, Act(action="log_pruned", object=f"{thing} {over.hexdigest()}"), now)
    marks = [{"seq": seq, "leaf": leaf, "hash": chain, "act_seq": act.seq} for seq, leaf, chain in left]
    session.execute(insert(PrunedEvent), marks)
    for start in range(0, len(left), _IN_ONE_STATEMENT):
        some = [seq for seq, _, _ in left[start : start + _IN_ONE_STATEMENT]]
        session.execute(
            delete(AuditRow).where(AuditRow.seq.in_(some)), execution_options={"synchronize_session": False}
        )


def _past(before: datetime) -> ColumnElement[bool]:
    return and_(AuditRow.at < before, AuditRow.action.not_in(KEPT_FOR_EVER))


def _of(holds: Held) -> ColumnElement[bool]:
    """Events of a patient who is held, or of one of their visits; never NULL, so that its opposite is not either."""
    visits = select(VisitRow.id).where(VisitRow.patient_id.in_(holds.patients))
    return or_(
        func.coalesce(AuditRow.patient_id.in_(holds.patients), False),
        func.coalesce(AuditRow.visit_id.in_(visits), False),
    )
