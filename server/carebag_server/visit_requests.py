"""What the doctor asks for: asked → started → answered → done; declined by the nurse, cancelled by the doctor.

Everything that changes a request's state goes through `move`, which knows the allowed moves.
"""

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from carebag_server.announcements import announce_changed
from carebag_server.audit import append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.refusals import Refused, not_found
from carebag_server.relations import visible_visit
from carebag_server.tables import RequestRow, VisitRow
from carebag_server.visit_views import request_of
from carebag_server.visits import act_on
from carebag_wire.api import AskFor
from carebag_wire.base import uuid7
from carebag_wire.visit import Request, RequestState

MOVES: dict[RequestState, set[RequestState]] = {
    "asked": {"started", "answered", "done", "declined", "cancelled"},
    "started": {"answered", "done", "declined", "cancelled"},
    "answered": {"done"},
    "done": set(),
    "declined": {"answered"},
    "cancelled": {"answered"},
}
"""A value that was measured after all answers also what was declined or cancelled meanwhile: nothing is lost.

A device's error leaves a request where it is; the doctor's decision about that error is what ends it then.
"""


def move(session: Session, visit: VisitRow, row: RequestRow, to: RequestState, now: datetime, reason: str = "") -> bool:
    """Change the state if that move is allowed, and tell the room; False if it is not."""
    if to not in MOVES[row.state]:  # type: ignore[index]
        return False
    row.state, row.changed_at = to, now
    if reason:
        row.reason = reason
    session.flush()
    announce_changed(session, visit, {"request": request_of(row)})
    return True


def ask(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, wanted: AskFor) -> Request:
    """Ask for a named examination.

    Raises:
        Refused: 404 `not_found`, 409 `visit_closed`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    return request_of(add_request(hub, session, caller, visit, wanted))


def add_request(
    hub: Hub,
    session: Session,
    caller: PersonCaller,
    visit: VisitRow,
    wanted: AskFor,
    again_of: uuid.UUID | None = None,
    reason: str = "",
) -> RequestRow:
    """Raises: Refused: 409 `visit_closed`."""
    if visit.state == "closed":
        raise Refused(409, "visit_closed")
    now = hub.now()
    row = RequestRow(
        id=uuid7(int(now.timestamp() * 1000)),
        visit_id=visit.id,
        kind=wanted.kind,
        circumstances=wanted.circumstances.model_dump_json(),
        note=wanted.note,
        state="asked",
        reason=reason,
        again_of=again_of,
        asked_by=caller.person.name,
        asked_at=now,
        changed_at=now,
    )
    session.add(row)
    append(session, caller.actor(), act_on(visit, "request_made", f"request {row.id} {row.kind}"), now)
    announce_changed(session, visit, {"request": request_of(row)})
    return row


def cancel(
    hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, request_id: uuid.UUID, reason: str
) -> Request:
    """Take back what is not answered yet.

    Raises:
        Refused: 404 `not_found`, 409 `too_late`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    row = session.get(RequestRow, request_id)
    if row is None or row.visit_id != visit.id:
        raise not_found()
    if not move(session, visit, row, "cancelled", hub.now(), reason):
        raise Refused(409, "too_late")
    append(session, caller.actor(), act_on(visit, "request_cancelled", f"request {row.id} {row.kind}"), hub.now())
    return request_of(row)
