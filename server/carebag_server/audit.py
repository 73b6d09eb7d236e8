"""The access log: one row for every read and change of patient data, in the same transaction as the act.

HSLF-FS 2016:40 ch. 4 s. 9 names what a row must show; PDL ch. 4 s. 3 is why an act without a row must not happen. The
rows are append-only (triggers) and each row's hash covers the hash before it, so a changed, removed or moved row shows.
Whoever can rewrite the whole chain is only caught by a copy of the head kept elsewhere: see `expected` of `verify`.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from carebag_server.database import Database
from carebag_server.tables import AuditHead, AuditRow
from carebag_wire.api import AuditCheck, AuditEvent

GENESIS = "0" * 64
"""What the first row's hash covers in place of a row before it."""
_HEAD_ID = 1
_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts, for whom, why and from where: the half of a row that the request knows."""

    practitioner: str
    """Name; the kit's name is added where a kit acted for a nurse."""
    role: str
    care_unit: str
    organization: str
    purpose: str
    """A code: `care`, `review`, `sign_in`."""
    origin: str
    """Network address."""
    request_ref: str


@dataclass(frozen=True, kw_only=True)
class Act:
    """What was done, to what, about whom."""

    action: str
    object: str
    """Kind and id, such as `reading 0199… blood_pressure`; never what it showed."""
    patient_id: uuid.UUID | None = None
    visit_id: uuid.UUID | None = None


def append(session: Session, actor: Actor, act: Act, at: datetime) -> AuditRow:
    """Add a row to the chain, inside the caller's writing transaction (`Database.transaction`), which holds the order.

    Returns:
        The row, flushed: if it cannot be written, the error comes here and the act is rolled back with it.
    """
    (row,) = append_all(session, [(actor, act)], at)
    return row


def append_all(session: Session, acts: Iterable[tuple[Actor, Act]], at: datetime) -> list[AuditRow]:
    """As `append`, a row for each act in their order, written together."""
    head = session.get(AuditHead, _HEAD_ID)
    if head is None:
        head = AuditHead(id=_HEAD_ID, events=0, hash=GENESIS)
        session.add(head)
    rows = [_next_row(head, actor, act, at) for actor, act in acts]
    session.add_all(rows)
    session.flush()
    return rows


def _next_row(head: AuditHead, actor: Actor, act: Act, at: datetime) -> AuditRow:
    """The row after the head, which moves on to it."""
    row = AuditRow(
        seq=head.events + 1,
        at=at.astimezone(UTC),
        action=act.action,
        object=act.object,
        patient_id=act.patient_id,
        visit_id=act.visit_id,
        practitioner=actor.practitioner,
        role=actor.role,
        care_unit=actor.care_unit,
        organization=actor.organization,
        purpose=actor.purpose,
        origin=actor.origin,
        request_ref=actor.request_ref,
        hash="",
    )
    row.hash = row_hash(head.hash, row)
    head.events, head.hash = row.seq, row.hash
    return row


def row_hash(before: str, row: AuditRow) -> str:
    """SHA-256 over the hash before and the row as JSON: an array, so that no field can slide into the next."""
    fields = [
        before,
        row.seq,
        row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        row.action,
        row.object,
        str(row.patient_id) if row.patient_id else None,
        str(row.visit_id) if row.visit_id else None,
        row.practitioner,
        row.role,
        row.care_unit,
        row.organization,
        row.purpose,
        row.origin,
        row.request_ref,
    ]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def verify(session: Session, now: datetime, expected: tuple[int, str] | None = None) -> AuditCheck:
    """Recompute the whole chain.

    Args:
        expected: number and hash of a head that was written down elsewhere; the chain must still contain it.

    Returns:
        `why` is `changed` (a row or the order of rows), `missing` (a hole), `cut_off` (the end is gone or the head does
        not belong to it) or `other_history` (`expected` is not in the chain).
    """
    seq, before = 0, GENESIS
    witnessed = expected is None or expected == (0, GENESIS)
    for row in _rows(session):
        if row.seq != seq + 1:
            return _broken(seq, before, "missing", now)
        if row_hash(before, row) != row.hash:
            return _broken(seq, before, "changed", now)
        seq, before = row.seq, row.hash
        witnessed = witnessed or expected == (seq, before)
    head = session.get(AuditHead, _HEAD_ID)
    if (head.events, head.hash) != (seq, before) if head else seq != 0:
        return _broken(seq, before, "cut_off", now)
    if not witnessed:
        return _broken(seq, before, "other_history", now)
    return AuditCheck(intact=True, events=seq, head=before, checked_at=now)


def _rows(session: Session) -> Iterator[AuditRow]:
    last = None
    while True:
        query = select(AuditRow).order_by(AuditRow.seq).limit(_BATCH)
        rows = session.scalars(query if last is None else query.where(AuditRow.seq > last)).all()
        yield from rows
        if len(rows) < _BATCH:
            return
        last = rows[-1].seq
        session.expunge_all()


def _broken(seq: int, before: str, why: str, now: datetime) -> AuditCheck:
    return AuditCheck(intact=False, events=seq, head=before, broken_at=seq + 1, why=why, checked_at=now)


def verify_database(url: str, expected: tuple[int, str] | None = None) -> AuditCheck:
    """Check the log of a database from outside the hub, which may be running.

    Raises:
        FileNotFoundError: an SQLite file that is not there (it is not made).
    """
    file = make_url(url).database
    if url.startswith("sqlite") and not (file and Path(file).is_file()):
        raise FileNotFoundError(file)
    database = Database(url)
    try:
        with database.reading() as session:
            return verify(session, datetime.now(UTC), expected)
    finally:
        database.dispose()


def events_of_visit(session: Session, visit_id: uuid.UUID) -> list[AuditEvent]:
    """The visit's rows in order; the caller has checked the right to see them and logged that they were read."""
    rows = session.scalars(select(AuditRow).where(AuditRow.visit_id == visit_id).order_by(AuditRow.seq))
    return [event_of(row) for row in rows]


def event_of(row: AuditRow) -> AuditEvent:
    return AuditEvent(
        seq=row.seq,
        at=row.at,
        action=row.action,
        object=row.object,
        patient_id=row.patient_id,
        visit_id=row.visit_id,
        practitioner=row.practitioner,
        role=row.role,
        care_unit=row.care_unit,
        organization=row.organization,
        purpose=row.purpose,
        origin=row.origin,
        request_ref=row.request_ref,
        hash=row.hash,
    )
