"""Kits come in by a one-time code, get another key, and are shut out; docs/decisions/0034."""

import base64
import hashlib
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.audit import Act, Actor, append
from carebag_server.callers import KitCaller, Visitor
from carebag_server.entered_text import named
from carebag_server.kit_keys import signed_by
from carebag_server.not_possible import NotPossible
from carebag_server.people_tables import CareUnit, FormerKitKey, KitCode
from carebag_server.refusals import Refused
from carebag_server.staff import Change
from carebag_server.tables import Kit, Organization
from carebag_wire.kit_enrolment import (
    BadCode,
    EnrolKit,
    KitEnrolled,
    ReplaceKey,
    enrolment_text,
    new_code,
    origin_of,
    read_code,
    replacement_text,
)

VALID = timedelta(minutes=15)
LONGEST = timedelta(hours=24)


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def code_for_new(change: Change, unit: CareUnit, name: str, valid: timedelta = VALID) -> str:
    """A code with which one machine becomes a kit of that name.

    Raises:
        NotPossible: no name, the care provider has a kit of that name in use, or it would be valid for too long.
    """
    name = named(name, "a kit", "--name: what is written on the bag")
    same = select(Kit).where(Kit.organization_id == unit.organization_id, Kit.name == name)
    if change.session.scalars(same.where(Kit.revoked_at.is_(None))).first() is not None:
        raise NotPossible(
            f"there is a kit {name} in use already; another key for it: carebag admin kit rotate", "name_taken"
        )
    return _issue(change, KitCodeFor(unit.organization_id, name, unit.name, None), valid)


def code_for_known(change: Change, kit: Kit, valid: timedelta = VALID) -> str:
    """A code with which a kit gets another key, also one that was reported lost and is found again.

    Raises:
        NotPossible: it would be valid for too long.
    """
    return _issue(change, KitCodeFor(kit.organization_id, kit.name, kit.unit, kit.id), valid)


class KitCodeFor:
    """What a code stands for."""

    def __init__(self, organization_id: uuid.UUID, name: str, unit: str, kit_id: uuid.UUID | None) -> None:
        self.organization_id, self.name, self.unit, self.kit_id = organization_id, name, unit, kit_id


def _issue(change: Change, wanted: KitCodeFor, valid: timedelta) -> str:
    if not timedelta(0) < valid <= LONGEST:
        raise NotPossible(f"a code is valid for 1 to {LONGEST // timedelta(minutes=1)} minutes (--minutes)")
    code = new_code()
    change.session.add(
        KitCode(
            code_sha256=_digest(read_code(code)),
            organization_id=wanted.organization_id,
            name=wanted.name,
            unit=wanted.unit,
            kit_id=wanted.kit_id,
            made_at=change.now,
            expires_at=change.now + valid,
        )
    )
    organization = change.session.get_one(Organization, wanted.organization_id)
    thing = f"code for kit {wanted.kit_id or wanted.name}"
    change.log(Act(action="kit_code_made", object=thing), organization.name)
    return code


def enrol(session: Session, said: EnrolKit, visitor: Visitor, origins: Iterable[str], now: datetime) -> KitEnrolled:
    """Take in a kit, or another key of one, and use the code up.

    Asked again by the same kit with the same key it answers the same: the first answer may have been lost.

    Raises:
        Refused: 410 `kit_code_unknown`, `kit_code_used`, `kit_code_expired`; 400 `other_hub` (it was meant for another
            one), `bad_proof`; 409 `kit_known` (that kit is here, and the code is not for it), `kit_key_known`.
    """
    row = _code(session, said.code)
    _check_proof(said, origins)
    key = base64.b64decode(said.public_key)
    kit = session.get(Kit, said.kit_id)
    organization = session.get_one(Organization, row.organization_id)
    answer = KitEnrolled(name=row.name, unit=row.unit, organization=organization.name)
    if row.used_at is not None:
        if kit is not None and kit.public_key == key and kit.revoked_at is None:
            return answer
        raise Refused(410, "kit_code_used")
    if now >= row.expires_at:
        raise Refused(410, "kit_code_expired")
    if (row.kit_id is None and kit is not None) or (row.kit_id is not None and row.kit_id != said.kit_id):
        raise Refused(409, "kit_known")
    if _is_known(session, key):
        raise Refused(409, "kit_key_known")
    if kit is None:
        kit = Kit(
            id=said.kit_id,
            organization_id=row.organization_id,
            name=row.name,
            unit=row.unit,
            public_key=key,
            enrolled_at=now,
        )
        session.add(kit)
    else:
        _put_key(session, kit, key, now)
        kit.revoked_at = None
    row.used_at = now
    session.flush()
    append(session, _kit_actor(kit, organization, visitor), Act(action="kit_enrolled", object=f"kit {kit.id}"), now)
    return answer


def _code(session: Session, text: str) -> KitCode:
    try:
        row = session.get(KitCode, _digest(read_code(text)))
    except BadCode:
        row = None
    if row is None:
        raise Refused(410, "kit_code_unknown")
    return row


def _check_proof(said: EnrolKit, origins: Iterable[str]) -> None:
    if said.hub not in {origin_of(one) for one in origins}:
        raise Refused(400, "other_hub")
    text = enrolment_text(said.hub, read_code(said.code), said.kit_id, said.public_key)
    if not signed_by(base64.b64decode(said.public_key), said.signature, text):
        raise Refused(400, "bad_proof")


def _is_known(session: Session, key: bytes) -> bool:
    """Whether a kit has or had this key: none comes back."""
    now_used = select(Kit.id).where(Kit.public_key == key)
    former = select(FormerKitKey.kit_id).where(FormerKitKey.public_key == key)
    return session.scalars(now_used.union_all(former)).first() is not None


def _put_key(session: Session, kit: Kit, key: bytes, now: datetime) -> None:
    session.add(FormerKitKey(kit_id=kit.id, public_key=kit.public_key, replaced_at=now))
    kit.public_key = key


def _kit_actor(kit: Kit, organization: Organization, visitor: Visitor) -> Actor:
    return Actor(
        practitioner=kit.name,
        role="kit",
        care_unit=kit.unit,
        organization=organization.name,
        purpose="administration",
        origin=visitor.address,
        request_ref=visitor.request_ref,
    )


def replace_key(session: Session, caller: KitCaller, said: ReplaceKey, now: datetime) -> None:
    """The kit's next key, at once; what the one before signed is still verified by it.

    Asked again with the key that is there already nothing changes: the first answer may have been lost.

    Raises:
        Refused: 400 `bad_proof`: it does not have that key; 409 `kit_key_known`: it, or another kit, had it before.
    """
    kit = session.get_one(Kit, caller.kit_id)
    key = base64.b64decode(said.public_key)
    if not signed_by(key, said.signature, replacement_text(kit.id, said.public_key)):
        raise Refused(400, "bad_proof")
    if key == kit.public_key:
        return
    if _is_known(session, key):
        raise Refused(409, "kit_key_known")
    _put_key(session, kit, key, now)
    append(session, caller.actor(), Act(action="kit_key_replaced", object=f"kit {kit.id}"), now)


def revoke(change: Change, kit: Kit) -> None:
    """Shut a kit out: its requests at once, its socket within 20 s; codes for it stop working.

    Raises:
        NotPossible: it is shut out already.
    """
    if kit.revoked_at is not None:
        raise NotPossible(f"{kit.name} is shut out already", "already_revoked")
    kit.revoked_at = change.now
    for code in change.session.scalars(select(KitCode).where(KitCode.kit_id == kit.id, KitCode.used_at.is_(None))):
        code.expires_at = min(code.expires_at, change.now)
    organization = change.session.get_one(Organization, kit.organization_id)
    change.log(Act(action="kit_revoked", object=f"kit {kit.id}"), organization.name)
