"""What many sockets ask of the store is asked once for all of them: a thread for each would hold up all calls."""

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

Asker = TypeVar("Asker")
Answer = TypeVar("Answer")
AT_ONCE = 50
"""Askers answered in one transaction: it holds up the writers after it for some tens of milliseconds."""
LOOK_SECONDS = 20.0
"""How often a console's session, or a kit's enrolment, is looked at while its socket is open."""


class Together(Generic[Asker, Answer]):
    """One question for all who ask while the one before is being answered. Event loop only.

    Args:
        answer: gives, in a thread, as many answers as there are askers, in their order.
    """

    def __init__(self, answer: Callable[[Sequence[Asker]], Sequence[Answer]]) -> None:
        self._answer = answer
        self._waiting: list[tuple[Asker, asyncio.Future[Answer]]] = []
        self._answering: asyncio.Task[None] | None = None

    async def ask(self, asker: Asker) -> Answer:
        """The asker's answer; what goes wrong with it is raised for everyone who asked with it."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asker, future))
        if self._answering is None:
            self._answering = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._answer_all([(asker, future) for asker, future in asked if not future.done()])
        finally:
            self._answering = None

    async def _answer_all(self, asked: list[tuple[Asker, asyncio.Future[Answer]]]) -> None:
        """Who has gone meanwhile is not read for, and who goes while it is read is not told."""
        if not asked:
            return
        try:
            answers = await run_in_threadpool(self._answer, [asker for asker, _ in asked])
        except Exception as error:
            for _, future in asked:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(asked, answers, strict=True):
            if not future.done():
                future.set_result(answer)


class Watch:
    """Looks every `LOOK_SECONDS` which of those who are connected may no longer be. Event loop only.

    Args:
        alive: gives, in a thread, those of the ids that may stay.
    """

    def __init__(self, alive: Callable[[Sequence[uuid.UUID]], AbstractSet[uuid.UUID]]) -> None:
        self._alive = alive
        self._waiting: dict[asyncio.Future[None], uuid.UUID] = {}
        self._looking: asyncio.Task[None] | None = None

    async def until_over(self, one: uuid.UUID) -> None:
        """Returns when `one` may no longer stay; raises what goes wrong when the store is asked."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = one
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            await future
        finally:
            del self._waiting[future]
            if not self._waiting and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            waiting = dict(self._waiting)
            try:
                alive = await run_in_threadpool(self._alive, list(set(waiting.values())))
            except Exception as error:
                self._end(waiting, error)
            else:
                self._end([future for future, one in waiting.items() if one not in alive])

    @staticmethod
    def _end(futures: Iterable[asyncio.Future[None]], error: Exception | None = None) -> None:
        for future in futures:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
