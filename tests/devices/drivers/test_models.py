"""Every Bluetooth meter of the catalog, played by its simulator and read by the kit: what the sensor found arrives."""

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from carebag_devices.bag import Bag
from carebag_devices.catalog import CATALOG, Model, model_named
from carebag_devices.events import DeviceState, Event, Measured, OximeterSample, PairingChanged, StateChanged
from carebag_devices.radio.simulated_radio import Mode, SimulatedRadio
from carebag_devices.sim.bag import SimulatedBag

PATIENCE_S = 20.0
METERS = [
    model
    for model in CATALOG
    if model.driver in ("blood_pressure", "pulse_oximeter", "thermometer", "weight_scale", "glucose", "berry_oximeter")
]
START = {
    "cuff": "start",
    "oximeter": "finger_on",
    "thermometer": "measure",
    "scale": "measure",
    "glucose_meter": "measure",
}


class Watched:
    """What the bag tells."""

    bag: Bag

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()

    def take(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition: Any) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := condition()):
                self._news.clear()
                await self._news.wait()
        return found


@asynccontextmanager
async def played(
    model: Model, mode: Mode = "in_process", known: set[str] | None = None
) -> AsyncIterator[tuple[Watched, SimulatedBag]]:
    async with SimulatedRadio(mode) as radio:
        sim = SimulatedBag(
            radio.link,
            sound_source=lambda _rate: iter(()),
            speed=20,
            devices=(model.kind,),
            models={model.kind: model.key},
        )
        watched = Watched()
        bag = Bag(
            sink=watched.take,
            monotonic=time.monotonic,
            backend=radio.backend,
            scanner_backend=radio.scanner_backend,
            simulated=False,
            wall=lambda: datetime.now().astimezone(),
            known=known,
        )
        watched.bag = bag
        running = asyncio.create_task(bag.run())
        await sim.start()
        try:
            yield watched, sim
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await sim.stop()


@pytest.mark.parametrize("model", METERS, ids=lambda model: model.key)
async def test_a_model_is_recognised_connected_and_read(model: Model) -> None:
    async with played(model) as (watched, sim):
        await watched.until(lambda: any(event.state is DeviceState.READY for event in watched.of(StateChanged)))
        await sim.press(model.kind, START[model.kind])
        if model.kind == "oximeter" and not model.has("spot_only"):
            sample = await watched.until(lambda: next((s for s in watched.of(OximeterSample) if s.spo2), None))
            assert sample.problem is None
            assert bool(sample.pleth) == (model.driver == "berry_oximeter")
        else:
            if model.kind == "oximeter":
                await sim.press(model.kind, "spot")
            measured: Measured = await watched.until(lambda: next(iter(watched.of(Measured)), None))
            assert measured.problem is None
            assert measured.values
        identities = {event.identity.kind for event in watched.of(StateChanged)}
        assert identities == {model.kind}


@pytest.mark.radio
@pytest.mark.skipif(sys.platform != "linux" or shutil.which("dbus-daemon") is None, reason="no dbus-daemon here")
@pytest.mark.parametrize("right", [True, False])
async def test_a_meter_that_shows_six_digits_pairs_only_with_them(right: bool) -> None:
    model = model_named("roche_accu_chek")
    assert model is not None
    async with played(model, mode="dbus", known=set()) as (watched, sim):
        meter = sim.devices["glucose_meter"]
        watched.bag.start_pairing("glucose_meter")
        news = await watched.until(lambda: next((n for n in watched.of(PairingChanged) if n.found), None))
        watched.bag.choose(news.found[0].id)
        await watched.until(lambda: watched.of(PairingChanged)[-1].stage == "passkey" and meter.passkey is not None)
        number = meter.passkey
        watched.bag.give_passkey(number if right else (number + 1) % 1_000_000)
        last = await watched.until(lambda: (n := watched.of(PairingChanged)[-1]).stage in ("done", "failed") and n)
        assert (last.stage, last.problem) == (("done", None) if right else ("failed", "refused"))
        bonds = {event.bond for event in watched.of(StateChanged)}
        assert ("bonded" in bonds) == right
