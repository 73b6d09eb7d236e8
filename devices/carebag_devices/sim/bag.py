"""The simulated bag: all its instruments on one air, and one body for them."""

import time
from collections.abc import Iterable, Mapping
from typing import get_args

from carebag_devices.catalog import CATALOG, Model, model_named
from carebag_devices.events import Kind
from carebag_devices.sim.body import Body
from carebag_devices.sim.casting import CannotPlay, play
from carebag_devices.sim.crp_analyser import CrpAnalyser
from carebag_devices.sim.cuff import Cuff
from carebag_devices.sim.habits import Habits
from carebag_devices.sim.handled import OUT_OF_REACH_S, Air, HandledBag
from carebag_devices.sim.hands import actions_of
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


class SimulatedBag(HandledBag):
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
        super().__init__(link, out_of_reach_s=out_of_reach_s)
        self._now, self._speed, self._sound_source = now, speed, sound_source
        self._cuff_sleeps_after_s = cuff_sleeps_after_s
        self.body = body or Body(seed)
        for kind in devices:
            device = self._make(kind, (models or {}).get(kind))
            self.add(kind, device, actions_of(device, self.body))
            setattr(self, kind, device)

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


def catalogued(kind: Device, key: str) -> Model:
    """Raises `CannotPlay` for a key that is not there or is another kind's."""
    model = model_named(key, CATALOG)
    if model is None or model.kind != kind:
        raise CannotPlay(key)
    return model
