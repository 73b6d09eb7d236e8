"""The access log: one row for every read and change of patient data, in the same transaction as the act.

HSLF-FS 2016:40 ch. 4 s. 9 names what a row must show; PDL ch. 4 s. 3 is why an act without a row must not happen. The
rows are append-only (triggers), each row's hash covers the hash before it, and each row is a leaf of a Merkle tree
(docs/decisions/0032), so a changed, removed or moved row shows. Whoever can rewrite the whole log is only caught by
what is kept elsewhere: a checkpoint of the tree (`audit_proofs.py`), or a head of the chain (`expected` of `verify`).
"""

import hashlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.audit_leaf import leaf_entry
from carebag_server.audit_tree import Frontier, leaf_hash
from carebag_server.audit_verifier.log import Examined, examine, open_log
from carebag_server.tables import AuditHead, AuditRow
from carebag_wire.api import AuditCheck, AuditEvent

GENESIS = "0" * 64
"""What the first row's hash covers in place of a row before it."""
HEAD_ID = 1
FIELDS = (
    "seq",
    "at",
    "action",
    "object",
    "patient_id",
    "visit_id",
    "practitioner",
    "role",
    "care_unit",
    "organization",
    "purpose",
    "origin",
    "request_ref",
    "hash",
)
"""Of a row: what its leaf holds, and what a reader is shown."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts, for whom, why and from where: the half of a row that the request knows."""

    practitioner: str
    """Name; the kit's name is added where a kit acted for a nurse."""
    role: str
    care_unit: str
    organization: str
    purpose: str
    """A code: `care`, `emergency`, `review`, `sign_in`."""
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

    Raises:
        BadFrontier: the stored head was changed by somebody else; nothing is appended to such a log.
    """
    (row,) = append_all(session, [(actor, act)], at)
    return row


def append_all(session: Session, acts: Iterable[tuple[Actor, Act]], at: datetime) -> list[AuditRow]:
    """As `append`, a row for each act in their order, written together."""
    head = session.get(AuditHead, HEAD_ID)
    if head is None:
        head = AuditHead(id=HEAD_ID, events=0, hash=GENESIS)
        session.add(head)
    before, frontier, rows = head.hash, Frontier.read(head.events, head.frontier), []
    for actor, act in acts:
        row = _row(frontier.size + 1, before, actor, act, at)
        before, frontier = row.hash, frontier.append(leaf_hash(entry_of(row)))
        rows.append(row)
    head.events, head.hash, head.frontier = frontier.size, before, bytes(frontier)
    session.add_all(rows)
    session.flush()
    return rows


def _row(seq: int, before: str, actor: Actor, act: Act, at: datetime) -> AuditRow:
    """The row of that number, behind the one with the hash `before`."""
    row = AuditRow(
        seq=seq,
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
    row.hash = row_hash(before, row)
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


def entry_of(row: AuditRow) -> bytes:
    """The row's leaf in the Merkle tree."""
    return leaf_entry(**_fields_of(row))


def _fields_of(row: AuditRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS}


def verify(session: Session, now: datetime, expected: tuple[int, str] | None = None) -> AuditCheck:
    """Recompute the whole log by the verifier, which shares no code with this module.

    Args:
        expected: number and hash of a head that was written down elsewhere; the chain must still contain it.

    Returns:
        `why` is as `audit_verifier.log.Examined` says.
    """
    return check_of(examine(session.connection(), [expected] if expected else []), now)


def check_of(found: Examined, now: datetime) -> AuditCheck:
    return AuditCheck(
        intact=found.intact,
        events=found.events,
        head=found.head,
        root=found.root.hex(),
        broken_at=found.broken_at,
        why=found.why,
        checked_at=now,
    )


def verify_database(url: str, expected: tuple[int, str] | None = None) -> AuditCheck:
    """Check the log of a database from outside the hub, which may be running.

    Raises:
        FileNotFoundError: an SQLite file that is not there (it is not made).
    """
    with open_log(url) as connection:
        return check_of(examine(connection, [expected] if expected else []), datetime.now(UTC))


def events_of_visit(session: Session, visit_id: uuid.UUID) -> list[AuditEvent]:
    """The visit's rows in order; the caller has checked the right to see them and logged that they were read."""
    rows = session.scalars(select(AuditRow).where(AuditRow.visit_id == visit_id).order_by(AuditRow.seq))
    return [event_of(row) for row in rows]


def event_of(row: AuditRow) -> AuditEvent:
    return AuditEvent(**_fields_of(row))
