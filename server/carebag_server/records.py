"""Takes in what kits must not lose: verified, stored word for word, once, and acknowledged only when durable.

Same record again: acknowledged again. Same id or number with other content: refused, and the log says so. A record that
names no visit of this kit is kept all the same, in the unassigned tray (`record.visit_id` None).
"""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import ValidationError
from sqlalchemy import and_, or_, select, union_all
from sqlalchemy.orm import Session

from carebag_server import withdrawals
from carebag_server.at_hand import keep_at_hand
from carebag_server.audit import Act, Actor, append_all
from carebag_server.callers import KitCaller
from carebag_server.filings import objection, settle, take
from carebag_server.hub import Hub
from carebag_server.kit_keys import former_keys, signed_by
from carebag_server.people import nurse_commission
from carebag_server.record_effects import apply
from carebag_server.retention.tables import RemovedRecord
from carebag_server.tables import Kit, Practitioner, RecordRow, RequestRow, VisitRow
from carebag_wire.base import Code
from carebag_wire.records import (
    PageLockChanged,
    PhotoTaken,
    QuestionPut,
    Reading,
    ReadingFiled,
    ReadingWithdrawn,
    Record,
    RecordBatch,
    RecordReceipt,
    RequestProgressed,
    SignedRecord,
    SoundRecorded,
    VisitClosed,
    VisitOpened,
    VisitTakenOver,
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
    intake = _Intake(session, caller, now)
    good: list[tuple[SignedRecord, Record]] = []
    keys = [kit.public_key, *former_keys(session, kit.id)]
    for envelope in batch.records:
        try:
            good.append((envelope, _checked(kit, envelope, keys)))
        except _Refused as refusal:
            refused[envelope.sha256] = refusal.code
    there = _There(session, kit.id, [record for _, record in good])
    for envelope, record in good:
        known = there.find(record)
        if any(row.sha256 != envelope.sha256 for row in known):
            intake.conflict(envelope, record, known[0])
            refused[envelope.sha256] = "other_content"
            continue
        removed = there.removed(record)
        if removed is not None and removed != envelope.sha256:
            refused[envelope.sha256] = "other_content"
            continue
        if not known and removed is None:
            there.add(intake.take(envelope, record))
        stored.append(record.id)
    intake.finish()
    kit.watermark = _watermark(session, kit)
    return RecordReceipt(stored=stored, refused=refused, watermark=kit.watermark, received_at=now)


class _There:
    """What is stored already of a batch, under its ids or its numbers; asked for once."""

    def __init__(self, session: Session, kit_id: uuid.UUID, records: list[Record]) -> None:
        self._kit_id = kit_id
        self._by_id: dict[uuid.UUID, RecordRow] = {}
        self._by_seq: dict[int, RecordRow] = {}
        self._removed: dict[uuid.UUID | int, str] = {}
        same_number = and_(
            RecordRow.kit_id == kit_id, RecordRow.kit_seq.in_([record.binding.kit_seq for record in records])
        )
        same_id = RecordRow.id.in_([record.id for record in records])
        for row in session.scalars(select(RecordRow).where(or_(same_id, same_number))):
            self.add(row)
        gone = select(RemovedRecord).where(
            or_(
                RemovedRecord.record_id.in_([record.id for record in records]),
                and_(
                    RemovedRecord.kit_id == kit_id,
                    RemovedRecord.kit_seq.in_([record.binding.kit_seq for record in records]),
                ),
            )
        )
        for mark in session.scalars(gone):
            self._removed[mark.record_id] = mark.sha256
            if mark.kit_id == kit_id:
                self._removed[mark.kit_seq] = mark.sha256

    def removed(self, record: Record) -> str | None:
        """Digest of what was under the record's id or number until its time was over; None: nothing was removed."""
        return self._removed.get(record.id) or self._removed.get(record.binding.kit_seq)

    def add(self, row: RecordRow) -> None:
        self._by_id[row.id] = row
        if row.kit_id == self._kit_id:
            self._by_seq[row.kit_seq] = row

    def find(self, record: Record) -> list[RecordRow]:
        """Those under the record's id or number, the one with its id first."""
        same_id, same_number = self._by_id.get(record.id), self._by_seq.get(record.binding.kit_seq)
        return [row for row in (same_id, same_number if same_number is not same_id else None) if row is not None]


@dataclass(frozen=True)
class _Taken:
    record: Record
    sha256: str
    visit: VisitRow | None
    alarm: str


class _Intake:
    """Stores the new records of a batch, and does what each does to its visit, in their order.

    What was taken (values, sounds, photos) waits until something else comes: rows that follow each other are written
    together.
    """

    def __init__(self, session: Session, caller: KitCaller, now: datetime) -> None:
        self._session, self._caller, self._now = session, caller, now
        self._waiting: list[_Taken] = []
        self._acts: _Acts = []

    def take(self, envelope: SignedRecord, record: Record) -> RecordRow:
        if not isinstance(record, Reading | SoundRecorded | PhotoTaken):
            self._flush()
        visit, alarm = _visit_of(self._session, record)
        row = RecordRow(
            id=record.id,
            kit_id=self._caller.kit_id,
            kit_seq=record.binding.kit_seq,
            kind=record.type,
            visit_id=visit.id if visit else None,
            payload=envelope.payload,
            sha256=envelope.sha256,
            signature=envelope.signature,
            received_at=self._now,
        )
        self._session.add(row)
        self._waiting.append(_Taken(record, envelope.sha256, visit, alarm))
        if not isinstance(record, Reading | SoundRecorded | PhotoTaken):
            self._flush()
        return row

    def conflict(self, envelope: SignedRecord, record: Record, there: RecordRow) -> None:
        """Another record under an id or number that is taken: the log says so."""
        self._flush()
        act = Act(action="record_conflict", object=f"record {record.id} {envelope.sha256}", visit_id=there.visit_id)
        self._acts.append((self._caller.actor(), act))

    def finish(self) -> None:
        self._flush()
        if self._acts:
            append_all(self._session, self._acts, self._now)

    def _flush(self) -> None:
        if not self._waiting:
            return
        self._session.flush()
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            self._apply(one)

    def _apply(self, one: _Taken) -> None:
        record, visit, alarm = one.record, one.visit, one.alarm
        session, caller = self._session, self._caller
        if isinstance(record, ReadingFiled):
            alarm = objection(session, record, visit, alarm)
        elif isinstance(record, ReadingWithdrawn):
            alarm = withdrawals.objection(session, record, visit, alarm)
        self._acts.append(_act(session, caller, replace(one, alarm=alarm)))
        if isinstance(record, ReadingFiled):
            if not alarm:
                take(session, record, visit, _nurse_name(session, caller, record) or "")
        elif isinstance(record, ReadingWithdrawn):
            if visit is not None and not alarm:
                withdrawals.take(session, visit, record)
        elif isinstance(record, PageLockChanged):
            pass  # for the log alone
        elif visit is not None:
            apply(session, visit, record, self._now)
            if isinstance(record, Reading):
                withdrawals.settle(session, visit, record)
        else:
            settle(session, record.id, caller.kit_id)


def _checked(kit: Kit, envelope: SignedRecord, keys: list[bytes]) -> Record:
    """The record of an envelope whose digest, signature, form and kit are right.

    Args:
        keys: the kit's, and those that it had: what was signed before the key was replaced may come after it.
    """
    if payload_sha256(envelope.payload) != envelope.sha256:
        raise _Refused("bad_record")
    if not any(signed_by(key, envelope.signature, envelope.payload.encode()) for key in keys):
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


def _visit_of(session: Session, record: Record) -> tuple[VisitRow | None, str]:
    """The visit that the record was bound to when it was taken, if it is one of this kit and of that patient."""
    binding = record.binding
    if isinstance(record, PageLockChanged):
        return None, ""
    visit = session.get(VisitRow, binding.visit_id) if binding.visit_id else None
    if visit is None:
        return None, "unassigned"
    if visit.kit_id != binding.kit_id or visit.patient_id != binding.patient_id:
        return None, "binding_differs"
    return visit, ""


def _act(session: Session, caller: KitCaller, one: _Taken) -> tuple[Actor, Act]:
    """What the log says of a record; with its digest, by which `stored_records` finds it changed or gone."""
    record, visit, alarm = one.record, one.visit, one.alarm
    act = Act(
        action=alarm or _action(record),
        object=f"{_about(session, record)} sha256:{one.sha256}",
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
    if isinstance(record, PageLockChanged):
        return "page_pin_wrong" if record.change == "wrong_pin" else f"page_{record.change}"
    if isinstance(record, VisitClosed) and record.for_another:
        return "visit_closed_for_another"
    by_name = isinstance(record, VisitOpened | VisitClosed | VisitTakenOver | ReadingWithdrawn | QuestionPut)
    return record.type if by_name else f"{record.type}_stored"


def _about(session: Session, record: Record) -> str:
    """Kind and id of the record, of a filing or withdrawal those of the reading; and the kind of examination."""
    if isinstance(record, ReadingFiled | ReadingWithdrawn):
        stored = session.get(RecordRow, record.reading_id)
        about = record_adapter.validate_json(stored.payload) if stored else None
        return f"reading {record.reading_id} {about.kind if isinstance(about, Reading) else ''}".rstrip()
    if isinstance(record, PageLockChanged):
        # the row's own time is that of arrival, which may be days later
        at = record.times.kit_utc.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        how = f"wrong {record.wrong}" if record.change == "wrong_pin" else record.how
        return f"kit {record.binding.kit_id} {how} {at}"
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
    here = select(RecordRow.kit_seq).where(RecordRow.kit_id == kit.id, RecordRow.kit_seq > reached)
    gone = select(RemovedRecord.kit_seq).where(RemovedRecord.kit_id == kit.id, RemovedRecord.kit_seq > reached)
    later = union_all(here, gone).subquery()
    for seq in session.scalars(select(later.c.kit_seq).order_by(later.c.kit_seq)):
        if seq != reached + 1:
            break
        reached = seq
    return reached
