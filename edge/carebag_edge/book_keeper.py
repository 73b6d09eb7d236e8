"""Writes what the hub said of the visits into the journal.

Each time it is the whole book: after an outage the hub tells of hundreds of values within seconds, and written for each
of them it held up what was still to be sent (2,000 values took 27 s of processor time).
"""

from collections.abc import Callable

from carebag_edge.journal import Journal
from carebag_edge.visits import VisitBook

KEY = "visits"
EVERY_NS = 1_000_000_000


class BookKeeper:
    """At once what comes alone, once a second what comes in numbers. What a power cut takes the hub says again."""

    def __init__(self, journal: Journal, book: VisitBook, monotonic_ns: Callable[[], int]) -> None:
        self._journal = journal
        self._book = book
        self._monotonic_ns = monotonic_ns
        self._written_ns: int | None = None
        self._waits = False

    def changed(self) -> None:
        """The book is another. Raises: a database's errors: it could not be written; `tick` tries again."""
        self._waits = True
        self.tick()

    def tick(self) -> None:
        """Write what waits, if it is time; told several times a second. Raises: as `changed`."""
        now_ns = self._monotonic_ns()
        if not self._waits or (self._written_ns is not None and now_ns - self._written_ns < EVERY_NS):
            return
        self._written_ns = now_ns
        self.write()

    def write(self) -> None:
        """Write what waits now. Raises: as `changed`."""
        if self._waits:
            self._journal.put_state(KEY, self._book.save())
            self._waits = False
