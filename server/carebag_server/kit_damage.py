"""Which doctor has read of which damage of a kit's disk: each for herself, kept with the time, never changed."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from carebag_server.audit import append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.relations import visible_visit
from carebag_server.tables import Base
from carebag_server.visits import act_on
from carebag_wire.kit_damage import KitDamageSeen


class KitDamageSeenRow(Base, kw_only=True):
    """One notice, read by one person."""

    __tablename__ = "kit_damage_seen"
    kit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("kit.id"), primary_key=True)
    practitioner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"))
    """In whose room it was read."""
    at: Mapped[datetime]


def keep(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, number: int) -> None:
    """Keep that this doctor has read it; said again it changes nothing.

    Raises:
        Refused: 404 `not_found`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    key = (visit.kit_id, caller.person.practitioner_id, number)
    if session.get(KitDamageSeenRow, key) is not None:
        return
    row = KitDamageSeenRow(
        kit_id=visit.kit_id,
        practitioner_id=caller.person.practitioner_id,
        number=number,
        visit_id=visit.id,
        at=hub.now(),
    )
    session.add(row)
    session.flush()
    append(session, caller.actor(), act_on(visit, "kit_damage_seen", f"kit {visit.kit_id} {number}"), hub.now())


def read(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID) -> KitDamageSeen:
    """What this doctor has read of the visit's kit. Of no patient: not in the access log.

    Raises:
        Refused: 404 `not_found`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    query = (
        select(KitDamageSeenRow)
        .where(
            KitDamageSeenRow.kit_id == visit.kit_id,
            KitDamageSeenRow.practitioner_id == caller.person.practitioner_id,
        )
        .order_by(KitDamageSeenRow.number.desc())
        .limit(1)
    )
    row = session.scalar(query)
    return KitDamageSeen() if row is None else KitDamageSeen(number=row.number, at=row.at)
