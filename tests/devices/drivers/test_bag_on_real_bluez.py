"""What only a real bluetoothd can show: how it takes drops, its own death, and several instruments at a time.

Runs in `make test-bluez` alone. Times are written down, never judged: the machine is an emulated one.
"""

import asyncio
import json
import os
import statistics
import time
from pathlib import Path

import numpy as np
import pytest

from carebag_devices.events import DeviceState, OximeterSample

if os.environ.get("CAREBAG_RADIO") != "bluez":
    pytest.skip("only in make test-bluez", allow_module_level=True)

S = DeviceState
DROPS = 16
SOUND_S = 10
RATE_HZ = 4000


def note(name: str, **figures: float) -> None:
    """One line for the end of the run."""
    rounded = {key: round(value, 2) for key, value in figures.items()}
    with Path(os.environ["CAREBAG_RESULTS"], "figures.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"what": name, **rounded}) + "\n")


@pytest.mark.parametrize("device", ["oximeter", "cuff"])
async def test_every_drop_is_followed_by_a_new_connection(kitchen, device: str) -> None:
    """The cuff is bonded: each of its new links must be encrypted with the key of the first."""
    instrument = kitchen.sim.devices[device]
    began = time.monotonic()
    await instrument.start()
    await kitchen.until_ready(device)
    first, back = time.monotonic() - began, []
    for _ in range(DROPS):
        kitchen.radio.link.lose(instrument.label.address)
        dropped = time.monotonic()
        await kitchen.until(lambda: kitchen.states(device)[-1] is not S.READY)
        await kitchen.until_ready(device)
        back.append(time.monotonic() - dropped)
    assert kitchen.states(device).count(S.READY) == DROPS + 1
    note(
        f"{device}: from the first advertisement to ready, from a drop to ready again ({DROPS} times), s",
        first=first,
        again_median=statistics.median(back),
        again_longest=max(back),
    )


async def test_sound_is_whole_while_other_instruments_measure(kitchen) -> None:
    devices = ("stethoscope", "oximeter", "cuff")
    for device in devices:
        await kitchen.sim.devices[device].start()
        await kitchen.until_ready(device)
    await kitchen.sim.press("oximeter", "finger_on")
    await kitchen.bag.listen(1, RATE_HZ)
    await kitchen.sim.press("cuff", "start")
    await kitchen.until_measured("cuff")
    await kitchen.until(lambda: sum(len(frame.samples) for frame in kitchen.heard(1)) >= SOUND_S * RATE_HZ)
    (driver,) = kitchen.bag._stethoscopes()
    await kitchen.bag.stop_listening()
    samples = np.concatenate([frame.samples for frame in kitchen.heard(1)])
    assert samples.tolist() == np.arange(len(samples)).astype(np.int16).tolist()
    assert (driver.tally.gaps, driver.tally.mismatched) == (0, 0)
    assert driver.tally.verified == -(-len(samples) // (64 * 118))
    assert any(sample.spo2 for sample in kitchen.of(OximeterSample))
    note("sound at 4 kHz beside two instruments", seconds=len(samples) / RATE_HZ, gaps=driver.tally.gaps)


async def test_a_restart_of_bluetoothd_is_a_state_and_passes(kitchen) -> None:
    await kitchen.sim.cuff.start()
    await kitchen.until_ready("cuff")
    await kitchen.radio.bluetoothd.stop()
    await comes_back(kitchen, "bluetoothd restarted: the cuff is ready again, s")


async def test_a_crash_of_bluetoothd_is_a_state_and_passes(kitchen) -> None:
    await kitchen.sim.cuff.start()
    await kitchen.until_ready("cuff")
    await kitchen.radio.bluetoothd.die()
    await comes_back(kitchen, "bluetoothd crashed: the cuff is ready again, s")


async def comes_back(kitchen, what: str) -> None:
    await kitchen.until(lambda: kitchen.states("cuff")[-1] is not S.READY)
    await kitchen.radio.bluetoothd.start()
    began = time.monotonic()
    await kitchen.radio.until_powered()
    await kitchen.until_ready("cuff")
    note(what, seconds=time.monotonic() - began)
    await kitchen.sim.press("cuff", "start")
    assert (await kitchen.until_measured("cuff")).values


async def test_an_adapter_that_is_pulled_out_and_put_back(kitchen) -> None:
    await kitchen.sim.oximeter.start()
    await kitchen.until_ready("oximeter")
    await kitchen.radio.pull_out()
    await kitchen.until(lambda: kitchen.states("oximeter")[-1] is not S.READY)
    await asyncio.gather(kitchen.radio.put_in(), kitchen.until_ready("oximeter"))
