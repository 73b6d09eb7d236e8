"""What of the journal is in memory as well, for the moment in which its disk rots: no rotten page can take it. Pure."""

from collections.abc import Sequence
from typing import Any

MOST = 5000
"""Records of some kilobytes: 72 h without a network have fewer."""


class Remembered:
    """All states, and the records that this process wrote and the hub has not; in step with the transactions."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.records: dict[int, tuple[Any, ...]] = {}
        """kit_seq → the columns of `record` behind it."""
        self.last = 0
        """The highest number whose record is here."""
        self._before: tuple[dict[str, str], dict[int, tuple[Any, ...]], int] | None = None

    def began(self) -> None:
        self._before = (dict(self.states), dict(self.records), self.last)

    def ended(self, *, is_kept: bool) -> None:
        if not is_kept and self._before is not None:
            self.states, self.records, self.last = self._before
        self._before = None

    def put(self, key: str, value: str | None) -> None:
        if value is None:
            self.states.pop(key, None)
        else:
            self.states[key] = value

    def wrote(self, kit_seq: int, columns: Sequence[Any]) -> None:
        self.last = max(self.last, kit_seq)
        self.records[kit_seq] = tuple(columns)
        while len(self.records) > MOST:
            del self.records[next(iter(self.records))]

    def at_hub(self, kit_seq: int) -> None:
        self.records.pop(kit_seq, None)
