"""The visits of this kit as far as it knows: what the hub said last, and over it what the kit itself wrote since. Pure.

The hub's objects win where both know one (it has the decisions); the kit's own records come first where the hub has
nothing yet. Nothing is ever deleted from a visit, so an object that a shorter list leaves out stays.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from carebag_edge.journal_rows import Entry
from carebag_wire.messages import Changed, KitVisits, Present
from carebag_wire.records import (
    PhotoTaken,
    QuestionPut,
    Reading,
    ReadingFiled,
    ReadingWithdrawn,
    RequestProgressed,
    SoundRecorded,
    VisitClosed,
    VisitOpened,
    VisitTakenOver,
)
from carebag_wire.visit import (
    Note,
    Person,
    PhotoView,
    ReadingView,
    Request,
    RequestState,
    SoundView,
    VisitHead,
    VisitQuestion,
    VisitSnapshot,
)

RANK: dict[RequestState, int] = {"asked": 0, "started": 1, "answered": 2, "done": 3, "declined": 3, "cancelled": 3}
VISIT_RANK = {"planned": 0, "open": 1, "closed": 2}
OVER = frozenset({"done", "declined", "cancelled"})
T = TypeVar("T")
_snapshots: TypeAdapter[list[VisitSnapshot]] = TypeAdapter(list[VisitSnapshot])


class VisitBook:
    """What the hub said about this kit's visits."""

    def __init__(self, saved: str | None = None) -> None:
        """`saved` is what `save` gave; a damaged or older text is an empty book, the hub tells it all again."""
        self._known: dict[UUID, VisitSnapshot] = {}
        try:
            for snapshot in _snapshots.validate_json(saved) if saved else []:
                self._known[snapshot.visit.id] = snapshot
        except ValidationError:
            self._known = {}

    def save(self) -> str:
        return _snapshots.dump_json(list(self._known.values())).decode()

    def get(self, visit_id: UUID) -> VisitSnapshot | None:
        return self._known.get(visit_id)

    def heads(self) -> list[VisitHead]:
        """In the order of the day."""
        return sorted((one.visit for one in self._known.values()), key=lambda head: (head.scheduled_at, head.id))

    def take_visits(self, message: KitVisits, keep: frozenset[UUID]) -> None:
        """The list anew; `keep` names visits that stay although the hub leaves them out (the open one)."""
        told = {snapshot.visit.id: snapshot for snapshot in message.visits}
        for visit_id in [one for one in self._known if one not in told and one not in keep]:
            del self._known[visit_id]
        for visit_id, snapshot in told.items():
            before = self._known.get(visit_id)
            self._known[visit_id] = _united(before, snapshot) if before else _without_drafts(snapshot)

    def forget(self, visit_ids: Iterable[UUID]) -> None:
        for visit_id in visit_ids:
            self._known.pop(visit_id, None)

    def take_changed(self, message: Changed) -> bool:
        """One object anew; False if the visit is not known here."""
        before = self._known.get(message.visit_id)
        if before is None:
            if message.visit is None:
                return False
            before = _empty(message.visit)
        update: dict[str, Any] = {}
        if message.visit is not None:
            update["visit"] = message.visit
        if message.request is not None:
            update["requests"] = _with(before.requests, message.request, lambda request: request.id)
        if message.reading is not None:
            update["readings"] = _with(before.readings, message.reading, lambda view: view.reading.id)
        if message.sound is not None:
            update["sounds"] = _with(before.sounds, message.sound, lambda view: view.sound.id)
        if message.photo is not None:
            update["photos"] = _with(before.photos, message.photo, lambda view: view.photo.id)
        if message.note is not None and message.note.state == "signed":
            update["notes"] = _with(before.notes, message.note, lambda note: note.id)
        if message.mark is not None:
            update["marks"] = _with(before.marks, message.mark, lambda mark: mark.id)
        if message.premise is not None:
            update["premises"] = _with(before.premises, message.premise, lambda premise: premise.id)
        if message.question is not None:
            update["questions"] = _with(before.questions, message.question, lambda question: question.id)
        if message.guest is not None:
            update["guests"] = _with(before.guests, message.guest, lambda guest: guest.id)
        self._known[message.visit_id] = before.model_copy(update=update)
        return True

    def take_present(self, message: Present) -> bool:
        before = self._known.get(message.visit_id)
        if before is None:
            return False
        update = {"participants": message.participants, "kit_online": message.kit_online}
        self._known[message.visit_id] = before.model_copy(update=update)
        return True

    def nobody_present(self) -> None:
        """The hub is away: who is in the room is no longer known."""
        for visit_id, one in self._known.items():
            self._known[visit_id] = one.model_copy(update={"participants": [], "kit_online": False})


def overlaid(
    snapshot: VisitSnapshot,
    own: Sequence[Entry],
    nurse: Person | None,
    stored: Callable[[str], bool],
    from_tray: Callable[[UUID], Entry | None],
    name_of: Callable[[UUID | None], str],
) -> VisitSnapshot:
    """The visit with the kit's own records that the hub may not have yet.

    Args:
        own: the journal's records of this visit, in order.
        nurse: who is shown as having opened it, as long as the hub does not say.
        stored: whether the hub has the content of a media digest.
        from_tray: the reading that was filed into this visit, by its id.
        name_of: who a practitioner is, as far as this kit knows.
    """
    head, requests = snapshot.visit, {request.id: request for request in snapshot.requests}
    readings = {view.reading.id: view for view in snapshot.readings}
    sounds = {view.sound.id: view for view in snapshot.sounds}
    photos = {view.photo.id: view for view in snapshot.photos}
    questions = {question.id: question for question in snapshot.questions}
    for entry in own:
        match entry.record:
            case VisitOpened() as opened:
                head = _moved(head, "open", opened.times.kit_utc, nurse)
            case VisitTakenOver() as taken if nurse and nurse.practitioner_id == taken.binding.nurse_id:
                head = head.model_copy(update={"nurse": nurse})
            case VisitClosed() as closed:
                head = _moved(head, "closed", closed.times.kit_utc, nurse)
            case RequestProgressed() as progressed:
                _progress(requests, progressed.binding.request_id, progressed.state, progressed.times.kit_utc)
            case QuestionPut() as put:
                questions.setdefault(put.id, _question(put, entry, name_of(put.binding.nurse_id)))
            case Reading() as reading:
                readings.setdefault(reading.id, ReadingView(reading=reading, received_at=entry.received_at))
                if reading.problem is None:
                    _progress(requests, reading.binding.request_id, "answered", reading.times.kit_utc)
            case ReadingFiled() as filed:
                before = readings.get(filed.reading_id) or _from_tray(from_tray(filed.reading_id))
                if before is not None:
                    readings[filed.reading_id] = _filed(before, filed, name_of(filed.binding.nurse_id))
            case ReadingWithdrawn() as withdrawn:
                typed = readings.get(withdrawn.reading_id)
                if typed is not None and typed.decision == "draft":
                    readings[withdrawn.reading_id] = _withdrawn(typed, withdrawn, name_of(withdrawn.binding.nurse_id))
            case SoundRecorded() as sound:
                kept = stored(sound.media_sha256)
                view = SoundView(sound=sound, media_stored=kept, received_at=entry.received_at)
                sounds.setdefault(sound.id, view)
                _progress(requests, sound.binding.request_id, "answered", sound.times.kit_utc)
            case PhotoTaken() as photo:
                kept = stored(photo.media_sha256)
                photo_view = PhotoView(photo=photo, media_stored=kept, received_at=entry.received_at)
                photos.setdefault(photo.id, photo_view)
                _progress(requests, photo.binding.request_id, "answered", photo.times.kit_utc)
    return snapshot.model_copy(
        update={
            "visit": head,
            "requests": list(requests.values()),
            "readings": list(readings.values()),
            "sounds": list(sounds.values()),
            "photos": list(photos.values()),
            "questions": list(questions.values()),
        }
    )


def _question(put: QuestionPut, entry: Entry, name: str) -> VisitQuestion:
    at, received_at = put.times.kit_utc, entry.received_at
    return VisitQuestion(id=put.id, text=put.text, asked_by=name, asked_at=at, received_at=received_at)


def _from_tray(entry: Entry | None) -> ReadingView | None:
    if entry is None or not isinstance(entry.record, Reading):
        return None
    return ReadingView(reading=entry.record, received_at=entry.received_at)


def _filed(view: ReadingView, filed: ReadingFiled, name: str) -> ReadingView:
    """The view after the nurse's decision; what a doctor decided stays."""
    if view.decision != "draft" and not view.taken_back:
        return view
    at = filed.times.kit_utc
    taken_back = filed.decision == "set_aside"
    update: dict[str, Any] = {"decision": "draft", "taken_back": False, "decided_by": "", "decided_at": None}
    if taken_back:
        update |= {"decision": "rejected", "taken_back": True, "decided_by": name, "decided_at": at}
    else:
        update |= {"filed_by": name or view.filed_by, "filed_at": at}
    return view.model_copy(update={**update, "reason": filed.reason if taken_back else ""})


def _withdrawn(view: ReadingView, withdrawn: ReadingWithdrawn, name: str) -> ReadingView:
    update: dict[str, Any] = {"decision": "rejected", "taken_back": True, "decided_by": name}
    return view.model_copy(update={**update, "decided_at": withdrawn.times.kit_utc, "reason": withdrawn.reason})


def answered_requests(own: Iterable[Entry]) -> set[UUID]:
    """Requests that wait for nothing more: declined, or answered by more than a device's error."""
    done: set[UUID] = set()
    for entry in own:
        record, request_id = entry.record, entry.record.binding.request_id
        if request_id is None or (isinstance(record, Reading) and record.problem is not None):
            continue
        if isinstance(record, RequestProgressed) and record.state == "started":
            continue
        done.add(request_id)
    return done


def _moved(head: VisitHead, state: str, at: datetime, nurse: Person | None) -> VisitHead:
    if VISIT_RANK[state] <= VISIT_RANK[head.state]:
        return head
    moment = {"open": "opened_at", "closed": "closed_at"}[state]
    return head.model_copy(update={"state": state, moment: at, "nurse": head.nurse or nurse})


def _progress(requests: dict[UUID, Request], request_id: UUID | None, state: RequestState, at: datetime) -> None:
    request = requests.get(request_id) if request_id else None
    if request is not None and RANK[state] > RANK[request.state]:
        requests[request.id] = request.model_copy(update={"state": state, "changed_at": at})


def _united(before: VisitSnapshot, told: VisitSnapshot) -> VisitSnapshot:
    told = _without_drafts(told)
    return told.model_copy(
        update={
            "requests": _union(before.requests, told.requests, lambda one: one.id),
            "readings": _union(before.readings, told.readings, lambda view: view.reading.id),
            "sounds": _union(before.sounds, told.sounds, lambda view: view.sound.id),
            "photos": _union(before.photos, told.photos, lambda view: view.photo.id),
            "notes": _union(before.notes, told.notes, lambda note: note.id),
            "marks": _union(before.marks, told.marks, lambda mark: mark.id),
            "premises": sorted(
                _union(before.premises, told.premises, lambda premise: premise.id), key=lambda one: (one.at, one.id)
            ),
        }
    )


def _without_drafts(snapshot: VisitSnapshot) -> VisitSnapshot:
    """A draft note is its author's own; the kit has no business with one."""
    signed: list[Note] = [note for note in snapshot.notes if note.state == "signed"]
    return snapshot.model_copy(update={"notes": signed})


def _union(before: list[T], told: list[T], key: Callable[[T], UUID]) -> list[T]:
    return list({**{key(one): one for one in before}, **{key(one): one for one in told}}.values())


def _with(before: list[T], new: T, key: Callable[[T], UUID]) -> list[T]:
    return _union(before, [new], key)


def _empty(head: VisitHead) -> VisitSnapshot:
    return VisitSnapshot(
        visit=head, requests=[], readings=[], sounds=[], photos=[], notes=[], participants=[], kit_online=False
    )
