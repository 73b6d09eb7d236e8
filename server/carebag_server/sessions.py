"""Signed-in slots: one browser may be doctor and reviewer at once, each with its own cookie and its own limits.

Tokens leave the hub once and are stored as digests. Idle 15 minutes, absolute 12 hours (HSLF-FS 2016:40 ch. 3;
ASVS V7).
"""

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.database import Database, of_these
from carebag_server.people import Commissioned, commissioned
from carebag_server.refusals import Refused
from carebag_server.tables import LoginLink, NurseSignIn, SignedIn
from carebag_wire.base import uuid7
from carebag_wire.visit import Role

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=12)
LINK_VALID = timedelta(minutes=15)
CODE_VALID = timedelta(minutes=5)
TOUCH_EVERY = timedelta(seconds=30)
SLOTS: tuple[Role, ...] = ("nurse", "doctor", "reviewer")


@dataclass(frozen=True)
class Found:
    """A session that is alive."""

    session_id: uuid.UUID
    who: Commissioned
    used_at: datetime

    def to_be_touched(self, now: datetime) -> bool:
        """Whether the use noted last is so long ago that this one is noted as well."""
        return now - self.used_at >= TOUCH_EVERY


def cookie_name(slot: str, secure: bool) -> str:
    """Over TLS with the prefix by which a browser takes it from this very host and nobody else (ASVS V3.3.3)."""
    return f"{'__Host-' if secure else ''}carebag_{slot}"


def new_token() -> str:
    """256 random bits, base64url."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def start(session: Session, commission_id: uuid.UUID, now: datetime) -> str:
    """Begin a session; returns the cookie's value."""
    token = new_token()
    session.add(
        SignedIn(
            id=uuid7(int(now.timestamp() * 1000)),
            token_sha256=digest(token),
            commission_id=commission_id,
            created_at=now,
            used_at=now,
        )
    )
    return token


def find(session: Session, token: str | None, slot: str, now: datetime) -> Found:
    """The live session of a cookie.

    Raises:
        Refused: 401 `not_signed_in` (none, or not of this slot) or `session_ended` (idle, too old or signed out).
    """
    row = session.scalars(select(SignedIn).where(SignedIn.token_sha256 == digest(token))).first() if token else None
    who = commissioned(session, row.commission_id) if row else None
    if row is None or who is None or who.person.role != slot:
        raise Refused(401, "not_signed_in")
    if not alive(row, now):
        raise Refused(401, "session_ended")
    return Found(row.id, who, row.used_at)


def alive(row: SignedIn, now: datetime) -> bool:
    return row.ended_at is None and now - row.used_at < IDLE and now - row.created_at < ABSOLUTE


def touch(database: Database, session_id: uuid.UUID, now: datetime) -> bool:
    """Count as use, at most twice a minute; False if the session has ended meanwhile."""
    with database.reading() as session:
        row = session.get(SignedIn, session_id)
        if row is None or not alive(row, now):
            return False
        if now - row.used_at < TOUCH_EVERY:
            return True
    with database.transaction() as session:
        row = session.get_one(SignedIn, session_id)
        if not alive(row, now):
            return False
        row.used_at = max(row.used_at, now)
    return True


def those_alive(database: Database, session_ids: Sequence[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Which of the sockets' sessions still live; does not count as use."""
    living = select(SignedIn.id).where(
        SignedIn.ended_at.is_(None), SignedIn.used_at > now - IDLE, SignedIn.created_at > now - ABSOLUTE
    )
    with database.reading() as session:
        return of_these(session, living, SignedIn.id, session_ids)


def end(session: Session, session_id: uuid.UUID, now: datetime) -> None:
    session.get_one(SignedIn, session_id).ended_at = now


def issue_link(session: Session, commission_id: uuid.UUID, now: datetime, valid: timedelta = LINK_VALID) -> str:
    """A one-time sign-in token; it belongs in a URL's fragment, which no server and no log sees."""
    token = new_token()
    session.add(LoginLink(token_sha256=digest(token), commission_id=commission_id, expires_at=now + valid))
    return token


def redeem_link(session: Session, token: str, now: datetime) -> uuid.UUID:
    """The commission of a link, which is used up by this.

    Raises:
        Refused: 410 `link_unknown`, `link_used` or `link_expired`.
    """
    row = session.get(LoginLink, digest(token))
    if row is None:
        raise Refused(410, "link_unknown")
    _use_up(row, now, "link")
    return row.commission_id


def issue_nurse_code(session: Session, commission_id: uuid.UUID, now: datetime) -> str:
    token = new_token()
    session.add(NurseSignIn(code_sha256=digest(token), commission_id=commission_id, expires_at=now + CODE_VALID))
    return token


def redeem_nurse_code(session: Session, code: str, now: datetime) -> uuid.UUID:
    """As `redeem_link`, with `code_…`."""
    row = session.get(NurseSignIn, digest(code))
    if row is None:
        raise Refused(410, "code_unknown")
    _use_up(row, now, "code")
    return row.commission_id


def _use_up(row: LoginLink | NurseSignIn, now: datetime, what: str) -> None:
    if row.used_at is not None:
        raise Refused(410, f"{what}_used")
    if now >= row.expires_at:
        raise Refused(410, f"{what}_expired")
    row.used_at = now
