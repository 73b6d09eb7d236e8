"""Passkeys (Web Authentication level 3): made when signed in, used to sign in, always with user verification.

A passkey with user verification is two factors in one (HSLF-FS 2016:40 ch. 3 s. 15). A challenge works once, for 5
minutes, and only for what it was made: to register, to sign in, or to prove anew who owns one session. A person may
have several keys; what is done with them is `passkey_keeping.py`.
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
    options = generate_registration_options(
        rp_id=rp_id_of(origin),
        rp_name="Carebag",
        user_name=person.name,
        user_display_name=person.name,
        user_id=person.practitioner_id.bytes,
        exclude_credentials=_keys_of(session, person),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return _remember(session, options, person.practitioner_id, now)


def register(session: Session, person: Person, origin: str, answer: PasskeyAnswer, now: datetime) -> None:
    """Store the passkey that the browser made. A key that was ended is not taken again.

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


def log_in(session: Session, origin: str, answer: PasskeyAnswer, now: datetime) -> list[uuid.UUID]:
    """The commissions in which the owner of a passkey may sign in; at least one.

    Raises:
        Refused: 400 `passkey_refused` (unknown key, bad signature, counter that went back), 403 `no_commission`, 410
            `challenge_unknown`.
    """
    key = _use(session, origin, answer, None, None, now)
    return _commissions_of(session, key.practitioner_id, answer.role)


def offer_proof(session: Session, person: Person, session_id: uuid.UUID, origin: str, now: datetime) -> PasskeyOptions:
    """What the browser needs for the owner of a session to prove anew who they are, with one of their own keys.

    Raises:
        Refused: 404 `no_passkey` if they have none.
    """
    known = _keys_of(session, person)
    if not known:
        raise Refused(404, "no_passkey")
    options = generate_authentication_options(
        rp_id=rp_id_of(origin), allow_credentials=known, user_verification=UserVerificationRequirement.REQUIRED
    )
    return _remember(session, options, person.practitioner_id, now, session_id)


def prove(
    session: Session, person: Person, session_id: uuid.UUID, origin: str, answer: PasskeyAnswer, now: datetime
) -> None:
    """Check such a proof.

    Raises:
        Refused: as `log_in`; 403 `other_person` if the key is good and somebody else's.
    """
    key = _use(session, origin, answer, person.practitioner_id, session_id, now)
    if key.practitioner_id != person.practitioner_id:
        raise Refused(403, "other_person")


def _use(
    session: Session,
    origin: str,
    answer: PasskeyAnswer,
    practitioner_id: uuid.UUID | None,
    session_id: uuid.UUID | None,
    now: datetime,
) -> Passkey:
    """The key that made this answer to a challenge made for the same."""
    challenge = _take_challenge(session, answer.challenge_id, practitioner_id, now, session_id)
    raw_id = _verified(lambda: parse_authentication_credential_json(answer.credential).raw_id)
    key = session.scalars(select(Passkey).where(Passkey.credential_id == raw_id, Passkey.ended_at.is_(None))).first()
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
    return key


def _keys_of(session: Session, person: Person) -> list[PublicKeyCredentialDescriptor]:
    mine = select(Passkey.credential_id).where(
        Passkey.practitioner_id == person.practitioner_id, Passkey.ended_at.is_(None)
    )
    return [PublicKeyCredentialDescriptor(id=credential) for credential in session.scalars(mine)]


def _commissions_of(session: Session, practitioner_id: uuid.UUID, role: str | None) -> list[uuid.UUID]:
    query = select(Commission).where(Commission.practitioner_id == practitioner_id, Commission.ended_at.is_(None))
    found = session.scalars((query if role is None else query.where(Commission.role == role)).order_by(Commission.id))
    ids = [one.id for one in found]
    if not ids:
        raise Refused(403, "no_commission")
    return ids


def _remember(
    session: Session,
    options: Any,
    practitioner_id: uuid.UUID | None,
    now: datetime,
    session_id: uuid.UUID | None = None,
) -> PasskeyOptions:
    row = PasskeyChallenge(
        id=uuid7(int(now.timestamp() * 1000)),
        challenge=options.challenge,
        practitioner_id=practitioner_id,
        session_id=session_id,
        expires_at=now + CHALLENGE_VALID,
    )
    session.add(row)
    return PasskeyOptions(challenge_id=row.id, options=options_to_json_dict(options))


def _take_challenge(
    session: Session,
    challenge_id: uuid.UUID,
    practitioner_id: uuid.UUID | None,
    now: datetime,
    session_id: uuid.UUID | None = None,
) -> bytes:
    row = session.get(PasskeyChallenge, challenge_id)
    for_this = row is not None and (row.practitioner_id, row.session_id) == (practitioner_id, session_id)
    if row is None or not for_this or row.used_at is not None or now >= row.expires_at:
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
