"""Who may use this kit: the nurse that the hub vouched for, for 12 hours; for 72 where no hub can be asked.

An outage must not shut her out: she could not come in again before it ends.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from carebag_edge import page_lock
from carebag_edge.clock import Clock
from carebag_edge.journal import Journal
from carebag_edge.page_lock import Lock
from carebag_wire.api import NurseIdentity
from carebag_wire.base import Utc
from carebag_wire.visit import Person

ASKED_ANEW_AFTER = timedelta(hours=12)
OFFLINE_AT_MOST = timedelta(hours=72)
KEY = "nurse"
MAX_TABS = 8


class _Session(BaseModel):
    model_config = ConfigDict(frozen=True)

    person: Person
    expires_at: Utc
    anew_at: Utc | None = None
    """From then on she proves anew who she is, where that is possible; None: written before there was one."""
    tokens_sha256: tuple[str, ...]
    ended: bool = False
    """By the hub, before its time."""
    lock: Lock | None = None
    """None: written by a kit that had no lock. It ends as it was told, and then there is one."""


class NurseSessions:
    """One nurse at a time, in several tabs if she likes; when somebody else enters, her cookies end."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._session = _read(journal.state(KEY))
        self.can_be_asked: Callable[[], bool] = lambda: False
        """Whether a sign-in is possible now and disturbs nobody: the hub is there, and no visit is open."""

    def enter(self, identity: NurseIdentity) -> tuple[str, datetime]:
        """Begin; gives the cookie's secret, of which only a digest is kept, and when it ends."""
        token = secrets.token_urlsafe(32)
        now = self._clock.utc()
        expires_at = min(identity.expires_at, now + OFFLINE_AT_MOST)
        before = self._session
        same = before is not None and before.person.commission_id == identity.person.commission_id
        goes_on = before if before is not None and same and not before.ended else None
        kept = goes_on.tokens_sha256[1 - MAX_TABS :] if goes_on is not None else ()
        lock = goes_on.lock if goes_on is not None and now < goes_on.expires_at else None
        self._session = _Session(
            person=identity.person,
            expires_at=expires_at,
            anew_at=now + ASKED_ANEW_AFTER,
            tokens_sha256=(*kept, _digest(token)),
            lock=page_lock.vouched(lock, now),
        )
        self._journal.put_state(KEY, self._session.model_dump_json())
        return token, expires_at

    def end(self, commission_id: UUID) -> bool:
        """The hub says that this sign-in ended there. False if it is somebody else's, or over already."""
        person = self.person
        if self._session is None or person is None or person.commission_id != commission_id:
            return False
        self._session = self._session.model_copy(update={"ended": True, "lock": None})
        self._journal.put_state(KEY, self._session.model_dump_json())
        return True

    def leave(self) -> None:
        """She goes, in all her tabs."""
        self._session = None
        self._journal.put_state(KEY, "")

    def lock(self) -> Lock | None:
        """Of the session that is now, whether or not its time is over."""
        return self._session.lock if self._session is not None else None

    @property
    def whose(self) -> UUID | None:
        """Practitioner of the session that is now, whether or not its time is over."""
        return self._session.person.practitioner_id if self._session is not None else None

    def put_lock(self, lock: Lock) -> None:
        """Durable when it returns."""
        if self._session is not None and lock != self._session.lock:
            self._session = self._session.model_copy(update={"lock": lock})
            self._journal.put_state(KEY, self._session.model_dump_json())

    def forget_what_is_over(self) -> None:
        """A PIN lasts no longer than the session it opens."""
        session = self._session
        if session is not None and session.lock is not None and self._clock.utc() >= session.expires_at:
            self._session = session.model_copy(update={"lock": None})
            self._journal.put_state(KEY, self._session.model_dump_json())

    @property
    def person(self) -> Person | None:
        """The nurse whose kit this is now; None when nobody entered, or too long ago."""
        session, now = self._session, self._clock.utc()
        if session is None or session.ended or now >= session.expires_at:
            return None
        if session.anew_at is not None and now >= session.anew_at and self.can_be_asked():
            return None
        return session.person

    def who(self, token: str | None) -> Person | None:
        """The nurse, if this is her cookie's secret and her time is not over."""
        return self.person if self._knows(token) else None

    def was_ended(self, token: str | None) -> bool:
        """Whether this cookie's secret is that of a sign-in which the hub ended."""
        return self._session is not None and self._session.ended and self._knows(token)

    def _knows(self, token: str | None) -> bool:
        if token is None or self._session is None:
            return False
        digest = _digest(token)
        known = [hmac.compare_digest(digest, one) for one in self._session.tokens_sha256]
        return any(known)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _read(text: str | None) -> _Session | None:
    try:
        return _Session.model_validate_json(text) if text else None
    except ValidationError:
        return None
