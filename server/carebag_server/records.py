"""Takes in what kits must not lose: verified, stored word for word, once, and acknowledged only when durable.

Same record again: acknowledged again. Same id or number with other content: refused, and the log says so. A record that
names no visit of this kit is kept all the same, in the unassigned tray (`record.visit_id` None).
"""

import uuid
from datetime import UTC, datetime

from pydantic import ValidationError
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from carebag_server import withdrawals
from carebag_server.at_hand import keep_at_hand
from carebag_server.audit import Act, Actor, append_all
from carebag_server.callers import KitCaller
from carebag_server.filings import objection, settle, take
from carebag_server.hub import Hub
from carebag_server.kit_keys import signed_by
from carebag_server.people import nurse_commission
from carebag_server.record_effects import apply
from carebag_server.tables import Kit, Practitioner, RecordRow, RequestRow, VisitRow
from carebag_wire.base import Code
from carebag_wire.records import (
    Reading,
    ReadingFiled,
    ReadingWithdrawn,
    Record,
    RecordBatch,
    RecordReceipt,
    RequestProgressed,
    SignedRecord,
    VisitClosed,
    VisitOpened,
    payload_sha256,
    record_adapter,
)

_MAX_SEQ = 2**53
_Acts = list[tuple[Actor, Act]]
"""For the log, in order; written together at the end of the same transaction."""


class _Refused(Exception):
    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code = code


def take_in(hub: Hub, session: Session, caller: KitCaller, batch: RecordBatch) -> RecordReceipt:
    """Store a batch; one bad record does not hold up the others."""
    keep_at_hand(session)
    kit = session.get_one(Kit, caller.kit_id)
    now = hub.now()
    stored: list[uuid.UUID] = []
    refused: dict[str, Code] = {}
    acts: _Acts = []
    for envelope in batch.records:
        try:
            stored.append(_take_in_one(session, caller, kit, envelope, now, acts))
        except _Refused as refusal:
            refused[envelope.sha256] = refusal.code
    if acts:
        append_all(session, acts, now)
    kit.watermark = _watermark(session, kit)
    return RecordReceipt(stored=stored, refused=refused, watermark=kit.watermark, received_at=now)


def _take_in_one(
    session: Session, caller: KitCaller, kit: Kit, envelope: SignedRecord, now: datetime, acts: _Acts
) -> uuid.UUID:
    record = _checked(kit, envelope)
    if _already(session, caller, record, envelope, acts):
        return record.id
    visit, alarm = _visit_of(session, record)
    row = RecordRow(
        id=record.id,
        kit_id=kit.id,
        kit_seq=record.binding.kit_seq,
        kind=record.type,
        visit_id=visit.id if visit else None,
        payload=envelope.payload,
        sha256=envelope.sha256,
        signature=envelope.signature,
        received_at=now,
    )
    session.add(row)
    session.flush()
    if isinstance(record, ReadingFiled):
        alarm = objection(session, record, visit, alarm)
    elif isinstance(record, ReadingWithdrawn):
        alarm = withdrawals.objection(session, record, visit, alarm)
    acts.append(_act(session, caller, record, visit, alarm))
    if isinstance(record, ReadingFiled):
        if not alarm:
            take(session, record, visit, _nurse_name(session, caller, record) or "")
    elif isinstance(record, ReadingWithdrawn):
        if visit is not None and not alarm:
            withdrawals.take(session, visit, record)
    elif visit is not None:
        apply(session, visit, record, now)
        if isinstance(record, Reading):
            withdrawals.settle(session, visit, record)
    else:
        settle(session, record.id, kit.id)
    return record.id


def _checked(kit: Kit, envelope: SignedRecord) -> Record:
    """The record of an envelope whose digest, signature, form and kit are right."""
    if payload_sha256(envelope.payload) != envelope.sha256:
        raise _Refused("bad_record")
    if not signed_by(kit.public_key, envelope.signature, envelope.payload.encode()):
        raise _Refused("bad_signature")
    try:
        record = record_adapter.validate_json(envelope.payload)
        record.times.kit_utc.astimezone(UTC)
    except (ValidationError, OverflowError):
        raise _Refused("bad_record") from None
    if record.binding.kit_id != kit.id:
        raise _Refused("wrong_kit")
    if record.binding.kit_seq > _MAX_SEQ or "\x00" in envelope.payload:
        raise _Refused("bad_record")
    return record


def _already(session: Session, caller: KitCaller, record: Record, envelope: SignedRecord, acts: _Acts) -> bool:
    """Whether exactly this one is stored; another one under its id or number is refused, and the log says so."""
    same_number = and_(RecordRow.kit_id == caller.kit_id, RecordRow.kit_seq == record.binding.kit_seq)
    query = select(RecordRow).where(or_(RecordRow.id == record.id, same_number))
    there = sorted(session.scalars(query), key=lambda row: row.id != record.id)
    if not there:
        return False
    if any(row.sha256 != envelope.sha256 for row in there):
        act = Act(action="record_conflict", object=f"record {record.id} {envelope.sha256}", visit_id=there[0].visit_id)
        acts.append((caller.actor(), act))
        raise _Refused("other_content")
    return True


def _visit_of(session: Session, record: Record) -> tuple[VisitRow | None, str]:
    """The visit that the record was bound to when it was taken, if it is one of this kit and of that patient."""
    binding = record.binding
    visit = session.get(VisitRow, binding.visit_id) if binding.visit_id else None
    if visit is None:
        return None, "unassigned"
    if visit.kit_id != binding.kit_id or visit.patient_id != binding.patient_id:
        return None, "binding_differs"
    return visit, ""


def _act(session: Session, caller: KitCaller, record: Record, visit: VisitRow | None, alarm: str) -> tuple[Actor, Act]:
    """What the log says of a record."""
    act = Act(
        action=alarm or _action(record),
        object=_about(session, record),
        patient_id=visit.patient_id if visit else None,
        visit_id=visit.id if visit else None,
    )
    return caller.actor(_nurse_name(session, caller, record)), act


def _nurse_name(session: Session, caller: KitCaller, record: Record) -> str | None:
    commission = nurse_commission(session, record.binding.nurse_id, caller.organization_id)
    return session.get_one(Practitioner, commission.practitioner_id).name if commission else None


def _action(record: Record) -> str:
    """What the log calls it: the nurse's acts by their own names, what was taken as `…_stored`."""
    if isinstance(record, RequestProgressed):
        return f"request_{record.state}"
    if isinstance(record, ReadingFiled):
        if record.decision == "this_patient":
            return "reading_filed"
        return "reading_taken_back" if record.binding.visit_id else "reading_set_aside"
    return record.type if isinstance(record, VisitOpened | VisitClosed | ReadingWithdrawn) else f"{record.type}_stored"


def _about(session: Session, record: Record) -> str:
    """Kind and id of the record, of a filing or withdrawal those of the reading; and the kind of examination."""
    if isinstance(record, ReadingFiled | ReadingWithdrawn):
        stored = session.get(RecordRow, record.reading_id)
        about = record_adapter.validate_json(stored.payload) if stored else None
        return f"reading {record.reading_id} {about.kind if isinstance(about, Reading) else ''}".rstrip()
    return f"record {record.id} {_what(session, record)}".rstrip()


def _what(session: Session, record: Record) -> str:
    """What kind of examination a record is about; empty if it is about none."""
    if isinstance(record, Reading):
        return record.kind
    asked = session.get(RequestRow, record.binding.request_id) if record.binding.request_id else None
    return asked.kind if asked else ""


def _watermark(session: Session, kit: Kit) -> int:
    """Every number up to this one is stored; a hole stops it."""
    reached = kit.watermark
    later = select(RecordRow.kit_seq).where(RecordRow.kit_id == kit.id, RecordRow.kit_seq > reached)
    for seq in session.scalars(later.order_by(RecordRow.kit_seq)):
        if seq != reached + 1:
            break
        reached = seq
    return reached
