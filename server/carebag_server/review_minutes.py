"""A week's minutes: what is signed, and each version that was, word for word."""

import hashlib
import uuid
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.protection import protection_of
from carebag_server.refusals import Refused
from carebag_server.review_tables import CorrectionRow, MinutesRow, SampleRow
from carebag_server.tables import Base, PatientRow, VisitRow
from carebag_wire.api import AuditCheck
from carebag_wire.review import Minutes, MinutesBody, MinutesLine, NamedPatient, Sampled, SignMinutes, WeekPlan
from carebag_wire.visit import Person


def minutes_body(
    session: Session, plan: WeekPlan, said: SignMinutes, by: Person, check: AuditCheck, now: datetime
) -> MinutesBody:
    """What is to be signed now; `check` is of the log just before.

    Raises:
        Refused: 409, see `review_weeks.sign_minutes`.
    """
    assert plan.sample is not None
    before, correction = plan.minutes, said.correction.strip()
    if before is not None and not correction:
        raise Refused(409, "already_signed")
    if before is None and correction:
        raise Refused(409, "not_signed_yet")
    if not all(one.judgements for one in plan.sample.drawn):
        raise Refused(409, "not_all_judged")
    visits = _visit_times(session, plan.sample.drawn)
    lines = [_line(one, visits) for one in plan.sample.drawn]
    unanswered = sum(line.questions - line.answered for line in lines)
    if unanswered and not said.without_answers:
        raise Refused(409, "answers_missing")
    return MinutesBody(
        organization=by.organization,
        monday=plan.monday,
        until=(date.fromisoformat(plan.monday) + timedelta(days=6)).isoformat(),
        seed=plan.sample.seed,
        accesses=plan.sample.accesses,
        drawn_by=plan.sample.drawn_by,
        drawn_at=plan.sample.drawn_at,
        found=lines,
        unanswered=unanswered,
        log_events=check.events,
        log_head=check.head,
        log_root=check.root,
        log_intact=check.intact,
        words=said.words,
        signed_by=by.name,
        signed_at=now,
        version=before.body.version + 1 if before else 1,
        corrects=before.sha256 if before else None,
        correction=correction,
    )


def keep_minutes(session: Session, sample: SampleRow, body: MinutesBody) -> str:
    """Store a version for good; gives the digest over its text."""
    text = body.model_dump_json()
    digest = hashlib.sha256(text.encode()).hexdigest()
    by, at = body.signed_by, body.signed_at
    if body.version > 1:
        version = body.version
        row: Base = CorrectionRow(
            sample_id=sample.id, version=version, body=text, sha256=digest, signed_by=by, signed_at=at
        )
    else:
        row = MinutesRow(sample_id=sample.id, body=text, sha256=digest, signed_by=by, signed_at=at)
    session.add(row)
    session.flush()
    return digest


def minutes_of(session: Session, sample: SampleRow) -> list[Minutes]:
    """All versions, the newest first."""
    theirs = select(CorrectionRow).where(CorrectionRow.sample_id == sample.id)
    anew = session.scalars(theirs.order_by(CorrectionRow.version.desc())).all()
    found = [_minutes(session, row.body, row.sha256) for row in anew]
    first = session.get(MinutesRow, sample.id)
    return [*found, _minutes(session, first.body, first.sha256)] if first is not None else found


def _minutes(session: Session, text: str, sha256: str) -> Minutes:
    body = MinutesBody.model_validate_json(text)
    whole = hashlib.sha256(text.encode()).hexdigest() == sha256
    return Minutes(body=body, patients=_patients(session, body.found), sha256=sha256, whole=whole)


def _patients(session: Session, lines: Iterable[MinutesLine]) -> list[NamedPatient]:
    ids = {line.patient_id for line in lines if line.patient_id is not None}
    found = session.scalars(select(PatientRow).where(PatientRow.id.in_(ids)).order_by(PatientRow.id))
    return [NamedPatient(id=row.id, name="" if protection_of(session, row.id) else row.name) for row in found]


def _visit_times(session: Session, drawn: Iterable[Sampled]) -> dict[uuid.UUID, datetime]:
    ids = {one.access.visit_id for one in drawn if one.access.visit_id is not None}
    rows = session.execute(select(VisitRow.id, VisitRow.scheduled_at).where(VisitRow.id.in_(ids)))
    return {row.id: row.scheduled_at for row in rows}


def _line(one: Sampled, visits: dict[uuid.UUID, datetime]) -> MinutesLine:
    access, last = one.access, one.judgements[-1]
    return MinutesLine(
        seq=access.seq,
        how=one.how,
        practitioner=access.practitioner,
        role=access.role,
        organization=access.organization,
        at=access.at,
        visit_at=visits.get(access.visit_id) if access.visit_id else None,
        patient_id=access.patient.id,
        reasons=access.reasons,
        verdict=last.verdict,
        words=last.words,
        questions=len(one.questions),
        answered=sum(question.answered_at is not None for question in one.questions),
    )
