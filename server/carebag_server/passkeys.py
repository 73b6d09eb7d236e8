"""Passkeys (Web Authentication level 3): made when signed in, used to sign in, always with user verification.

A passkey with user verification is two factors in one (HSLF-FS 2016:40 ch. 3 s. 15). A challenge works once, for 5
minutes.
"""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    options_to_json_dict,
    parse_authentication_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from carebag_server.refusals import Refused
from carebag_server.tables import Commission, Passkey, PasskeyChallenge
from carebag_wire.api import PasskeyAnswer, PasskeyOptions
from carebag_wire.base import uuid7
from carebag_wire.visit import Person

CHALLENGE_VALID = timedelta(minutes=5)
T = TypeVar("T")


def offer_registration(session: Session, person: Person, origin: str, now: datetime) -> PasskeyOptions:
    """What the browser needs to make a passkey for a person who is signed in."""
    known = session.scalars(select(Passkey.credential_id).where(Passkey.practitioner_id == person.practitioner_id))
    options = generate_registration_options(
        rp_id=rp_id_of(origin),
        rp_name="Carebag",
        user_name=person.name,
        user_display_name=person.name,
        user_id=person.practitioner_id.bytes,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=credential) for credential in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return _remember(session, options, person.practitioner_id, now)


def register(session: Session, person: Person, origin: str, answer: PasskeyAnswer, now: datetime) -> None:
    """Store the passkey that the browser made.

    Raises:
        Refused: 400 `passkey_refused`, 410 `challenge_unknown`.
    """
    challenge = _take_challenge(session, answer.challenge_id, person.practitioner_id, now)
    made = _verified(
        lambda: verify_registration_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id_of(origin),
            expected_origin=origin,
            require_user_verification=True,
        )
    )
    if session.scalars(select(Passkey).where(Passkey.credential_id == made.credential_id)).first() is not None:
        raise Refused(400, "passkey_refused")
    session.add(
        Passkey(
            id=uuid7(int(now.timestamp() * 1000)),
            practitioner_id=person.practitioner_id,
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            created_at=now,
        )
    )


def offer_login(session: Session, origin: str, now: datetime) -> PasskeyOptions:
    """What the browser needs to sign in; it names nobody, the passkey itself says whose it is."""
    options = generate_authentication_options(
        rp_id=rp_id_of(origin), user_verification=UserVerificationRequirement.REQUIRED
    )
    return _remember(session, options, None, now)


def log_in(session: Session, origin: str, answer: PasskeyAnswer, now: datetime) -> uuid.UUID:
    """The commission in which the owner of a passkey signs in.

    Raises:
        Refused: 400 `passkey_refused` (unknown key, bad signature, counter that went back), 403 `no_commission`, 409
            `which_role` if there are several, 410 `challenge_unknown`.
    """
    challenge = _take_challenge(session, answer.challenge_id, None, now)
    raw_id = _verified(lambda: parse_authentication_credential_json(answer.credential).raw_id)
    key = session.scalars(select(Passkey).where(Passkey.credential_id == raw_id)).first()
    if key is None:
        raise Refused(400, "passkey_refused")
    used = _verified(
        lambda: verify_authentication_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id_of(origin),
            expected_origin=origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        )
    )
    key.sign_count, key.used_at = used.new_sign_count, now
    return _commission_of(session, key.practitioner_id, answer.role)


def _commission_of(session: Session, practitioner_id: uuid.UUID, role: str | None) -> uuid.UUID:
    query = select(Commission).where(Commission.practitioner_id == practitioner_id, Commission.ended_at.is_(None))
    found = session.scalars(query if role is None else query.where(Commission.role == role)).all()
    if not found:
        raise Refused(403, "no_commission")
    if len(found) > 1:
        raise Refused(409, "which_role")
    return found[0].id


def _remember(session: Session, options: Any, practitioner_id: uuid.UUID | None, now: datetime) -> PasskeyOptions:
    row = PasskeyChallenge(
        id=uuid7(int(now.timestamp() * 1000)),
        challenge=options.challenge,
        practitioner_id=practitioner_id,
        expires_at=now + CHALLENGE_VALID,
    )
    session.add(row)
    return PasskeyOptions(challenge_id=row.id, options=options_to_json_dict(options))


def _take_challenge(
    session: Session, challenge_id: uuid.UUID, practitioner_id: uuid.UUID | None, now: datetime
) -> bytes:
    row = session.get(PasskeyChallenge, challenge_id)
    if row is None or row.practitioner_id != practitioner_id or row.used_at is not None or now >= row.expires_at:
        raise Refused(410, "challenge_unknown")
    row.used_at = now
    return row.challenge


def _verified(verify: Callable[[], T]) -> T:
    """The library raises its own tree, and KeyError or ValueError on odd input: all of it means refused."""
    try:
        return verify()
    except Exception:
        raise Refused(400, "passkey_refused") from None


def rp_id_of(origin: str) -> str:
    return urlsplit(origin).hostname or ""
