"""More of who there is: care units, HSA-ids, who a patient turned out to be, and the codes by which people and kits
become known. Part of `tables.Base`."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from carebag_server.tables import Base


class CareUnit(Base, kw_only=True):
    """A unit (vårdenhet) of a care provider; commissions and kits carry its name."""

    __tablename__ = "care_unit"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]


class HsaName(Base, kw_only=True):
    """HSA-id of a care provider, a care unit, a practitioner or a commission: whose id is `owner_id`."""

    __tablename__ = "hsa_name"
    owner_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(String(31), unique=True)


class PatientMerge(Base, kw_only=True):
    """A practitioner says that `patient_id` is the person that `into_id` is; taken back, the row stays."""

    __tablename__ = "patient_merge"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    into_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    said_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"))
    at: Mapped[datetime]
    reason: Mapped[str]
    taken_back_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("practitioner.id"), default=None)
    taken_back_at: Mapped[datetime | None] = mapped_column(default=None)
    taken_back_reason: Mapped[str] = mapped_column(default="")


class PasskeyLink(Base, kw_only=True):
    """One-time link with which one browser makes one passkey for a practitioner, and nothing else."""

    __tablename__ = "passkey_link"
    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    practitioner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class KitCode(Base, kw_only=True):
    """One-time code with which a machine becomes a kit, or a kit gets another key (`kit_id`)."""

    __tablename__ = "kit_code"
    code_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    unit: Mapped[str]
    kit_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("kit.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)


class FormerKitKey(Base, kw_only=True):
    """A key that a kit had: it opens nothing any more, what it signed is still verified by it."""

    __tablename__ = "former_kit_key"
    kit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("kit.id"), primary_key=True)
    public_key: Mapped[bytes] = mapped_column(primary_key=True)
    """Ed25519, 32 bytes."""
    replaced_at: Mapped[datetime]
