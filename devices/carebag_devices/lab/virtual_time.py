"""Time that jumps: an event loop that never waits but moves its clock to the next timer when nothing is to do."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class NothingLeft(RuntimeError):
    """Everybody waits for somebody else, and no timer runs."""


class _Jumping(selectors.DefaultSelector):
    """Finds what is ready; where nothing is, the time-out is jumped over."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise NothingLeft
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Starts at 0."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run_in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Like `asyncio.run`; an hour takes as long as its work."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
