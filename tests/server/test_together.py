"""What many sockets ask at once is read once for them; who is over is told, and nobody else."""

import asyncio
import threading
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from carebag_server import sessions, together
from carebag_server.tables import SignedIn
from carebag_server.together import AT_ONCE, Together, Watch


class Reader:
    """Answers with what it is asked; the first question waits until the test lets it go on."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, askers: Sequence[int]) -> list[str]:
        self.asked.append(list(askers))
        self.begun.set()
        assert self.go_on.wait(30)
        if any(asker < 0 for asker in askers):
            raise ValueError("unreadable")
        return [f"for {asker}" for asker in askers]


async def asking(reader: Reader, questions: Together[int, str], *askers: int) -> list[asyncio.Task[str]]:
    """The first is being answered when the others ask."""
    tasks = [asyncio.create_task(questions.ask(asker)) for asker in askers[:1]]
    assert await asyncio.to_thread(reader.begun.wait, 30)
    tasks += [asyncio.create_task(questions.ask(asker)) for asker in askers[1:]]
    await asyncio.sleep(0)
    return tasks


async def test_those_who_wait_are_answered_together_each_with_their_own() -> None:
    reader = Reader()
    questions = Together(reader)
    tasks = await asking(reader, questions, 1, 2, 3, 3)
    reader.go_on.set()
    assert await asyncio.gather(*tasks) == ["for 1", "for 2", "for 3", "for 3"]
    assert reader.asked == [[1], [2, 3, 3]]
    assert await questions.ask(4) == "for 4"


async def test_one_transaction_answers_so_many_and_no_more() -> None:
    reader = Reader()
    tasks = await asking(reader, Together(reader), *range(2 * AT_ONCE + 2))
    reader.go_on.set()
    assert await asyncio.gather(*tasks) == [f"for {asker}" for asker in range(2 * AT_ONCE + 2)]
    assert [len(asked) for asked in reader.asked] == [1, AT_ONCE, AT_ONCE, 1]


async def test_who_has_gone_is_not_read_for() -> None:
    reader = Reader()
    tasks = await asking(reader, Together(reader), 1, 2, 3)
    tasks[1].cancel()
    await asyncio.gather(tasks[1], return_exceptions=True)
    reader.go_on.set()
    assert await asyncio.gather(tasks[0], tasks[2]) == ["for 1", "for 3"]
    assert reader.asked == [[1], [3]]


async def test_a_failure_is_raised_for_all_of_that_question_and_the_next_goes_on() -> None:
    reader = Reader()
    tasks = await asking(reader, questions := Together(reader), 1, -2, 3)
    reader.go_on.set()
    assert await tasks[0] == "for 1"
    for task in tasks[1:]:
        with pytest.raises(ValueError, match="unreadable"):
            await task
    assert await questions.ask(4) == "for 4"


class Look:
    """Who may stay, and how often it was asked."""

    def __init__(self, *alive: uuid.UUID) -> None:
        self.alive = set(alive)
        self.looks: list[set[uuid.UUID]] = []
        self._looked = threading.Semaphore(0)

    def __call__(self, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
        self.looks.append(set(ids))
        self._looked.release()
        return self.alive & set(ids)

    async def again(self) -> None:
        """Until it has been asked once more."""
        assert await asyncio.to_thread(self._looked.acquire, True, 30)


async def test_only_who_is_over_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.005)
    stays, ends = uuid.uuid4(), uuid.uuid4()
    look = Look(stays, ends)
    watch = Watch(look)
    tasks = [asyncio.create_task(watch.until_over(one)) for one in (stays, ends, ends)]
    await look.again()
    await look.again()
    assert not any(task.done() for task in tasks)
    assert look.looks[0] == {stays, ends}
    look.alive.remove(ends)
    await asyncio.wait_for(asyncio.gather(*tasks[1:]), 30)
    assert not tasks[0].done()
    look.alive.clear()
    await asyncio.wait_for(tasks[0], 30)


async def test_nobody_there_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.005)
    look = Look(here := uuid.uuid4())
    watch = Watch(look)
    for _ in range(2):  # and again for who comes later
        task = asyncio.create_task(watch.until_over(here))
        await look.again()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        before = len(look.looks)
        await asyncio.sleep(0.05)
        assert len(look.looks) <= before + 1  # one may have been under way


async def test_who_cannot_be_looked_at_may_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.005)

    def fail(_ids: Any) -> set[uuid.UUID]:
        raise OSError("the store is gone")

    watch = Watch(fail)
    results = await asyncio.gather(*(watch.until_over(uuid.uuid4()) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [OSError] * 3


@pytest.mark.parametrize(
    ("column", "ago", "alive"),
    [
        ("used_at", sessions.IDLE - timedelta(seconds=1), True),
        ("used_at", sessions.IDLE, False),
        ("created_at", sessions.ABSOLUTE - timedelta(seconds=1), True),
        ("created_at", sessions.ABSOLUTE, False),
        ("ended_at", timedelta(0), False),
        ("locked_at", timedelta(0), False),
    ],
)
def test_sessions_live_as_long_together_as_alone(small_hub: Any, column: str, ago: timedelta, alive: bool) -> None:
    small_hub.sign_in("doctor")
    now = small_hub.clock()
    with small_hub.database.transaction() as session:
        session.execute(update(SignedIn).values({column: now - ago}))
    with small_hub.database.reading() as session:
        row = session.scalars(select(SignedIn)).one()
        assert sessions.alive(row, now) == alive
        locked = sessions.state_of(row, now) == "locked"
        assert sessions.those_locked(small_hub.database, [row.id], now) == ({row.id} if locked else set())
        others = [uuid.uuid4() for _ in range(1200)]  # more than one statement takes
        assert sessions.those_alive(small_hub.database, [*others, row.id], now) == ({row.id} if alive else set())
