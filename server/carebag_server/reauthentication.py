"""A strong proof of who somebody is, not older than five minutes: asked for before what binds a person.

Signing a note (patientdatalagen 2008:355 ch. 3 s. 10) and, by whoever else calls `require_fresh`, emergency access. A
proof is a sign-in, or one renewed by a passkey, the organisation's provider, or in a demo a press of a button; each
bound to one session and its person.
"""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from carebag_server.callers import PersonCaller
from carebag_server.refusals import Refused
from carebag_server.tables import Passkey, SignedIn

FRESH = timedelta(minutes=5)


def require_fresh(session: Session, caller: PersonCaller, now: datetime) -> None:
    """Let only somebody go on who proved lately who they are.

    Raises:
        Refused: 403 `reauthenticate`. The page asks for a proof and sends the same request again.
    """
    if not is_fresh(session, caller.session_id, now):
        raise Refused(403, "reauthenticate")


def is_fresh(session: Session, session_id: uuid.UUID, now: datetime) -> bool:
    proved_at = session.get_one(SignedIn, session_id).proved_at
    return now - FRESH <= proved_at <= now


def require_fresh_for_a_key(session: Session, caller: PersonCaller, now: datetime) -> None:
    """As `require_fresh`, for a new passkey: whoever came by a one-time link and has no key yet has no other proof.

    Raises:
        Refused: 403 `reauthenticate`.
    """
    row = session.get_one(SignedIn, caller.session_id)
    if row.proved_by != "link" or count_keys(session, caller.person.practitioner_id):
        require_fresh(session, caller, now)


def count_keys(session: Session, practitioner_id: uuid.UUID) -> int:
    """How many passkeys a person may use."""
    mine = select(func.count()).where(Passkey.practitioner_id == practitioner_id, Passkey.ended_at.is_(None))
    return session.scalar(mine) or 0
