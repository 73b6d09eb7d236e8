"""What a stored record does to its visit: opens or closes it, moves a request on, lays a draft before the doctor.

Order of arrival does not matter: the visit's state follows the record with the highest number, a request only moves on.
"""

import uuid
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.announcements import announce_changed
from carebag_server.people import nurse_commission
from carebag_server.tables import Finding, RecordRow, RequestRow, VisitRow
from carebag_server.visit_requests import move
from carebag_server.visit_views import decide_alike, finding_of, head_of, part_of, question_of
from carebag_wire.records import (
    PhotoTaken,
    QuestionPut,
    Reading,
    RequestProgressed,
    SoundRecorded,
    VisitClosed,
    VisitOpened,
    VisitTakenOver,
)
from carebag_wire.visit import ReadingView

Visited = (
    VisitOpened | VisitClosed | VisitTakenOver | RequestProgressed | Reading | SoundRecorded | PhotoTaken | QuestionPut
)


def apply(session: Session, visit: VisitRow, record: Visited, now: datetime) -> None:
    """Apply a record that has just been stored and belongs to this visit."""
    if isinstance(record, VisitOpened | VisitClosed | VisitTakenOver):
        _open_or_close(session, visit, record)
    elif isinstance(record, QuestionPut):
        stored = session.get_one(RecordRow, record.id)
        announce_changed(session, visit, {"question": question_of(session, stored, visit.organization_id)})
    elif isinstance(record, RequestProgressed):
        request = _request_of(session, visit, record.binding.request_id)
        if request is not None:
            move(session, visit, request, record.state, now, record.reason)
    else:
        _lay_before_the_doctor(session, visit, record, now)


def _open_or_close(session: Session, visit: VisitRow, record: VisitOpened | VisitClosed | VisitTakenOver) -> None:
    at = record.times.kit_utc.astimezone(UTC)
    newest = record.binding.kit_seq > visit.state_kit_seq
    goes_on = isinstance(record, VisitOpened | VisitTakenOver)
    if goes_on:
        visit.opened_at = min(visit.opened_at or at, at)
        nurse = nurse_commission(session, record.binding.nurse_id, visit.organization_id)
        if nurse is not None and newest:
            visit.nurse_commission_id = nurse.id
    if newest:
        visit.state = "open" if goes_on else "closed"
        visit.closed_at = None if goes_on else at
        visit.state_kit_seq = record.binding.kit_seq
    session.flush()
    announce_changed(session, visit, {"visit": head_of(session, visit)})


def _lay_before_the_doctor(
    session: Session, visit: VisitRow, record: Reading | SoundRecorded | PhotoTaken, now: datetime
) -> None:
    request = _request_of(session, visit, record.binding.request_id)
    row = Finding(
        record_id=record.id,
        visit_id=visit.id,
        kind=_kind(record),
        request_id=request.id if request else None,
        media_sha256=None if isinstance(record, Reading) else record.media_sha256,
        stream=record.stream if isinstance(record, SoundRecorded) else None,
    )
    session.add(row)
    session.flush()
    if row.kind == "display":
        _follow_its_reading(session, row)
    announce_changed(session, visit, part_of(finding_of(session, row)))
    if request is not None and request.kind == _asked_kind(record) and not _failed(record):
        move(session, visit, request, "answered", now)


def _kind(record: Reading | SoundRecorded | PhotoTaken) -> str:
    if isinstance(record, PhotoTaken):
        return "photo" if record.of == "patient" else "display"
    return "reading" if isinstance(record, Reading) else "sound"


def _follow_its_reading(session: Session, photo: Finding) -> None:
    """The photo came after a doctor had decided on the reading that it proves."""
    decided = select(Finding).where(
        Finding.visit_id == photo.visit_id, Finding.kind == "reading", Finding.decision != "draft"
    )
    for row in session.scalars(decided):
        view = finding_of(session, row)
        if isinstance(view, ReadingView) and view.reading.display_photo == photo.record_id:
            decide_alike(photo, row)
    session.flush()


def _failed(record: Reading | SoundRecorded | PhotoTaken) -> bool:
    """A device's error answers nothing: the nurse's task stays until there is a value, or one of them ends it."""
    return isinstance(record, Reading) and record.problem is not None


def _asked_kind(record: Reading | SoundRecorded | PhotoTaken) -> str:
    """The kind of request that a record can answer; empty for a display, which answers none."""
    if isinstance(record, Reading):
        return record.kind
    return "listen" if isinstance(record, SoundRecorded) else "photo" if record.of == "patient" else ""


def _request_of(session: Session, visit: VisitRow, request_id: uuid.UUID | None) -> RequestRow | None:
    row = session.get(RequestRow, request_id) if request_id else None
    return row if row is not None and row.visit_id == visit.id else None
