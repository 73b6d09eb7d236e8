"""The simulated bag: instruments on one air, one body, and the hand that presses keys."""

import asyncio
import time
from collections.abc import Awaitable, Iterable, Mapping
from functools import partial
from typing import Any, Protocol, get_args, runtime_checkable

from carebag_devices.catalog import CATALOG, Model, model_named
from carebag_devices.events import Kind
from carebag_devices.sim.body import Body
from carebag_devices.sim.casting import CannotPlay, play
from carebag_devices.sim.crp_analyser import CrpAnalyser
from carebag_devices.sim.cuff import Cuff
from carebag_devices.sim.habits import Habits
from carebag_devices.sim.hands import Action, actions_of
from carebag_devices.sim.oximeter import Oximeter
from carebag_devices.sim.peripheral import Clock, Peripheral
from carebag_devices.sim.stethoscope import SoundSource, Stethoscope

Device = Kind
DEVICES: tuple[Device, ...] = get_args(Kind)
CLASSIC: tuple[Device, ...] = ("cuff", "oximeter", "stethoscope", "crp_analyser")
"""What a bag holds at the least."""
GENERIC: dict[Device, str] = {
    "cuff": "blood_pressure_service",
    "oximeter": "pulse_oximeter_service",
    "thermometer": "health_thermometer_service",
    "scale": "weight_scale_service",
    "glucose_meter": "glucose_service",
    "stethoscope": "open_auscultation_stream",
    "crp_analyser": "lis2_over_nordic_uart",
}
"""What each kind plays unless told otherwise."""

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


class SimulatedBag:
    """`press` does what a hand does. `speed` hurries the meters; sound and oximeter keep their rates.

    Args:
        link: the air, or one controller for each device.
        sound_source: what the stethoscope hears.
        devices: which kinds.
        models: kind → key of the catalog; a kind that is not named is a plain one of our own.
        body: whom they measure; default: one by `seed`.
    """

    cuff: Cuff
    oximeter: Oximeter
    stethoscope: Stethoscope
    crp_analyser: CrpAnalyser

    def __init__(
        self,
        link: Air,
        *,
        sound_source: SoundSource,
        seed: int = 1,
        speed: float = 1.0,
        cuff_sleeps_after_s: float | None = None,
        out_of_reach_s: float = OUT_OF_REACH_S,
        now: Clock = time.time,
        devices: Iterable[Device] = CLASSIC,
        models: Mapping[Device, str] | None = None,
        body: Body | None = None,
    ) -> None:
        self._link, self._now, self._speed = link, now, speed
        self._out_of_reach_s, self._sound_source = out_of_reach_s, sound_source
        self._cuff_sleeps_after_s = cuff_sleeps_after_s
        self._away: set[asyncio.Task[None]] = set()
        self.body = body or Body(seed)
        self.devices: dict[str, Peripheral] = {}
        for kind in devices:
            self.devices[kind] = device = self._make(kind, (models or {}).get(kind))
            setattr(self, kind, device)
        self._actions: dict[tuple[str, str], Action] = {
            (name, action): act
            for name, device in self.devices.items()
            for action, act in actions_of(device, self.body).items()
        }

    def _make(self, kind: Device, key: str | None) -> Peripheral:
        hci = self._link.new_hci(kind)
        if key is None and kind == "cuff":
            sleeps = self._cuff_sleeps_after_s
            return Cuff(hci.source, hci.sink, body=self.body, now=self._now, speed=self._speed, sleep_after_s=sleeps)
        if key is None and kind == "oximeter":
            return Oximeter(hci.source, hci.sink, body=self.body, now=self._now, habits=Habits())
        device = play(
            catalogued(kind, key or GENERIC[kind]),
            hci,
            body=self.body,
            now=self._now,
            speed=self._speed,
            sound_source=self._sound_source,
        )
        device.passkey_display = device.passkey_display and key is not None
        return device

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


def catalogued(kind: Device, key: str) -> Model:
    """Raises `CannotPlay` for a key that is not there or is another kind's."""
    model = model_named(key, CATALOG)
    if model is None or model.kind != kind:
        raise CannotPlay(key)
    return model
