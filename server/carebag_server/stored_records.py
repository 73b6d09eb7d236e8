"""Whether what kits and doctors signed is still what is stored: changed, added or removed past the program it shows.

Records are signed by kits and numbered without gaps, records and notes are bound by a digest that is in the access log
to their being stored and signed, and what was removed by decision is known. Reads only. Names of patients, decisions on
findings and what people typed elsewhere bear no signature and are not covered; a backup or the access log has to tell
of those. Events of before the digests say only that a record was stored.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from carebag_server.kit_keys import signed_by
from carebag_server.notes import content_sha256
from carebag_server.people_tables import FormerKitKey
from carebag_server.retention.tables import PrunedEvent, RemovedRecord, RemovedVisit
from carebag_server.tables import AuditRow, Kit, NoteRow, RecordRow, VisitRow

_PAGE = 1000
_DIGEST = re.compile(r" sha256:([0-9a-f]{64})$")


@dataclass(frozen=True)
class Fault:
    """What is not as it was signed: kind and id, no patient; and how, in words for an operator."""

    what: str
    why: str


@dataclass(frozen=True)
class Looked:
    records: int
    notes: int
    faults: Sequence[Fault]


def examine_records(session: Session) -> Looked:
    """All records and signed notes, one after the other."""
    keys = _keys(session)
    records = notes = 0
    faults: list[Fault] = []
    log = _log_of(session)
    patients: dict[uuid.UUID, set[str]] = {}
    for record in _paged(session, select(RecordRow).order_by(RecordRow.id), RecordRow):
        records += 1
        stored_as = log.taken(record)
        faults += [Fault(f"record {record.id}", why) for why in _faults_of(record, keys, stored_as)]
        if stored_as is None and log.should_name(record):
            faults.append(Fault(f"record {record.id}", "the access log knows nothing of its being stored"))
        if record.visit_id is not None:
            patients.setdefault(record.visit_id, set()).add(_patient_of(record))
    faults += _gaps(session)
    faults += _gone_records(session, log)
    faults += _other_patients(session, patients)
    signed = _signings(session)
    log_begins = (
        session.scalar(select(func.min(AuditRow.at))) if session.scalar(select(PrunedEvent.seq).limit(1)) else None
    )
    query = select(NoteRow).where(NoteRow.state == "signed").order_by(NoteRow.id)
    for note in _paged(session, query, NoteRow):
        notes += 1
        faults += [
            Fault(f"note {note.id}", why) for why in _faults_of_note(note, signed.pop(note.id, None), log_begins)
        ]
    faults += _gone(session, signed)
    return Looked(records, notes, faults)


def _paged(session: Session, query: Select[Any], table: type[Any]) -> Iterator[Any]:
    last: uuid.UUID | None = None
    while True:
        rows = session.scalars(query.limit(_PAGE) if last is None else query.where(table.id > last).limit(_PAGE)).all()
        yield from rows
        if len(rows) < _PAGE:
            return
        last = rows[-1].id
        session.expunge_all()


def _keys(session: Session) -> dict[uuid.UUID, list[bytes]]:
    keys = {kit.id: [kit.public_key] for kit in session.scalars(select(Kit))}
    for former in session.scalars(select(FormerKitKey)):
        keys.setdefault(former.kit_id, []).append(former.public_key)
    return keys


@dataclass(frozen=True)
class _Stored:
    """An event of the access log about one record."""

    seq: int
    visit_id: uuid.UUID | None
    about: str
    """Kind and id."""
    sha256: str | None
    """None in what was written before digests were."""


@dataclass
class _Log:
    """What the access log says was stored; of each, what no record was found for yet."""

    by_id: dict[uuid.UUID, _Stored] = field(default_factory=dict)
    by_digest: dict[str, _Stored] = field(default_factory=dict)
    """Of records that are not named by their own id: filings, withdrawals, locks of the page."""
    whole_since: datetime | None = None
    """From then on each record that was stored is named; None: none is known to be."""

    def taken(self, row: RecordRow) -> _Stored | None:
        return self.by_id.pop(row.id, None) or self.by_digest.pop(row.sha256, None)

    def should_name(self, row: RecordRow) -> bool:
        return self.whole_since is not None and row.received_at >= self.whole_since


def _faults_of(row: RecordRow, keys: dict[uuid.UUID, list[bytes]], stored: _Stored | None) -> Iterator[str]:
    """`stored`: what the access log says of it; None: it is not named there, or that event was pruned."""
    raw = row.payload.encode()
    if hashlib.sha256(raw).hexdigest() != row.sha256:
        yield "its content is not what was stored"
    if stored is not None and stored.sha256 not in (None, row.sha256):
        yield f"event {stored.seq} of the access log says another digest"
    if not any(signed_by(key, row.signature, raw) for key in keys.get(row.kit_id, [])):
        yield "its kit did not sign this"
        return
    said = json.loads(raw)
    if (said["id"], said["binding"]["kit_id"], said["binding"]["kit_seq"]) != (
        str(row.id),
        str(row.kit_id),
        row.kit_seq,
    ):
        yield "its row says another id, kit or number than was signed"
    if row.kind != said["type"]:
        yield "its row says another kind than was signed"
    # A visit that was not this kit's and patient's is none (records.py), so none may stand where one was signed.
    if row.visit_id is not None and str(row.visit_id) != said["binding"]["visit_id"]:
        yield "its row says another visit than was signed"
    elif stored is not None and row.visit_id != stored.visit_id:
        yield f"event {stored.seq} of the access log says another visit"


def _gaps(session: Session) -> Iterator[Fault]:
    """Below a kit's watermark there is every number: stored, or removed by a decision."""
    for kit in session.scalars(select(Kit).order_by(Kit.id)).all():
        here = select(func.count()).where(RecordRow.kit_id == kit.id, RecordRow.kit_seq <= kit.watermark)
        gone = select(func.count()).where(RemovedRecord.kit_id == kit.id, RemovedRecord.kit_seq <= kit.watermark)
        lacking = kit.watermark - (session.scalar(here) or 0) - (session.scalar(gone) or 0)
        if lacking:
            yield Fault(f"kit {kit.id}", f"{lacking} of its {kit.watermark} records are gone, and no decision says why")


def _log_of(session: Session) -> _Log:
    """`record ID … sha256:HEX`, and other kinds with a digest. A refused one is no record."""
    columns = select(AuditRow.seq, AuditRow.at, AuditRow.visit_id, AuditRow.object)
    names = AuditRow.object.startswith("record ") | AuditRow.object.contains(" sha256:")
    rows = session.execute(columns.where(names, AuditRow.action != "record_conflict").order_by(AuditRow.seq))
    pruned = session.scalar(select(func.max(PrunedEvent.seq))) or 0
    log = _Log()
    for seq, at, visit_id, text in rows:
        found, (kind, name) = _DIGEST.search(text), text.split(" ")[:2]
        event = _Stored(seq, visit_id, f"{kind} {name}", found and found[1])
        if kind == "record":
            log.by_id[uuid.UUID(name)] = event
        elif found:
            log.by_digest[found[1]] = event
        if found and seq > pruned:
            log.whole_since = at if log.whole_since is None else min(at, log.whole_since)
    return log


def _gone_records(session: Session, log: _Log) -> Iterator[Fault]:
    left = [*log.by_id.items(), *log.by_digest.items()]
    marks = session.execute(select(RemovedRecord.record_id, RemovedRecord.sha256)).all() if left else []
    removed: set[uuid.UUID | str] = {one for mark in marks for one in mark}
    for name, event in left:
        if name not in removed:
            yield Fault(event.about, f"it was stored (event {event.seq}) and is gone, and no decision says why")


def _patient_of(row: RecordRow) -> str:
    """As signed; nothing where that cannot be read, or another visit was signed."""
    try:
        bound = json.loads(row.payload)["binding"]
        return str(bound["patient_id"]) if bound["visit_id"] == str(row.visit_id) else ""
    except (ValueError, KeyError, TypeError):
        return ""


def _other_patients(session: Session, patients: dict[uuid.UUID, set[str]]) -> Iterator[Fault]:
    """A visit takes only records of its own patient (records.py), and never gets another: merging leaves it."""
    for visit in session.execute(select(VisitRow.id, VisitRow.patient_id).order_by(VisitRow.id)):
        if patients.get(visit.id, set()) - {"", str(visit.patient_id)}:
            yield Fault(f"visit {visit.id}", "its row says another patient than was signed")


@dataclass(frozen=True)
class _Signing:
    seq: int
    visit_id: uuid.UUID | None
    sha256: str


def _signings(session: Session) -> dict[uuid.UUID, _Signing]:
    """Of notes, as the access log has them: `note ID SHA256`."""
    columns = select(AuditRow.seq, AuditRow.visit_id, AuditRow.object).where(AuditRow.action == "note_signed")
    found: dict[uuid.UUID, _Signing] = {}
    for seq, visit_id, about in session.execute(columns.order_by(AuditRow.seq)):
        _, note_id, sha256 = about.split(" ")
        found[uuid.UUID(note_id)] = _Signing(seq, visit_id, sha256)
    return found


def _faults_of_note(row: NoteRow, signing: _Signing | None, log_begins: datetime | None) -> Iterator[str]:
    """`log_begins`: the first event whose content is still there; None: all are."""
    if content_sha256(row) != row.sha256:
        yield "its content is not what was signed"
    if signing is None:
        if log_begins is None or (row.signed_at is not None and row.signed_at >= log_begins):
            yield "the access log knows nothing of its signing"
    elif signing.sha256 != row.sha256:
        yield f"event {signing.seq} of the access log says another digest"


def _gone(session: Session, signed: dict[uuid.UUID, _Signing]) -> Iterator[Fault]:
    removed = set(session.scalars(select(RemovedVisit.visit_id))) if signed else set()
    for note_id, signing in signed.items():
        if signing.visit_id not in removed:
            yield Fault(f"note {note_id}", f"it was signed (event {signing.seq}) and is gone, and no decision says why")


def in_words(faults: Iterable[Fault]) -> str:
    return "\n".join(f"{fault.what}: {fault.why}" for fault in faults)
