"""From a thread to the loop: in order, bounded, and what did not fit is counted."""

import asyncio
import threading

import numpy as np

from carebag_devices.sound_card.handover import Block, Handover


def block(number: int) -> bytes:
    return np.array([number] * 10, np.int16).tobytes()


async def test_blocks_of_another_thread_come_in_order() -> None:
    taken: list[Block] = []
    handover = Handover(taken.append)
    thread = threading.Thread(target=lambda: [handover.put(block(n), n / 100, False) for n in range(200)])
    thread.start()
    await asyncio.to_thread(thread.join)
    handover.drain()
    assert [one.captured_s for one in taken] == [n / 100 for n in range(200)]
    assert not any(one.dropped or one.overflowed for one in taken)


async def test_the_loop_is_called_by_itself() -> None:
    taken: asyncio.Queue[Block] = asyncio.Queue()
    handover = Handover(taken.put_nowait)
    await asyncio.to_thread(handover.put, block(1), 0.0, False)
    assert (await asyncio.wait_for(taken.get(), 5)).data == block(1)
    await asyncio.to_thread(handover.put, block(2), 0.0, False)
    assert (await asyncio.wait_for(taken.get(), 5)).data == block(2)


async def test_what_does_not_fit_is_counted_on_the_next_block() -> None:
    taken: list[Block] = []
    handover = Handover(taken.append, max_blocks=3)
    for number in range(8):
        handover.put(block(number), number, number == 4)
    handover.drain()
    handover.put(block(8), 8, False)
    handover.put(block(9), 9, False)
    handover.drain()
    assert [one.captured_s for one in taken] == [0, 1, 2, 8, 9]
    assert [one.dropped for one in taken] == [0, 0, 0, 50, 0]
    assert [one.overflowed for one in taken] == [False, False, False, True, False], "nor is an overflow forgotten"


async def test_a_loop_that_is_gone_is_no_error() -> None:
    def made() -> Handover:
        async def make() -> Handover:
            return Handover(lambda _block: None)

        return asyncio.run(make())

    handover = await asyncio.to_thread(made)
    handover.put(block(1), 0.0, False)
