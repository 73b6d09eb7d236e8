"""What keeping and removing needs: each provider's years, holds, and the marks of what was removed.

A mark is what a trigger looks for before it lets something go (migration 0015), and never goes itself: triggers refuse
to change or remove `pruned_event`, `removed_record` and `removed_visit`.
"""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from carebag_server.tables import Base


class RetentionPolicy(Base, kw_only=True):
    """In which country a care provider is, and how long it keeps what by its own decision."""

    __tablename__ = "retention_policy"
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    country: Mapped[str] = mapped_column(String(2))
    log_years: Mapped[int | None]
    """None: as the table of countries says."""
    record_years: Mapped[int | None]
    set_by: Mapped[str]
    set_at: Mapped[datetime]


class RetentionHold(Base, kw_only=True):
    """While it stands nothing of the patient, or of the provider, is removed: an inquiry, a complaint, a court."""

    __tablename__ = "retention_hold"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    """Who placed it."""
    patient_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    """None: all patients of the provider, and so the whole log."""
    why: Mapped[str]
    placed_by: Mapped[str]
    placed_at: Mapped[datetime]
    lifted_by: Mapped[str] = mapped_column(default="")
    lifted_at: Mapped[datetime | None] = mapped_column(default=None)


class PrunedEvent(Base, kw_only=True):
    """An event of the access log without its content: what tree and chain need of it."""

    __tablename__ = "pruned_event"
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    leaf: Mapped[bytes]
    """Hash of its leaf, 32 bytes."""
    hash: Mapped[str] = mapped_column(String(64))
    """Of the chain, as the event had it."""
    act_seq: Mapped[int] = mapped_column(BigInteger, index=True)
    """The event that says that this one's content was removed."""


class RemovedRecord(Base, kw_only=True):
    """A kit's record that is here no more; a kit that sends it again is told that it was stored."""

    __tablename__ = "removed_record"
    __table_args__ = (UniqueConstraint("kit_id", "kit_seq"),)
    record_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kit_id: Mapped[uuid.UUID]
    kit_seq: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    act_seq: Mapped[int] = mapped_column(BigInteger)


class RemovedVisit(Base, kw_only=True):
    """A visit that is here no more."""

    __tablename__ = "removed_visit"
    visit_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    act_seq: Mapped[int] = mapped_column(BigInteger)


class FileToRemove(Base, kw_only=True):
    """A file that no row names any more and that may still be in the media store; the row goes with the file."""

    __tablename__ = "file_to_remove"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)


class RemovalProposal(Base, kw_only=True):
    """What one person wants removed; another one approves just that, or it is over."""

    __tablename__ = "removal_proposal"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(16))
    """`log` or `records`."""
    organization_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organization.id"))
    """Whose records; None: the log is of all."""
    before: Mapped[datetime]
    """No event, or no entry, of since then is in it."""
    count: Mapped[int]
    """Events; or visits and values of no visit."""
    content_sha256: Mapped[str] = mapped_column(String(64))
    """Over all that would go, as it was then."""
    decision: Mapped[str]
    proposed_by: Mapped[str]
    proposed_login: Mapped[str]
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    approved_by: Mapped[str] = mapped_column(default="")
    approved_at: Mapped[datetime | None] = mapped_column(default=None)
