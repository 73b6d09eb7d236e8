"""PortAudio, ALSA and PulseAudio as they are: exact samples, no gaps, a plug that is pulled and put back."""

import itertools

import numpy as np
import pytest

from carebag_devices.errors import DeviceSilent
from carebag_devices.events import DeviceState, SoundFrame, SoundLevel, SoundStarted, SoundStopped
from carebag_devices.sound_card import SoundCard
from carebag_devices.sound_card import stethoscope as module
from carebag_devices.sound_card.card import find_input
from carebag_devices.sound_card.loop_test import judge_tones, tones
from carebag_devices.sound_card.port_audio import PORT_AUDIO

S = DeviceState
RATE_HZ = 8000
pytestmark = pytest.mark.sound


def sawtooth(count: int) -> np.ndarray:
    """Every sample tells its number; none is 0."""
    return np.arange(1, count + 1).astype(np.int16)


async def test_three_seconds_are_bit_exact_without_a_gap(pulse, kit, run) -> None:
    card = SoundCard("bell", kit.model, kit.report)
    run(card.run())
    await kit.until_state(S.READY)
    await card.listen(3, RATE_HZ)
    await pulse.play(sawtooth(24_000))
    await kit.until(lambda: 24_000 in kit.sound())
    await card.stop()
    sound = kit.sound()
    heard = sound[np.flatnonzero(sound)]
    # the sink may begin before the input does, never the other way round
    assert heard.tolist() == list(range(heard[0], 24_001))
    assert heard[0] < 4000
    frames = kit.of(SoundFrame)
    assert all(a.first_sample + len(a.samples) == b.first_sample for a, b in itertools.pairwise(frames))
    assert not any(frame.overrun or frame.clipped for frame in frames)
    assert frames[0].first_sample == 0
    assert [(event.stream, event.rate_hz) for event in kit.of(SoundStarted)] == [(3, RATE_HZ)]
    assert [(event.reason, event.samples) for event in kit.of(SoundStopped)] == [("asked", len(sound))]
    assert {level.word for level in kit.of(SoundLevel)} >= {"good"}
    assert kit.states()[-2:] == [S.MEASURING, S.READY]


async def test_what_is_too_loud_is_told_as_clipped(pulse, kit, run) -> None:
    card = SoundCard("bell", kit.model, kit.report)
    run(card.run())
    await card.listen(1, RATE_HZ)
    square = np.where(np.arange(16_000) // 20 % 2, 32767, -32768).astype(np.int16)
    await pulse.play(square)
    await kit.until(lambda: any(level.word == "clipped" for level in kit.of(SoundLevel)))
    assert any(frame.clipped for frame in kit.of(SoundFrame))


async def test_the_mornings_tones_are_heard(pulse, kit) -> None:
    card = SoundCard("bell", kit.model, kit.report)
    await card.listen(1, RATE_HZ)
    await pulse.play(tones(RATE_HZ, 1.5))
    await kit.until(lambda: len(kit.sound()) >= 2 * RATE_HZ)
    await card.stop()
    verdict = judge_tones(kit.sound(), RATE_HZ)
    assert verdict.word == "heard"
    assert verdict.peak_dbfs == pytest.approx(-8.5, abs=1)


async def test_a_plug_that_is_pulled_and_put_back(pulse, kit, run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MISSING_AGAIN_S", 0.2)
    card = SoundCard("bell", kit.model, kit.report)
    run(card.run())
    await kit.until_state(S.READY)
    await card.listen(1, RATE_HZ)
    await pulse.play(sawtooth(4000))
    await kit.until(lambda: kit.of(SoundFrame))
    pulse.stop()
    await kit.until(lambda: kit.of(SoundStopped))
    assert [event.reason for event in kit.of(SoundStopped)] == ["lost"]
    await kit.until_state(S.LOST)
    with pytest.raises(DeviceSilent, match="sound_input_missing"):
        await card.listen(2, RATE_HZ)
    pulse.start()
    await kit.until_state(S.READY)
    await card.listen(3, RATE_HZ)
    await pulse.play(sawtooth(4000))
    await kit.until(lambda: any(frame.stream == 3 for frame in kit.of(SoundFrame)))
    await card.stop()


async def test_inputs_are_listed_with_their_rates(pulse) -> None:
    chosen = find_input(await PORT_AUDIO.inputs(), "bell")
    assert chosen.channels > 0
    assert await PORT_AUDIO.accepts(chosen, RATE_HZ)
    assert not await PORT_AUDIO.accepts(chosen, 1)
