"""What doctors said that decides whether and how NEWS2 is counted. Only added to, never changed."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from carebag_server.tables import Base


class PremiseRow(Base, kw_only=True):
    """That 88-92 % is the aim, or not any more; that the patient is pregnant, or is not. The last one holds."""

    __tablename__ = "score_premise"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    says: Mapped[str] = mapped_column(String(16))
    author: Mapped[str]
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"))
    at: Mapped[datetime]
