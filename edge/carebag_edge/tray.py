"""The unassigned tray: values that belong to no visit until the nurse decides, and her decisions, signed like all else.

    nobody's ──this patient──▶ filed into the open visit ──set aside──▶ set aside ──this patient──▶ …
        └──────set aside──────▶ set aside

Nothing is thrown away and no value's own record changes. A filed value can be taken back while its visit is open and
no doctor has decided on it; of several decisions the last one holds.
"""

from collections.abc import Sequence
from functools import partial

from carebag_edge.bedside import Bedside
from carebag_edge.binding import NOBODY, OpenVisit, Whom
from carebag_edge.clock import Clock
from carebag_edge.device_clock import taken_between
from carebag_edge.errors import Refused
from carebag_edge.journal_rows import TrayEntry
from carebag_edge.signed_act import readings_of_the_open, sign
from carebag_wire.nurse_messages import FileReading
from carebag_wire.records import Reading, ReadingFiled
from carebag_wire.visit import Person, TrayItem

SHOWN, SET_ASIDE_SHOWN = 100, 20


class Tray:
    """What the nurse's page shows of it, and what she does with it."""

    def __init__(self, bedside: Bedside, clock: Clock) -> None:
        self._bedside = bedside
        self._clock = clock
        self._read_at = -1
        self._waiting: Sequence[TrayItem] = ()
        self._set_aside: Sequence[TrayItem] = ()
        self._count = 0

    def waiting(self) -> Sequence[TrayItem]:
        """The newest that nobody decided about, the newest first."""
        self._read()
        return self._waiting

    def set_aside(self) -> Sequence[TrayItem]:
        """The last ones set aside, the last first."""
        self._read()
        return self._set_aside

    def count(self) -> int:
        self._read()
        return self._count

    def file(self, message: FileReading, nurse: Person) -> None:
        """Durable when it returns.

        Raises:
            Refused: `not_in_tray`, `visit_not_open`, `already_filed`, `already_set_aside`, `already_decided` (by
                the doctor).
        """
        entry = self._bedside.journal.of_tray(message.reading_id)
        if entry is None:
            raise Refused("not_in_tray")
        whom = self._filed(entry) if message.decision == "this_patient" else self._put_aside(entry)
        act = partial(
            ReadingFiled, reading_id=message.reading_id, decision=message.decision, reason=message.reason.strip()
        )
        with self._bedside.journal.transaction():
            sign(self._bedside, self._clock, nurse, act, whom)
        self._bedside.refresh()

    def _filed(self, entry: TrayEntry) -> Whom:
        if self._bedside.binder.visit is None:
            raise Refused("visit_not_open")
        decided = _decision(entry)
        if decided is not None and decided.decision == "this_patient":
            raise Refused("already_filed")
        return self._bedside.binder.now()

    def _put_aside(self, entry: TrayEntry) -> Whom:
        decided, visit = _decision(entry), self._bedside.binder.visit
        if decided is None:
            return NOBODY
        if decided.decision == "set_aside":
            raise Refused("already_set_aside")
        if visit is None or decided.binding.visit_id != visit.visit_id:
            raise Refused("already_filed")
        views = readings_of_the_open(self._bedside)
        if any(view.reading.id == decided.reading_id and view.decision != "draft" for view in views):
            raise Refused("already_decided")
        return self._bedside.binder.now()

    def _read(self) -> None:
        if self._read_at == self._bedside.changes:
            return
        self._read_at = self._bedside.changes
        journal, visit = self._bedside.journal, self._bedside.binder.visit
        self._waiting = [self._item(one, visit) for one in journal.in_tray(None, SHOWN)]
        self._set_aside = [self._item(one, None) for one in journal.in_tray("set_aside", SET_ASIDE_SHOWN)]
        self._count = journal.tray_count()

    def _item(self, entry: TrayEntry, visit: OpenVisit | None) -> TrayItem:
        reading, decided = entry.reading.record, _decision(entry)
        assert isinstance(reading, Reading)
        return TrayItem(
            reading=reading,
            received_at=entry.reading.received_at,
            offered=visit is not None and offered(reading, visit),
            set_aside_by=self._bedside.name_of(decided.binding.nurse_id) if decided else "",
            set_aside_at=decided.times.kit_utc if decided else None,
        )


def offered(reading: Reading, visit: OpenVisit) -> bool:
    """Whether it may have been measured in this visit: by its instrument's clock, or watched and of doubtful visit."""
    arrived, taken = reading.times.kit_utc, taken_between(reading.times)
    if arrived < visit.opened_at:
        return False
    return reading.provenance == "live" if taken is None else taken[1] >= visit.opened_at and taken[0] <= arrived


def _decision(entry: TrayEntry) -> ReadingFiled | None:
    record = entry.decided.record if entry.decided else None
    assert record is None or isinstance(record, ReadingFiled)
    return record
