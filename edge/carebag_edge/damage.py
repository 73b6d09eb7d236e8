"""What the kit's disk did to what was kept on it, and who has seen that it is said; and what the hub will not take.

The notice is taken away by a person, whose name and time stay, and comes back for new damage only.
"""

import contextlib
import logging

from pydantic import BaseModel, ValidationError

from carebag_edge.clock import Clock
from carebag_edge.journal import Journal
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_wire.base import Utc
from carebag_wire.nurse_messages import Damage
from carebag_wire.visit import Person

log = logging.getLogger(__name__)
KEY = "damage"


class _Kept(BaseModel):
    """In the journal's state."""

    found: list[str] = []
    """Numbers of records and digests of files that were ever damaged, as they were found."""
    mended: int = 0
    """How often the journal was made anew."""
    seen: int = 0
    """Of `found`: so many were on the page of the person who saw it."""
    mended_seen: int = 0
    seen_by: Person | None = None
    seen_at: Utc | None = None


class DamageBook:
    """Of one kit. Read from the journal when it is made; what rots after it comes by `look`."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._kept = _read(journal.state(KEY))
        self._now: list[str] = []
        self._looked_at: int | None = None
        self.not_taken: tuple[int, str | None] = 0, None
        """What the hub refused: how much, and the code of the first."""

    def look(self) -> bool:
        """Whether there is new damage. Raises: a database's errors: of the damage, that it cannot be read."""
        if self._looked_at == self._journal.damages:
            return False
        self._now = self._journal.what_is_damaged()
        self.not_taken = self._journal.not_taken()
        self._looked_at = self._journal.damages
        known = set(self._kept.found)
        new = [one for one in self._now if one not in known]
        mended = self._journal.mendings
        if not new and not mended:
            return False
        found = self._kept.found + new
        self._kept = self._kept.model_copy(update={"found": found, "mended": self._kept.mended + mended})
        self._journal.mendings = 0
        with contextlib.suppress(*DATABASE_ERRORS):  # it is found again at the next start
            self._save()
        return True

    @property
    def count(self) -> int:
        """Records and files that are damaged now, and that the hub does not have."""
        return len(self._now)

    @property
    def number(self) -> int:
        """Grows with each damage, and never falls."""
        return len(self._kept.found) + self._kept.mended

    @property
    def mended(self) -> int:
        return self._kept.mended

    @property
    def shown(self) -> Damage | None:
        """None: nothing was ever wrong with the disk."""
        if self.number == 0:
            return None
        kept, now = self._kept, set(self._now)
        return Damage(
            number=self.number,
            lost=sum(one in now for one in kept.found[kept.seen :]),
            mended=kept.mended - kept.mended_seen,
            seen_by=kept.seen_by.name if kept.seen_by else "",
            seen_at=kept.seen_at,
        )

    def acknowledge(self, number: int, nurse: Person) -> None:
        """She has read it. What came after her page was drawn stays said. Raises: a database's errors: not kept."""
        if number != self.number:
            return
        before = self._kept
        self._kept = before.model_copy(
            update={
                "seen": len(before.found),
                "mended_seen": before.mended,
                "seen_by": nurse,
                "seen_at": self._clock.utc(),
            }
        )
        try:
            self._save()
        except DATABASE_ERRORS:
            self._kept = before
            raise
        log.info("the notice of damage was seen, number %d", number)

    def _save(self) -> None:
        self._journal.put_state(KEY, self._kept.model_dump_json())


def _read(text: str | None) -> _Kept:
    try:
        return _Kept.model_validate_json(text) if text else _Kept()
    except ValidationError:
        return _Kept()
