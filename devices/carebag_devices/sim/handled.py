"""Simulated devices on one air, and the hand that presses their keys."""

import asyncio
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Any, Protocol, runtime_checkable

from carebag_devices.sim.hands import Action
from carebag_devices.sim.peripheral import Peripheral

OUT_OF_REACH_S = 5.0
SUPERVISION_S = 0.7
"""How long both sides wait for a device that fell silent."""


class Hci(Protocol):
    """The two ends of one radio."""

    @property
    def source(self) -> Any: ...

    @property
    def sink(self) -> Any: ...


class Air(Protocol):
    """What the bag asks of `radio.link_model.RadioLink`."""

    def new_hci(self, name: str) -> Hci:
        """A radio for one more device."""


@runtime_checkable
class Losing(Protocol):
    """An air that can lose a device; on real controllers a device can only leave."""

    def lose(self, address: str, *, silent_s: float = 0.0) -> None:
        """The device falls silent; after `silent_s` the link ends as by supervision time-out."""


class HandledBag:
    """Devices by name, what can be done with each, and doing it. Subclasses `add` them."""

    def __init__(self, link: Air, *, out_of_reach_s: float = OUT_OF_REACH_S) -> None:
        self.devices: dict[str, Peripheral] = {}
        self._link, self._out_of_reach_s = link, out_of_reach_s
        self._actions: dict[tuple[str, str], Action] = {}
        self._away: set[asyncio.Task[None]] = set()

    def add(self, name: str, device: Peripheral, actions: Mapping[str, Action]) -> None:
        self.devices[name] = device
        self._actions |= {(name, action): act for action, act in actions.items()}

    async def start(self) -> None:
        """Switch all on."""
        for device in self.devices.values():
            await device.start()

    async def stop(self) -> None:
        for task in list(self._away):
            task.cancel()
        await asyncio.gather(*self._away, return_exceptions=True)
        for device in self.devices.values():
            await device.stop()

    async def press(self, device: str, action: str) -> None:
        """Do `action` with `device`. Raises `KeyError` for what cannot be done; returns at once, the device goes on.

        `carebag_devices.sim.hands` lists the actions of each kind; `vanish` (out of reach for a while) goes with all.
        """
        if action == "vanish":
            self._carry_away(self.devices[device])
            return
        doing = self._actions[device, action]()
        if isinstance(doing, Awaitable):
            await doing

    def offers(self) -> dict[str, list[str]]:
        """Which actions there are."""
        return {
            name: [*(action for device, action in self._actions if device == name), "vanish"] for name in self.devices
        }

    async def lose(self, device: str, silent_s: float = SUPERVISION_S) -> None:
        """The air loses the device's link; it advertises again at once."""
        one = self.devices[device]
        if isinstance(self._link, Losing):
            self._link.lose(one.label.address, silent_s=silent_s)
        else:
            await one.break_link()

    def _carry_away(self, device: Peripheral) -> None:
        drop = None
        if isinstance(self._link, Losing):
            drop = partial(self._link.lose, silent_s=SUPERVISION_S)
        task = asyncio.ensure_future(device.vanish(self._out_of_reach_s, drop))
        self._away.add(task)
        task.add_done_callback(self._away.discard)
