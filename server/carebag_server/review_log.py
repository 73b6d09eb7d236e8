"""The log by day, and a patient's own list of accesses. Each page that is read is one row in the log."""

import uuid

from sqlalchemy import ColumnElement, func, not_, or_, select
from sqlalchemy.orm import Session

from carebag_server.audit import Act, append, event_of
from carebag_server.audit_period import of_person
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.refusals import not_found
from carebag_server.review_accesses import grouped
from carebag_server.review_scope import day_of, names_of, span_of, within_reach
from carebag_server.tables import AuditRow, PatientRow
from carebag_server.visit_views import patient_of
from carebag_wire.review import KindOfAct, LogPage, LogQuery, PatientAccess, PatientAccesses

PAGE = 200
_READS = ("_read", "_listed", "_joined", "_exported", "_printed")
_SIGNS = ("_signed", "_verified")


def kind_of(action: str) -> KindOfAct:
    """As the page's own `story.ts` tells them apart."""
    if action.endswith(_READS):
        return "reads"
    return "signs" if action.endswith(_SIGNS) else "acts"


def day_page(hub: Hub, session: Session, caller: PersonCaller, query: LogQuery) -> LogPage:
    """One page of a day's rows, in order.

    Raises:
        Refused: 422 `bad_day`.
    """
    start, end = span_of(hub, day_of(query.day), 1)
    append(session, caller.actor(), Act(action="log_read", object=f"day {query.day}"), hub.now())
    day = (AuditRow.at >= start, AuditRow.at < end, within_reach(caller))
    wanted = [*day]
    if query.who:
        wanted.append(AuditRow.practitioner == query.who)
    if query.kind:
        wanted.append(_of_kind(query.kind))
    total = session.scalar(select(func.count()).select_from(AuditRow).where(*wanted)) or 0
    rows = list(
        session.scalars(
            select(AuditRow).where(*wanted, AuditRow.seq > query.after).order_by(AuditRow.seq).limit(PAGE + 1)
        )
    )
    more, rows = len(rows) > PAGE, rows[:PAGE]
    people = session.scalars(select(AuditRow.practitioner).where(*day).distinct().order_by(AuditRow.practitioner))
    return LogPage(
        events=[event_of(row) for row in rows],
        total=total,
        next=rows[-1].seq if more else None,
        people=list(people),
        patients=names_of(session, rows),
    )


def _of_kind(kind: KindOfAct) -> ColumnElement[bool]:
    def ends(endings: tuple[str, ...]) -> ColumnElement[bool]:
        return or_(*(AuditRow.action.endswith(ending, autoescape=True) for ending in endings))

    if kind == "reads":
        return ends(_READS)
    return ends(_SIGNS) if kind == "signs" else not_(ends(_READS + _SIGNS))


def patient_accesses(hub: Hub, session: Session, caller: PersonCaller, patient_id: uuid.UUID) -> PatientAccesses:
    """Which units had access to the patient's data, when, what kind and why (PDL 2008:355 ch. 8 s. 5): no names.

    Under every identity that is the same person now.

    Raises:
        Refused: 404 `not_found`, the same whether there is no such patient or none of the caller's organisation.
    """
    about = of_person(session, caller.organization_id, patient_id)
    patient = session.get(PatientRow, patient_id)
    if patient is None:
        raise not_found()
    act = Act(action="patient_log_read", object=f"patient {patient_id}", patient_id=patient_id)
    append(session, caller.actor(), act, hub.now())
    rows = session.scalars(
        select(AuditRow).where(about, AuditRow.role != "kit", within_reach(caller)).order_by(AuditRow.seq)
    )
    lines = []
    for group in grouped(hub, rows):
        kinds = {kind_of(row.action) for row in group.rows}
        lines.append(
            PatientAccess(
                first=group.first.at,
                last=group.rows[-1].at,
                role=group.first.role,
                care_unit=group.first.care_unit,
                organization=group.first.organization,
                purpose="emergency" if group.emergency else group.first.purpose,
                kinds=[kind for kind in ("reads", "acts", "signs") if kind in kinds],
            )
        )
    return PatientAccesses(
        patient=patient_of(session, patient, 0),
        organization=caller.person.organization,
        made_at=hub.now(),
        accesses=sorted(lines, key=lambda line: line.first, reverse=True),
    )
