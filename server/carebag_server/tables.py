"""The hub's tables. Who may see them is `access.py`; what was seen is `audit_event`.

Never changed after they are written, by triggers of the migration: `audit_event`, `record`, signed `note_version`s.
"""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, MetaData, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from carebag_server.database import UtcDateTime

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own form)
        datetime: UtcDateTime(),
        uuid.UUID: Uuid(),
        bytes: LargeBinary(),
        str: Text(),
    }


class Installation(Base, kw_only=True):
    """One row: a demo's database is never opened in production, nor the other way round."""

    __tablename__ = "installation"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    created_at: Mapped[datetime]


# Who: organisations, people, commissions, kits


class Organization(Base, kw_only=True):
    __tablename__ = "organization"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class CareAgreement(Base, kw_only=True):
    """Doctors of one organisation serve the home-care visits of another; the care relation of now."""

    __tablename__ = "care_agreement"
    __table_args__ = (UniqueConstraint("home_organization_id", "doctor_organization_id"),)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    home_organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    doctor_organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None] = mapped_column(default=None)


class Practitioner(Base, kw_only=True):
    __tablename__ = "practitioner"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    title: Mapped[str]
    hsa_id: Mapped[str | None] = mapped_column(String(64), index=True, unique=True, default=None)
    """Of this person in this employment (HSA `employeeHsaId`)."""


class Commission(Base, kw_only=True):
    """In what role and for whom a practitioner acts (uppdrag)."""

    __tablename__ = "commission"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    practitioner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    unit: Mapped[str]
    role: Mapped[str] = mapped_column(String(16))
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    hsa_id: Mapped[str | None] = mapped_column(String(64), index=True, default=None)
    """`commissionHsaId`; in HSA a commission has several members, so several rows may share one."""
    purpose: Mapped[str] = mapped_column(default="")
    """`commissionPurpose`; "" means what the role needs: see `oidc.claims`."""
    provider_hsa_id: Mapped[str | None] = mapped_column(String(64), default=None)
    """`healthCareProviderHsaId`; where it is set, a sign-in must say the same."""


class Kit(Base, kw_only=True):
    __tablename__ = "kit"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    unit: Mapped[str]
    public_key: Mapped[bytes]
    """Ed25519, 32 bytes."""
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    watermark: Mapped[int] = mapped_column(BigInteger, default=0)
    """Every kit_seq up to this one is stored."""


# Signing in


class LoginLink(Base, kw_only=True):
    __tablename__ = "login_link"
    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    commission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("commission.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class SignedIn(Base, kw_only=True):
    """One slot of one browser (`session` is SQLAlchemy's word)."""

    __tablename__ = "signed_in"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    commission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("commission.id"))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    locked_at: Mapped[datetime | None] = mapped_column(default=None)
    """By its owner; one that was idle for too long is locked without it."""
    proved_at: Mapped[datetime]
    """When its owner last showed who they are."""
    proved_by: Mapped[str] = mapped_column(String(16))
    """`link`, `passkey`, `oidc` or `demo`."""


class Passkey(Base, kw_only=True):
    __tablename__ = "passkey"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    practitioner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    name: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class PasskeyChallenge(Base, kw_only=True):
    __tablename__ = "passkey_challenge"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    challenge: Mapped[bytes]
    practitioner_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    """Who registers; None for signing in, where the key itself says who."""
    session_id: Mapped[uuid.UUID | None] = mapped_column(default=None)
    """For whom it is a renewed proof; None: to register or to sign in."""
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class NurseSignIn(Base, kw_only=True):
    """One-time code by which a nurse, signed in on the hub, is made known to a kit."""

    __tablename__ = "nurse_sign_in"
    code_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    commission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("commission.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class KitNonce(Base, kw_only=True):
    """Proofs already taken, until they would be too old anyway; in the store, so that a restart forgets none."""

    __tablename__ = "kit_nonce"
    kit_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


# Visits


class PatientRow(Base, kw_only=True):
    __tablename__ = "patient"
    __table_args__ = (UniqueConstraint("personal_id_system", "personal_id"),)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    personal_id: Mapped[str] = mapped_column(String(64))
    personal_id_system: Mapped[str]
    birth_date: Mapped[str | None] = mapped_column(String(10))
    place: Mapped[str]
    own_doctor: Mapped[str]


class VisitRow(Base, kw_only=True):
    __tablename__ = "visit"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    kit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("kit.id"), index=True)
    nurse_commission_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("commission.id"), default=None)
    scheduled_at: Mapped[datetime] = mapped_column(index=True)
    reason: Mapped[str]
    background: Mapped[str]
    colour: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default="planned")
    state_kit_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    """Number of the record that decided the state: an older one that comes late does not."""
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    cancelled_at: Mapped[datetime | None] = mapped_column(default=None)
    """Of one that is planned; a kit that was out of reach may open it all the same, and then it is a visit."""
    doctor_joined_at: Mapped[datetime | None] = mapped_column(default=None)


class RequestRow(Base, kw_only=True):
    __tablename__ = "request"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    circumstances: Mapped[str]
    """JSON of `Circumstances`."""
    note: Mapped[str]
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(default="")
    again_of: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("request.id"), default=None)
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class RecordRow(Base, kw_only=True):
    """What a kit signed, word for word. `visit_id` None: the unassigned tray, where a person decides."""

    __tablename__ = "record"
    __table_args__ = (UniqueConstraint("kit_id", "kit_seq"), Index("ix_record_visit_id_kind", "visit_id", "kind"))
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("kit.id"))
    kit_seq: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(32))
    visit_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("visit.id"))
    payload: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(String(88))
    received_at: Mapped[datetime]


class Finding(Base, kw_only=True):
    """The decision on one reading, sound or photo; what it says is in its record.

    A reading from the unassigned tray that was filed wrongly and then rightly has a row in each of the two visits.
    """

    __tablename__ = "finding"
    record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("record.id"), primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True, index=True)
    kind: Mapped[str] = mapped_column(String(32))
    """`reading`, `sound`, `photo`; `display`: a photo that proves a typed reading and is decided on with it."""
    request_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("request.id"))
    decision: Mapped[str] = mapped_column(String(16), default="draft")
    decided_by: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(default="")
    media_sha256: Mapped[str | None] = mapped_column(String(64), default=None, index=True)
    stream: Mapped[int | None] = mapped_column(BigInteger, default=None)
    """Number of the live stream, of a sound."""
    filed_by: Mapped[str] = mapped_column(default="")
    """Who took it from the unassigned tray."""
    filed_at: Mapped[datetime | None] = mapped_column(default=None)
    taken_back: Mapped[bool] = mapped_column(default=False)
    """By the nurse, before a doctor decided."""
    move: Mapped[str] = mapped_column(String(16), default="")
    """`proposed`, `away` or `here`: see `moves.py`."""


class FilingRow(Base, kw_only=True):
    """What a nurse decided about a reading of the unassigned tray, read out of her signed record."""

    __tablename__ = "filing"
    record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("record.id"), primary_key=True)
    reading_id: Mapped[uuid.UUID] = mapped_column(index=True)
    """Not a foreign key: the reading may arrive later."""
    kit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("kit.id"))
    kit_seq: Mapped[int] = mapped_column(BigInteger)
    visit_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("visit.id"))
    decision: Mapped[str] = mapped_column(String(16))
    nurse: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]
    """By the kit's clock."""


class HeardRow(Base, kw_only=True):
    """Digest of what a doctor's page received of a live stream."""

    __tablename__ = "heard"
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    stream: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    practitioner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    samples: Mapped[int] = mapped_column(BigInteger)
    repaired: Mapped[int] = mapped_column(BigInteger)
    missing: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]


class MarkRow(Base, kw_only=True):
    """A moment of a body sound that a doctor points out; taken back, it stays."""

    __tablename__ = "listening_mark"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    stream: Mapped[int] = mapped_column(BigInteger)
    sample: Mapped[int] = mapped_column(BigInteger)
    rate_hz: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    text: Mapped[str]
    author: Mapped[str]
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"))
    at: Mapped[datetime]
    taken_back_at: Mapped[datetime | None] = mapped_column(default=None)


class PathProofRow(Base, kw_only=True):
    """What a doctor's page measured of the sound path."""

    __tablename__ = "path_proof"
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    practitioner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    proof: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    by: Mapped[str]
    at: Mapped[datetime]
    made: Mapped[str]
    """The page's `MakePathProof`, JSON."""


class MediaRow(Base, kw_only=True):
    """A file of the media folder that is there, whole and checked."""

    __tablename__ = "media"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    bytes_stored: Mapped[int] = mapped_column(BigInteger)
    kit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("kit.id"))
    received_at: Mapped[datetime]


class NoteRow(Base, kw_only=True):
    """A draft of one author, or a signed version, which is never changed again."""

    __tablename__ = "note_version"
    __table_args__ = (UniqueConstraint("visit_id", "author_id", "version"),)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"))
    author: Mapped[str]
    version: Mapped[int]
    assessment: Mapped[str]
    plan: Mapped[str]
    state: Mapped[str] = mapped_column(String(16), default="draft")
    changed_at: Mapped[datetime]
    signed_at: Mapped[datetime | None] = mapped_column(default=None)
    sha256: Mapped[str | None] = mapped_column(String(64), default=None)


class GuestRow(Base, kw_only=True):
    """Someone invited to listen and talk in one visit; the patient's consent is a condition of the row."""

    __tablename__ = "guest"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    name: Mapped[str]
    said_name: Mapped[str] = mapped_column(default="")
    camera: Mapped[bool] = mapped_column(default=False)
    examination: Mapped[bool] = mapped_column(default=False)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    cookie_sha256: Mapped[str | None] = mapped_column(String(64), unique=True, default=None)
    """Of the one browser that used the link."""
    invited_by: Mapped[str]
    invited_at: Mapped[datetime]
    link_expires_at: Mapped[datetime]
    came_at: Mapped[datetime | None] = mapped_column(default=None)
    admitted_by: Mapped[str] = mapped_column(default="")
    admitted_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_by: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


# Who did what


class AuditRow(Base, kw_only=True):
    """Append-only, hash-chained, and a leaf of a Merkle tree; see `audit.py`."""

    __tablename__ = "audit_event"
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(64))
    object: Mapped[str]
    patient_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    visit_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    practitioner: Mapped[str]
    role: Mapped[str]
    care_unit: Mapped[str]
    organization: Mapped[str]
    purpose: Mapped[str]
    origin: Mapped[str]
    request_ref: Mapped[str]
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base, kw_only=True):
    """One row: how long the chain is and its last hash, so that cutting off its end shows too."""

    __tablename__ = "audit_head"
    id: Mapped[int] = mapped_column(primary_key=True)
    events: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    frontier: Mapped[bytes] = mapped_column(default=b"")
    """Of the events' Merkle tree: see `audit_tree.Frontier`; 32 bytes for each 1 in the binary form of `events`."""


from carebag_server import people_tables  # noqa: E402, F401 (more tables of the same metadata)
