"""One script, played to simulated devices with the kit's real drivers between, and judged against what was measured.

    devices ─ DirectAir ─ Bag ─▶ what the kit was told
       └─ what their sensors found ─▶ `judgement`

When the script is over, all faults end and a patient nurse sees to it that everything stored can come.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from carebag_devices.bag import Bag, Sink
from carebag_devices.events import DeviceState, Event, Measured, OximeterSample, PairingChanged, StateChanged
from carebag_devices.lab.direct_air import DirectAir, Sent
from carebag_devices.lab.faults import Script
from carebag_devices.lab.player import Player
from carebag_devices.lab.virtual_time import run_in_virtual_time
from carebag_devices.sim.bag import SimulatedBag
from carebag_devices.sim.berry import BerryOximeter
from carebag_devices.sim.body import Body
from carebag_devices.sim.crp_analyser import CrpAnalyser
from carebag_devices.sim.handled import Air
from carebag_devices.sim.instrument import Instrument
from carebag_devices.sim.peripheral import Clock, Peripheral

BEGAN_S = datetime(2026, 11, 26, 8, 0, tzinfo=UTC).timestamp()
"""When every trial begins, unix time."""
LOOKS_AT_MOST = 400
LOOK_EVERY = 0.1
"""Of a round."""
PAIRED_WITHIN_S = 30.0
BERRY_PACKETS_PER_S = 8
"""Instead of a hundred: enough for a sample a second."""


@dataclass(frozen=True)
class Pace:
    """How long things take that no instrument decides."""

    round_s: float = 25.0
    """A device that still has something and does not get rid of it for so long is connected anew."""
    reaction_s: float = 2.0
    """Until the nurse does what the page says."""
    speed: float = 1.0
    out_of_reach_s: float = 5.0
    reconnections: int = 2
    """Once all is sent, so many more connections show what comes twice."""


UNHURRIED = Pace()
HURRIED = Pace(round_s=6.0, reaction_s=0.4, speed=40.0, out_of_reach_s=0.4, reconnections=1)
"""For stacks that run in real time."""


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

    def __init__(self, sim: SimulatedBag, reaction_s: float) -> None:
        self._sim, self._reaction_s = sim, reaction_s
        self.bag: Bag
        self._busy: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
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
        if isinstance(event, PairingChanged) and event.stage in ("done", "failed"):
            self._over.set()
        if isinstance(event, PairingChanged) and event.stage == "passkey":
            asyncio.get_running_loop().call_later(self._reaction_s, self._type, event.device_id)

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
            await asyncio.sleep(self._reaction_s)
            self.bag.start_pairing(kind)  # type: ignore[arg-type]
            await device.hold_key()
            await asyncio.sleep(self._reaction_s)
            self._over.clear()
            self.bag.choose(address)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PAIRED_WITHIN_S):
                    await self._over.wait()
            self.bag.stop_pairing()
            if self._states[address] is DeviceState.NEEDS_PAIRING:
                self._needed.append(address)

    async def go_home(self) -> None:
        if self._busy is not None:
            self._busy.cancel()
            await asyncio.wait([self._busy])
            if not self._busy.cancelled():
                self._busy.result()


def run_trial(script: Script) -> Trial:
    """In virtual time: minutes of a script take milliseconds."""
    return run_in_virtual_time(_run(script))


async def _run(script: Script) -> Trial:
    loop, air = asyncio.get_running_loop(), DirectAir(script.seed)

    def now() -> float:
        return BEGAN_S + loop.time()

    def make_bag(sink: Sink) -> Bag:
        wall = lambda: datetime.fromtimestamp(now(), UTC).astimezone()  # noqa: E731
        return Bag(sink=sink, monotonic=loop.time, simulated=False, radio=air, wall=wall)

    trial = await attempt(script, air, make_bag, now=now)
    trial.sent, trial.surprises = air.sent, air.surprises
    return trial


async def attempt(
    script: Script, air: Air, make_bag: Callable[[Sink], Bag], *, now: Clock, pace: Pace = UNHURRIED
) -> Trial:
    """The script's devices on `air`, the bag that `make_bag` makes between them and the judge."""
    trial = Trial(script)
    sim = _simulated(script, air, now, pace)
    nurse = Nurse(sim, pace.reaction_s)

    def sink(event: Event) -> None:
        if isinstance(event, Measured | OximeterSample):
            trial.told.append(Told(now(), event))
        elif isinstance(event, StateChanged):
            trial.states.append(event)
        nurse.told(event)

    nurse.bag = make_bag(sink)
    running = asyncio.create_task(nurse.bag.run())
    await sim.start()
    await Player(sim).play(script)
    trial.settled = await _settle(sim, pace)
    for _ in range(pace.reconnections):
        await _reconnect(sim, pace)
    await nurse.go_home()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await sim.stop()
    trial.devices = sim.devices
    return trial


def _simulated(script: Script, air: Air, now: Clock, pace: Pace) -> SimulatedBag:
    sim = SimulatedBag(
        air,
        sound_source=lambda _rate: iter([np.zeros(0, np.int16)]),
        now=now,
        speed=pace.speed,
        out_of_reach_s=pace.out_of_reach_s,
        devices=script.devices,
        models={kind: key for kind, key in script.devices.items() if key is not None},
        body=Body(script.seed, script.scenario, began_s=now()),
    )
    for device in sim.devices.values():
        if isinstance(device, BerryOximeter):
            device.packets_per_s = BERRY_PACKETS_PER_S
    return sim


async def _settle(sim: SimulatedBag, pace: Pace) -> bool:
    """All faults end; keys are pressed until nothing waits in a device any more."""
    for device in sim.devices.values():
        device.mischief.clear()
    loop, since = asyncio.get_running_loop(), dict.fromkeys(sim.devices, (0, False, 0.0))
    for _ in range(LOOKS_AT_MOST):
        waiting = {name: _waiting(device) for name, device in sim.devices.items()}
        if not any(waiting.values()):
            return True
        for name, count in waiting.items():
            device = sim.devices[name]
            if since[name][:2] != (count, device.connected):
                since[name] = (count, device.connected, loop.time())
            if count:
                await _see_to(device, stuck=loop.time() - since[name][2] >= pace.round_s)
        await asyncio.sleep(LOOK_EVERY * pace.round_s)
    return False


async def _see_to(device: Peripheral, *, stuck: bool) -> None:
    if not device.connected:
        await device.wake()
    elif stuck and not getattr(device, "measuring", False):
        await device.break_link()


async def _reconnect(sim: SimulatedBag, pace: Pace) -> None:
    for device in sim.devices.values():
        await device.break_link()
        await device.wake()
    await asyncio.sleep(pace.round_s)


def _waiting(device: Peripheral) -> int:
    """How much it still has for the kit."""
    if isinstance(device, Instrument):
        return sum(not entry.sent for entry in device.memory) + int(getattr(device, "measuring", False))
    return int(isinstance(device, CrpAnalyser) and device.busy)
