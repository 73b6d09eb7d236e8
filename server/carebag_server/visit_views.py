"""Rows as the wire's objects. Nothing here decides who may see them."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from carebag_server.patients import turned_out
from carebag_server.people import nurse_commission, person_of
from carebag_server.protection import in_list, protection_of
from carebag_server.score_tables import PremiseRow
from carebag_server.tables import (
    Commission,
    Finding,
    GuestRow,
    HeardRow,
    Kit,
    MarkRow,
    MediaRow,
    NoteRow,
    PatientRow,
    RecordRow,
    RequestRow,
    VisitRow,
)
from carebag_wire.guests import Guest, GuestState
from carebag_wire.records import QuestionPut, Reading, SoundRecorded, record_adapter
from carebag_wire.scores import ScorePremise
from carebag_wire.values import Circumstances
from carebag_wire.visit import (
    KnownAs,
    ListeningMark,
    Note,
    Participant,
    Patient,
    PhotoView,
    ReadingView,
    Request,
    SoundView,
    VisitHead,
    VisitQuestion,
    VisitSnapshot,
)

FindingView = ReadingView | SoundView | PhotoView


def head_of(session: Session, visit: VisitRow, turned_outs: Mapping[uuid.UUID, PatientRow] | None = None) -> VisitHead:
    """`turned_outs`: who its patient turned out to be, where that was read already."""
    if turned_outs is None:
        turned_outs = turned_out(session, [visit.patient_id])
    patient = session.get_one(PatientRow, visit.patient_id)
    commission = session.get(Commission, visit.nurse_commission_id) if visit.nurse_commission_id else None
    return VisitHead.model_validate(
        {
            "id": visit.id,
            "patient": patient_of(session, patient, visit.colour, turned_outs.get(patient.id)),
            "nurse": person_of(session, commission) if commission else None,
            "kit_id": visit.kit_id,
            "kit_name": session.get_one(Kit, visit.kit_id).name,
            "scheduled_at": visit.scheduled_at,
            "reason": visit.reason,
            "background": visit.background,
            "state": visit.state,
            "opened_at": visit.opened_at,
            "closed_at": visit.closed_at,
            "doctor_joined_at": visit.doctor_joined_at,
        }
    )


def heads_of(session: Session, visits: Sequence[VisitRow]) -> list[VisitHead]:
    """As `head_of` for each, as a list shows them: who is protected has no name there.

    Patients and kits are read together, and held so that the session still knows them.
    """
    patients = {visit.patient_id for visit in visits}
    kits = {visit.kit_id for visit in visits}
    held = [
        session.scalars(select(PatientRow).where(PatientRow.id.in_(patients))).all(),
        session.scalars(select(Kit).where(Kit.id.in_(kits))).all(),
    ]
    turned_outs = turned_out(session, patients)
    heads = [in_list(head_of(session, visit, turned_outs)) for visit in visits]
    del held
    return heads


def patient_of(session: Session, row: PatientRow, colour: int, found: PatientRow | None = None) -> Patient:
    """Where a protected patient lives, the hub tells nobody. `found`: who the patient turned out to be."""
    protected = protection_of(session, row.id)
    return Patient(
        turned_out=_known_as(found) if found else None,
        id=row.id,
        name=row.name,
        personal_id=row.personal_id,
        personal_id_system=row.personal_id_system,
        birth_date=row.birth_date or "",
        place="" if protected else row.place,
        own_doctor=row.own_doctor,
        colour=colour,
        protected=protected,
    )


def _known_as(row: PatientRow) -> KnownAs:
    return KnownAs(
        id=row.id,
        name=row.name,
        personal_id=row.personal_id,
        personal_id_system=row.personal_id_system,
        birth_date=row.birth_date or "",
    )


def request_of(row: RequestRow) -> Request:
    return Request.model_validate(
        {
            "id": row.id,
            "visit_id": row.visit_id,
            "kind": row.kind,
            "circumstances": Circumstances.model_validate(json.loads(row.circumstances)),
            "note": row.note,
            "state": row.state,
            "reason": row.reason,
            "again_of": row.again_of,
            "asked_by": row.asked_by,
            "asked_at": row.asked_at,
            "changed_at": row.changed_at,
        }
    )


def finding_of(session: Session, row: Finding) -> FindingView:
    """A reading, sound or photo with its decision; what was measured is read from the signed record itself."""
    stored = session.get_one(RecordRow, row.record_id)
    record = record_adapter.validate_json(stored.payload)
    decided = {
        "decision": row.decision,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
        "reason": row.reason,
        "received_at": stored.received_at,
        "move": row.move,
    }
    if isinstance(record, Reading):
        filed = {"filed_by": row.filed_by, "filed_at": row.filed_at, "taken_back": row.taken_back}
        return ReadingView.model_validate({**decided, **filed, "reading": record})
    media_stored = session.get(MediaRow, row.media_sha256) is not None
    if isinstance(record, SoundRecorded):
        heard = _heard(session, row)
        return SoundView.model_validate({**decided, "sound": record, "media_stored": media_stored, "heard": heard})
    return PhotoView.model_validate({**decided, "photo": record, "media_stored": media_stored})


def decide_alike(photo: Finding, reading: Finding) -> None:
    """Let the photo of a display share the decision on the reading that it proves."""
    photo.decision, photo.reason = reading.decision, reading.reason
    photo.decided_by, photo.decided_at = reading.decided_by, reading.decided_at


def part_of(view: FindingView) -> Mapping[str, FindingView]:
    """The view under its name in `Changed`."""
    if isinstance(view, ReadingView):
        return {"reading": view}
    return {"sound": view} if isinstance(view, SoundView) else {"photo": view}


def _heard(session: Session, row: Finding) -> str:
    digests = session.scalars(
        select(HeardRow.sha256).where(HeardRow.visit_id == row.visit_id, HeardRow.stream == row.stream)
    ).all()
    if not digests:
        return "unknown"
    return "verified" if row.media_sha256 in digests else "differs"


def mark_of(row: MarkRow) -> ListeningMark:
    return ListeningMark.model_validate(
        {
            "id": row.id,
            "visit_id": row.visit_id,
            "stream": row.stream,
            "sample": row.sample,
            "rate_hz": row.rate_hz,
            "kind": row.kind,
            "text": row.text,
            "author": row.author,
            "author_id": row.author_id,
            "at": row.at,
            "taken_back_at": row.taken_back_at,
        }
    )


def premise_of(row: PremiseRow) -> ScorePremise:
    told = {name: getattr(row, name) for name in ScorePremise.model_fields}
    return ScorePremise.model_validate(told)


def premises_of(session: Session, visit_id: uuid.UUID) -> list[ScorePremise]:
    """In the order in which they were said."""
    query = select(PremiseRow).where(PremiseRow.visit_id == visit_id).order_by(PremiseRow.at, PremiseRow.id)
    return [premise_of(row) for row in session.scalars(query)]


def question_of(session: Session, row: RecordRow, organization_id: uuid.UUID) -> VisitQuestion:
    """The nurse's words, read from the signed record itself."""
    record = record_adapter.validate_json(row.payload)
    assert isinstance(record, QuestionPut)
    nurse = nurse_commission(session, record.binding.nurse_id, organization_id)
    return VisitQuestion(
        id=record.id,
        text=record.text,
        asked_by=person_of(session, nurse).name if nurse else "",
        asked_at=record.times.kit_utc,
        received_at=row.received_at,
    )


def questions_of(session: Session, visit: VisitRow) -> list[VisitQuestion]:
    """In the order in which the nurse asked."""
    query = select(RecordRow).where(RecordRow.visit_id == visit.id, RecordRow.kind == "question_put")
    rows = session.scalars(query.order_by(RecordRow.kit_seq)).all()
    return [question_of(session, row, visit.organization_id) for row in rows]


def note_of(row: NoteRow) -> Note:
    return Note.model_validate(
        {
            "id": row.id,
            "visit_id": row.visit_id,
            "version": row.version,
            "assessment": row.assessment,
            "plan": row.plan,
            "state": row.state,
            "author": row.author,
            "changed_at": row.changed_at,
            "signed_at": row.signed_at,
            "sha256": row.sha256,
        }
    )


def guest_state(row: GuestRow, visit: VisitRow, now: datetime) -> GuestState:
    """Where a guest stands: a link that nobody used in time has ended, and so has everything when the visit has."""
    unused = row.came_at is None and now >= row.link_expires_at
    if row.ended_at is not None or visit.state == "closed" or unused:
        return "ended"
    return "admitted" if row.admitted_at else "waiting" if row.came_at else "invited"


def guest_of(row: GuestRow, visit: VisitRow, now: datetime) -> Guest:
    state = guest_state(row, visit, now)
    closed = "visit_closed" if visit.state == "closed" else "guest_link_expired"
    reason = None if state != "ended" else "guest_revoked" if row.ended_at else closed
    told = {name: getattr(row, name) for name in Guest.model_fields if name not in {"state", "reason"}}
    return Guest.model_validate({**told, "state": state, "reason": reason})


def snapshot_of(
    session: Session,
    visit: VisitRow,
    reader: uuid.UUID | None,
    participants: Sequence[Participant],
    kit_online: bool,
    now: datetime,
) -> VisitSnapshot:
    """The whole visit.

    Args:
        reader: practitioner whose own draft notes are included; None: signed ones only.
    """
    requests = session.scalars(
        select(RequestRow).where(RequestRow.visit_id == visit.id).order_by(RequestRow.asked_at, RequestRow.id)
    )
    notes = session.scalars(
        select(NoteRow)
        .where(NoteRow.visit_id == visit.id, or_(NoteRow.state == "signed", NoteRow.author_id == reader))
        .order_by(NoteRow.changed_at, NoteRow.version)
    )
    guests = session.scalars(
        select(GuestRow).where(GuestRow.visit_id == visit.id).order_by(GuestRow.invited_at, GuestRow.id)
    )
    marks = session.scalars(select(MarkRow).where(MarkRow.visit_id == visit.id).order_by(MarkRow.at, MarkRow.id))
    views = _findings(session, visit.id)
    return VisitSnapshot(
        visit=head_of(session, visit),
        requests=[request_of(row) for row in requests],
        readings=[view for view in views if isinstance(view, ReadingView)],
        sounds=[view for view in views if isinstance(view, SoundView)],
        photos=[view for view in views if isinstance(view, PhotoView)],
        notes=[note_of(row) for row in notes],
        marks=[mark_of(row) for row in marks],
        participants=list(participants),
        kit_online=kit_online,
        guests=[guest_of(row, visit, now) for row in guests],
        questions=questions_of(session, visit),
        premises=premises_of(session, visit.id),
    )


def _findings(session: Session, visit_id: uuid.UUID) -> list[FindingView]:
    """In the order in which the kit took them."""
    rows = session.scalars(
        select(Finding)
        .join(RecordRow, RecordRow.id == Finding.record_id)
        .where(Finding.visit_id == visit_id)
        .order_by(RecordRow.kit_seq)
    )
    return [finding_of(session, row) for row in rows]
