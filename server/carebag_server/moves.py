"""What stands in one patient's visit and was measured on another's, moved by two people.

A doctor of both visits says so and why; the medical lead of their care provider, another person, moves it or not.
Moved, it stays where it was, rejected and legible (a correction hides nothing: patientdatalagen 2008:355, ch. 3 s. 14),
and is a draft in the other visit. The kit's signed record is as it was: whom it was taken for then is part of it.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from carebag_server.announcements import announce_changed
from carebag_server.audit import Act, append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.move_tables import MoveRow
from carebag_server.refusals import Refused, not_found
from carebag_server.relations import visible_visit
from carebag_server.tables import Finding, RecordRow, VisitRow
from carebag_server.visit_views import finding_of, heads_of, part_of
from carebag_server.visits import act_on
from carebag_wire.base import uuid7
from carebag_wire.moves import DecideMove, Move, ProposeMove
from carebag_wire.records import Reading, SoundRecorded, record_adapter

MOVABLE = ("reading", "sound", "photo")
"""The photo of a display goes with the reading that it proves."""
_LISTED = 200


def propose(
    hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, record_id: uuid.UUID, said: ProposeMove
) -> Move:
    """A doctor of both visits says that it was measured on the patient of the other.

    Raises:
        Refused: 404 `not_found`: one of the visits, or what shall be moved; 422 `same_visit` or `other_provider`; 409
            `move_proposed` (somebody said so already) or `not_there_now` (taken back, or moved away).
    """
    now = hub.now()
    visit = visible_visit(session, caller, visit_id, now)
    target = visible_visit(session, caller, said.to_visit_id, now)
    row = session.get(Finding, (record_id, visit.id))
    if row is None or row.kind not in MOVABLE:
        raise not_found()
    if target.id == visit.id:
        raise Refused(422, "same_visit")
    if target.organization_id != visit.organization_id:
        raise Refused(422, "other_provider")
    _may_go(session, row, target)
    move = MoveRow(
        id=uuid7(int(now.timestamp() * 1000)),
        record_id=record_id,
        visit_id=visit.id,
        to_visit_id=target.id,
        organization_id=visit.organization_id,
        reason=said.reason,
        proposed_by=caller.person.name,
        proposed_by_id=caller.person.practitioner_id,
        proposed_at=now,
    )
    session.add(move)
    row.move = "proposed"
    session.flush()
    append(session, caller.actor(), act_on(visit, "move_proposed", f"{row.kind} {record_id} to visit {target.id}"), now)
    _tell(session, visit, row)
    return _view(session, caller, move)


def all_moves(hub: Hub, session: Session, caller: PersonCaller) -> list[Move]:
    """Of the medical lead's care provider: what waits for her first, then the newest; at most 200."""
    mine = select(MoveRow).where(MoveRow.organization_id == caller.organization_id)
    rows = session.scalars(mine.order_by(MoveRow.state != "proposed", MoveRow.proposed_at.desc()).limit(_LISTED)).all()
    append(session, caller.actor(), Act(action="moves_listed", object="moves"), hub.now())
    return [_view(session, caller, row) for row in rows if session.get(VisitRow, row.to_visit_id) is not None]


def decide_move(hub: Hub, session: Session, caller: PersonCaller, move_id: uuid.UUID, said: DecideMove) -> Move:
    """The second person moves it, or says why not; once and for good.

    Raises:
        Refused: 404 `not_found`, 403 `other_person_decides`: it is her own proposal; 409 `move_decided`, or
            `not_there_now`: taken back since, or moved away; 422 `reason_needed`: for not moving it.
    """
    move = session.get(MoveRow, move_id)
    if move is None or move.organization_id != caller.organization_id:
        raise not_found()
    if move.proposed_by_id == caller.person.practitioner_id:
        raise Refused(403, "other_person_decides")
    if move.state != "proposed":
        raise Refused(409, "move_decided")
    if said.decision == "refused" and not said.reason.strip():
        raise Refused(422, "reason_needed")
    visit, target = session.get_one(VisitRow, move.visit_id), session.get(VisitRow, move.to_visit_id)
    row = session.get(Finding, (move.record_id, visit.id))
    if row is None or target is None or (said.decision == "moved" and _gone(row)):
        raise Refused(409, "not_there_now")
    now = hub.now()
    move.state, move.decided_by, move.decided_at = said.decision, caller.person.name, now
    move.decided_reason = said.reason.strip()
    about = f"{row.kind} {row.record_id}"
    if said.decision == "refused":
        row.move = ""
        session.flush()
        append(session, caller.actor(), act_on(visit, "move_refused", about), now)
        _tell(session, visit, row)
        return _view(session, caller, move)
    append(session, caller.actor(), act_on(visit, "moved_away", f"{about} to visit {target.id}"), now)
    append(session, caller.actor(), act_on(target, "moved_here", f"{about} from visit {visit.id}"), now)
    for one in (row, *_its_display(session, row)):
        _carry(session, one, move, target)
    return _view(session, caller, move)


def _carry(session: Session, row: Finding, move: MoveRow, target: VisitRow) -> None:
    """Rejected where it was, a draft where it belongs; a decision that was made there before is made anew."""
    row.decision, row.decided_by, row.decided_at = "rejected", move.proposed_by, move.decided_at
    row.reason, row.move = move.reason, "away"
    there = session.get(Finding, (row.record_id, target.id))
    if there is None:
        there = Finding(record_id=row.record_id, visit_id=target.id, kind=row.kind, request_id=None)
        session.add(there)
    there.media_sha256, there.stream, there.taken_back, there.move = row.media_sha256, row.stream, False, "here"
    there.decision, there.decided_by, there.decided_at, there.reason = "draft", "", None, ""
    there.filed_by, there.filed_at = move.proposed_by, move.decided_at
    session.flush()
    _tell(session, session.get_one(VisitRow, row.visit_id), row)
    _tell(session, target, there)


def _its_display(session: Session, row: Finding) -> Sequence[Finding]:
    """The photo that proves a typed reading."""
    record = record_adapter.validate_json(session.get_one(RecordRow, row.record_id).payload)
    photo_id = record.display_photo if isinstance(record, Reading) else None
    photo = session.get(Finding, (photo_id, row.visit_id)) if photo_id else None
    return [photo] if photo is not None and photo.kind == "display" else []


def _may_go(session: Session, row: Finding, target: VisitRow) -> None:
    if _gone(row):
        raise Refused(409, "not_there_now")
    there = session.get(Finding, (row.record_id, target.id))
    if there is not None and not _gone(there):
        raise Refused(409, "not_there_now")
    if row.move == "proposed":
        raise Refused(409, "move_proposed")


def _gone(row: Finding) -> bool:
    """It counts here no more: the nurse took it back, or it was moved."""
    return row.taken_back or row.move == "away"


def _tell(session: Session, visit: VisitRow, row: Finding) -> None:
    announce_changed(session, visit, part_of(finding_of(session, row)))


def _view(session: Session, caller: PersonCaller, move: MoveRow) -> Move:
    record = record_adapter.validate_json(session.get_one(RecordRow, move.record_id).payload)
    visit, target = heads_of(session, [session.get_one(VisitRow, one) for one in (move.visit_id, move.to_visit_id)])
    kind, about = "photo", ""
    if isinstance(record, Reading):
        kind, about = "reading", record.kind
    elif isinstance(record, SoundRecorded):
        kind, about = "sound", record.circumstances.point or ""
    return Move.model_validate(
        {
            "id": move.id,
            "kind": kind,
            "about": about,
            "record_id": move.record_id,
            "measured_at": record.times.kit_utc,
            "visit": visit,
            "to_visit": target,
            "reason": move.reason,
            "proposed_by": move.proposed_by,
            "proposed_at": move.proposed_at,
            "state": move.state,
            "decided_by": move.decided_by,
            "decided_at": move.decided_at,
            "decided_reason": move.decided_reason,
            "own": move.proposed_by_id == caller.person.practitioner_id,
        }
    )
