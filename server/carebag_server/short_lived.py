"""What served for minutes or hours and opens nothing any more: used links, ended sessions, old challenges and codes.

Their rows are secrets' digests; who signed in, when and by what is in the access log. They go a month later, at the
next sign-in, so that no table grows for ever; no sooner, so that who looks into something of the last weeks finds
them. A challenge, which anybody may ask for without signing in, goes after a day.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_
from sqlalchemy.orm import Session

from carebag_server.people_tables import KitCode, PasskeyLink
from carebag_server.sessions import ABSOLUTE
from carebag_server.tables import LoginLink, NurseSignIn, PasskeyChallenge, SignedIn

KEPT, CHALLENGE_KEPT = timedelta(days=31), timedelta(days=1)
EXPIRING: tuple[tuple[Any, timedelta], ...] = (
    (LoginLink, KEPT),
    (NurseSignIn, KEPT),
    (PasskeyLink, KEPT),
    (KitCode, KEPT),
    (PasskeyChallenge, CHALLENGE_KEPT),
)


def sweep(session: Session, now: datetime) -> None:
    """Remove what has been over for a month, in the caller's writing transaction."""
    for table, kept in EXPIRING:
        _delete(session, table, table.expires_at < now - kept)
    before = now - KEPT
    over = or_(SignedIn.ended_at < before, SignedIn.created_at < before - ABSOLUTE)
    _delete(session, SignedIn, over)


def _delete(session: Session, table: Any, where: ColumnElement[bool]) -> None:
    session.execute(delete(table).where(where), execution_options={"synchronize_session": False})
