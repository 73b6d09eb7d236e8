"""What the disk would not take: kept in memory, bound as it was, until it is written. Pure.

The instrument was not told that its value arrived, so it may say it again; that repeat is the same measurement.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from carebag_wire.records import Record

SAME_WITHIN_NS = 60_000_000_000
"""An instrument without clock and number says a refused value again within seconds; later an equal one is a new one."""


@dataclass(frozen=True)
class Taken:
    """Something taken, bound already, on its way into the journal."""

    build: Callable[[int], Record]
    answers: UUID | None
    at_ns: int
    """When, on the monotonic clock."""
    said: str = ""
    """The device's own identity of the measurement."""
    measurement_id: str = ""
    """The same if it is unique for ever; empty where only the content identifies it."""
    media_type: str = ""

    def is_repeat(self, said: str, now_ns: int) -> bool:
        return bool(said) and said == self.said and (bool(self.measurement_id) or now_ns - self.at_ns <= SAME_WITHIN_NS)


class Unsaved:
    """The queue, and what of it was written since."""

    def __init__(self) -> None:
        self._waiting: list[Taken] = []
        self._written: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, taken: Taken) -> None:
        self._waiting.append(taken)

    def take_all(self) -> list[Taken]:
        """Everything, out of the queue, the oldest first."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def take_repeat(self, said: str, now_ns: int) -> Taken | None:
        """What waits and was just said again, out of the queue."""
        found = next((one for one in self._waiting if one.is_repeat(said, now_ns)), None)
        if found is not None:
            self._waiting.remove(found)
        return found

    def written(self, taken: Taken, now_ns: int) -> None:
        """It is on the disk now, without the instrument's knowing."""
        self._written = {said: at for said, at in self._written.items() if now_ns - at <= SAME_WITHIN_NS}
        if taken.said:
            self._written[taken.said] = now_ns

    def is_known(self, said: str, now_ns: int) -> bool:
        """Whether this was refused to the instrument and written within the last minute."""
        at = self._written.get(said)
        return at is not None and now_ns - at <= SAME_WITHIN_NS
