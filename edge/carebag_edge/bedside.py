"""The visit on the kit: opened and closed by the nurse, filled by what is taken, as it stands without the hub."""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from carebag_devices.events import Measured
from carebag_edge import device_clock
from carebag_edge.binding import Armed, Binder, OpenVisit
from carebag_edge.capture import reading_of, spot_reading
from carebag_edge.clock import Clock
from carebag_edge.device_clock import DeviceClocks
from carebag_edge.errors import NotSaved, Refused
from carebag_edge.image_strip import StrippedImage
from carebag_edge.journal import Entry, Journal
from carebag_edge.media_files import MediaFiles
from carebag_edge.visits import VisitBook, answered_requests, overlaid
from carebag_edge.vitals import Spot
from carebag_wire.base import uuid7
from carebag_wire.messages import Changed, KitVisits, Present
from carebag_wire.messages import OpenVisit as OpenVisitMessage
from carebag_wire.records import PhotoTaken, Record, VisitClosed, VisitOpened
from carebag_wire.visit import Person, VisitHead, VisitSnapshot

SAME_PRESS_NS = 1_000_000_000
"""A second press within it is the same press: a double click keeps one value, not two."""
OPEN, ARMED, VISITS = "open_visit", "armed", "visits"


@dataclass(frozen=True)
class _Taken:
    """Something taken, bound already, on its way into the journal."""

    build: Callable[[int], Record]
    answers: UUID | None
    measurement_id: str = ""
    media_type: str = ""


class Bedside:
    """Journal, binding and the known visits, kept in step. What a method keeps is durable when it returns."""

    def __init__(self, journal: Journal, media: MediaFiles, clock: Clock) -> None:
        """Everything comes back from the journal: the open visit, what is armed, the known visits."""
        self.journal = journal
        self._media = media
        self._clock = clock
        self._device_clocks = DeviceClocks()
        self.book = VisitBook(journal.state(VISITS))
        self._own: dict[UUID, list[Entry]] = {}
        opened = journal.state(OPEN)
        visit = OpenVisit.model_validate_json(opened) if opened else None
        armed = tuple(Armed.model_validate(one) for one in journal.json_state(ARMED) or ())
        done = answered_requests(self.own(visit.visit_id)) if visit else set()
        self.binder = Binder(visit, tuple(one for one in armed if visit and one.request_id not in done))
        self.unsaved: list[_Taken] = []
        self._last_spot: tuple[int, Entry] | None = None
        """When, on the monotonic clock, and what."""

    # What the pages see

    def own(self, visit_id: UUID) -> Sequence[Entry]:
        if visit_id not in self._own:
            self._own[visit_id] = self.journal.of_visit(visit_id)
        return self._own[visit_id]

    def refresh(self) -> None:
        """The journal changed: a record was added or acknowledged."""
        self._own.clear()

    def snapshot(self, visit_id: UUID, nurse: Person | None) -> VisitSnapshot | None:
        known = self.book.get(visit_id)
        return overlaid(known, self.own(visit_id), nurse, self.journal.media_is_stored) if known else None

    def open_snapshot(self, nurse: Person | None) -> VisitSnapshot | None:
        visit = self.binder.visit
        return self.snapshot(visit.visit_id, nurse) if visit else None

    def heads(self, nurse: Person | None) -> list[VisitHead]:
        found = [self.snapshot(head.id, nurse) for head in self.book.heads()]
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
        identifiers = list(dict.fromkeys(message.identifiers))
        if len(identifiers) < 2:
            raise Refused("two_identifiers")
        times = self._clock.times()
        visit = OpenVisit(
            visit_id=snapshot.visit.id,
            patient_id=snapshot.visit.patient.id,
            nurse_id=nurse.practitioner_id,
            opened_at=times.kit_utc,
        )
        whom = Binder(visit).now()
        with self.journal.transaction():
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
        self.binder.close()
        self.refresh()

    # What is taken

    def keep_measured(self, event: Measured) -> Entry | None:
        """A device's value or error; None if this very measurement is here already."""
        # without a clock of the device two equal measurements are two: only with one is an equal one a repetition
        measurement_id = event.measurement_id if device_clock.parse(event.device_time) else ""
        if measurement_id and self.journal.has_measurement(measurement_id):
            self.binder.ended(event.identity.id)
            return None
        watched = self.binder.is_measuring(event.identity.id)
        whom = self.binder.whom(event.kind, event.identity.id, event.provenance)
        times = self._device_clocks.times(event, self._clock.times(), watched)
        build = reading_of(event, whom, self.journal.key.kit_id, self._new_id(), times)
        return self._store(_Taken(build, whom.request_id if event.problem is None else None, measurement_id))

    def keep_spot(self, spot: Spot) -> Entry:
        """The oximeter's value of now, for the request that waits for one. Raises: Refused: `visit_not_open`."""
        if self.binder.visit is None:
            raise Refused("visit_not_open")
        whom, now_ns = self.binder.whom("oximetry"), self._clock.monotonic_ns()
        if self._last_spot is not None and now_ns - self._last_spot[0] < SAME_PRESS_NS:
            kept = self._last_spot[1].record.binding
            if kept.visit_id == whom.visit_id and whom.request_id in (None, kept.request_id):
                return self._last_spot[1]
        build = spot_reading(spot, whom, self.journal.key.kit_id, self._new_id(), self._clock.times())
        entry = self._store(_Taken(build, whom.request_id))
        self._last_spot = (now_ns, entry)
        return entry

    def keep_photo(self, visit_id: UUID, image: StrippedImage) -> Entry:
        """A stripped photo of the open visit. Raises: Refused: `visit_not_open`."""
        if self.binder.visit is None or self.binder.visit.visit_id != visit_id:
            raise Refused("visit_not_open")
        whom, times, record_id = self.binder.whom("photo"), self._clock.times(), self._new_id()
        sha256 = self._media.keep(image.content)

        def build(kit_seq: int) -> PhotoTaken:
            return PhotoTaken(
                id=record_id,
                binding=whom.binding(self.journal.key.kit_id, kit_seq),
                times=times,
                media_sha256=sha256,
                media_type=image.media_type,
                width=image.width,
                height=image.height,
            )

        return self._store(_Taken(build, whom.request_id, media_type=image.media_type))

    def retry_unsaved(self) -> int:
        """Write what the disk would not take, bound as it was; gives how many still wait."""
        waiting, self.unsaved = self.unsaved, []
        for taken in waiting:
            with contextlib.suppress(NotSaved):
                self._store(taken)
        return len(self.unsaved)

    def answered(self, request_id: UUID | None) -> None:
        """What was waited for came, or will not come any more."""
        if request_id is not None and self.binder.disarm(request_id):
            self.save_armed()

    def save_armed(self) -> None:
        self.journal.put_json_state(ARMED, [one.model_dump(mode="json") for one in self.binder.armed])

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
        self.journal.put_state(VISITS, self.book.save())

    def hub_away(self) -> None:
        self.book.nobody_present()

    def _store(self, taken: "_Taken") -> Entry:
        try:
            with self.journal.transaction():
                entry = self.journal.append(
                    taken.build, measurement_id=taken.measurement_id, media_type=taken.media_type
                )
                self.answered(taken.answers)
        except sqlite3.Error:
            self.unsaved.append(taken)
            raise NotSaved from None
        self.refresh()
        return entry

    def _new_id(self) -> UUID:
        return uuid7(self._clock.unix_ms())
