"""A person's own sessions: where they are signed in now, and ending those that are elsewhere (ASVS V7.4.3, V7.5.2)."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.callers import PersonCaller
from carebag_server.refusals import not_found
from carebag_server.sessions import state_of
from carebag_server.tables import Commission, SignedIn
from carebag_wire.sign_in import SessionView


def sessions_of(session: Session, caller: PersonCaller, now: datetime) -> list[SessionView]:
    """The newest first; those that are over are not shown. In all of the person's commissions."""
    return [
        SessionView.model_validate(
            {
                "id": row.id,
                "role": commission.role,
                "unit": commission.unit,
                "created_at": row.created_at,
                "used_at": row.used_at,
                "locked": state_of(row, now) == "locked",
                "this": row.id == caller.session_id,
            }
        )
        for row, commission in _mine(session, caller, now)
    ]


def end_one(session: Session, caller: PersonCaller, session_id: uuid.UUID, now: datetime) -> None:
    """Raises:
    Refused: 404 `not_found`: no session of this person that goes on.
    """
    found = [row for row, _ in _mine(session, caller, now) if row.id == session_id]
    if not found:
        raise not_found()
    found[0].ended_at = now


def end_others(session: Session, caller: PersonCaller, now: datetime) -> int:
    """All but the asking one. Returns: how many."""
    others = [row for row, _ in _mine(session, caller, now) if row.id != caller.session_id]
    for row in others:
        row.ended_at = now
    return len(others)


def _mine(session: Session, caller: PersonCaller, now: datetime) -> list[tuple[SignedIn, Commission]]:
    mine = select(SignedIn, Commission).join(Commission, SignedIn.commission_id == Commission.id)
    mine = mine.where(Commission.practitioner_id == caller.person.practitioner_id, SignedIn.ended_at.is_(None))
    found = session.execute(mine.order_by(SignedIn.created_at.desc(), SignedIn.id)).all()
    return [(row, commission) for row, commission in found if state_of(row, now) != "over"]
