"""That the page was locked or opened, and each wrong PIN, as signed records: the hub's access log has them, once, also
after days without a network."""

from collections.abc import Callable
from typing import Literal
from uuid import UUID

from carebag_edge.binding import NOBODY
from carebag_edge.clock import Clock
from carebag_edge.journal import Journal
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.unsaved import Taken, Unsaved
from carebag_wire.base import uuid7
from carebag_wire.records import PageLockChanged

Change = Literal["locked", "unlocked", "wrong_pin"]
How = Literal["idle", "by_hand", "pin", "sign_in"]


class LockRecords:
    """Args:
    unsaved: where a record waits that the disk would not take.
    whose: practitioner whose page it is.
    """

    def __init__(self, journal: Journal, unsaved: Unsaved, clock: Clock, whose: Callable[[], UUID | None]) -> None:
        self._journal, self._unsaved, self._clock, self._whose = journal, unsaved, clock, whose
        self.kept: Callable[[], None] = lambda: None
        """Told that a record is in the journal."""

    def keep(self, put: Callable[[], None], change: Change, how: How, wrong: int = 0) -> None:
        """The lock's new state and its record, both or neither on the disk.

        Args:
            put: writes the state.

        Raises:
            DATABASE_ERRORS: nothing is on the disk; the record waits in memory.
        """
        times, record_id = self._clock.times(), uuid7(self._clock.unix_ms())
        nurse_id, kit_id = self._whose(), self._journal.key.kit_id

        def build(kit_seq: int) -> PageLockChanged:
            binding = NOBODY.binding(kit_id, kit_seq).model_copy(update={"nurse_id": nurse_id})
            return PageLockChanged(id=record_id, binding=binding, times=times, change=change, how=how, wrong=wrong)

        try:
            with self._journal.transaction():
                put()
                self._journal.append(build)
        except DATABASE_ERRORS:
            self._unsaved.wait(Taken(build, None, times.kit_monotonic_ns))
            raise
        self.kept()
