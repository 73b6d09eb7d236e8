"""Whether a request comes from the kit that it names: Ed25519 proof, clock within a minute, nonce taken once."""

import base64
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from carebag_server.admin_tables import KitSeen
from carebag_server.database import Database, of_these
from carebag_server.people_tables import FormerKitKey
from carebag_server.refusals import Refused
from carebag_server.tables import Kit, KitNonce
from carebag_wire.kit_proof import MAX_SKEW_MS, BadProof, KitProof, proof_text, read_proof

SEEN_EVERY = timedelta(minutes=5)
_NONCE_KEPT = timedelta(milliseconds=2 * MAX_SKEW_MS)


def prove(session: Session, header: str | None, method: str, target: str, body_sha256: str, now: datetime) -> uuid.UUID:
    """Id of the kit whose key signed this request; its nonce is used up.

    Raises:
        Refused: 401 `bad_proof` (form, signature), `kit_unknown`, `clock_differs`, `proof_used` or `kit_revoked`.
    """
    try:
        proof = read_proof(header)
    except BadProof:
        raise Refused(401, "bad_proof") from None
    kit = session.get(Kit, proof.kit_id)
    text = proof_text(method, target, proof.unix_ms, proof.nonce, body_sha256)
    if kit is None:
        raise Refused(401, "kit_unknown")
    if not signed_by(kit.public_key, proof.signature, text):
        raise Refused(401, "bad_proof")
    if kit.revoked_at is not None:
        raise Refused(401, "kit_revoked")
    if abs(proof.unix_ms - now.timestamp() * 1000) > MAX_SKEW_MS:
        raise Refused(401, "clock_differs")
    _take_nonce(session, proof, now)
    note_seen(session, kit.id, now)
    return kit.id


def note_seen(session: Session, kit_id: uuid.UUID, now: datetime) -> None:
    """The kit is there: written at most once in `SEEN_EVERY`."""
    row = session.get(KitSeen, kit_id)
    if row is None:
        session.add(KitSeen(kit_id=kit_id, at=now))
    elif now - row.at >= SEEN_EVERY:
        row.at = now


def those_enrolled(database: Database, kit_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these kits are not reported lost."""
    with database.reading() as session:
        return of_these(session, select(Kit.id).where(Kit.revoked_at.is_(None)), Kit.id, kit_ids)


def former_keys(session: Session, kit_id: uuid.UUID) -> list[bytes]:
    """Keys that the kit had, the newest first: what they signed is still verified by them."""
    query = select(FormerKitKey.public_key).where(FormerKitKey.kit_id == kit_id)
    return list(session.scalars(query.order_by(FormerKitKey.replaced_at.desc(), FormerKitKey.public_key)))


def signed_by(public_key: bytes, signature: str, text: bytes) -> bool:
    """Whether `signature` (base64) over `text` is by the raw Ed25519 `public_key`."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(base64.b64decode(signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _take_nonce(session: Session, proof: KitProof, now: datetime) -> None:
    session.execute(delete(KitNonce).where(KitNonce.expires_at < now))
    if session.get(KitNonce, (proof.kit_id, proof.nonce)) is not None:
        raise Refused(401, "proof_used")
    session.add(KitNonce(kit_id=proof.kit_id, nonce=proof.nonce, expires_at=now + _NONCE_KEPT))
