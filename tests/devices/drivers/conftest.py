"""A kitchen: simulated instruments on a simulated air, and the real bag that listens to them through bleak.

`make test-bluez` runs the same tests with the real BlueZ in between (CAREBAG_RADIO=bluez, see devices/bluez).
"""

import asyncio
import itertools
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from carebag_devices.bag import Bag
from carebag_devices.book import DeviceBook
from carebag_devices.events import DeviceState, Event, Measured, SoundFrame, StateChanged
from carebag_devices.radio.simulated_radio import Mode, SimulatedRadio
from carebag_devices.sim.bag import SimulatedBag

PATIENCE_S = 20.0
"""A broken line fails here; nothing is measured by it."""
SPEED = 40.0


def counting(_rate_hz: int) -> Iterator[NDArray[np.int16]]:
    """Samples that number themselves, so that any loss, order or repetition shows."""
    for start in itertools.count(0, 1000):
        yield np.arange(start, start + 1000).astype(np.int16)


class Kitchen:
    """Collects what the bag tells and waits for what should come."""

    def __init__(self, radio: SimulatedRadio, known: set[str] | None = None, book: DeviceBook | None = None) -> None:
        self.radio = radio
        self.sim = SimulatedBag(radio.link, sound_source=counting, seed=7, speed=SPEED, out_of_reach_s=0.3)
        self.events: list[Event] = []
        self.refuse: Callable[[Event], bool] = lambda _event: False
        self._news = asyncio.Event()
        self.bag = Bag(
            sink=self.take,
            monotonic=time.monotonic,
            backend=radio.backend,
            scanner_backend=radio.scanner_backend,
            simulated=False,
            known=known,
            book=book,
        )

    def take(self, event: Event) -> None:
        if self.refuse(event):
            raise RuntimeError("the kit's journal is full")
        self.events.append(event)
        self._news.set()

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Wait for an event that makes `condition` true; give what it gave."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := condition()):
                self._news.clear()
                await self._news.wait()
        return found

    def of(self, kind: type[Any], device: str = "") -> list[Any]:
        return [e for e in self.events if isinstance(e, kind) and (not device or e.identity.kind == device)]

    def states(self, device: str) -> list[DeviceState]:
        """Every state told, repeated ones once."""
        told = [event.state for event in self.of(StateChanged, device)]
        return [state for state, _ in itertools.groupby(told)]

    async def until_state(self, device: str, state: DeviceState) -> StateChanged:
        return await self.until(
            lambda: (last := self.of(StateChanged, device)[-1:]) and last[0].state is state and last[0]
        )

    async def until_ready(self, *devices: str) -> None:
        for device in devices:
            await self.until_state(device, DeviceState.READY)

    async def until_measured(self, device: str, count: int = 1) -> Measured:
        await self.until(lambda: len(self.of(Measured, device)) >= count)
        return self.of(Measured, device)[count - 1]

    def heard(self, stream: int) -> list[SoundFrame]:
        return [frame for frame in self.of(SoundFrame) if frame.stream == stream]


def _brisk(mode: Mode) -> Any:
    """BlueZ without its 2 s before hanging up."""
    if mode == "in_process":
        return None
    from carebag_devices.radio.fake_bluez import Options

    return Options(disconnect_s=0.0)


def radio_in(mode: Mode | Literal["bluez"]) -> Any:
    """`SimulatedRadio`, or what has its face."""
    if mode == "bluez":
        from vhci_radio import VhciRadio

        return VhciRadio()
    return SimulatedRadio(mode, options=_brisk(mode))


@asynccontextmanager
async def kitchen_in(
    mode: Mode | Literal["bluez"], known: set[str] | None = None, book: DeviceBook | None = None
) -> AsyncIterator[Kitchen]:
    async with radio_in(mode) as radio:
        kitchen = Kitchen(radio, known, book)
        running = asyncio.create_task(kitchen.bag.run())
        try:
            yield kitchen
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await kitchen.sim.stop()


NEEDS_DBUS = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("dbus-daemon") is None, reason="no dbus-daemon here"
)


SIMULATED = ["in_process", pytest.param("dbus", marks=[pytest.mark.radio, NEEDS_DBUS])]


@pytest.fixture(params=["bluez"] if os.environ.get("CAREBAG_RADIO") == "bluez" else SIMULATED)
def mode(request: pytest.FixtureRequest) -> Mode:
    """Both ways of bleak to the same air, or the real BlueZ."""
    chosen: Mode = request.param
    return chosen


@pytest.fixture
def make_kitchen(mode: Mode) -> Callable[..., AbstractAsyncContextManager[Kitchen]]:
    """For a kitchen with a list of known devices."""
    return partial(kitchen_in, mode)


@pytest.fixture
async def kitchen(mode: Mode) -> AsyncIterator[Kitchen]:
    async with kitchen_in(mode) as made:
        yield made
