"""Who may use this kit: the nurse that the hub vouched for, also while there is no hub, for at most 72 hours."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError

from carebag_edge.clock import Clock
from carebag_edge.journal import Journal
from carebag_wire.api import NurseIdentity
from carebag_wire.base import Utc
from carebag_wire.visit import Person

OFFLINE_AT_MOST = timedelta(hours=72)
KEY = "nurse"


class _Session(BaseModel):
    model_config = ConfigDict(frozen=True)

    person: Person
    expires_at: Utc
    token_sha256: str


class NurseSessions:
    """One nurse at a time; entering again, or somebody else entering, ends the cookie before."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._session = _read(journal.state(KEY))

    def enter(self, identity: NurseIdentity) -> tuple[str, datetime]:
        """Begin; gives the cookie's secret, of which only a digest is kept, and when it ends."""
        token = secrets.token_urlsafe(32)
        expires_at = min(identity.expires_at, self._clock.utc() + OFFLINE_AT_MOST)
        self._session = _Session(person=identity.person, expires_at=expires_at, token_sha256=_digest(token))
        self._journal.put_state(KEY, self._session.model_dump_json())
        return token, expires_at

    @property
    def person(self) -> Person | None:
        """The nurse whose kit this is now; None when nobody entered, or too long ago."""
        if self._session is None or self._clock.utc() >= self._session.expires_at:
            return None
        return self._session.person

    def who(self, token: str | None) -> Person | None:
        """The nurse, if this is her cookie's secret and her time is not over."""
        if (
            token is None
            or self._session is None
            or not hmac.compare_digest(_digest(token), self._session.token_sha256)
        ):
            return None
        return self.person


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _read(text: str | None) -> _Session | None:
    try:
        return _Session.model_validate_json(text) if text else None
    except ValidationError:
        return None
