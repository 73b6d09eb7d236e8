"""The simulated bag: four devices on one air, one body, and the hand that presses keys."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol

from carebag_devices.sim.body import Body
from carebag_devices.sim.crp_analyser import CrpAnalyser
from carebag_devices.sim.cuff import Cuff
from carebag_devices.sim.oximeter import Oximeter
from carebag_devices.sim.peripheral import Clock, Peripheral
from carebag_devices.sim.stethoscope import SoundSource, Stethoscope

Device = Literal["cuff", "oximeter", "stethoscope", "crp_analyser"]

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

    def lose(self, address: str, *, silent_s: float = 0.0) -> None:
        """The device falls silent; after `silent_s` the link ends as by supervision time-out."""


class SimulatedBag:
    """`press` does what a hand does. `speed` hurries the cuff and the analyser; sound and oximeter keep their rates."""

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
    ) -> None:
        self._link = link
        self._out_of_reach_s = out_of_reach_s
        self._away: set[asyncio.Task[None]] = set()
        body = Body(seed)
        radio = {name: link.new_hci(name) for name in ("cuff", "oximeter", "stethoscope", "crp_analyser")}
        cuff, steth, crp = radio["cuff"], radio["stethoscope"], radio["crp_analyser"]
        self.cuff = Cuff(cuff.source, cuff.sink, body=body, now=now, speed=speed, sleep_after_s=cuff_sleeps_after_s)
        self.oximeter = Oximeter(radio["oximeter"].source, radio["oximeter"].sink, body=body, now=now)
        self.stethoscope = Stethoscope(steth.source, steth.sink, sound_source=sound_source, now=now)
        self.crp_analyser = CrpAnalyser(crp.source, crp.sink, now=now, speed=speed)
        self.devices: dict[str, Peripheral] = {
            "cuff": self.cuff,
            "oximeter": self.oximeter,
            "stethoscope": self.stethoscope,
            "crp_analyser": self.crp_analyser,
        }
        self._actions = self._make_actions()

    def _make_actions(self) -> dict[tuple[str, str], Callable[[], None]]:
        def skin(touching: bool) -> Callable[[], None]:
            return lambda: setattr(self.stethoscope, "on_skin", touching)

        return {
            ("cuff", "start"): self.cuff.start_measuring,
            ("cuff", "start_error"): lambda: self.cuff.start_measuring("cuff_too_loose"),
            ("cuff", "start_moved"): lambda: self.cuff.start_measuring("body_moved"),
            ("oximeter", "finger_on"): self.oximeter.finger_on,
            ("oximeter", "finger_off"): self.oximeter.finger_off,
            ("oximeter", "spot"): self.oximeter.give_spot,
            ("stethoscope", "place"): skin(True),
            ("stethoscope", "lift"): skin(False),
            ("crp_analyser", "insert_cassette"): lambda: self.crp_analyser.insert_cassette("12"),
            ("crp_analyser", "insert_cassette_low"): lambda: self.crp_analyser.insert_cassette("<5"),
            ("crp_analyser", "insert_cassette_error"): lambda: self.crp_analyser.insert_cassette("", "X"),
        }

    async def start(self) -> None:
        """Switch all four on."""
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

        cuff: start, start_error, start_moved · oximeter: finger_on, finger_off, spot · stethoscope: place, lift ·
        crp_analyser: insert_cassette (12 mg/L), insert_cassette_low (<5 mg/L), insert_cassette_error · all: vanish
        """
        if action == "vanish":
            self._carry_away(self.devices[device])
        else:
            self._actions[device, action]()

    def _carry_away(self, device: Peripheral) -> None:
        def drop(address: str) -> None:
            self._link.lose(address, silent_s=SUPERVISION_S)

        task = asyncio.ensure_future(device.vanish(self._out_of_reach_s, drop))
        self._away.add(task)
        task.add_done_callback(self._away.discard)
