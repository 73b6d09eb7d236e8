"""One access looked at: what was found of it, and what the person was asked and answered.

A doctor answers on the console, a nurse at the kit that she is signed in at: the kit asks for her, and the hub looks
whether she has a commission in the kit's organisation.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.audit import Act, Actor, append, event_of
from carebag_server.callers import KitCaller, PersonCaller
from carebag_server.hub import Hub
from carebag_server.people import nurse_commission, person_of
from carebag_server.protection import protection_of
from carebag_server.refusals import Refused, not_found
from carebag_server.review_accesses import Group, access_of_row
from carebag_server.review_tables import JudgementRow, QuestionRow
from carebag_server.tables import AuditRow, Commission, Organization, PatientRow, Practitioner
from carebag_wire.base import uuid7
from carebag_wire.review import Access, AccessView, AskStaff, Judge, Judgement, NamedPatient, Question

ASKED = ("doctor", "nurse")
"""Who has a page that shows questions: the console, the kit's."""
_OLDEST = (QuestionRow.asked_at, QuestionRow.id)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who reads and answers questions, and how that appears in the log."""

    practitioner_id: uuid.UUID
    actor: Actor


def asked_doctor(caller: PersonCaller) -> Asked:
    return Asked(practitioner_id=caller.person.practitioner_id, actor=caller.actor())


def asked_nurse(session: Session, kit: KitCaller, nurse_id: uuid.UUID) -> Asked:
    """Raises: Refused: 403 `no_commission`: no nurse of the kit's organisation, or not any more."""
    commission = nurse_commission(session, nurse_id, kit.organization_id)
    if commission is None or commission.ended_at is not None:
        raise Refused(403, "no_commission")
    return Asked(practitioner_id=commission.practitioner_id, actor=kit.actor(person_of(session, commission).name))


def read_access(hub: Hub, session: Session, caller: PersonCaller, seq: int) -> AccessView:
    """Raises: Refused: 404 `not_found`: no such row, not within reach, or of no access."""
    access, group = _the_access(hub, session, caller, seq)
    append(session, caller.actor(), _about(access, "access_read"), hub.now())
    return _view(session, caller, access, group)


def judge(hub: Hub, session: Session, caller: PersonCaller, seq: int, said: Judge) -> AccessView:
    """Keep what the medical lead found; it stands beside an earlier one, which stays.

    Raises:
        Refused: 404 `not_found`, 422 `words_needed`: anything but "in order" says why.
    """
    access, group = _the_access(hub, session, caller, seq)
    if said.verdict != "in_order" and not said.words.strip():
        raise Refused(422, "words_needed")
    now = hub.now()
    session.add(
        JudgementRow(
            id=uuid7(int(now.timestamp() * 1000)),
            organization_id=caller.organization_id,
            seq=access.seq,
            verdict=said.verdict,
            words=said.words.strip(),
            by=caller.person.name,
            at=now,
        )
    )
    session.flush()
    append(session, caller.actor(), _about(access, "access_judged", said.verdict), now)
    return _view(session, caller, access, group)


def ask(hub: Hub, session: Session, caller: PersonCaller, seq: int, said: AskStaff) -> AccessView:
    """Ask the person of an access: a doctor reads it on the console, a nurse at her kit.

    Raises:
        Refused: 404 `not_found`, 409 `person_not_reachable`: nobody by that name and commission is there now, several
            are, or it is neither doctor nor nurse, and so has no page that would show it.
    """
    access, group = _the_access(hub, session, caller, seq)
    now = hub.now()
    session.add(
        QuestionRow(
            id=uuid7(int(now.timestamp() * 1000)),
            organization_id=caller.organization_id,
            seq=access.seq,
            to_id=_reachable(session, access),
            to_name=access.practitioner,
            patient_id=access.patient.id,
            visit_id=access.visit_id,
            text=said.text,
            asked_by=caller.person.name,
            asked_at=now,
        )
    )
    session.flush()
    append(session, caller.actor(), _about(access, "question_asked"), now)
    return _view(session, caller, access, group)


def all_questions(hub: Hub, session: Session, caller: PersonCaller) -> list[Question]:
    """Of the organisation, the newest first; at most 200."""
    append(session, caller.actor(), Act(action="questions_listed", object="questions"), hub.now())
    mine = select(QuestionRow).where(QuestionRow.organization_id == caller.organization_id)
    return [question_of(session, row) for row in session.scalars(mine.order_by(QuestionRow.asked_at.desc()).limit(200))]


def waiting_for(session: Session, people: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Which questions wait for whom, the oldest first: numbers that say nothing of anybody, so no row."""
    found: dict[uuid.UUID, list[uuid.UUID]] = {one: [] for one in people}
    theirs = select(QuestionRow.to_id, QuestionRow.id).where(QuestionRow.to_id.in_(people))
    for to_id, question_id in session.execute(theirs.where(QuestionRow.answered_at.is_(None)).order_by(*_OLDEST)):
        found[to_id].append(question_id)
    return found


def read_waiting(hub: Hub, people: Sequence[uuid.UUID]) -> list[list[uuid.UUID]]:
    """For all open consoles at once."""
    with hub.database.reading() as session:
        found = waiting_for(session, people)
    return [found[one] for one in people]


def questions_to(hub: Hub, session: Session, asked: Asked) -> list[Question]:
    """What that person was asked and has not answered. Without any there is nothing of a patient and no row."""
    mine = select(QuestionRow).where(QuestionRow.to_id == asked.practitioner_id, QuestionRow.answered_at.is_(None))
    found = [question_of(session, row) for row in session.scalars(mine.order_by(*_OLDEST))]
    if found:
        append(session, asked.actor, Act(action="questions_listed", object=f"questions {len(found)}"), hub.now())
    return found


def answer(hub: Hub, session: Session, asked: Asked, question_id: uuid.UUID, text: str) -> Question:
    """Answer once, in the person's own words; the same words again are the same answer, whose receipt was lost.

    Raises:
        Refused: 404 `not_found`: none, or not to that person; 409 `already_answered`, in other words.
    """
    row = session.get(QuestionRow, question_id)
    if row is None or row.to_id != asked.practitioner_id:
        raise not_found()
    if row.answered_at is not None and row.answer != text:
        raise Refused(409, "already_answered")
    now, thing, patient_id, visit_id = hub.now(), f"question {row.id}", row.patient_id, row.visit_id
    again = Act(action="questions_listed", object=thing, patient_id=patient_id, visit_id=visit_id)
    act = (
        again
        if row.answered_at
        else Act(action="question_answered", object=thing, patient_id=patient_id, visit_id=visit_id)
    )
    if row.answered_at is None:
        row.answer, row.answered_at = text, now
        session.flush()
    append(session, asked.actor, act, now)
    return question_of(session, row)


def question_of(session: Session, row: QuestionRow) -> Question:
    patient = session.get(PatientRow, row.patient_id) if row.patient_id else None
    event = session.get(AuditRow, row.seq)
    return Question(
        id=row.id,
        seq=row.seq,
        to_name=row.to_name,
        patient=_named(session, patient) if patient else None,
        access_at=event.at if event else None,
        text=row.text,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        answer=row.answer,
        answered_at=row.answered_at,
    )


def _named(session: Session, patient: PatientRow) -> NamedPatient:
    return NamedPatient(id=patient.id, name="" if protection_of(session, patient.id) else patient.name)


def _the_access(hub: Hub, session: Session, caller: PersonCaller, seq: int) -> tuple[Access, Group]:
    found = access_of_row(hub, session, caller, seq)
    if found is None:
        raise not_found()
    return found


def _about(access: Access, action: str, more: str = "") -> Act:
    thing = f"access {access.seq} {more}".strip()
    return Act(action=action, object=thing, patient_id=access.patient.id, visit_id=access.visit_id)


def _reachable(session: Session, access: Access) -> uuid.UUID:
    """The one doctor or nurse who has that name and commission now."""
    query = (
        select(Practitioner.id)
        .join(Commission, Commission.practitioner_id == Practitioner.id)
        .join(Organization, Organization.id == Commission.organization_id)
        .where(Practitioner.name == access.practitioner, Commission.role == access.role, Commission.role.in_(ASKED))
        .where(Organization.name == access.organization, Commission.ended_at.is_(None))
        .distinct()
    )
    found = session.scalars(query).all()
    if len(found) != 1:
        raise Refused(409, "person_not_reachable")
    return found[0]


def _view(session: Session, caller: PersonCaller, access: Access, group: Group) -> AccessView:
    judged = session.scalars(
        select(JudgementRow)
        .where(JudgementRow.organization_id == caller.organization_id, JudgementRow.seq == access.seq)
        .order_by(JudgementRow.at, JudgementRow.id)
    )
    asked = session.scalars(
        select(QuestionRow)
        .where(QuestionRow.organization_id == caller.organization_id, QuestionRow.seq == access.seq)
        .order_by(QuestionRow.asked_at)
    )
    return AccessView(
        access=access,
        events=[event_of(row) for row in group.rows],
        judgements=[
            Judgement.model_validate({"verdict": row.verdict, "words": row.words, "by": row.by, "at": row.at})
            for row in judged
        ],
        questions=[question_of(session, row) for row in asked],
    )
