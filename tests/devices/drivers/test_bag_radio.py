"""Bluetooth itself: missing, switched off, switched on again, and what the kit is told."""

import asyncio
import time

import pytest

from carebag_devices import bag as bag_module
from carebag_devices.bag import Bag
from carebag_devices.errors import RadioMissing
from carebag_devices.events import DeviceState, Event, RadioChanged


def problems(kitchen) -> list[str | None]:
    return [event.problem for event in kitchen.of(RadioChanged)]


async def test_bluetooth_that_works_is_said_once(kitchen) -> None:
    await kitchen.sim.cuff.start()
    await kitchen.until_ready("cuff")
    await kitchen.until(lambda: problems(kitchen) == [None])


async def test_an_adapter_that_was_switched_off_is_switched_on_again(make_kitchen, mode) -> None:
    if mode != "dbus":
        return  # only BlueZ has a switch
    async with make_kitchen() as kitchen:
        await kitchen.sim.cuff.start()
        await kitchen.until_ready("cuff")
        await kitchen.radio.bluez.adapter.set_powered(False)
        await kitchen.until(lambda: DeviceState.ASLEEP in kitchen.states("cuff"))
        await kitchen.until(lambda: kitchen.radio.bluez.adapter.powered)
        await kitchen.until_ready("cuff")


class NoRadio:
    """A machine whose Bluetooth is off, then gone, then there."""

    ask_passkey = None

    def __init__(self) -> None:
        self.missing = [RadioMissing("powered_off"), RadioMissing("no_bluetooth")]

    async def scan(self, _heard: object) -> None:
        if self.missing:
            raise self.missing.pop(0)
        await asyncio.Event().wait()


async def test_no_bluetooth_is_told_with_its_reason_and_told_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag_module, "RADIO_RETRY_S", 0.01)
    told: list[Event] = []
    back = asyncio.Event()

    def sink(event: Event) -> None:
        told.append(event)
        if event == RadioChanged(None):
            back.set()

    bag = Bag(sink=sink, monotonic=time.monotonic, simulated=False, radio=NoRadio())  # type: ignore[arg-type]
    running = asyncio.create_task(bag.run())
    await asyncio.wait_for(back.wait(), 20)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert told == [RadioChanged("bluetooth_off"), RadioChanged("radio_missing"), RadioChanged(None)]
