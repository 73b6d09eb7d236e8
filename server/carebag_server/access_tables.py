"""What a patient allowed or forbade, what was opened in an emergency, and whose identity is protected.

Nothing here is ever deleted: what ends gets the time and the name of who ended it, so that a review can ask what was
so on a certain day.
"""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from carebag_server.tables import Base


class ConsentRow(Base, kw_only=True):
    """The patient lets a care provider read what others documented (2022:913): who asked, how, until when."""

    __tablename__ = "patient_consent"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    """Whose doctors may read."""
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"))
    """In which the patient was asked."""
    asked_by: Mapped[str] = mapped_column(String(16))
    how: Mapped[str] = mapped_column(String(16))
    recorded_by: Mapped[str]
    recorded_by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"))
    at: Mapped[datetime]
    valid_until: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    withdrawn_by: Mapped[str] = mapped_column(default="")


class BlockRow(Base, kw_only=True):
    """The patient's block (spärr) on what a care provider, or one unit of it, documented."""

    __tablename__ = "patient_block"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    """Whose documentation it is."""
    unit: Mapped[str] = mapped_column(default="")
    """Only that of this unit, also for the provider's other units; empty: all of the provider, for other providers."""
    covers_until: Mapped[datetime | None] = mapped_column(default=None)
    """Only visits that were planned before this; None: also those to come."""
    recorded_by: Mapped[str]
    at: Mapped[datetime]
    lifted_at: Mapped[datetime | None] = mapped_column(default=None)
    lifted_by: Mapped[str] = mapped_column(default="")
    lifted_why: Mapped[str] = mapped_column(String(16), default="")


class EmergencyRow(Base, kw_only=True):
    """A doctor read without consent because of danger to life or health; the reason is her own words."""

    __tablename__ = "emergency_access"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"))
    commission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("commission.id"), index=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    """The doctor's."""
    doctor: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class ProtectionRow(Base, kw_only=True):
    """A protected identity of the population register, while it lasts."""

    __tablename__ = "patient_protection"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    since: Mapped[datetime]
    set_by: Mapped[str]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_by: Mapped[str] = mapped_column(default="")
