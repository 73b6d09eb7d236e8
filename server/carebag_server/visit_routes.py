"""The doctor's routes: visits, requests, decisions, the note, and what was heard."""

from carebag_server import early_warning, marks, notes, visit_requests, visits
from carebag_server import heard as hearing
from carebag_server.access import Doctor
from carebag_server.api_router import api_router
from carebag_server.decisions import decide
from carebag_server.earlier_sounds import earlier
from carebag_server.hub import TheHub
from carebag_server.visit_views import FindingView
from carebag_wire.api import (
    AskFor,
    CancelRequest,
    Decide,
    EarlierSound,
    HeardSound,
    MakeMark,
    SayPremise,
    SignNote,
    WriteNote,
)
from carebag_wire.base import Id
from carebag_wire.scores import ScorePremise
from carebag_wire.values import Point
from carebag_wire.visit import ListeningMark, Note, PhotoView, ReadingView, Request, SoundView, VisitHead, VisitSnapshot

router = api_router("/api/visits", "visits")


@router.get("")
def list_visits(caller: Doctor, hub: TheHub) -> list[VisitHead]:
    with hub.database.transaction() as session:
        return visits.list_heads(hub, session, caller)


@router.get("/{visit_id}")
def read_visit(visit_id: Id, caller: Doctor, hub: TheHub) -> VisitSnapshot:
    with hub.database.transaction() as session:
        return visits.read_visit(hub, session, caller, visit_id)


@router.post("/{visit_id}/requests", status_code=201)
def ask_for(visit_id: Id, wanted: AskFor, caller: Doctor, hub: TheHub) -> Request:
    with hub.database.transaction() as session:
        return visit_requests.ask(hub, session, caller, visit_id, wanted)


@router.post("/{visit_id}/requests/{request_id}/cancel")
def cancel_request(visit_id: Id, request_id: Id, said: CancelRequest, caller: Doctor, hub: TheHub) -> Request:
    with hub.database.transaction() as session:
        return visit_requests.cancel(hub, session, caller, visit_id, request_id, said.reason)


@router.post("/{visit_id}/readings/{reading_id}/decision")
def decide_reading(visit_id: Id, reading_id: Id, said: Decide, caller: Doctor, hub: TheHub) -> ReadingView:
    return _decide(hub, caller, visit_id, "reading", reading_id, said)  # type: ignore[return-value]


@router.post("/{visit_id}/sounds/{sound_id}/decision")
def decide_sound(visit_id: Id, sound_id: Id, said: Decide, caller: Doctor, hub: TheHub) -> SoundView:
    return _decide(hub, caller, visit_id, "sound", sound_id, said)  # type: ignore[return-value]


@router.post("/{visit_id}/photos/{photo_id}/decision")
def decide_photo(visit_id: Id, photo_id: Id, said: Decide, caller: Doctor, hub: TheHub) -> PhotoView:
    return _decide(hub, caller, visit_id, "photo", photo_id, said)  # type: ignore[return-value]


def _decide(hub: TheHub, caller: Doctor, visit_id: Id, kind: str, record_id: Id, said: Decide) -> FindingView:
    with hub.database.transaction() as session:
        return decide(hub, session, caller, visit_id, kind, record_id, said)


@router.put("/{visit_id}/note")
def write_note(visit_id: Id, text: WriteNote, caller: Doctor, hub: TheHub) -> Note:
    with hub.database.transaction() as session:
        return notes.write(hub, session, caller, visit_id, text)


@router.post("/{visit_id}/note/sign")
def sign_note(visit_id: Id, wanted: SignNote, caller: Doctor, hub: TheHub) -> Note:
    with hub.database.transaction() as session:
        return notes.sign(hub, session, caller, visit_id, wanted)


@router.get("/{visit_id}/sounds/earlier")
def earlier_sounds(visit_id: Id, caller: Doctor, hub: TheHub, point: Point | None = None) -> list[EarlierSound]:
    with hub.database.transaction() as session:
        return earlier(hub, session, caller, visit_id, point)


@router.post("/{visit_id}/marks", status_code=201)
def make_mark(visit_id: Id, wanted: MakeMark, caller: Doctor, hub: TheHub) -> ListeningMark:
    with hub.database.transaction() as session:
        return marks.make(hub, session, caller, visit_id, wanted)


@router.post("/{visit_id}/marks/{mark_id}/take_back")
def take_back_mark(visit_id: Id, mark_id: Id, caller: Doctor, hub: TheHub) -> ListeningMark:
    with hub.database.transaction() as session:
        return marks.take_back(hub, session, caller, visit_id, mark_id)


@router.post("/{visit_id}/premises", status_code=201)
def say_premise(visit_id: Id, said: SayPremise, caller: Doctor, hub: TheHub) -> ScorePremise:
    with hub.database.transaction() as session:
        return early_warning.say(hub, session, caller, visit_id, said)


@router.post("/{visit_id}/sounds/heard", status_code=204)
def sound_heard(visit_id: Id, heard: HeardSound, caller: Doctor, hub: TheHub) -> None:
    with hub.database.transaction() as session:
        hearing.hear(hub, session, caller, visit_id, heard)
