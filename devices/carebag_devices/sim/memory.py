"""The memory of a simulated meter: numbered records, the oldest falls out, some are forgotten once transferred."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from carebag_devices.codecs.date_time import DateTime
from carebag_devices.codecs.racp import Operator, Request, SequenceNumber
from carebag_devices.sim.truth import Taken

CAPACITY = 60


@dataclass(eq=False)
class Entry:
    """One record. `stamp` is the device's own clock when it was taken; `content` whatever the device makes bytes of."""

    sequence: int
    stamp: DateTime
    taken: Taken
    content: Any
    sent: bool = False
    """A central confirmed it."""
    sent_at_s: float | None = None
    """When it left first, unix time."""
    fresh: bool = False
    """It left first on the link on which it was measured."""


@dataclass
class Memory:
    """Oldest first."""

    capacity: int = CAPACITY
    lost: list[Entry] = field(default_factory=list)
    """Fell out unsent, to make room or because a person cleared the memory: nobody can have them any more."""
    _entries: list[Entry] = field(default_factory=list)
    _next: int = 1

    def add(self, taken: Taken, stamp: DateTime, content: Any) -> Entry:
        entry = Entry(self._next, stamp, taken, content)
        self._next = self._next % 0xFFFF + 1
        self._entries.append(entry)
        while len(self._entries) > self.capacity:
            self.drop(self._entries[0])
        return entry

    def forget(self, entry: Entry) -> None:
        """It was transferred, and this device then deletes it."""
        if entry in self._entries:
            self._entries.remove(entry)

    def clear(self) -> None:
        for entry in list(self._entries):
            self.drop(entry)

    def drop(self, entry: Entry) -> None:
        """It is gone for ever, sent or not."""
        self.forget(entry)
        if not entry.sent:
            self.lost.append(entry)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, entry: object) -> bool:
        return entry in self._entries

    def selected(self, request: Request) -> list[Entry]:
        """Raises `ValueError` for a filter it does not know: only numbers are."""
        numbers = [bound.number for bound in request.bounds if isinstance(bound, SequenceNumber)]
        if len(numbers) != len(request.bounds):
            raise ValueError("filter")
        match request.operator:
            case Operator.ALL:
                return list(self)
            case Operator.FIRST:
                return self._entries[:1]
            case Operator.LAST:
                return self._entries[-1:]
            case Operator.AT_LEAST:
                return [entry for entry in self if entry.sequence >= numbers[0]]
            case Operator.AT_MOST:
                return [entry for entry in self if entry.sequence <= numbers[0]]
            case Operator.RANGE:
                return [entry for entry in self if numbers[0] <= entry.sequence <= numbers[1]]
        raise ValueError("operator")
