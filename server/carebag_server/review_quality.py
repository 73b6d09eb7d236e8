"""Quality of the care beside the log, by week and always with how many: counted from what is stored."""

import json
import statistics
import uuid
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.audit import Act, append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.relations import visible_visit
from carebag_server.review_accesses import NOT_REVIEWED, grouped
from carebag_server.review_scope import span_of, within_reach
from carebag_server.review_tables import OutcomeRow, QuestionRow
from carebag_server.tables import AuditRow, Finding, RecordRow, RequestRow, VisitRow
from carebag_server.visits import act_on, zone_of
from carebag_wire.review import Outcome, QualityWeek, Share, Spread

WEEKS = 8


def say_outcome(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, outcome: Outcome) -> None:
    """Keep whether an ambulance was avoided or called; said again, the last word counts.

    Raises:
        Refused: 404 `not_found`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    append(session, caller.actor(), act_on(visit, "outcome_said", f"visit {visit.id} {outcome}"), hub.now())
    session.merge(OutcomeRow(visit_id=visit.id, outcome=outcome, by=caller.person.name, at=hub.now()))


def quality(hub: Hub, session: Session, caller: PersonCaller) -> list[QualityWeek]:
    """The last weeks, the present one first."""
    append(session, caller.actor(), Act(action="quality_read", object=f"weeks {WEEKS}"), hub.now())
    today = hub.now().astimezone(zone_of(hub)).date()
    monday = today - timedelta(days=today.weekday())
    return [_week(hub, session, caller, monday - timedelta(weeks=back)) for back in range(WEEKS)]


def _week(hub: Hub, session: Session, caller: PersonCaller, monday: date) -> QualityWeek:
    start, end = span_of(hub, monday, 7)
    visits = session.scalars(
        select(VisitRow.id).where(
            VisitRow.organization_id == caller.organization_id, VisitRow.opened_at >= start, VisitRow.opened_at < end
        )
    ).all()
    requests = session.scalars(select(RequestRow).where(RequestRow.visit_id.in_(visits))).all()
    findings = session.scalars(select(Finding).where(Finding.visit_id.in_(visits), Finding.kind != "display")).all()
    decided = [one.decision for one in findings if one.decision != "draft" and not one.taken_back]
    replies = session.execute(
        select(QuestionRow.asked_at, QuestionRow.answered_at).where(
            QuestionRow.organization_id == caller.organization_id,
            QuestionRow.asked_at >= start,
            QuestionRow.asked_at < end,
        )
    ).all()
    outcomes = session.scalars(select(OutcomeRow.outcome).where(OutcomeRow.visit_id.in_(visits))).all()
    return QualityWeek(
        monday=monday.isoformat(),
        visits=len(visits),
        answer=_spread(_answers(session, requests, findings)),
        reply=_spread([(answered - asked).total_seconds() for asked, answered in replies if answered]),
        retakes=Share(n=sum(one.again_of is not None for one in requests), of=len(requests)),
        gaps=_gaps(session, findings),
        rejected=Share(n=decided.count("rejected"), of=len(decided)),
        emergencies=_emergencies(hub, session, caller, monday),
        avoided=list(outcomes).count("ambulance_avoided"),
        called=list(outcomes).count("ambulance_called"),
        said=len(outcomes),
    )


def _answers(session: Session, requests: Sequence[RequestRow], findings: Sequence[Finding]) -> list[float]:
    """From each request to the first thing that answers it and has reached the hub."""
    asked = {one.id: one.asked_at for one in requests}
    of_request = {one.record_id: one.request_id for one in findings if one.request_id in asked}
    query = select(RecordRow.id, RecordRow.received_at).where(RecordRow.id.in_(of_request))
    first: dict[uuid.UUID, float] = {}
    for record, received in session.execute(query):
        request = of_request[record]
        assert request is not None
        took = (received - asked[request]).total_seconds()
        first[request] = min(took, first.get(request, took))
    return [took for took in first.values() if took >= 0]


def _gaps(session: Session, findings: Sequence[Finding]) -> Share:
    sounds = [one.record_id for one in findings if one.kind == "sound"]
    payloads = session.scalars(select(RecordRow.payload).where(RecordRow.id.in_(sounds))).all()
    return Share(n=sum(bool(json.loads(payload).get("gaps")) for payload in payloads), of=len(payloads))


def _emergencies(hub: Hub, session: Session, caller: PersonCaller, monday: date) -> int:
    start, end = span_of(hub, monday, 7)
    rows = select(AuditRow).where(
        AuditRow.at >= start,
        AuditRow.at < end,
        AuditRow.purpose == "emergency",
        AuditRow.patient_id.is_not(None),
        AuditRow.role.not_in(NOT_REVIEWED),
        within_reach(caller),
    )
    return len(grouped(hub, session.scalars(rows.order_by(AuditRow.seq))))


def _spread(seconds: Sequence[float]) -> Spread:
    return Spread(median_s=round(statistics.median(seconds), 1) if seconds else None, n=len(seconds))
