"""What was, or shall be, moved from one patient's visit to another's: who said so, and who decided."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from carebag_server.tables import Base


class MoveRow(Base, kw_only=True):
    """One proposal, open (`proposed`) or decided (`moved`, `refused`)."""

    __tablename__ = "record_move"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    record_id: Mapped[uuid.UUID] = mapped_column(index=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    """Where it stands, or stood."""
    to_visit_id: Mapped[uuid.UUID] = mapped_column(index=True)
    """Not a foreign key: that visit may be removed first, when its time is over."""
    organization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organization.id"))
    """The care provider of both visits."""
    reason: Mapped[str]
    proposed_by: Mapped[str]
    proposed_by_id: Mapped[uuid.UUID]
    """Practitioner: another one decides."""
    proposed_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), default="proposed")
    decided_by: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_reason: Mapped[str] = mapped_column(default="")
