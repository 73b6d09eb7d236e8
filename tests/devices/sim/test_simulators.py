"""The simulators keep to what a radio and a body allow."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from carebag_devices.codecs.lis2 import Message
from carebag_devices.radio.link_model import RadioLink
from carebag_devices.sim.bag import SimulatedBag
from carebag_devices.sim.body import Body


@pytest.fixture
async def bag() -> AsyncIterator[SimulatedBag]:
    link = RadioLink()
    bag = SimulatedBag(link, sound_source=lambda _rate: iter([np.ones(10, np.int16)]), seed=3)
    await bag.start()
    yield bag
    await bag.stop()
    link.close()


async def test_advertisements_fit_a_legacy_packet(bag: SimulatedBag) -> None:
    for device in bag.devices.values():
        assert 0 < len(device.device.advertising_data) <= 31


async def test_an_action_that_does_not_exist(bag: SimulatedBag) -> None:
    with pytest.raises(KeyError):
        await bag.press("cuff", "explode")


async def test_sound_ends_in_silence_and_the_bell_in_the_air_hums(bag: SimulatedBag) -> None:
    stream = type("Stream", (), {"first_sample": 0, "rest": np.zeros(0, np.int16), "blocks": iter([np.ones(10, "i2")])})
    assert bag.stethoscope._samples(stream, 20).tolist() == [1] * 10 + [0] * 10
    bag.stethoscope.on_skin = False
    assert 0 < np.abs(bag.stethoscope._samples(stream, 20)).max() <= 12


async def test_the_analysers_messages_are_messages(bag: SimulatedBag) -> None:
    analyser = bag.crp_analyser
    speak = analyser.speaker
    pending = speak.message([speak.order("S-1", "I")])
    assert Message.parse(bytes(pending)).begun == ("S-1",)
    final = Message.parse(bytes(speak.message([speak.order("S-1", "F"), speak.result("<5")])))
    assert not final.begun
    (result,) = final.chart_results()
    assert (result.comparator, str(result.value), result.unit, result.sample) == ("<", "5", "mg/L", "S-1")


def test_a_body_is_the_same_for_the_same_seed_and_coherent() -> None:
    for seed in range(50):
        body, again = Body(seed), Body(seed)
        for at in (0.0, 1.7e9, 1.7e9 + 33.3):
            pressures = body.pressures(at)
            assert pressures == again.pressures(at)
            assert pressures.diastolic < pressures.mean < pressures.systolic
            assert abs(float(pressures.pulse) - body.pulse(at)) <= 0.5
            assert 94 < body.spo2(at) < 99
            assert body.perfusion(at) > 0
