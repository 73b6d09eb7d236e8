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
from carebag_server.one_person import each_one_now, one_now
from carebag_server.refusals import Refused
from carebag_wire.base import uuid7
from carebag_wire.visit import Protection, VisitHead

_IN_ONE_STATEMENT = 500


def protection_of(session: Session, patient_id: uuid.UUID) -> Protection:
    """Of now, under whichever identity of the person it was said; empty: none."""
    return protections_of(session, [patient_id]).get(patient_id, "")


def protections_of(session: Session, patient_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Protection]:
    """As `protection_of`, of many: those who have one."""
    persons = each_one_now(session, patient_ids)
    ids, said = list({one for person in persons.values() for one in person}), dict[uuid.UUID, Protection]()
    for start in range(0, len(ids), _IN_ONE_STATEMENT):
        some = ids[start : start + _IN_ONE_STATEMENT]
        query = select(ProtectionRow).where(ProtectionRow.patient_id.in_(some), ProtectionRow.ended_at.is_(None))
        for row in session.scalars(query.order_by(ProtectionRow.since)):
            said[row.patient_id] = cast("Protection", row.kind)
    found = dict[uuid.UUID, Protection]()
    for patient_id, person in persons.items():
        under = next((one for one in (patient_id, *sorted(person)) if one in said), None)
        if under is not None:
            found[patient_id] = said[under]
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
    """Under every identity of the person: one that was left would go on hiding.

    Raises:
        Refused: 409 `already_so`.
    """
    rows = [row for one in sorted(one_now(session, patient_id)) if (row := _row(session, one)) is not None]
    if not rows:
        raise Refused(409, "already_so")
    for row in rows:
        row.ended_at, row.ended_by = now, actor.practitioner
        thing = f"patient {row.patient_id}"
        act = Act(action="identity_protection_ended", object=thing, patient_id=row.patient_id)
        append(session, actor, act, now)


def _row(session: Session, patient_id: uuid.UUID) -> ProtectionRow | None:
    query = select(ProtectionRow).where(ProtectionRow.patient_id == patient_id, ProtectionRow.ended_at.is_(None))
    return session.scalars(query.order_by(ProtectionRow.since.desc())).first()
