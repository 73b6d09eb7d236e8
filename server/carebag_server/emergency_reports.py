"""What the medical lead reviews without exception: emergency accesses, and every reading about a protected patient."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from carebag_server.access_tables import EmergencyRow, ProtectionRow
from carebag_server.audit import Act, append, event_of
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.one_person import any_of_person, one_now
from carebag_server.tables import AuditRow, Organization, PatientRow, VisitRow
from carebag_server.visit_views import patient_of
from carebag_wire.earlier import EmergencyReport, MarkedRead

MOST = 500
"""Of either, newest first."""


def emergencies(hub: Hub, session: Session, caller: PersonCaller) -> list[EmergencyReport]:
    """Those about patients of the reviewer's organization, or by its own doctors. One log row for the list."""
    ours = or_(
        EmergencyRow.organization_id == caller.organization_id, _of_our_patients(caller, EmergencyRow.patient_id)
    )
    query = select(EmergencyRow).where(ours).order_by(EmergencyRow.at.desc(), EmergencyRow.id.desc()).limit(MOST)
    rows = session.scalars(query).all()
    append(session, caller.actor(), Act(action="emergencies_read", object=f"emergencies {len(rows)}"), hub.now())
    return [_report(session, row, hub.now()) for row in rows]


def _report(session: Session, row: EmergencyRow, now: datetime) -> EmergencyReport:
    over = min(one for one in (row.expires_at, row.ended_at) if one is not None)
    patient = patient_of(session, session.get_one(PatientRow, row.patient_id), 0)
    if patient.protected:
        patient = patient.model_copy(update={"name": "", "personal_id": "", "birth_date": "", "own_doctor": ""})
    acts = select(func.count()).where(
        AuditRow.patient_id.in_(one_now(session, row.patient_id)),
        AuditRow.purpose == "emergency",
        AuditRow.practitioner == row.doctor,
        AuditRow.at.between(row.at, over),
    )
    return EmergencyReport(
        id=row.id,
        visit_id=row.visit_id,
        patient=patient,
        doctor=row.doctor,
        organization=session.get_one(Organization, row.organization_id).name,
        reason=row.reason,
        at=row.at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        lasts=over > now,
        acts=session.scalar(acts) or 0,
    )


def marked_reads(hub: Hub, session: Session, caller: PersonCaller) -> list[MarkedRead]:
    """Rows of the log about patients of the reviewer's organization that are never left to a sample. One log row."""
    protected = any_of_person(
        ProtectionRow.patient_id,
        AuditRow.patient_id,
        ProtectionRow.since <= AuditRow.at,
        or_(ProtectionRow.ended_at.is_(None), ProtectionRow.ended_at > AuditRow.at),
    )
    emergency = AuditRow.purpose == "emergency"
    query = select(AuditRow).where(
        _of_our_patients(caller, AuditRow.patient_id), AuditRow.role != "kit", or_(emergency, protected)
    )
    rows = session.scalars(query.order_by(AuditRow.seq.desc()).limit(MOST)).all()
    append(session, caller.actor(), Act(action="marked_reads_read", object=f"events {len(rows)}"), hub.now())
    return [
        MarkedRead(why="emergency" if row.purpose == "emergency" else "protected_identity", event=event_of(row))
        for row in rows
    ]


def _of_our_patients(caller: PersonCaller, patient_id: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Under whichever identity: what was read of an earlier one is read of the same person."""
    return any_of_person(VisitRow.patient_id, patient_id, VisitRow.organization_id == caller.organization_id)
