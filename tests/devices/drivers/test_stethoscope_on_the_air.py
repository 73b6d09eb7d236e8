"""The whole way from the simulated stethoscope over bleak to the kit's events, with what befalls frames on it."""

import asyncio

import numpy as np
import pytest

from carebag_devices.catalog import CATALOG
from carebag_devices.codecs.auscultation import AudioFrame, Format
from carebag_devices.drivers.stethoscope import StethoscopeDriver
from carebag_devices.errors import DeviceRefused
from carebag_devices.events import DeviceState, SoundStopped, StateChanged
from carebag_devices.sim.stethoscope import Stethoscope

S = DeviceState
assert any(model.kind == "stethoscope" for model in CATALOG)


@pytest.fixture
async def steth(kitchen) -> Stethoscope:
    await kitchen.sim.stethoscope.start()
    await kitchen.until_ready("stethoscope")
    return kitchen.sim.stethoscope


def driver_of(kitchen) -> StethoscopeDriver:
    (driver,) = [connector.driver for connector in kitchen.bag._connectors.values()]
    assert isinstance(driver, StethoscopeDriver)
    return driver


def exact(kitchen, stream: int) -> bool:
    """Every sample that was told is the one that the source counted for its place."""
    return all(
        frame.samples.tolist()
        == np.arange(frame.first_sample, frame.first_sample + len(frame.samples)).astype(np.int16).tolist()
        for frame in kitchen.heard(stream)
    )


async def test_rice_is_spoken_where_both_can(kitchen, steth: Stethoscope, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[AudioFrame] = []
    notify = steth.notify

    async def overheard(gatt, value: bytes) -> None:
        if gatt is steth._audio:
            sent.append(AudioFrame.parse(value))
        await notify(gatt, value)

    monkeypatch.setattr(steth, "notify", overheard)
    await kitchen.bag.listen(1, 16_000)
    await kitchen.until(lambda: len(kitchen.heard(1)) >= 10)
    assert {frame.fmt for frame in sent} == {Format.RICE}
    assert exact(kitchen, 1)


async def test_pcm16_where_the_kit_wants_it(kitchen, steth: Stethoscope) -> None:
    driver_of(kitchen).formats = (Format.PCM16,)
    await kitchen.bag.listen(1, 16_000)
    await kitchen.until(lambda: len(kitchen.heard(1)) >= 10)
    assert steth._stream is not None
    assert steth._stream.fmt is Format.PCM16
    assert exact(kitchen, 1)


async def test_doubled_and_cut_frames_leave_no_trace_in_the_sound(kitchen, steth: Stethoscope) -> None:
    steth.faults.double = {3, 4, 10}
    steth.faults.cut = {5, 20}
    await kitchen.bag.listen(1, 16_000)
    await kitchen.until(lambda: len(kitchen.heard(1)) >= 70)
    driver = driver_of(kitchen)
    await kitchen.until(lambda: driver.tally.verified)
    assert [frame.first_sample for frame in kitchen.heard(1)] == [118 * n for n in range(len(kitchen.heard(1)))]
    assert exact(kitchen, 1)
    assert (driver.tally.doubled, driver.unreadable, driver.tally.repaired, driver.tally.gaps) == (3, 2, 2, 0)


async def test_an_overrun_in_the_device_is_a_gap_and_said_so(kitchen, steth: Stethoscope) -> None:
    steth.faults.overrun = {6: 50}
    await kitchen.bag.listen(1, 16_000)
    await kitchen.until(lambda: len(kitchen.heard(1)) >= 80)
    await kitchen.bag.stop_listening()
    frames = kitchen.heard(1)
    assert [frame.first_sample for frame in frames[5:8]] == [5 * 118, 6 * 118 + 50, 7 * 118 + 50]
    assert [frame.overrun for frame in frames[:8]] == [False] * 6 + [True, False]
    assert exact(kitchen, 1)


async def test_digests_prove_both_sides_of_an_overrun(kitchen, steth: Stethoscope) -> None:
    steth.faults.overrun = {6: 50}
    await kitchen.bag.listen(1, 16_000)
    driver = driver_of(kitchen)
    await kitchen.until(lambda: driver.tally.verified >= 2)
    assert (driver.tally.incomplete, driver.tally.mismatched, driver.tally.gaps) == (0, 0, 1)


async def test_a_lost_tail_is_fetched_after_stop(kitchen, steth: Stethoscope) -> None:
    steth.faults.drop = set(range(20, 2000))
    await kitchen.bag.listen(1, 16_000)
    async with asyncio.timeout(5):
        while steth._stream.seq < 30:  # noqa: ASYNC110  nothing tells of frames that do not leave
            await asyncio.sleep(0.01)
    steth.faults.drop = set()
    await kitchen.bag.stop_listening()
    (stopped,) = kitchen.of(SoundStopped)
    last = kitchen.heard(1)[-1]
    assert stopped.samples == last.first_sample + len(last.samples) > 29 * 118
    assert exact(kitchen, 1)


async def test_a_stethoscope_that_ends_by_itself(kitchen, steth: Stethoscope) -> None:
    await kitchen.bag.listen(1, 16_000)
    await kitchen.until(lambda: kitchen.heard(1))
    driver = driver_of(kitchen)
    steth.press_mark()
    await kitchen.until(lambda: len(kitchen.heard(1)) > 5)
    steth.end_stream()
    await kitchen.until(lambda: kitchen.of(SoundStopped))
    (stopped,) = kitchen.of(SoundStopped)
    last = kitchen.heard(1)[-1]
    assert (stopped.reason, stopped.samples) == ("device", last.first_sample + len(last.samples))
    assert (len(driver.marks), driver.marks[0] % 118) == (1, 0)
    assert kitchen.of(StateChanged, "stethoscope")[-1].state is S.READY


async def test_gain_makes_it_louder_and_too_much_is_refused(kitchen, steth: Stethoscope) -> None:
    await kitchen.bag.listen(1, 16_000)
    driver = driver_of(kitchen)
    assert await driver.set_gain(6) == 6
    begun = steth._stream.first_sample
    await kitchen.until(lambda: kitchen.heard(1) and kitchen.heard(1)[-1].first_sample > begun)
    frame = kitchen.heard(1)[-1]
    counted = np.arange(frame.first_sample, frame.first_sample + len(frame.samples)).astype(np.int16)
    assert frame.samples.tolist() == np.round(np.clip(counted * 10**0.3, -32768, 32767)).astype(np.int16).tolist()
    with pytest.raises(DeviceRefused, match="bad_operand"):
        await driver.set_gain(100)


async def test_a_small_mtu_is_refused_in_words(kitchen, steth: Stethoscope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(steth), "mtu", 99)
    with pytest.raises(DeviceRefused, match="mtu_too_small"):
        await kitchen.bag.listen(1, 16_000)
    monkeypatch.setattr(type(steth), "mtu", 100)
    await kitchen.bag.listen(2, 16_000)
    await kitchen.until(lambda: kitchen.heard(2))
    assert len(kitchen.heard(2)[0].samples) == (100 - 11) // 2
