"""What the administrators' page needs of its own. Part of `tables.Base`."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from carebag_server.tables import Base


class WholeHub(Base, kw_only=True):
    """An administrator's commission that reaches all care providers of the hub; without a row it reaches its own."""

    __tablename__ = "whole_hub"
    commission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("commission.id"), primary_key=True)


class KitSeen(Base, kw_only=True):
    """When a kit last proved who it is, or was still connected; written about once in `kit_keys.SEEN_EVERY`."""

    __tablename__ = "kit_seen"
    kit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("kit.id"), primary_key=True)
    at: Mapped[datetime]
