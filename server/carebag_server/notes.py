"""Assessment and plan: a draft is the author's own and may be rewritten; a signed version never changes."""

import hashlib
import json
import uuid
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from carebag_server.announcements import announce_changed
from carebag_server.audit import append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.reauthentication import require_fresh
from carebag_server.refusals import Refused, changed_meanwhile
from carebag_server.relations import visible_visit
from carebag_server.tables import NoteRow, VisitRow
from carebag_server.visit_views import note_of
from carebag_server.visits import act_on
from carebag_wire.api import SignNote, WriteNote
from carebag_wire.base import uuid7
from carebag_wire.visit import Note


def write(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, text: WriteNote) -> Note:
    """Write the author's draft, beginning one if there is none. Each writing counts `version` on.

    Raises:
        Refused: 404 `not_found`, 409 `changed_meanwhile` if `base_version` is not the draft's version (without a draft:
            0 or the last signed version).
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    now = hub.now()
    row = _draft(session, visit, caller)
    if row is None:
        row = _begin(session, visit, caller, text.base_version, now)
    elif text.base_version != row.version:
        raise changed_meanwhile()
    row.version, row.changed_at = row.version + 1, now
    row.assessment, row.plan = text.assessment, text.plan
    session.flush()
    append(session, caller.actor(), act_on(visit, "note_written", f"note {row.id}"), now)
    announce_changed(session, visit, {"note": note_of(row)}, only=caller.person.practitioner_id)
    return note_of(row)


def sign(hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, wanted: SignNote) -> Note:
    """Sign the author's draft as it was last seen.

    Raises:
        Refused: 404 `not_found`, 403 `reauthenticate`, 409 `nothing_to_sign`, `changed_meanwhile` or `note_empty`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    now = hub.now()
    require_fresh(session, caller, now)
    row = _draft(session, visit, caller)
    if row is None:
        raise Refused(409, "nothing_to_sign")
    if wanted.version != row.version:
        raise changed_meanwhile()
    if not (row.assessment.strip() or row.plan.strip()):
        raise Refused(409, "note_empty")
    row.state, row.signed_at, row.changed_at = "signed", now, now
    row.sha256 = content_sha256(row)
    session.flush()
    append(session, caller.actor(), act_on(visit, "note_signed", f"note {row.id} {row.sha256}"), now)
    announce_changed(session, visit, {"note": note_of(row)})
    return note_of(row)


def content_sha256(row: NoteRow) -> str:
    """What the signature is bound to: visit, author, version, time and both texts."""
    signed_at = row.signed_at.isoformat(timespec="microseconds") if row.signed_at else ""
    fields = [str(row.visit_id), str(row.author_id), row.version, signed_at, row.assessment, row.plan]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def _draft(session: Session, visit: VisitRow, caller: PersonCaller) -> NoteRow | None:
    mine = select(NoteRow).where(NoteRow.visit_id == visit.id, NoteRow.author_id == caller.person.practitioner_id)
    return session.scalars(mine.where(NoteRow.state == "draft")).first()


def _begin(session: Session, visit: VisitRow, caller: PersonCaller, base: int, now: datetime) -> NoteRow:
    signed = select(func.max(NoteRow.version)).where(NoteRow.visit_id == visit.id, NoteRow.state == "signed")
    latest = session.scalar(signed) or 0
    if base not in {0, latest}:
        raise changed_meanwhile()
    row = NoteRow(
        id=uuid7(int(now.timestamp() * 1000)),
        visit_id=visit.id,
        author_id=caller.person.practitioner_id,
        author=caller.person.name,
        version=latest,
        assessment="",
        plan="",
        changed_at=now,
    )
    session.add(row)
    return row
