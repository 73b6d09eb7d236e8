"""Values that a nurse typed, or observed, in error: rejected by her, shown struck through, never to be decided on.

The reading itself may come after the withdrawal. Once a doctor has decided on it, it stays as it is.
"""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.announcements import announce_changed
from carebag_server.people import nurse_commission
from carebag_server.tables import Finding, Practitioner, RecordRow, VisitRow
from carebag_server.visit_views import decide_alike, finding_of, part_of
from carebag_wire.base import Code
from carebag_wire.records import Reading, ReadingWithdrawn, record_adapter
from carebag_wire.values import BY_HAND
from carebag_wire.visit import ReadingView


def objection(session: Session, record: ReadingWithdrawn, visit: VisitRow | None, alarm: Code) -> Code:
    """Why a withdrawal is kept but changes nothing, as the log calls it; empty if it counts.

    Args:
        visit, alarm: what `records` made of the record's binding.
    """
    if visit is None:
        return alarm
    stored = session.get(RecordRow, record.reading_id)
    if stored is None:
        return ""
    row, reading = session.get(Finding, (record.reading_id, visit.id)), record_adapter.validate_json(stored.payload)
    typed_here = isinstance(reading, Reading) and reading.provenance in BY_HAND and stored.kit_id == visit.kit_id
    return "" if typed_here and row is not None and row.decision == "draft" else "withdrawal_without_effect"


def take(session: Session, visit: VisitRow, record: ReadingWithdrawn) -> None:
    """Let the visit follow a withdrawal that counts; nothing as long as the reading is missing."""
    row = session.get(Finding, (record.reading_id, visit.id))
    if row is None:
        return
    row.decision, row.taken_back = "rejected", True
    row.decided_by, row.decided_at = _name(session, visit, record.binding.nurse_id), record.times.kit_utc
    row.reason = record.reason
    session.flush()
    view = finding_of(session, row)
    announce_changed(session, visit, part_of(view))
    photo_id = view.reading.display_photo if isinstance(view, ReadingView) else None
    photo = session.get(Finding, (photo_id, visit.id)) if photo_id else None
    if photo is not None and photo.kind == "display":
        decide_alike(photo, row)
        session.flush()
        announce_changed(session, visit, part_of(finding_of(session, photo)))


def settle(session: Session, visit: VisitRow, reading: Reading) -> None:
    """A typed reading came: was it withdrawn before?"""
    if reading.provenance not in BY_HAND:
        return
    of_visit = select(RecordRow).where(RecordRow.visit_id == visit.id, RecordRow.kind == "reading_withdrawn")
    for stored in session.scalars(of_visit.order_by(RecordRow.kit_seq)):
        record = record_adapter.validate_json(stored.payload)
        if isinstance(record, ReadingWithdrawn) and record.reading_id == reading.id:
            take(session, visit, record)
            return


def _name(session: Session, visit: VisitRow, nurse_id: uuid.UUID | None) -> str:
    commission = nurse_commission(session, nurse_id, visit.organization_id)
    return session.get_one(Practitioner, commission.practitioner_id).name if commission else ""
