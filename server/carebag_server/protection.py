"""Protected identities (sekretessmarkering, skyddad folkbokföring, turvakielto): what is hidden, and from where on.

The hub tells nobody where such a patient lives, and no list says who it is; who opens the visit sees the name, and
`emergency_reports.marked_reads` puts every such reading before the medical lead. Sources: offentlighets- och
sekretesslagen 2009:400 ch. 22 s. 1, folkbokföringslagen 1991:481 s. 16, laki 661/2009 s. 36.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.access_tables import ProtectionRow
from carebag_server.audit import Act, Actor, append
from carebag_server.refusals import Refused
from carebag_wire.base import uuid7
from carebag_wire.visit import Protection, VisitHead

_IN_ONE_STATEMENT = 500


def protection_of(session: Session, patient_id: uuid.UUID) -> Protection:
    """Of now; empty: none."""
    row = _row(session, patient_id)
    return cast("Protection", row.kind) if row else ""


def protections_of(session: Session, patient_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Protection]:
    """As `protection_of`, of many: those who have one."""
    ids, found = list(patient_ids), dict[uuid.UUID, Protection]()
    for start in range(0, len(ids), _IN_ONE_STATEMENT):
        some = ids[start : start + _IN_ONE_STATEMENT]
        query = select(ProtectionRow).where(ProtectionRow.patient_id.in_(some), ProtectionRow.ended_at.is_(None))
        for row in session.scalars(query.order_by(ProtectionRow.since)):
            found[row.patient_id] = cast("Protection", row.kind)
    return found


def in_list(head: VisitHead) -> VisitHead:
    """As a list shows it: nobody learns from a list who is protected."""
    if not head.patient.protected:
        return head
    hidden = {"name": "", "personal_id": "", "birth_date": "", "place": "", "own_doctor": "", "turned_out": None}
    return head.model_copy(update={"patient": head.patient.model_copy(update=hidden), "background": ""})


def protect(session: Session, actor: Actor, patient_id: uuid.UUID, kind: Protection, now: datetime) -> None:
    """Mark the patient; a mark of another kind before it ends.

    Raises:
        Refused: 409 `already_so`.
    """
    before = _row(session, patient_id)
    if before is not None:
        if before.kind == kind:
            raise Refused(409, "already_so")
        before.ended_at, before.ended_by = now, actor.practitioner
    row = ProtectionRow(
        id=uuid7(int(now.timestamp() * 1000)), patient_id=patient_id, kind=kind, since=now, set_by=actor.practitioner
    )
    session.add(row)
    append(session, actor, Act(action="identity_protected", object=f"patient {patient_id}", patient_id=patient_id), now)


def end_protection(session: Session, actor: Actor, patient_id: uuid.UUID, now: datetime) -> None:
    """Raises: Refused: 409 `already_so`."""
    row = _row(session, patient_id)
    if row is None:
        raise Refused(409, "already_so")
    row.ended_at, row.ended_by = now, actor.practitioner
    act = Act(action="identity_protection_ended", object=f"patient {patient_id}", patient_id=patient_id)
    append(session, actor, act, now)


def _row(session: Session, patient_id: uuid.UUID) -> ProtectionRow | None:
    query = select(ProtectionRow).where(ProtectionRow.patient_id == patient_id, ProtectionRow.ended_at.is_(None))
    return session.scalars(query.order_by(ProtectionRow.since.desc())).first()
