"""Signed-in slots: one browser may be doctor and reviewer at once, each with its own cookie and its own limits.

Tokens leave the hub once and are stored as digests. Idle for 15 minutes, a session is locked: it gives nothing until
its owner proves anew who they are (`reauthentication.py`). After 12 hours it is over (HSLF-FS 2016:40 ch. 3; ASVS V7).
"""

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from carebag_server.database import Database, of_these
from carebag_server.people import Commissioned, commissioned
from carebag_server.refusals import Refused
from carebag_server.tables import LoginLink, NurseSignIn, SignedIn
from carebag_wire.base import uuid7
from carebag_wire.visit import Role

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=12)
AT_THE_KIT = timedelta(hours=72)
"""Of a nurse at a kit that reaches no hub; one that does asks her anew after 12 hours (`edge/nurse_sessions.py`)."""
LINK_VALID = timedelta(minutes=15)
CODE_VALID = timedelta(minutes=5)
TOUCH_EVERY = timedelta(seconds=30)
State = Literal["open", "locked", "over"]
Proof = Literal["link", "passkey", "oidc", "demo"]
SLOTS: tuple[Role, ...] = ("nurse", "doctor", "reviewer", "administrator")


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


def start(
    session: Session,
    commission_id: uuid.UUID,
    now: datetime,
    by: Proof,
    before: Sequence[str] = (),
    proved_at: datetime | None = None,
) -> str:
    """Begin a session of somebody who proved who they are; returns the cookie's value.

    Args:
        before: digests of the tokens that this browser had in the slot. They open nothing any more (ASVS V7.2.4): a
            session of the same commission goes on under the new one, for its open pages; another's ends.
        proved_at: when, if not now: who comes by a provider may have proved it there hours ago.
    """
    token, when = new_token(), proved_at or now
    for row in session.scalars(select(SignedIn).where(SignedIn.token_sha256.in_(before), SignedIn.ended_at.is_(None))):
        if row.commission_id == commission_id and state_of(row, now) != "over":
            row.created_at, row.token_sha256 = now, digest(token)
            row.locked_at, row.used_at, row.proved_at, row.proved_by = None, now, when, by
            return token
        row.ended_at = now
    session.add(
        SignedIn(
            id=uuid7(int(now.timestamp() * 1000)),
            token_sha256=digest(token),
            commission_id=commission_id,
            created_at=now,
            used_at=now,
            proved_at=when,
            proved_by=by,
        )
    )
    return token


def find(session: Session, token: str | None, slot: str, now: datetime, *, proving: bool = False) -> Found:
    """The live session of a cookie.

    Args:
        proving: also one that is locked or too old, for its owner to prove who they are; never one that was signed out.

    Raises:
        Refused: 401 `not_signed_in` (none, or not of this slot), `session_locked`, or `session_ended` (too old or
            signed out).
    """
    row = session.scalars(select(SignedIn).where(SignedIn.token_sha256 == digest(token))).first() if token else None
    who = commissioned(session, row.commission_id) if row else None
    if row is None or who is None or who.person.role != slot:
        raise Refused(401, "not_signed_in")
    state = state_of(row, now)
    if row.ended_at is not None or (state == "over" and not proving):
        raise Refused(401, "session_ended")
    if state == "locked" and not proving:
        raise Refused(401, "session_locked")
    return Found(row.id, who, row.used_at)


def state_of(row: SignedIn, now: datetime) -> State:
    if row.ended_at is not None or now - row.created_at >= ABSOLUTE:
        return "over"
    if row.locked_at is not None or now - row.used_at >= IDLE:
        return "locked"
    return "open"


def alive(row: SignedIn, now: datetime) -> bool:
    return state_of(row, now) == "open"


def state_now(database: Database, session_id: uuid.UUID, now: datetime) -> State:
    """For a socket that is open; does not count as use."""
    with database.reading() as session:
        row = session.get(SignedIn, session_id)
        return "over" if row is None else state_of(row, now)


def lock(session: Session, session_id: uuid.UUID, now: datetime) -> None:
    session.get_one(SignedIn, session_id).locked_at = now


def proved(session: Session, session_id: uuid.UUID, now: datetime, by: Proof) -> str:
    """The owner of a session proved anew who they are: it is unlocked, and fresh.

    Returns:
        The cookie's new value; the one before opens nothing any more (ASVS V7.2.4). Where the session was too old to
        go on, it is that of the one that follows it.
    """
    row = session.get_one(SignedIn, session_id)
    if state_of(row, now) == "over":
        row.ended_at = row.ended_at or now
        return start(session, row.commission_id, now, by)
    row.locked_at, row.used_at, row.proved_at, row.proved_by = None, now, now, by
    token = new_token()
    row.token_sha256 = digest(token)
    return token


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
    """Which of the sockets' sessions are open, neither locked nor over; does not count as use."""
    living = select(SignedIn.id).where(
        SignedIn.ended_at.is_(None),
        SignedIn.locked_at.is_(None),
        SignedIn.used_at > now - IDLE,
        SignedIn.created_at > now - ABSOLUTE,
    )
    with database.reading() as session:
        return of_these(session, living, SignedIn.id, session_ids)


def those_locked(database: Database, session_ids: Sequence[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Which of them are locked, and neither open nor over."""
    idle = or_(SignedIn.locked_at.is_not(None), SignedIn.used_at <= now - IDLE)
    locked = select(SignedIn.id).where(SignedIn.ended_at.is_(None), idle, SignedIn.created_at > now - ABSOLUTE)
    with database.reading() as session:
        return of_these(session, locked, SignedIn.id, session_ids)


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
