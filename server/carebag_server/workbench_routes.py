"""The medical lead's workbench: the log by day, samples, judgements, questions, minutes, proofs, quality; and the
routes by which staff take part in it: doctors' and nurses' answers, and what became of a visit."""

import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from fastapi.responses import Response, StreamingResponse

from carebag_fhir.accesses import NDJSON, access_lines
from carebag_print.words import Language
from carebag_server import review_log, review_proof, review_quality, review_questions, review_weeks
from carebag_server.access import Doctor, Reviewer, ReviewerByQuery, TheKit
from carebag_server.api_router import api_router
from carebag_server.audit import Act, append, events_of_visit
from carebag_server.audit_csv import MEDIA_TYPE, csv_of
from carebag_server.audit_period import events_upto, of_person
from carebag_server.hub import TheHub
from carebag_server.refusals import Refused
from carebag_server.relations import visible_visit, visible_visits
from carebag_server.review_questions import asked_doctor, asked_nurse
from carebag_server.review_scope import day_of, span_of, within_reach
from carebag_server.tables import AuditRow, VisitRow
from carebag_server.visit_views import heads_of
from carebag_server.visits import act_on
from carebag_wire.api import AuditEvent
from carebag_wire.base import Count, Id, Utc
from carebag_wire.review import (
    AccessView,
    AnswerQuestion,
    AskStaff,
    CompareCheckpoint,
    Compared,
    Day,
    DrawSample,
    Judge,
    LogPage,
    LogQuery,
    NurseAnswers,
    OfNurse,
    PatientAccesses,
    QualityWeek,
    Question,
    QuestionsWaiting,
    SayOutcome,
    SignMinutes,
    WeekPlan,
)
from carebag_wire.visit import VisitHead

router = api_router("/api", "workbench")
EARLIER = 40
"""Visits on a page of the earlier ones."""
MOST_DAYS = 366


class CsvResponse(StreamingResponse):
    media_type = MEDIA_TYPE


class NdjsonResponse(StreamingResponse):
    media_type = NDJSON


class CheckpointResponse(Response):
    media_type = "text/plain; charset=utf-8"


@router.post("/review/log")
def read_log(query: LogQuery, caller: Reviewer, hub: TheHub) -> LogPage:
    """A page of a day: what to look for stands in the body, since names do not belong into an address."""
    with hub.database.transaction() as session:
        return review_log.day_page(hub, session, caller, query)


@router.get("/review/visits/earlier")
def earlier_visits(caller: Reviewer, hub: TheHub, before: Utc | None = None) -> list[VisitHead]:
    """Visits of any day, the newest first, a page at a time."""
    until = before or datetime(2200, 1, 1, tzinfo=UTC)
    with hub.database.transaction() as session:
        query = visible_visits(caller, hub.now()).where(VisitRow.scheduled_at < until)
        rows = session.scalars(query.order_by(VisitRow.scheduled_at.desc(), VisitRow.id).limit(EARLIER)).all()
        append(session, caller.actor(), Act(action="visits_listed", object=f"visits {len(rows)}"), hub.now())
        return heads_of(session, rows)


@router.get("/review/weeks/{monday}")
def read_week(monday: Day, caller: Reviewer, hub: TheHub) -> WeekPlan:
    return review_weeks.read_week(hub, caller, monday)


@router.post("/review/weeks/{monday}/sample", status_code=201)
def draw_week(monday: Day, wanted: DrawSample, caller: Reviewer, hub: TheHub) -> WeekPlan:
    return review_weeks.draw_week(hub, caller, monday, wanted)


@router.post("/review/weeks/{monday}/minutes", status_code=201)
def sign_minutes(monday: Day, said: SignMinutes, caller: Reviewer, hub: TheHub) -> WeekPlan:
    return review_weeks.sign_minutes(hub, caller, monday, said)


@router.get("/review/accesses/{seq}")
def read_access(seq: Count, caller: Reviewer, hub: TheHub) -> AccessView:
    with hub.database.transaction() as session:
        return review_questions.read_access(hub, session, caller, seq)


@router.post("/review/accesses/{seq}/judgements", status_code=201)
def judge_access(seq: Count, said: Judge, caller: Reviewer, hub: TheHub) -> AccessView:
    with hub.database.transaction() as session:
        return review_questions.judge(hub, session, caller, seq, said)


@router.post("/review/accesses/{seq}/questions", status_code=201)
def ask_staff(seq: Count, said: AskStaff, caller: Reviewer, hub: TheHub) -> AccessView:
    with hub.database.transaction() as session:
        return review_questions.ask(hub, session, caller, seq, said)


@router.get("/review/questions")
def all_questions(caller: Reviewer, hub: TheHub) -> list[Question]:
    with hub.database.transaction() as session:
        return review_questions.all_questions(hub, session, caller)


@router.get("/review/patients/{patient_id}/accesses")
def patient_accesses(patient_id: Id, caller: Reviewer, hub: TheHub) -> PatientAccesses:
    with hub.database.transaction() as session:
        return review_log.patient_accesses(hub, session, caller, patient_id)


@router.get("/review/quality")
def read_quality(caller: Reviewer, hub: TheHub) -> list[QualityWeek]:
    with hub.database.transaction() as session:
        return review_quality.quality(hub, session, caller)


@router.get("/review/visits/{visit_id}/csv", response_class=CsvResponse)
def visit_csv(visit_id: Id, caller: ReviewerByQuery, hub: TheHub, lang: Language = "sv") -> CsvResponse:
    """The visit's access log; this reading of it is its last row."""
    with hub.database.transaction() as session:
        visit = visible_visit(session, caller, visit_id, hub.now())
        append(session, caller.actor(), act_on(visit, "audit_exported", f"visit {visit.id} csv"), hub.now())
        events = events_of_visit(session, visit.id)
    return _csv(events, f"access-log-{visit_id}", lang)


@router.get("/review/log.csv", response_class=CsvResponse)
def period_csv(first: Day, last: Day, caller: ReviewerByQuery, hub: TheHub, lang: Language = "sv") -> CsvResponse:
    """All rows within reach from one day to another, both included, at most a year.

    Raises:
        Refused: 422 `bad_day` or `bad_period`.
    """
    days = (day_of(last) - day_of(first)).days + 1
    if not 0 < days <= MOST_DAYS:
        raise Refused(422, "bad_period")
    start, end = span_of(hub, day_of(first), days)
    with hub.database.transaction() as session:
        act = Act(action="log_exported", object=f"days {first}/{last} csv")
        upto = append(session, caller.actor(), act, hub.now()).seq
    wanted = (AuditRow.at >= start, AuditRow.at < end, within_reach(caller))
    return _csv(events_upto(hub.database, upto, *wanted), f"access-log-{first}-{last}", lang)


@router.get("/review/log.ndjson", response_class=NdjsonResponse)
def period_fhir(
    first: Day, last: Day, caller: ReviewerByQuery, hub: TheHub, patient: Id | None = None
) -> NdjsonResponse:
    """As `period_csv`, as AuditEvents (IHE BALP), one in each line; or those of one patient under all identities.

    Raises:
        Refused: 422 `bad_day` or `bad_period`; 404 `not_found`, whether there is no such patient or none of hers.
    """
    days = (day_of(last) - day_of(first)).days + 1
    if not 0 < days <= MOST_DAYS:
        raise Refused(422, "bad_period")
    start, end = span_of(hub, day_of(first), days)
    wanted = [AuditRow.at >= start, AuditRow.at < end, within_reach(caller)]
    with hub.database.transaction() as session:
        if patient is not None:
            wanted.append(of_person(session, caller.organization_id, patient))
        whose = f" patient {patient}" if patient else ""
        act = Act(action="log_exported", object=f"days {first}/{last} fhir{whose}", patient_id=patient)
        upto = append(session, caller.actor(), act, hub.now()).seq
    name = f"access-log-{patient}-{first}-{last}" if patient else f"access-log-{first}-{last}"
    headers = {"Content-Disposition": f'attachment; filename="{name}.ndjson"', "Cache-Control": "private, no-store"}
    return NdjsonResponse(access_lines(events_upto(hub.database, upto, *wanted)), headers=headers)


def _csv(events: Iterable[AuditEvent], name: str, language: Language) -> CsvResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "private, no-store"}
    lines: Iterator[bytes] = csv_of(events, language)
    return CsvResponse(lines, headers=headers)


@router.get("/audit/checkpoint", response_class=CheckpointResponse)
def take_checkpoint(caller: ReviewerByQuery, hub: TheHub) -> CheckpointResponse:
    """The log as it was just before this row: five lines without anything about patients, to be kept elsewhere."""
    key = review_proof.log_key(hub.settings.log_key_file)
    with hub.database.transaction() as session:
        made = review_proof.checkpoint_now(session, key)
        events = int(made.split("\n")[1])
        signed = "signed" if key else "unsigned"
        append(session, caller.actor(), Act(action="checkpoint_taken", object=f"events {events} {signed}"), hub.now())
    headers = {"Content-Disposition": f'attachment; filename="checkpoint-{events}.txt"', "Cache-Control": "no-store"}
    return CheckpointResponse(made, headers=headers)


@router.post("/audit/compare")
def compare_checkpoint(kept: CompareCheckpoint, caller: Reviewer, hub: TheHub) -> Compared:
    """Recompute the log against a kept checkpoint, without holding up those who write."""
    key = review_proof.log_key(hub.settings.log_key_file)
    with hub.database.reading() as session:
        found = review_proof.compare(session, key, kept.checkpoint, hub.now())
    with hub.database.transaction() as session:
        word = "fits" if found.check.intact else str(found.check.why)
        act = Act(action="checkpoint_compared", object=f"events {found.events} {word}")
        append(session, caller.actor(), act, hub.now())
    return found


@router.get("/questions")
def my_questions(caller: Doctor, hub: TheHub) -> list[Question]:
    """What the medical lead asks the caller and waits for."""
    with hub.database.transaction() as session:
        return review_questions.questions_to(hub, session, asked_doctor(caller))


@router.post("/questions/{question_id}/answer")
def answer_question(question_id: uuid.UUID, said: AnswerQuestion, caller: Doctor, hub: TheHub) -> Question:
    with hub.database.transaction() as session:
        return review_questions.answer(hub, session, asked_doctor(caller), question_id, said.text)


@router.post("/kit/questions")
def nurses_questions(of: OfNurse, caller: TheKit, hub: TheHub) -> list[Question]:
    with hub.database.transaction() as session:
        return review_questions.questions_to(hub, session, asked_nurse(session, caller, of.nurse_id))


@router.post("/kit/questions/waiting")
def nurses_questions_waiting(of: OfNurse, caller: TheKit, hub: TheHub) -> QuestionsWaiting:
    with hub.database.reading() as session:
        nurse = asked_nurse(session, caller, of.nurse_id).practitioner_id
        return QuestionsWaiting(ids=review_questions.waiting_for(session, [nurse])[nurse])


@router.post("/kit/questions/{question_id}/answer")
def nurse_answers(question_id: uuid.UUID, said: NurseAnswers, caller: TheKit, hub: TheHub) -> Question:
    with hub.database.transaction() as session:
        asked = asked_nurse(session, caller, said.nurse_id)
        return review_questions.answer(hub, session, asked, question_id, said.text)


@router.post("/visits/{visit_id}/outcome", status_code=204)
def say_outcome(visit_id: Id, said: SayOutcome, caller: Doctor, hub: TheHub) -> None:
    """Whether an ambulance was at issue: one press after signing, may be left out."""
    with hub.database.transaction() as session:
        review_quality.say_outcome(hub, session, caller, visit_id, said.outcome)
