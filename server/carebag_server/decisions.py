"""A reading, sound or photo is a draft until a doctor keeps it, or rejects it with a reason. Once, and for good."""

import json
import uuid

from sqlalchemy.orm import Session

from carebag_server.announcements import announce_changed
from carebag_server.audit import append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub
from carebag_server.refusals import Refused, not_found
from carebag_server.relations import visible_visit
from carebag_server.tables import Finding, RequestRow, VisitRow
from carebag_server.visit_requests import add_request, move
from carebag_server.visit_views import FindingView, decide_alike, finding_of, part_of
from carebag_server.visits import act_on
from carebag_wire.api import AskFor, Decide
from carebag_wire.records import Reading, SoundRecorded
from carebag_wire.visit import PhotoView, ReadingView, SoundView


def decide(
    hub: Hub, session: Session, caller: PersonCaller, visit_id: uuid.UUID, kind: str, record_id: uuid.UUID, said: Decide
) -> FindingView:
    """Keep or reject; a request that it answered is done by this, and asking again makes a new one in the same act.

    The photo of a display is not decided on: it shares the fate of the reading that it proves.

    Args:
        kind: `reading`, `sound` or `photo`.

    Raises:
        Refused: 404 `not_found`, 409 `already_decided` or `visit_closed` (asking again), 422 `reason_needed` or
            `kept_needs_no_new_one`.
    """
    visit = visible_visit(session, caller, visit_id, hub.now())
    row = session.get(Finding, (record_id, visit.id))
    if row is None or row.kind != kind:
        raise not_found()
    _check(row, said)
    now = hub.now()
    row.decision, row.decided_by, row.decided_at, row.reason = said.decision, caller.person.name, now, said.reason
    session.flush()
    view = finding_of(session, row)
    append(session, caller.actor(), act_on(visit, f"{kind}_{said.decision}", _named(view)), now)
    announce_changed(session, visit, part_of(view))
    _take_along(session, visit, row, view)
    _settle_request(hub, session, caller, visit, row, view, said)
    return view


def _named(view: FindingView) -> str:
    """Kind and id, and of a reading what was measured: a log row says what it was about, never what it showed."""
    if isinstance(view, ReadingView):
        return f"reading {view.reading.id} {view.reading.kind}"
    return f"sound {view.sound.id}" if isinstance(view, SoundView) else f"photo {view.photo.id}"


def _check(row: Finding, said: Decide) -> None:
    if row.decision != "draft":
        raise Refused(409, "already_decided")
    if said.decision == "rejected" and not said.reason.strip():
        raise Refused(422, "reason_needed")
    if said.decision == "kept" and said.ask_again:
        raise Refused(422, "kept_needs_no_new_one")


def _take_along(session: Session, visit: VisitRow, row: Finding, view: FindingView) -> None:
    photo_id = view.reading.display_photo if isinstance(view, ReadingView) else None
    photo = session.get(Finding, (photo_id, visit.id)) if photo_id else None
    if photo is not None and photo.kind == "display":
        decide_alike(photo, row)
        session.flush()
        announce_changed(session, visit, part_of(finding_of(session, photo)))


def _settle_request(
    hub: Hub, session: Session, caller: PersonCaller, visit: VisitRow, row: Finding, view: FindingView, said: Decide
) -> None:
    request = session.get(RequestRow, row.request_id) if row.request_id else None
    if request is not None:
        move(session, visit, request, "done", hub.now())
    if said.ask_again:
        wanted = _the_same_again(view, request)
        add_request(hub, session, caller, visit, wanted, request.id if request else None, said.reason)


def _the_same_again(view: FindingView, request: RequestRow | None) -> AskFor:
    if request is not None:
        return AskFor.model_validate(
            {"kind": request.kind, "circumstances": json.loads(request.circumstances), "note": request.note}
        )
    if isinstance(view, PhotoView):
        return AskFor(kind="photo")
    record: Reading | SoundRecorded = view.reading if isinstance(view, ReadingView) else view.sound
    kind = "listen" if isinstance(view, SoundView) else view.reading.kind
    return AskFor.model_validate({"kind": kind, "circumstances": record.circumstances})
