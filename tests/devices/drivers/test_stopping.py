"""A stop that comes in the very moment in which what was waited for comes too: the task ends, and does not go on.

`asyncio.wait_for` of Python 3.11 loses that cancel (bpo-37658), one or two turns of the loop after the event.
"""

import asyncio
import time
from typing import Any

import pytest

from carebag_devices.bag import Bag
from carebag_devices.catalog import CATALOG, Model
from carebag_devices.connector import Connector
from carebag_devices.drivers.meter import MeterDriver
from carebag_devices.drivers.session import Ledger, Reporter
from carebag_devices.drivers.stethoscope import StethoscopeDriver
from carebag_devices.errors import DeviceLost, DeviceSilent
from carebag_devices.events import DeviceState, Event, Identity, StateChanged
from carebag_devices.link import Advert
from carebag_devices.sound_card.port_audio import PortAudio

turns = pytest.mark.parametrize("turns", range(4))
"""Of the event loop between what happens and the stop."""
ADVERT = Advert("C6:00:00:00:00:01", "cuff", frozenset())


def model_of(kind: str, memory: str | None = None) -> Model:
    return next(one for one in CATALOG if one.kind == kind and memory in (None, one.memory))


class Told(Reporter):
    """Keeps what was told, and says when."""

    def __init__(self, kind: Any) -> None:
        self.events: list[Event] = []
        self.news = asyncio.Event()
        super().__init__(Identity(ADVERT.address, kind), self._take, Ledger(time.monotonic))

    def _take(self, event: Event) -> bool:
        self.events.append(event)
        self.news.set()
        return True

    async def until(self, state: DeviceState) -> None:
        async with asyncio.timeout(10):
            while not any(isinstance(one, StateChanged) and one.state is state for one in self.events):
                self.news.clear()
                await self.news.wait()


class SilentLink:
    """Takes every write; nothing ever comes back."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self.wrote = asyncio.Event()

    def has(self, characteristic: str) -> bool:
        return False

    async def write(self, characteristic: str, data: bytes) -> None:
        self.wrote.set()


class EmptyAir:
    """Nobody is reached."""

    ask_passkey: Any = None

    async def connect(self, advert: Advert, **_: Any) -> Any:
        raise DeviceSilent("not_heard")

    async def admit(self, address: str, **_: Any) -> None: ...


async def stopped(task: "asyncio.Task[Any]", after: int) -> None:
    for _ in range(after):
        await asyncio.sleep(0)
    task.cancel()
    for _ in range(20):
        await asyncio.sleep(0)
    went_on = not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not went_on


@turns
async def test_an_instrument_that_is_asked_for_anew_and_given_up(turns: int) -> None:
    report = Told("cuff")
    connector = Connector(EmptyAir(), model_of("cuff"), report, asyncio.Lock())  # type: ignore[arg-type]
    connector.heard(ADVERT)
    task = asyncio.create_task(connector.run())
    await report.until(DeviceState.LOST)
    await asyncio.sleep(0)
    connector.retry()
    await stopped(task, turns)


@turns
async def test_a_memory_that_is_being_listened_to(turns: int) -> None:
    report, model = Told("cuff"), next(one for one in CATALOG if one.memory == "pushes")
    driver = MeterDriver(SilentLink(), report, model)  # type: ignore[arg-type]
    task = asyncio.create_task(driver.synchronise())
    await asyncio.sleep(0)
    driver._came.set()
    await stopped(task, turns)


@turns
async def test_an_answer_of_the_stethoscope(turns: int) -> None:
    link, report = SilentLink(), Told("stethoscope")
    driver = StethoscopeDriver(link, report, model_of("stethoscope"))  # type: ignore[arg-type]

    async def again() -> None:
        while True:
            await driver.mark()

    task = asyncio.create_task(again())
    await link.wrote.wait()
    await asyncio.sleep(0)
    assert driver._asked is not None
    driver._asked.answer.set_exception(DeviceLost("answered"))
    driver._asked.answer.exception()
    await stopped(task, turns)
    assert task.cancelled() or turns > 0


@turns
async def test_a_passkey_that_is_typed_while_the_bag_stops(turns: int) -> None:
    bag = Bag(sink=lambda event: None, monotonic=time.monotonic, simulated=True, radio=EmptyAir())  # type: ignore[arg-type]
    bag.start_pairing("cuff")
    bag._desk.heard(ADVERT, model_of("cuff"), known=False)
    bag.choose(ADVERT.address)
    task = asyncio.create_task(bag._ask_passkey(ADVERT.address))
    await asyncio.sleep(0)
    bag.give_passkey(123456)
    await stopped(task, turns)
    assert task.cancelled() or turns > 0
    bag.stop_pairing()


@turns
async def test_a_sound_input_that_opens_when_nobody_wants_it_any_more_is_closed(turns: int) -> None:
    system, closed = PortAudio(), asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(
        system._call(lambda: "stream", undo=lambda stream: (loop.call_soon_threadsafe(closed.set), None)[1])
    )
    await asyncio.sleep(0)  # the thread is begun
    time.sleep(0.05)  # noqa: ASYNC251 (and has ended, by all likelihood, before the loop hears of it)
    await stopped(task, turns)
    if task.cancelled():
        async with asyncio.timeout(10):
            await closed.wait()
    else:
        assert task.result() == "stream"
    assert task.cancelled() or turns > 0
