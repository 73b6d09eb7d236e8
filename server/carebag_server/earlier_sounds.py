"""Recordings of the same patient at the same point from other visits, to listen to beside the one of now."""

import uuid
from collections import Counter

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.audit import append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.patients import same_person
from carebag_server.relations import known_of, readable_visits, reading_of, visible_visit
from carebag_server.tables import Finding, MarkRow, VisitRow
from carebag_server.visit_views import finding_of, mark_of
from carebag_server.visits import act_on
from carebag_wire.api import EarlierSound
from carebag_wire.visit import ListeningMark, SoundView

MOST_VISITS = 50
MOST = 20


def earlier(
    hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, point: str | None
) -> list[EarlierSound]:
    """Newest first, not the rejected ones, only from visits that the caller may read. Each is logged as read, on its
    ground.

    Args:
        point: where it was listened; None for a sound of no named point.

    Raises:
        Refused: 404 `not_found`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    others = (
        readable_visits(caller, hub.now())
        .where(VisitRow.patient_id.in_(same_person(session, visit.patient_id)))
        .where(VisitRow.id != visit.id, VisitRow.state != "planned")
        .order_by(VisitRow.scheduled_at.desc(), VisitRow.id.desc())
        .limit(MOST_VISITS)
    )
    found = [one for other in session.scalars(others) for one in _of_visit(session, other, point)][:MOST]
    known = known_of(session, visit.patient_id)
    for other_id, count in Counter(one.visit_id for one in found).items():
        reading = reading_of(session, caller, session.get_one(VisitRow, other_id), known, hub.now())
        act = act_on(reading.visit, "earlier_sounds_listed", f"sounds {count}")
        append(session, reading.actor, act, hub.now())
    return found


def _of_visit(session: Session, visit: VisitRow, point: str | None) -> list[EarlierSound]:
    rows = session.scalars(
        select(Finding).where(Finding.visit_id == visit.id, Finding.kind == "sound", Finding.decision != "rejected")
    )
    views = [view for row in rows if isinstance(view := finding_of(session, row), SoundView)]
    wanted = [view for view in views if view.media_stored and view.sound.circumstances.point == point]
    wanted.sort(key=lambda view: view.sound.times.kit_utc, reverse=True)
    at = visit.opened_at or visit.scheduled_at
    return [
        EarlierSound(visit_id=visit.id, visit_at=at, sound=view, marks=_marks(session, visit, view.sound.stream))
        for view in wanted
    ]


def _marks(session: Session, visit: VisitRow, stream: int) -> list[ListeningMark]:
    rows = session.scalars(
        select(MarkRow).where(MarkRow.visit_id == visit.id, MarkRow.stream == stream).order_by(MarkRow.sample)
    )
    return [mark_of(row) for row in rows]
