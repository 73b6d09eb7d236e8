"""What pytest needs inside the machine: no test hangs, and what is known to differ is said, not hidden."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable

import pytest

ONE_TEST_S = 90

KNOWN: dict[str, str] = {}
"""Test name (without parameters): why it fails on the real BlueZ. One that passes after all ends the run in red."""

NEVER_ENDS = {
    "test_without_agent_pairing_fails_and_the_link_stays": "a read without agent is never answered (over 60 s)",
    "test_what_is_paired_is_not_paired_again": "Pair of a bonded device is never answered (over 90 s)",
}
"""Not even tried."""


def in_time(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(test)
    async def limited(*arguments: object, **fixtures: object) -> None:
        async with asyncio.timeout(ONE_TEST_S):
            await test(*arguments, **fixtures)

    return limited


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.obj = in_time(item.obj)
        name = item.name.partition("[")[0]
        reason = KNOWN.get(name) or NEVER_ENDS.get(name)
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True, run=name in KNOWN))
