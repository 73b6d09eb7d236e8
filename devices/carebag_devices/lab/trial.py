"""One script, played to simulated devices with the kit's real drivers between, and judged against what was measured.

    devices ─ DirectAir ─ Bag ─▶ what the kit was told
       └─ what their sensors found ─▶ `judgement`

When the script is over, all faults end and a patient nurse sees to it that everything stored can come.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from carebag_devices.bag import Bag
from carebag_devices.events import DeviceState, Event, Measured, OximeterSample, PairingChanged, StateChanged
from carebag_devices.lab.direct_air import DirectAir, Sent
from carebag_devices.lab.faults import Script
from carebag_devices.lab.player import Player
from carebag_devices.lab.virtual_time import run_in_virtual_time
from carebag_devices.sim.bag import SimulatedBag
from carebag_devices.sim.berry import BerryOximeter
from carebag_devices.sim.body import Body
from carebag_devices.sim.crp_analyser import CrpAnalyser
from carebag_devices.sim.instrument import Instrument
from carebag_devices.sim.peripheral import Peripheral

BEGAN_S = datetime(2026, 11, 26, 8, 0, tzinfo=UTC).timestamp()
"""When every trial begins, unix time."""
ROUND_S = 25.0
ROUNDS_AT_MOST = 40
RECONNECTIONS = 2
"""Once all is sent, so many more connections show what comes twice."""
REACTION_S = 2.0
BERRY_PACKETS_PER_S = 8
"""Instead of a hundred: enough for a sample a second."""


@dataclass(frozen=True)
class Told:
    """An event and when the kit was told, unix time."""

    at_s: float
    event: Measured | OximeterSample


@dataclass
class Trial:
    """What came of a script."""

    script: Script
    told: list[Told] = field(default_factory=list)
    states: list[StateChanged] = field(default_factory=list)
    devices: dict[str, Peripheral] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    surprises: list[Exception] = field(default_factory=list)
    """Raised by a driver when it was given a value."""
    settled: bool = False
    """Every device could get rid of what it had."""


class Nurse:
    """Does what the page says: looks for an instrument whose bond is lost, types the digits it shows."""

    def __init__(self, sim: SimulatedBag) -> None:
        self._sim = sim
        self.bag: Bag
        self._busy: asyncio.Task[None] | None = None
        self._needed: list[str] = []
        self._states: dict[str, DeviceState] = {}

    def told(self, event: Event) -> None:
        if isinstance(event, StateChanged):
            self._states[event.identity.id] = event.state
        if isinstance(event, StateChanged) and event.state is DeviceState.NEEDS_PAIRING:
            if event.identity.id not in self._needed:
                self._needed.append(event.identity.id)
            if self._busy is None or self._busy.done():
                self._busy = asyncio.get_running_loop().create_task(self._pair())
        if isinstance(event, PairingChanged) and event.stage == "passkey":
            asyncio.get_running_loop().call_later(REACTION_S, self._type, event.device_id)

    def _type(self, address: str) -> None:
        number = self._device(address)[1].passkey
        if number is not None:
            self.bag.give_passkey(number)

    def _device(self, address: str) -> tuple[str, Peripheral]:
        return next((kind, one) for kind, one in self._sim.devices.items() if one.label.address == address)

    async def _pair(self) -> None:
        while self._needed:
            address = self._needed.pop(0)
            kind, device = self._device(address)
            await asyncio.sleep(REACTION_S)
            self.bag.start_pairing(kind)  # type: ignore[arg-type]
            await device.hold_key()
            await asyncio.sleep(REACTION_S)
            self.bag.choose(address)
            await asyncio.sleep(5 * REACTION_S)
            self.bag.stop_pairing()
            if self._states[address] is DeviceState.NEEDS_PAIRING:
                self._needed.append(address)

    async def go_home(self) -> None:
        if self._busy is not None:
            self._busy.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._busy


def run_trial(script: Script) -> Trial:
    """In virtual time: minutes of a script take milliseconds."""
    return run_in_virtual_time(_run(script))


async def _run(script: Script) -> Trial:
    loop, trial = asyncio.get_running_loop(), Trial(script)
    air = DirectAir(script.seed)

    def now() -> float:
        return BEGAN_S + loop.time()

    sim = SimulatedBag(
        air,
        sound_source=lambda _rate: iter([np.zeros(0, np.int16)]),
        now=now,
        devices=script.devices,
        models={kind: key for kind, key in script.devices.items() if key is not None},
        body=Body(script.seed, script.scenario, began_s=BEGAN_S),
    )
    nurse = Nurse(sim)

    def sink(event: Event) -> None:
        if isinstance(event, Measured | OximeterSample):
            trial.told.append(Told(now(), event))
        elif isinstance(event, StateChanged):
            trial.states.append(event)
        nurse.told(event)

    nurse.bag = bag = Bag(
        sink=sink,
        monotonic=loop.time,
        simulated=False,
        radio=air,
        wall=lambda: datetime.fromtimestamp(now(), UTC).astimezone(),
    )
    for device in sim.devices.values():
        if isinstance(device, BerryOximeter):
            device.packets_per_s = BERRY_PACKETS_PER_S
    running = asyncio.create_task(bag.run())
    await sim.start()
    await Player(sim).play(script)
    trial.settled = await _settle(sim)
    for _ in range(RECONNECTIONS):
        await _reconnect(sim)
    await nurse.go_home()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await sim.stop()
    trial.devices, trial.sent, trial.surprises = sim.devices, air.sent, air.surprises
    return trial


async def _settle(sim: SimulatedBag) -> bool:
    """All faults end; keys are pressed until nothing waits in a device any more."""
    for device in sim.devices.values():
        device.mischief.clear()
    for _ in range(ROUNDS_AT_MOST):
        if all(map(_has_nothing_left, sim.devices.values())):
            return True
        for device in sim.devices.values():
            if not _has_nothing_left(device) and not getattr(device, "measuring", False):
                await device.break_link()
            await device.wake()
        await asyncio.sleep(ROUND_S)
    return False


async def _reconnect(sim: SimulatedBag) -> None:
    for device in sim.devices.values():
        await device.break_link()
        await device.wake()
    await asyncio.sleep(2 * ROUND_S)


def _has_nothing_left(device: Peripheral) -> bool:
    if isinstance(device, Instrument):
        return not getattr(device, "measuring", False) and all(entry.sent for entry in device.memory)
    return not (isinstance(device, CrpAnalyser) and device.busy)
