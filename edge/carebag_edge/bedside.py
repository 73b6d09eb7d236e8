"""The visit on the kit: opened and closed by the nurse, filled by what is taken, as it stands without the hub."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from carebag_devices.events import ClockRead, Measured
from carebag_edge import book_keeper, observation_entry
from carebag_edge.binding import Armed, Binder, Moment, OpenVisit, PastVisit, Whom
from carebag_edge.book_keeper import BookKeeper
from carebag_edge.capture import observed_reading, reading_of, spot_reading, typed_reading
from carebag_edge.clock import Clock
from carebag_edge.device_clock import ClockState, DeviceClocks, age_of, parse
from carebag_edge.errors import NotSaved, Refused
from carebag_edge.journal import Journal
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.journal_rows import Entry
from carebag_edge.journal_tables import ARMED, OPEN
from carebag_edge.manual_entry import check
from carebag_edge.media_files import MediaFiles
from carebag_edge.unsaved import Taken, Unsaved
from carebag_edge.visits import VisitBook, answered_requests, overlaid
from carebag_edge.vitals import Spot
from carebag_scores.early_warning import with_early_warning
from carebag_wire.base import uuid7
from carebag_wire.image_strip import StrippedImage
from carebag_wire.messages import Changed, KitVisits, Present
from carebag_wire.nurse_messages import EnterObserved, EnterReading
from carebag_wire.nurse_messages import OpenVisit as OpenVisitMessage
from carebag_wire.records import PhotoTaken, Record, VisitClosed, VisitOpened
from carebag_wire.values import Times
from carebag_wire.visit import Person, VisitHead, VisitSnapshot

SAME_PRESS_NS = 1_000_000_000
"""A second press within it is the same press: a double click keeps one value, not two."""
PAST, NAMES = "past_visits", "nurse_names"


@dataclass(frozen=True)
class _Press:
    """What the last press of the nurse made, so that a double click makes no second one."""

    at_ns: int
    what: object
    entry: Entry


class Bedside:
    """Journal, binding and the known visits, kept in step. What a method keeps is durable when it returns."""

    def __init__(self, journal: Journal, media: MediaFiles, clock: Clock) -> None:
        """Everything comes back from the journal: the open visit, what is armed, the known visits."""
        self.journal = journal
        self._media = media
        self._clock = clock
        self._device_clocks = DeviceClocks()
        self.book = VisitBook(journal.state(book_keeper.KEY))
        self.keeper = BookKeeper(journal, self.book, clock.monotonic_ns)
        self._own: dict[UUID, list[Entry]] = {}
        opened = journal.state(OPEN)
        visit = OpenVisit.model_validate_json(opened) if opened else None
        armed = [Armed.model_validate(one) for one in journal.json_state(ARMED) or ()]
        past = [PastVisit.model_validate(one) for one in journal.json_state(PAST) or ()]
        done = answered_requests(self.own(visit.visit_id)) if visit else set()
        self.binder = Binder(visit, [one for one in armed if visit and one.request_id not in done], past)
        self.unsaved = Unsaved()
        self.counts_scores = True
        """Whether NEWS2 is worked out here; whoever runs the kit may switch it off."""
        self.make_room: Callable[[], bool] = lambda: False
        """Asked when the journal could not be written: True where it is worth trying again."""
        self.takes_photos: Callable[[], bool] = lambda: True
        self.changes = 0
        """Counts what `refresh` was told: whoever made something of the journal makes it anew when this is another."""
        journal.when_set_aside = self.refresh
        self._names: dict[str, str] = journal.json_state(NAMES) or {}
        self._last_press: _Press | None = None

    # What the pages see

    def own(self, visit_id: UUID) -> Sequence[Entry]:
        if visit_id not in self._own:
            self._own[visit_id] = self.journal.of_visit(visit_id)
        return self._own[visit_id]

    def refresh(self) -> None:
        """The journal changed: a record was added, acknowledged or set aside."""
        self.changes += 1
        self._own.clear()

    def name_of(self, nurse_id: UUID | None) -> str:
        """Of a nurse who decided something here; empty for others."""
        return self._names.get(str(nurse_id), "")

    def remember_name(self, nurse: Person) -> None:
        if self._names.get(str(nurse.practitioner_id)) != nurse.name:
            self._names[str(nurse.practitioner_id)] = nurse.name
            self.journal.put_json_state(NAMES, self._names)

    def snapshot(self, visit_id: UUID, nurse: Person | None) -> VisitSnapshot | None:
        whole = self._whole(visit_id, nurse)
        if whole is None or not self.counts_scores:
            return whole and whole.model_copy(update={"news2": None})
        return with_early_warning(whole)

    def _whole(self, visit_id: UUID, nurse: Person | None) -> VisitSnapshot | None:
        """Without a score: lists of visits need none."""
        known = self.book.get(visit_id)
        if known is None:
            return None
        journal = self.journal
        return overlaid(known, self.own(visit_id), nurse, journal.media_is_stored, journal.record, self.name_of)

    def open_snapshot(self, nurse: Person | None) -> VisitSnapshot | None:
        visit = self.binder.visit
        return self.snapshot(visit.visit_id, nurse) if visit else None

    def heads(self, nurse: Person | None) -> list[VisitHead]:
        found = [self._whole(head.id, nurse) for head in self.book.heads()]
        return [one.visit for one in found if one is not None]

    # The nurse opens and closes

    def open(self, message: OpenVisitMessage, nurse: Person) -> None:
        """Raises: Refused: `already_open`, `unknown_visit`, `visit_closed`, `two_identifiers`."""
        if self.binder.visit is not None:
            raise Refused("already_open")
        snapshot = self.snapshot(message.visit_id, nurse)
        if snapshot is None:
            raise Refused("unknown_visit")
        if snapshot.visit.state == "closed":
            raise Refused("visit_closed")
        patient = snapshot.visit.patient
        known = {
            "name": patient.name,
            "personal_id": patient.personal_id,
            "birth_date": patient.birth_date,
            "address": patient.place,
        }
        # what is not known of a patient identifies nobody
        identifiers = [one for one in dict.fromkeys(message.identifiers) if known.get(one, "?").strip()]
        if len(identifiers) < 2:
            raise Refused("two_identifiers")
        times = self._clock.times()
        visit = OpenVisit(
            visit_id=snapshot.visit.id,
            patient_id=snapshot.visit.patient.id,
            nurse_id=nurse.practitioner_id,
            opened_at=times.kit_utc,
            opened_ns=times.kit_monotonic_ns,
        )
        whom = Binder(visit).now()
        with self.journal.transaction():
            self.keeper.write()  # a visit that is open is never one of which the kit knows nothing
            self.remember_name(nurse)  # for a colleague who finds it open
            self.journal.append(
                lambda kit_seq: VisitOpened(
                    id=self._new_id(),
                    binding=whom.binding(self.journal.key.kit_id, kit_seq),
                    times=times,
                    identifiers=identifiers,
                )
            )
            self.journal.put_state(OPEN, visit.model_dump_json())
            self.journal.put_state(ARMED, None)
        self.binder.open(visit)
        self.refresh()

    def close(self, plan_read: bool) -> None:
        """Raises: Refused: `visit_not_open`."""
        if self.binder.visit is None:
            raise Refused("visit_not_open")
        whom, times = self.binder.now(), self._clock.times()
        at = moment_of(times)
        with self.journal.transaction():
            self.journal.append(
                lambda kit_seq: VisitClosed(
                    id=self._new_id(),
                    binding=whom.binding(self.journal.key.kit_id, kit_seq),
                    times=times,
                    plan_read=plan_read,
                )
            )
            self.journal.put_state(OPEN, None)
            self.journal.put_state(ARMED, None)
            self.save_past(self.binder.past_after(at))
        self.binder.close(at)
        self.refresh()

    # What is taken

    def keep_measured(self, event: Measured) -> Entry | None:
        """A device's value or error; None if this very measurement is here already.

        Raises:
            NotSaved: it waits in memory. Said again it is the same one, and written if the disk takes it now.
        """
        times = self._clock.times()
        now_ns = times.kit_monotonic_ns
        waiting = self.unsaved.take_repeat(event.measurement_id, now_ns)
        if waiting is not None:
            return self._store(waiting)
        measurement_id = _lasting_id(event)
        if self.unsaved.is_known(event.measurement_id, now_ns) or (
            measurement_id and self.journal.has_measurement(measurement_id)
        ):
            if event.provenance == "live":
                self.binder.ended(event.identity.id)
            return None
        times = self._device_clocks.times(event, times, self.binder.is_measuring(event.identity.id))
        whom = self._whom(event, moment_of(times))
        build = reading_of(event, whom, self.journal.key.kit_id, self._new_id(), times)
        answers = whom.request_id if event.problem is None else None
        return self._store(Taken(build, answers, now_ns, event.measurement_id, measurement_id))

    def _whom(self, event: Measured, arrived: Moment) -> Whom:
        then = self.binder.whom_then(event.kind, arrived, age_of(event))
        if event.provenance == "stored":
            return then
        # an instrument that stays connected may deliver after the nurse has gone on to the next visit, and what it
        # measured between two visits is nobody's: where nobody saw it begin, its own clock alone says when that was
        if age_of(event) is not None and not self.binder.saw_begin(event.identity.id):
            return then
        elsewhere = then.visit_id not in (None, self.binder.now().visit_id)
        if elsewhere and not self.binder.is_measuring(event.identity.id):
            return then
        return self.binder.whom(event.kind, event.identity.id)

    def clock_read(self, event: ClockRead) -> ClockState:
        """What an instrument's clock says now."""
        return self._device_clocks.read(event, self._clock.utc(), self._clock.local())

    def device_gone(self, device_id: str) -> None:
        """Its connection ended."""
        self._device_clocks.gone(device_id)

    def keep_spot(self, spot: Spot) -> Entry:
        """The oximeter's value of now, for the request that waits for one. Raises: Refused: `visit_not_open`."""
        if self.binder.visit is None:
            raise Refused("visit_not_open")
        whom = self.binder.whom("oximetry")
        same = self._same_press("spot")
        if same is not None:
            kept = same.record.binding
            if kept.visit_id == whom.visit_id and whom.request_id in (None, kept.request_id):
                return same
        return self._press("spot", spot_reading(spot, whom, self._kit_id, self._new_id(), self._clock.times()), whom)

    def check_typed(self, message: EnterReading) -> None:
        """Raises: Refused: `visit_not_open`, `unknown_photo`, and what `manual_entry.check` refuses."""
        check(message)
        if self.binder.visit is None:
            raise Refused("visit_not_open")
        if message.photo_id is not None and message.photo_id not in self._display_photos():
            raise Refused("unknown_photo")

    def check_observed(self, message: EnterObserved) -> None:
        """Raises: Refused: `visit_not_open`, and what `observation_entry.check` refuses."""
        observation_entry.check(message)
        if self.binder.visit is None:
            raise Refused("visit_not_open")

    def keep_observed(self, message: EnterObserved, simulated: bool) -> Entry:
        """What the nurse counted or saw, for the request that waits for its kind. Raises: as `check_observed`."""
        self.check_observed(message)
        whom = self.binder.whom(message.kind)
        build = observed_reading(message, whom, self._kit_id, self._new_id(), self._clock.times(), simulated)
        return self._press(message, build, whom)

    def typed_just_now(self, message: EnterReading | EnterObserved) -> bool:
        """Whether the press before was the same: a double click."""
        return self._same_press(message) is not None

    def keep_typed(self, message: EnterReading, simulated: bool) -> Entry:
        """What the nurse read off a display, for the request that waits for its kind. Raises: as `check_typed`."""
        self.check_typed(message)
        whom = self.binder.whom(message.kind)
        build = typed_reading(message, whom, self._kit_id, self._new_id(), self._clock.times(), simulated)
        return self._press(message, build, whom)

    def _display_photos(self) -> set[UUID]:
        """Photos of instruments' displays in the open visit."""
        own = self.own(self.binder.visit.visit_id) if self.binder.visit else ()
        return {one.record.id for one in own if isinstance(one.record, PhotoTaken) and one.record.of == "display"}

    def _same_press(self, what: object) -> Entry | None:
        last = self._last_press
        same = last is not None and last.what == what and self._clock.monotonic_ns() - last.at_ns < SAME_PRESS_NS
        return last.entry if last is not None and same else None

    def _press(self, what: object, build: Callable[[int], Record], whom: Whom) -> Entry:
        now_ns = self._clock.monotonic_ns()
        entry = self._store(Taken(build, whom.request_id, now_ns))
        self._last_press = _Press(now_ns, what, entry)
        return entry

    def keep_photo(
        self,
        visit_id: UUID,
        image: StrippedImage,
        of: Literal["patient", "display"] = "patient",
        times: Times | None = None,
        camera: str = "",
        by_doctor: bool = False,
    ) -> Entry:
        """A stripped photo of the open visit; one of a display answers no request.

        Args:
            times: when it was taken; None: now.
            camera: the kit's examination camera that took it; empty for the nurse's page.
            by_doctor: it answers only what the nurse began; the nurse's own answers what was asked first.

        Raises:
            Refused: `visit_not_open`, `no_room_for_photos`.
        """
        if self.binder.visit is None or self.binder.visit.visit_id != visit_id:
            raise Refused("visit_not_open")
        whom = self._photo_for(by_doctor=by_doctor) if of == "patient" else self.binder.now()
        times, record_id = times or self._clock.times(), self._new_id()
        if not self.takes_photos():
            raise Refused("no_room_for_photos")
        sha256 = self._media.keep(image.content)

        def build(kit_seq: int) -> PhotoTaken:
            return PhotoTaken(
                id=record_id,
                binding=whom.binding(self._kit_id, kit_seq),
                times=times,
                media_sha256=sha256,
                media_type=image.media_type,
                width=image.width,
                height=image.height,
                of=of,
                camera=camera,
            )

        return self._store(Taken(build, whom.request_id, times.kit_monotonic_ns, media_type=image.media_type))

    def _photo_for(self, *, by_doctor: bool) -> Whom:
        """A photo needs no instrument: the nurse may take it without having said that she begins."""
        whom = self.binder.whom("photo")
        snapshot = self.open_snapshot(None)
        if whom.request_id is not None or by_doctor or snapshot is None:
            return whom
        waiting = [one for one in snapshot.requests if one.kind == "photo" and one.state in ("asked", "started")]
        oldest = min(waiting, key=lambda one: (one.asked_at, one.id), default=None)
        return whom if oldest is None else replace(whom, request_id=oldest.id, circumstances=oldest.circumstances)

    def retry_unsaved(self) -> int:
        """Write what the disk would not take, bound as it was; gives how many still wait."""
        for taken in self.unsaved.take_all():
            with contextlib.suppress(NotSaved):
                self._store(taken)
                self.unsaved.written(taken, self._clock.monotonic_ns())
        return len(self.unsaved)

    def answered(self, request_id: UUID | None) -> None:
        """What was waited for came, or will not come any more."""
        if request_id is not None and self.binder.disarm(request_id):
            self.save_armed()
            self.save_past(self.binder.past)

    def save_armed(self) -> None:
        self.journal.put_json_state(ARMED, [one.model_dump(mode="json") for one in self.binder.armed])

    def save_past(self, past: Sequence[PastVisit]) -> None:
        self.journal.put_json_state(PAST, [one.model_dump(mode="json") for one in past])

    # What the hub says

    def hub_said(self, message: KitVisits | Changed | Present) -> None:
        if isinstance(message, Present):
            self.book.take_present(message)
            return
        if isinstance(message, KitVisits):
            open_now = self.binder.visit
            self.book.take_visits(message, frozenset({open_now.visit_id}) if open_now else frozenset())
        else:
            self.book.take_changed(message)
        self.keeper.changed()

    def kit_revoked(self) -> None:
        """Who is visited in the days ahead is no affair of this bag's any more; what was opened here stays until the
        hub has it."""
        planned = [head.id for head in self.heads(None) if head.state == "planned"]
        if planned:
            self.book.forget(planned)
            self.keeper.changed()

    def hub_away(self) -> None:
        self.book.nobody_present()

    def _store(self, taken: Taken) -> Entry:
        renewals = self.journal.renewals
        try:
            with self.journal.transaction():
                entry = self.journal.append(
                    taken.build, measurement_id=taken.measurement_id, media_type=taken.media_type
                )
                self.answered(taken.answers)
        except DATABASE_ERRORS:
            if self.journal.renewals != renewals or self.make_room():
                return self._store(taken)
            self.unsaved.wait(taken)
            raise NotSaved from None
        self.refresh()
        return entry

    @property
    def _kit_id(self) -> UUID:
        return self.journal.key.kit_id

    def _new_id(self) -> UUID:
        return uuid7(self._clock.unix_ms())


def moment_of(times: Times) -> Moment:
    return Moment(utc=times.kit_utc, ns=times.kit_monotonic_ns)


def _lasting_id(event: Measured) -> str:
    """The identity of a measurement if it holds for ever, else empty.

    A live value without a usable clock is identified by its content alone: an equal one is another measurement. What
    comes from a memory is the same whenever it is said again.
    """
    return event.measurement_id if event.provenance == "stored" or parse(event.device_time) else ""
