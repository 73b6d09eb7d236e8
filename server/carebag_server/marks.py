"""Moments of a body sound that a doctor points out, for both sides, kept with the visit."""

import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from carebag_server.announcements import announce_changed
from carebag_server.audit import append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.refusals import Refused, not_found
from carebag_server.relations import visible_visit
from carebag_server.tables import MarkRow
from carebag_server.visit_views import mark_of
from carebag_server.visits import act_on
from carebag_wire.api import MakeMark
from carebag_wire.base import uuid7
from carebag_wire.visit import ListeningMark

MOST_IN_A_VISIT = 500


def make(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, wanted: MakeMark) -> ListeningMark:
    """Point out a moment. The recording may come later, or be of a visit that is closed by now.

    Raises:
        Refused: 404 `not_found`, 409 `visit_not_open` before the visit began, `too_many_marks`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    if visit.state == "planned":
        raise Refused(409, "visit_not_open")
    query = select(func.count()).select_from(MarkRow).where(MarkRow.visit_id == visit.id)
    if (session.scalar(query) or 0) >= MOST_IN_A_VISIT:
        raise Refused(409, "too_many_marks")
    now = hub.now()
    row = MarkRow(
        id=uuid7(int(now.timestamp() * 1000)),
        visit_id=visit.id,
        stream=wanted.stream,
        sample=wanted.sample,
        rate_hz=wanted.rate_hz,
        kind=wanted.kind,
        text=wanted.text,
        author=caller.person.name,
        author_id=caller.person.practitioner_id,
        at=now,
    )
    session.add(row)
    session.flush()
    append(session, caller.actor(), act_on(visit, "mark_made", f"mark {row.id}"), now)
    announce_changed(session, visit, {"mark": mark_of(row)})
    return mark_of(row)


def take_back(
    hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, mark_id: uuid.UUID
) -> ListeningMark:
    """Take back one's own mark; twice is no fault.

    Raises:
        Refused: 404 `not_found`, 403 `not_yours`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    row = session.get(MarkRow, mark_id)
    if row is None or row.visit_id != visit.id:
        raise not_found()
    if row.author_id != caller.person.practitioner_id:
        raise Refused(403, "not_yours")
    if row.taken_back_at is None:
        row.taken_back_at = hub.now()
        session.flush()
        append(session, caller.actor(), act_on(visit, "mark_taken_back", f"mark {row.id}"), hub.now())
        announce_changed(session, visit, {"mark": mark_of(row)})
    return mark_of(row)
