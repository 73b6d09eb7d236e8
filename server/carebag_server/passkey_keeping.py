"""A person's passkeys: which there are, their names, and ending one that is lost or not wanted any more."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.callers import PersonCaller
from carebag_server.reauthentication import count_keys
from carebag_server.refusals import Refused, not_found
from carebag_server.tables import Passkey, Practitioner
from carebag_wire.sign_in import PasskeyView


def keys_of(session: Session, caller: PersonCaller) -> list[PasskeyView]:
    """The newest last; those that were ended are not shown."""
    mine = select(Passkey).where(Passkey.practitioner_id == caller.person.practitioner_id, Passkey.ended_at.is_(None))
    return [_view(key) for key in session.scalars(mine.order_by(Passkey.created_at, Passkey.id))]


def name(session: Session, caller: PersonCaller, key_id: uuid.UUID, text: str) -> PasskeyView:
    """Raises:
    Refused: 404 `not_found`.
    """
    key = _mine(session, caller, key_id)
    key.name = text
    return _view(key)


def end(session: Session, caller: PersonCaller, key_id: uuid.UUID, now: datetime, *, other_way: bool) -> None:
    """The key works no more.

    Args:
        other_way: whether people may also come by a provider: whoever it knows needs no key.

    Raises:
        Refused: 404 `not_found`, 409 `last_way_in`: nobody shuts themselves out.
    """
    key = _mine(session, caller, key_id)
    known_there = other_way and session.get_one(Practitioner, key.practitioner_id).hsa_id is not None
    if not known_there and count_keys(session, key.practitioner_id) < 2:
        raise Refused(409, "last_way_in")
    key.ended_at = now


def _mine(session: Session, caller: PersonCaller, key_id: uuid.UUID) -> Passkey:
    key = session.get(Passkey, key_id)
    if key is None or key.practitioner_id != caller.person.practitioner_id or key.ended_at is not None:
        raise not_found()
    return key


def _view(key: Passkey) -> PasskeyView:
    return PasskeyView(id=key.id, name=key.name, created_at=key.created_at, used_at=key.used_at)
