"""A journal that rots while the kit runs: a new one is made beside it and takes its place, and measuring goes on.

As at the start (`journal_recovery.py`), with more to make it of: memory has every state, and each record that this
process wrote and the hub does not have. See docs/decisions/0029-what-rotted-is-set-aside.md.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from carebag_edge.data_key import DataKey
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.journal_memory import Remembered
from carebag_edge.journal_recovery import Recovery, is_behind, rebuild, wal_of
from carebag_edge.journal_swap import begin_next, complete_next, finish_swap, is_complete, keep_aside
from carebag_edge.journal_watch import Renewed
from carebag_edge.keys import KitKey
from carebag_edge.numbers_given import NumbersGiven
from carebag_edge.sealed_image import read_image
from carebag_edge.sealed_journal import journal_secret, sealed

log = logging.getLogger(__name__)
TRIES = 8
"""Of so many pages a turned bit is looked for: two seconds in which nothing else is done."""
EVERY_S = 10.0
"""Looked at no more often: where each page read is another one, mending helps nothing, and values wait in memory."""


class Renewal:
    """Of one journal; what `Journal.renewed` calls."""

    def __init__(
        self,
        path: Path,
        data_key: DataKey,
        key: KitKey,
        given: NumbersGiven,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._data_key, self._key, self._given = path, data_key, key, given
        self._monotonic = monotonic
        self._looked_at: float | None = None

    def __call__(self, kept: Remembered, close: Callable[[], None], *, has_failed: bool) -> Renewed | None:
        """As `Renew` says; None also where it was looked at a moment ago, or the disk takes no new journal."""
        now = self._monotonic()
        if self._looked_at is not None and now - self._looked_at < EVERY_S:
            return None
        self._looked_at = now
        try:
            done = None if is_complete(self._path) else self._made_beside(kept, has_failed=has_failed)
            if done is None and not has_failed:
                return None
            close()
            finish_swap(self._path)
            connection = sealed(self._data_key)(self._path)
        except (OSError, *DATABASE_ERRORS) as error:
            log.error("the journal is damaged and could not be mended: %s", type(error).__name__)
            return None
        if done is not None:
            log.error("the journal was mended while the kit runs: %d records, %d lost", done.records, done.lost)
        return Renewed(connection, is_mended=done is not None)

    def _made_beside(self, kept: Remembered, *, has_failed: bool) -> Recovery | None:
        """None: every page is as it was written, and it is the last that was."""
        content = self._path.read_bytes(), wal_of(self._path)
        image = read_image(*content, journal_secret(self._data_key), TRIES)
        # the last frames of a log that rotted look like a torn end, which they cannot be while the kit runs
        if image.is_sound and not (has_failed and is_behind(image, self._key, kept)):
            return None
        part = begin_next(self._path)
        done = rebuild(part, image, self._data_key, self._key, self._given.highest, kept)
        keep_aside(self._path, content)
        complete_next(self._path)
        return done
