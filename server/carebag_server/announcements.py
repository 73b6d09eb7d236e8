"""What the rooms are told once it is durable: one object of a visit, anew, and who may have it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from carebag_server.database import announce
from carebag_server.tables import VisitRow
from carebag_wire.base import Wire
from carebag_wire.messages import Changed


@dataclass(frozen=True)
class Announcement:
    changed: Changed
    kit_id: uuid.UUID
    only: uuid.UUID | None = None
    """The practitioner whose draft note it is; None: everyone in the room, and the kit."""
    organization_id: uuid.UUID | None = None
    """Whose visit it is."""


def announce_changed(
    session: Session, visit: VisitRow, parts: Mapping[str, Wire], only: uuid.UUID | None = None
) -> None:
    """Tell the visit's room after the commit.

    Args:
        parts: fields of `Changed`: `visit`, `request`, `reading`, `sound`, `photo` or `note`.
        only: the practitioner whose draft note it is.
    """
    changed = Changed.model_validate({"visit_id": visit.id, **parts})
    announce(session, Announcement(changed, visit.kit_id, only, visit.organization_id))
