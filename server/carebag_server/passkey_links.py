"""A one-time link from the operator with which a person makes a passkey, the first one or after a lost device.

The link opens nothing else: who has it can make a key, not read a line. The key then signs in, two factors in one.
"""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server import passkeys
from carebag_server.audit import Act
from carebag_server.not_possible import NotPossible
from carebag_server.people import person_of
from carebag_server.people_tables import PasskeyLink
from carebag_server.refusals import Refused
from carebag_server.sessions import digest, new_token
from carebag_server.staff import Change, end_passkeys
from carebag_server.tables import Commission, Practitioner
from carebag_wire.api import PasskeyAnswer, PasskeyOptions
from carebag_wire.visit import Person

VALID = timedelta(hours=24)
LONGEST = timedelta(days=7)


def issue(change: Change, person: Practitioner, valid: timedelta = VALID) -> str:
    """A token for the fragment of an address; links made earlier for this person stop working.

    Raises:
        NotPossible: the person has no commission, or it would be valid for too long.
    """
    if not timedelta(0) < valid <= LONGEST:
        raise NotPossible(f"a link is valid for up to {LONGEST.days * 24} hours")
    if _live_commission(change.session, person.id) is None:
        raise NotPossible(
            f"{person.name} has no commission: give one first (carebag admin commission add)",
            "person_without_commission",
        )
    for link in change.session.scalars(
        select(PasskeyLink).where(PasskeyLink.practitioner_id == person.id, PasskeyLink.used_at.is_(None))
    ):
        link.expires_at = min(link.expires_at, change.now)
    token = new_token()
    change.session.add(
        PasskeyLink(
            token_sha256=digest(token), practitioner_id=person.id, made_at=change.now, expires_at=change.now + valid
        )
    )
    change.log(Act(action="passkey_link_made", object=f"link for practitioner {person.id}"))
    return token


def recover(change: Change, person: Practitioner, valid: timedelta = VALID) -> str:
    """After a lost key: all keys and sessions of the person end, and a new link is made. Raises: as `issue`."""
    end_passkeys(change, person)
    return issue(change, person, valid)


def offer(session: Session, token: str, origin: str, now: datetime) -> PasskeyOptions:
    """What the browser needs to make the passkey; the link is not used up by this.

    Raises:
        Refused: as `register`, of the link.
    """
    _, person = _open(session, token, now)
    return passkeys.offer_registration(session, person, origin, now)


def register(session: Session, token: str, origin: str, answer: PasskeyAnswer, now: datetime) -> Person:
    """Keep the passkey and use the link up.

    Raises:
        Refused: 410 `passkey_link_unknown`, `link_used`, `link_expired`, `challenge_unknown`; 400 `passkey_refused`.
    """
    link, person = _open(session, token, now)
    passkeys.register(session, person, origin, answer, now)
    link.used_at = now
    return person


def _open(session: Session, token: str, now: datetime) -> tuple[PasskeyLink, Person]:
    link = session.get(PasskeyLink, digest(token))
    commission = _live_commission(session, link.practitioner_id) if link else None
    if link is None or commission is None:
        raise Refused(410, "passkey_link_unknown")
    if link.used_at is not None:
        raise Refused(410, "link_used")
    if now >= link.expires_at:
        raise Refused(410, "link_expired")
    return link, person_of(session, commission)


def _live_commission(session: Session, practitioner_id: uuid.UUID) -> Commission | None:
    query = select(Commission).where(Commission.practitioner_id == practitioner_id, Commission.ended_at.is_(None))
    return session.scalars(query.order_by(Commission.id)).first()
