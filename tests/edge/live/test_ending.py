"""A task is ended, also one that loses a cancel."""

import asyncio

from carebag_edge.live import ending


async def test_a_task_that_loses_a_cancel_is_ended_by_the_next(monkeypatch) -> None:
    monkeypatch.setattr(ending, "AGAIN_S", 0.01)
    lost = []

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append(1)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await asyncio.wait_for(ending.end(task), 5)
    assert task.cancelled()
    await ending.end(task)
