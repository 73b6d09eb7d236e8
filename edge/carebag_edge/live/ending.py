"""Ending a task that may be in the midst of anything."""

import asyncio
from typing import Any

AGAIN_S = 1.0


async def end(task: asyncio.Task[Any]) -> None:
    """Returns when the task is done. One cancel is not enough: `asyncio.wait_for` of Python 3.11 loses the one that
    comes in the moment in which what it waits for is done (bpo-37658), and the task goes on.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_S)
