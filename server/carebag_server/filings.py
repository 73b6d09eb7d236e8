"""Readings of the unassigned tray that a nurse filed into a visit, or set aside: what that does to the visits.

The order of arrival does not matter, the reading itself may come last: of all decisions about one reading the one with
the kit's highest number holds. The exception is the doctor: once one decided on the reading, it stays where it is.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.announcements import announce_changed
from carebag_server.tables import FilingRow, Finding, RecordRow, VisitRow
from carebag_server.visit_views import finding_of, part_of
from carebag_wire.base import Code
from carebag_wire.records import ReadingFiled


def objection(session: Session, record: ReadingFiled, visit: VisitRow | None, alarm: Code) -> Code:
    """Why a filing is kept but changes nothing, as the log calls it; empty if it counts.

    Args:
        visit, alarm: what `records` made of the record's binding.
    """
    if visit is None and (record.decision == "this_patient" or record.binding.visit_id is not None):
        return alarm
    reading = session.get(RecordRow, record.reading_id)
    if reading is not None and not _is_of_tray(reading, record.binding.kit_id):
        return "filing_without_effect"
    return "filing_without_effect" if _decided(_findings(session, record.reading_id)) else ""


def take(session: Session, record: ReadingFiled, visit: VisitRow | None, nurse: str) -> None:
    """Note a filing that counts, and let the visits follow."""
    session.add(
        FilingRow(
            record_id=record.id,
            reading_id=record.reading_id,
            kit_id=record.binding.kit_id,
            kit_seq=record.binding.kit_seq,
            visit_id=visit.id if visit else None,
            decision=record.decision,
            nurse=nurse,
            reason=record.reason,
            at=record.times.kit_utc,
        )
    )
    session.flush()
    settle(session, record.reading_id, record.binding.kit_id)


def settle(session: Session, reading_id: uuid.UUID, kit_id: uuid.UUID) -> None:
    """Bring the visits to what the filings that count say; nothing as long as the reading or a filing is missing."""
    reading = session.get(RecordRow, reading_id)
    findings = _findings(session, reading_id)
    filings = session.scalars(
        select(FilingRow)
        .where(FilingRow.reading_id == reading_id, FilingRow.kit_id == kit_id)
        .order_by(FilingRow.kit_seq)
    ).all()
    if reading is None or not _is_of_tray(reading, kit_id) or not filings:
        return
    rows = {row.visit_id: row for row in findings}
    for visit_id in dict.fromkeys(filing.visit_id for filing in filings if filing.visit_id is not None):
        row = rows.get(visit_id) or Finding(record_id=reading_id, visit_id=visit_id, kind="reading", request_id=None)
        session.add(row)
        _follow(row, filings)
        session.flush()
        announce_changed(session, session.get_one(VisitRow, visit_id), part_of(finding_of(session, row)))


def _follow(row: Finding, filings: Sequence[FilingRow]) -> None:
    """A draft in the visit that the last filing names, taken back in every other."""
    last, here = filings[-1], [filing for filing in filings if filing.visit_id == row.visit_id]
    filed = next((filing for filing in reversed(here) if filing.decision == "this_patient"), None)
    if filed is not None:
        row.filed_by, row.filed_at = filed.nurse, filed.at
    row.taken_back = filed is not last
    if not row.taken_back:
        row.decision, row.decided_by, row.decided_at, row.reason = "draft", "", None, ""
        return
    ended = here[-1] if here[-1].decision == "set_aside" else last
    row.decision, row.decided_by, row.decided_at, row.reason = "rejected", ended.nurse, ended.at, ended.reason


def _findings(session: Session, reading_id: uuid.UUID) -> Sequence[Finding]:
    return session.scalars(select(Finding).where(Finding.record_id == reading_id)).all()


def _decided(findings: Sequence[Finding]) -> bool:
    """Whether a doctor decided on the reading in any visit."""
    return any(row.decision != "draft" and not row.taken_back for row in findings)


def _is_of_tray(reading: RecordRow, kit_id: uuid.UUID) -> bool:
    return reading.kit_id == kit_id and reading.kind == "reading" and reading.visit_id is None
