"""The kit's journal in memory, which notes what was appended: for benches that judge binding and not the disk."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from carebag_edge.journal import Journal
from carebag_edge.journal_rows import Entry
from carebag_edge.keys import KitKey
from carebag_wire.records import Record


class NotingJournal(Journal):
    """As any journal, gone when it is closed."""

    def __init__(self, key: KitKey) -> None:
        super().__init__(Path(":memory:"), key, _in_memory)
        self.appended = 0
        self.last: Entry | None = None

    def append(self, build: Callable[[int], Record], *, measurement_id: str = "", media_type: str = "") -> Entry:
        self.last = super().append(build, measurement_id=measurement_id, media_type=media_type)
        self.appended += 1
        return self.last


def _in_memory(_path: Path) -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)
