"""From the device's real bytes to the kit's events, through bleak, over both simulated radios."""

import asyncio
from decimal import Decimal

import numpy as np
import pytest

from carebag_devices import bag as bag_module
from carebag_devices.errors import DeviceRefused, DeviceSilent
from carebag_devices.events import (
    DeviceState,
    Event,
    Measured,
    OximeterSample,
    SoundStarted,
    SoundStopped,
    StateChanged,
    UdiSaid,
    Value,
)

CUFF = "C6:00:00:00:00:01"
S = DeviceState


async def test_every_instrument_becomes_ready_and_says_who_it_is(kitchen) -> None:
    await kitchen.sim.start()
    await kitchen.until_ready("cuff", "oximeter", "stethoscope", "crp_analyser")
    told = {event.identity.kind: event for event in kitchen.of(StateChanged)}
    assert {kind: event.battery_percent for kind, event in told.items()} == {
        "cuff": 87,
        "oximeter": 74,
        "stethoscope": 63,
        "crp_analyser": 100,
    }
    cuff = told["cuff"].identity
    assert (cuff.id, cuff.model, cuff.serial, cuff.firmware) == (CUFF, "Simulated cuff", "BP-0001", "1.0")
    assert cuff.udi == UdiSaid("self_reported", "(01)02000000000015(11)260101(21)BP-0001", "02000000000015", "2.51.1.1")
    assert told["oximeter"].identity.udi is None
    assert all(event.identity.simulated for event in told.values()), "a simulator gives itself away"
    assert kitchen.states("cuff") == [S.CONNECTING, S.PAIRING, S.READY]
    assert kitchen.states("crp_analyser") == [S.CONNECTING, S.READY]


async def test_what_stands_on_the_label_is_kept_until_the_instrument_says_it_itself(kitchen) -> None:
    label = UdiSaid("barcode", "(01)02000000000022(21)7", "02000000000022", "2.51.1.1")
    assert not kitchen.bag.note_label("C6:00:00:00:00:02", label), "not in the bag yet"
    await kitchen.sim.start()
    await kitchen.until_ready("cuff", "oximeter")
    oximeter = kitchen.of(StateChanged, "oximeter")[-1].identity.id
    assert kitchen.bag.note_label(oximeter, label)
    assert kitchen.of(StateChanged, "oximeter")[-1].identity.udi == label
    assert kitchen.bag.note_label(oximeter, None)
    assert kitchen.of(StateChanged, "oximeter")[-1].identity.udi is None
    assert not kitchen.bag.note_label(CUFF, label), "it says itself which one it is"


async def test_battery_changes_are_told(kitchen) -> None:
    await kitchen.sim.oximeter.start()
    await kitchen.until_ready("oximeter")
    await kitchen.sim.oximeter.set_battery(12)
    await kitchen.until(lambda: kitchen.of(StateChanged, "oximeter")[-1].battery_percent == 12)


async def test_a_blood_pressure(kitchen) -> None:
    await kitchen.sim.cuff.start()
    await kitchen.until_ready("cuff")
    await kitchen.sim.press("cuff", "start")
    measured = await kitchen.until_measured("cuff")
    names = [(value.name, value.unit) for value in measured.values]
    assert names == [("systolic", "mm[Hg]"), ("diastolic", "mm[Hg]"), ("mean", "mm[Hg]"), ("pulse", "/min")]
    assert measured.raw == kitchen.sim.cuff.departures[-1].raw
    assert (measured.problem, measured.provenance, measured.flags) == (None, "live", ())
    assert measured.device_time is not None
    assert kitchen.states("cuff")[-3:] == [S.READY, S.MEASURING, S.READY]
    inflation = [e.progress for e in kitchen.of(StateChanged, "cuff") if e.detail == "inflating"]
    assert inflation == sorted(inflation)
    assert 0 < inflation[0] < inflation[-1] <= 1


async def test_a_failed_blood_pressure_has_words_and_no_number(kitchen) -> None:
    await kitchen.sim.cuff.start()
    await kitchen.until_ready("cuff")
    await kitchen.sim.press("cuff", "start_error")
    measured = await kitchen.until_measured("cuff")
    assert (measured.values, measured.problem) == ((), "cuff_too_loose")


async def test_an_indication_that_comes_twice_is_one_measurement(kitchen) -> None:
    cuff = kitchen.sim.cuff
    await cuff.start()
    await kitchen.until_ready("cuff")
    await kitchen.sim.press("cuff", "start")
    first = await kitchen.until_measured("cuff")
    await cuff.indicate(cuff._measurement, first.raw)
    await kitchen.sim.press("cuff", "start_error")
    second = await kitchen.until_measured("cuff", 2)
    assert second.problem == "cuff_too_loose"


async def test_what_the_kit_could_not_take_is_taken_when_it_comes_again(kitchen) -> None:
    cuff = kitchen.sim.cuff
    await cuff.start()
    await kitchen.until_ready("cuff")
    refused: list[Event] = []

    def refuse_once(event: Event) -> bool:
        if isinstance(event, Measured) and not refused:
            refused.append(event)
            return True
        return False

    kitchen.refuse = refuse_once
    await kitchen.sim.press("cuff", "start")
    await kitchen.until(lambda: refused)
    await cuff.indicate(cuff._measurement, refused[0].raw)
    assert (await kitchen.until_measured("cuff")).raw == refused[0].raw


async def test_bytes_that_are_no_blood_pressure_are_told_as_unreadable(kitchen) -> None:
    cuff = kitchen.sim.cuff
    await cuff.start()
    await kitchen.until_ready("cuff")
    await cuff.indicate(cuff._measurement, b"\x00\x8a")
    measured = await kitchen.until_measured("cuff")
    assert (measured.problem, measured.flags, measured.values) == ("not_readable", ("truncated",), ())


async def test_an_old_reading_is_stored_and_a_strange_one_flagged(kitchen) -> None:
    cuff = kitchen.sim.cuff
    await cuff.start()
    await kitchen.until_ready("cuff")
    await cuff.indicate(cuff._measurement, bytes.fromhex("02 2c01 1400 7000 e507 01 02 03 04 05"))
    measured = await kitchen.until_measured("cuff")
    assert measured.provenance == "stored"
    assert measured.flags == ("implausible_systolic", "implausible_diastolic")
    assert measured.values[0] == Value("systolic", Decimal(300), "mm[Hg]")
    assert measured.device_time == "2021-01-02T03:04:05"


async def test_a_cuff_carried_away_while_it_inflates_is_lost_and_comes_back(kitchen) -> None:
    cuff = kitchen.sim.cuff
    cuff._speed = 2.0
    await cuff.start()
    await kitchen.until_ready("cuff")
    await kitchen.sim.press("cuff", "start")
    await kitchen.until_state("cuff", S.MEASURING)
    await kitchen.sim.press("cuff", "vanish")
    await kitchen.until_state("cuff", S.LOST)
    assert (await kitchen.until_measured("cuff")).values, "the cuff kept its result"
    assert len(kitchen.of(Measured)) == 1


async def test_an_idle_cuff_falls_asleep_and_wakes(kitchen) -> None:
    await kitchen.sim.cuff.start()
    await kitchen.until_ready("cuff")
    await kitchen.sim.cuff.sleep()
    await kitchen.until_state("cuff", S.ASLEEP)
    await kitchen.sim.press("cuff", "start")
    await kitchen.until_measured("cuff")


async def test_oximeter_with_and_without_finger(kitchen) -> None:
    oximeter = kitchen.sim.oximeter
    oximeter._period_s = 0.02
    await oximeter.start()
    await kitchen.until(lambda: kitchen.of(OximeterSample))
    first = kitchen.of(OximeterSample)[0]
    assert (first.spo2, first.pulse, first.problem) == (None, None, "finger_off")
    await kitchen.sim.press("oximeter", "finger_on")
    await kitchen.until(lambda: kitchen.of(OximeterSample)[-1].spo2)
    await kitchen.until(lambda: not kitchen.of(OximeterSample)[-1].flags)
    last = kitchen.of(OximeterSample)[-1]
    assert 90 < last.spo2 <= 100
    assert 40 < last.pulse < 120
    await kitchen.until_state("oximeter", S.MEASURING)
    await kitchen.sim.press("oximeter", "finger_off")
    await kitchen.until_state("oximeter", S.READY)
    assert kitchen.of(OximeterSample)[-1].spo2 is None


async def test_an_oximeter_carried_away_is_lost_and_streams_again(kitchen) -> None:
    oximeter = kitchen.sim.oximeter
    oximeter._period_s = 0.02
    await oximeter.start()
    await kitchen.sim.press("oximeter", "finger_on")
    await kitchen.until_state("oximeter", S.MEASURING)
    await kitchen.sim.press("oximeter", "vanish")
    await kitchen.until_state("oximeter", S.LOST)
    await kitchen.until_state("oximeter", S.MEASURING)


async def test_a_spot_check_is_a_measurement(kitchen) -> None:
    await kitchen.sim.oximeter.start()
    await kitchen.until_ready("oximeter")
    await kitchen.sim.press("oximeter", "spot")
    measured = await kitchen.until_measured("oximeter")
    assert (measured.kind, [value.name for value in measured.values]) == ("oximetry", ["spo2", "pulse"])


async def test_one_second_of_sound_is_bit_exact_and_proved(kitchen) -> None:
    await kitchen.sim.stethoscope.start()
    await kitchen.until_ready("stethoscope")
    await kitchen.bag.listen(41, 16_000)
    await kitchen.until(lambda: len(kitchen.heard(41)) >= 140)
    (driver,) = kitchen.bag._stethoscopes()
    await kitchen.bag.stop_listening()
    samples = np.concatenate([frame.samples for frame in kitchen.heard(41)])
    assert samples.tolist() == np.arange(len(samples)).astype(np.int16).tolist()
    windows = -(-len(samples) // (64 * 118))
    assert (driver.tally.verified, driver.tally.mismatched, driver.tally.gaps) == (windows, 0, 0)
    started, stopped = kitchen.of(SoundStarted), kitchen.of(SoundStopped)
    assert [(event.stream, event.rate_hz) for event in started] == [(41, 16_000)]
    assert [(event.reason, event.samples) for event in stopped] == [("asked", len(samples))]


async def test_lost_frames_are_sent_again_and_take_their_place(kitchen) -> None:
    await kitchen.sim.stethoscope.start()
    await kitchen.until_ready("stethoscope")
    kitchen.sim.stethoscope.drop_frames = {3, 4, 5, 20}
    await kitchen.bag.listen(1, 16_000)
    await kitchen.until(lambda: len(kitchen.heard(1)) >= 70)
    frames = kitchen.heard(1)
    assert [frame.first_sample for frame in frames] == [118 * n for n in range(len(frames))]
    assert [n for n, frame in enumerate(frames) if frame.retransmitted] == [3, 4, 5, 20]
    await kitchen.until(lambda: kitchen.bag._stethoscopes()[0].tally.verified)


async def test_a_gap_that_cannot_be_repaired_stays_a_gap(kitchen) -> None:
    stethoscope = kitchen.sim.stethoscope
    await stethoscope.start()
    await kitchen.until_ready("stethoscope")
    stethoscope.drop_frames = {7, 8}
    stethoscope._resend = lambda _command: 4  # the ring has run over
    await kitchen.bag.listen(1, 16_000)
    await kitchen.until(lambda: len(kitchen.heard(1)) >= 20)
    firsts = [frame.first_sample // 118 for frame in kitchen.heard(1)]
    assert firsts == [n for n in range(firsts[-1] + 1) if n not in (7, 8)]
    assert kitchen.bag._stethoscopes()[0].tally.gaps == 1


async def test_a_wrong_digest_is_told(kitchen) -> None:
    stethoscope = kitchen.sim.stethoscope
    await stethoscope.start()
    await kitchen.until_ready("stethoscope")
    await kitchen.bag.listen(1, 16_000)
    stethoscope._stream.crc = 0xDEAD
    await kitchen.until(lambda: kitchen.of(StateChanged, "stethoscope")[-1].detail == "digest_mismatch")


async def test_a_stethoscope_lost_while_listening(kitchen) -> None:
    await kitchen.sim.stethoscope.start()
    await kitchen.until_ready("stethoscope")
    await kitchen.bag.listen(5, 8000)
    await kitchen.until(lambda: kitchen.heard(5))
    await kitchen.sim.press("stethoscope", "lift")
    await kitchen.until(lambda: kitchen.heard(5)[-1].no_contact)
    await kitchen.sim.press("stethoscope", "vanish")
    await kitchen.until(lambda: kitchen.of(SoundStopped))
    (stopped,) = kitchen.of(SoundStopped)
    last = kitchen.heard(5)[-1]
    assert (stopped.stream, stopped.reason) == (5, "lost")
    assert stopped.samples == last.first_sample + len(last.samples)
    await kitchen.until_state("stethoscope", S.LOST)
    await kitchen.until_ready("stethoscope")
    await kitchen.bag.listen(6)
    await kitchen.until(lambda: kitchen.heard(6))
    assert kitchen.heard(6)[0].first_sample == 0


async def test_a_scratch_is_heard_unless_the_membrane_is_silent(kitchen) -> None:
    def loudest_since(frames: int) -> int:
        return max((int(np.abs(one.samples).max()) for one in kitchen.heard(1)[frames:]), default=0)

    await kitchen.sim.stethoscope.start()
    await kitchen.until_ready("stethoscope")
    await kitchen.sim.press("stethoscope", "silence_membrane")
    await kitchen.bag.listen(1, 4000)
    await kitchen.sim.press("stethoscope", "scratch")
    await kitchen.until(lambda: len(kitchen.heard(1)) > 60)
    assert loudest_since(0) < 200
    await kitchen.sim.press("stethoscope", "mend_membrane")
    await kitchen.sim.press("stethoscope", "lift")
    before = len(kitchen.heard(1))
    await kitchen.sim.press("stethoscope", "scratch")
    await kitchen.until(lambda: loudest_since(before) > 4000)


async def test_a_new_stream_ends_the_one_before(kitchen) -> None:
    await kitchen.sim.stethoscope.start()
    await kitchen.until_ready("stethoscope")
    await kitchen.bag.listen(1, 16_000)
    await kitchen.until(lambda: kitchen.heard(1))
    await kitchen.bag.listen(2, 16_000)
    await kitchen.until(lambda: kitchen.heard(2))
    assert [(event.stream, event.reason) for event in kitchen.of(SoundStopped)] == [(1, "asked")]
    assert kitchen.heard(2)[0].first_sample == 0


async def test_listening_to_nothing(kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag_module, "LISTEN_WITHIN_S", 0.1)
    with pytest.raises(DeviceSilent, match="no_stethoscope"):
        await kitchen.bag.listen(1)
    await kitchen.bag.stop_listening()
    assert kitchen.of(SoundStopped) == []


async def test_listen_waits_for_a_stethoscope_that_is_coming(kitchen) -> None:
    listening = asyncio.create_task(kitchen.bag.listen(1, 16_000))
    await kitchen.sim.stethoscope.start()
    await listening
    await kitchen.until(lambda: kitchen.heard(1))


async def test_a_rate_the_device_has_not(kitchen) -> None:
    await kitchen.sim.stethoscope.start()
    await kitchen.until_ready("stethoscope")
    with pytest.raises(DeviceRefused, match="rate_not_supported"):
        await kitchen.bag.listen(1, 44_100)
    assert kitchen.of(SoundStarted) == []


@pytest.mark.parametrize(
    ("action", "comparator", "number"), [("insert_cassette", None, 12), ("insert_cassette_low", "<", 5)]
)
async def test_crp(kitchen, action: str, comparator: str | None, number: int) -> None:
    await kitchen.sim.crp_analyser.start()
    await kitchen.until_ready("crp_analyser")
    await kitchen.sim.press("crp_analyser", action)
    measured = await kitchen.until_measured("crp_analyser")
    assert measured.values == (Value("crp", Decimal(number), "mg/L", comparator),)
    assert measured.problem is None
    await kitchen.until_ready("crp_analyser")
    details = [event.detail for event in kitchen.of(StateChanged, "crp_analyser") if event.state is S.MEASURING]
    assert "cassette_reading" in details


async def test_a_cassette_that_cannot_be_read(kitchen) -> None:
    await kitchen.sim.crp_analyser.start()
    await kitchen.until_ready("crp_analyser")
    await kitchen.sim.press("crp_analyser", "insert_cassette_error")
    measured = await kitchen.until_measured("crp_analyser")
    assert (measured.values, measured.problem) == ((), "cassette_error")


async def test_damaged_frames_are_refused_and_repeated(kitchen) -> None:
    analyser = kitchen.sim.crp_analyser
    analyser.corrupt_frames = 5
    await analyser.start()
    await kitchen.until_ready("crp_analyser")
    await kitchen.sim.press("crp_analyser", "insert_cassette")
    measured = await kitchen.until_measured("crp_analyser")
    assert measured.values == (Value("crp", Decimal(12), "mg/L"),)
    assert analyser.corrupt_frames == 0


async def test_an_analyser_carried_away_sends_its_result_when_it_is_back(kitchen) -> None:
    analyser = kitchen.sim.crp_analyser
    analyser._speed = 4.0
    await analyser.start()
    await kitchen.until_ready("crp_analyser")
    await kitchen.sim.press("crp_analyser", "insert_cassette")
    await kitchen.until(lambda: kitchen.of(StateChanged, "crp_analyser")[-1].detail == "cassette_reading")
    await kitchen.sim.press("crp_analyser", "vanish")
    await kitchen.until_state("crp_analyser", S.LOST)
    assert (await kitchen.until_measured("crp_analyser")).values
    assert len(kitchen.of(Measured)) == 1
