"""Each fault does what its name says to an instrument that can have it, and is refused by the others."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from carebag_devices.bag import Bag
from carebag_devices.events import DeviceState, Event, SoundFrame, SoundStopped, StateChanged
from carebag_devices.lab.direct_air import DirectAir
from carebag_devices.lab.faults import FAULTS, FaultName, Script, Step
from carebag_devices.lab.player import NotHere, Player
from carebag_devices.lab.virtual_time import NothingLeft, run_in_virtual_time
from carebag_devices.sim.bag import DEVICES, SimulatedBag

BEGAN_S = datetime(2026, 11, 26, 8, tzinfo=UTC).timestamp()
EVERYWHERE = (
    "break_unsent",
    "break_unconfirmed",
    "break_confirmed",
    "disconnect",
    "supervision_time_out",
    "truncate",
    "duplicate",
    "bond_lost",
    "low_battery",
)
METERS = ("cuff", "oximeter", "thermometer", "scale", "glucose_meter")
OWN: dict[str, tuple[str, ...]] = {
    "nan_mean": ("cuff",),
    "big_endian": ("cuff",),
    "demonstration": ("oximeter",),
    "testing": ("oximeter",),
    "questionable": ("oximeter",),
    "invalid": ("oximeter",),
    "control_solution": ("glucose_meter",),
    "above_range": ("glucose_meter", "crp_analyser"),
    "below_range": ("crp_analyser",),
    "qc_result": ("crp_analyser",),
    "cassette_error": ("crp_analyser",),
    "corrupt_frames": ("crp_analyser",),
    "repeat_frames": ("crp_analyser",),
    "sound_gap": ("stethoscope",),
    "overrun": ("stethoscope",),
    "clip": ("stethoscope",),
}


def counting(_rate_hz: int) -> Iterator[NDArray[np.int16]]:
    for start in itertools.count(0, 1000):
        yield (np.arange(start, start + 1000) % 20_000).astype(np.int16)


def in_lab(work: Callable[[SimulatedBag, DirectAir], Any]) -> Any:
    async def run() -> Any:
        loop, air = asyncio.get_running_loop(), DirectAir(1)
        sim = SimulatedBag(air, sound_source=counting, devices=DEVICES, now=lambda: BEGAN_S + loop.time())
        await sim.start()
        try:
            return await work(sim, air)
        finally:
            await sim.stop()

    return run_in_virtual_time(run())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_for_those_that_can_have_it(fault: FaultName) -> None:
    able = DEVICES if fault in EVERYWHERE else OWN.get(fault, METERS)

    async def work(sim: SimulatedBag, _air: DirectAir) -> None:
        for device in DEVICES:
            if device in able:
                await Player(sim).inject(device, fault)
            else:
                with pytest.raises(NotHere, match=fault):
                    await Player(sim).inject(device, fault)

    in_lab(work)


def test_a_script_is_played_at_its_times() -> None:
    async def work(sim: SimulatedBag, _air: DirectAir) -> list[float]:
        loop = asyncio.get_running_loop()
        began, times = loop.time(), []
        sim.cuff.start_measuring = lambda *_: times.append(loop.time() - began)  # type: ignore[method-assign]
        sim.add("cuff", sim.cuff, {"measure": lambda: sim.cuff.start_measuring()})
        await Player(sim).play(Script((Step(2.0, "cuff", "measure"), Step(5.5, "cuff", "measure")), lasts_s=9.0))
        return [*times, loop.time() - began]

    assert in_lab(work) == pytest.approx([2.0, 5.5, 9.0])


def test_unknown_actions_and_devices_are_refused() -> None:
    async def work(sim: SimulatedBag, _air: DirectAir) -> None:
        with pytest.raises(KeyError):
            await Player(sim).do(Step(0.0, "cuff", "explode"))
        del sim.devices["cuff"]
        with pytest.raises(KeyError):
            await Player(sim).inject("cuff", "duplicate")

    in_lab(work)


def listened(*faults: tuple[FaultName, int | None]) -> list[Event]:
    """What the kit hears in three seconds of these faults."""

    async def work(sim: SimulatedBag, air: DirectAir) -> list[Event]:
        events: list[Event] = []
        bag = Bag(sink=events.append, monotonic=asyncio.get_running_loop().time, simulated=False, radio=air)
        running = asyncio.create_task(bag.run())
        await asyncio.sleep(5)
        await bag.listen(1, 4000)
        for fault, amount in faults:
            await Player(sim).inject("stethoscope", fault, amount=amount)
        await asyncio.sleep(3)
        await bag.stop_listening()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return events

    found: list[Event] = in_lab(work)
    return found


def frames(events: list[Event]) -> list[SoundFrame]:
    return [event for event in events if isinstance(event, SoundFrame)]


def whole(heard: list[SoundFrame]) -> bool:
    """Every sample of the source, once, in its place; gaps may be between."""
    return all(
        np.array_equal(one.samples, (np.arange(one.first_sample, one.first_sample + len(one.samples)) % 20_000))
        for one in heard
    )


def test_a_sound_gap_is_repaired_from_the_ring() -> None:
    heard = frames(listened(("sound_gap", 5), ("sound_gap", 6)))
    assert whole(heard)
    ends = [one.first_sample + len(one.samples) for one in heard]
    assert [one.first_sample for one in heard][1:] == ends[:-1], "no hole is left"
    assert any(one.retransmitted for one in heard)


def test_an_overrun_is_told_and_never_spliced() -> None:
    events = listened(("overrun", 8))
    heard = frames(events)
    (after,) = [one for one in heard if one.overrun]
    before = heard[heard.index(after) - 1]
    assert after.first_sample - (before.first_sample + len(before.samples)) == 400
    assert whole(heard)
    assert [event.reason for event in events if isinstance(event, SoundStopped)] == ["asked"]


def test_sound_that_is_too_loud_says_so() -> None:
    assert not any(one.clipped for one in frames(listened()))
    assert any(one.clipped for one in frames(listened(("clip", None))))


def test_a_broken_link_while_listening_is_told_as_lost() -> None:
    events = listened(("break_unsent", None))
    assert [event.reason for event in events if isinstance(event, SoundStopped)] == ["lost"]
    states = [
        event.state for event in events if isinstance(event, StateChanged) and event.identity.kind == "stethoscope"
    ]
    assert states[-1] is DeviceState.READY


def test_time_that_nobody_waits_for_ends() -> None:
    async def stuck() -> None:
        await asyncio.Event().wait()

    with pytest.raises(NothingLeft):
        run_in_virtual_time(stuck())
