"""What goes wrong on the way of the next values a device pushes. Each fault is used up by the value it befalls."""

from collections import deque
from dataclasses import dataclass
from typing import Literal

Break = Literal["", "unsent", "unconfirmed", "confirmed"]
"""When the link breaks: before the value left; when it arrived and its confirmation did not; after the confirmation."""


@dataclass(frozen=True)
class PushFault:
    """`keep`: only so many bytes leave. `twice`: the value is sent again at once."""

    breaks: Break = ""
    keep: int | None = None
    twice: bool = False

    def bent(self, value: bytes) -> bytes:
        return value if self.keep is None else value[: self.keep]


NONE = PushFault()


class Mischief:
    """Faults for the next pushes, in order. Battery and continuous values count like any other."""

    def __init__(self) -> None:
        self._waiting: deque[PushFault] = deque()

    def plan(self, fault: PushFault, *, after: int = 0) -> None:
        """`after`: so many pushes go well first."""
        self._waiting.extend([NONE] * after)
        self._waiting.append(fault)

    def next_push(self) -> PushFault:
        return self._waiting.popleft() if self._waiting else NONE

    def clear(self) -> None:
        self._waiting.clear()
