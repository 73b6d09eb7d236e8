"""LIS2-A2 over real sockets and terminals: what comes, what is refused, what comes again."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from carebag_devices.codecs import lis01
from carebag_devices.codecs.lis01 import Outcome
from carebag_devices.drivers import lis2_link
from carebag_devices.events import DeviceState as S
from carebag_devices.sim import lab_lis2
from carebag_devices.sim.lab_lis2 import Lis2Analyser

SPEED = 200.0


@pytest.fixture
def bench(make_bench: Callable[[str], Any]) -> Any:
    return make_bench("lis2_serial")


@pytest.fixture
def analyser() -> Lis2Analyser:
    return Lis2Analyser(speed=SPEED)


async def test_a_cassette_from_announcement_to_value(bench, kit, analyser) -> None:
    async with bench.running(analyser):
        await kit.until_state(S.READY)
        await analyser.insert_cassette("<5")
        measured = await kit.until_measured()
        await kit.until_state(S.READY)
    assert kit.values() == ["<5 mg/L"]
    assert (measured.provenance, measured.problem, measured.flags) == ("live", None, ())
    assert measured.identity.id == f"wired:{bench.kit_url}"
    assert (measured.identity.serial, measured.identity.simulated) == ("LIS-0001", True)
    assert measured.device_time is not None
    assert (S.MEASURING, "cassette_reading") in kit.told()


@pytest.mark.parametrize(
    ("value", "status", "unit", "words"),
    [
        ("12.50", "F", "mg/L", "12.50 mg/L"),
        (">200", "F", "mg/L", ">200 mg/L"),
        ("1.2", "F", "mg/dL", "1.2 mg/dL"),
        ("", "X", "mg/L", "cassette_error"),
        ("12", "W", "mg/L", "cassette_error"),
        ("12,5", "F", "mg/L", "not_readable"),
        ("12", "F", "furlong", "unknown_unit"),
        ("12", "C", "mg/L", "12 mg/L"),
    ],
)
async def test_what_an_analyser_may_say(bench, kit, analyser, value, status, unit, words) -> None:
    analyser.give(value, status, unit=unit)
    async with bench.running(analyser):
        measured = await kit.until_measured()
    assert kit.values() == [words]
    assert ("corrected" in measured.flags) == (status == "C")
    assert ("decimal_comma" in measured.flags) == ("," in value)


async def test_a_result_of_unknown_age_is_stored(bench, kit, analyser) -> None:
    analyser.give("12")
    async with bench.running(analyser):
        measured = await kit.until_measured()
    assert measured.provenance == "stored"


@pytest.mark.parametrize("processing", ["P", "Q", "T", "D"])
async def test_controls_training_and_demonstration_reach_no_patient(bench, kit, analyser, processing) -> None:
    analyser.give_control("33", processing=processing)
    analyser.give("12")
    async with bench.running(analyser):
        await kit.until_measured()
    assert kit.values() == ["12 mg/L"]
    assert (S.READY, "control_not_charted") in kit.told()


@pytest.mark.parametrize("fault", ["corrupt_frames", "wrong_checksums", "repeated_frames", "double_enquiries"])
async def test_a_bad_line_loses_and_doubles_nothing(bench, kit, analyser, fault) -> None:
    setattr(analyser.faults, fault, 4)
    for value in ("11", "12", "13"):
        analyser.give(value)
    async with bench.running(analyser):
        await kit.until_measured(3)
        await kit.until(lambda: not analyser.memory or kit._news.clear())
    assert kit.values() == ["11 mg/L", "12 mg/L", "13 mg/L"]
    assert analyser.outcomes[-3:] == [Outcome.DONE] * 3


async def test_a_frame_refused_six_times_is_sent_again_later(bench, kit, analyser) -> None:
    analyser.faults.corrupt_frames = 6
    analyser.give("12")
    async with bench.running(analyser):
        await kit.until_measured()
    assert Outcome.REFUSED in analyser.outcomes
    assert kit.values() == ["12 mg/L"]


async def test_a_kit_that_cannot_keep_it_refuses_it(bench, kit, analyser) -> None:
    kit.refuse = lambda _event: kit.refused < 4
    analyser.give("12")
    async with bench.running(analyser):
        await kit.until_measured()
    assert (kit.refused, kit.values()) == (4, ["12 mg/L"])
    assert Outcome.REFUSED not in analyser.outcomes


async def test_a_kit_that_keeps_nothing_leaves_it_in_the_analyser(bench, kit, analyser) -> None:
    kit.refuse = lambda _event: True
    analyser.give("12")
    async with bench.running(analyser):
        await kit.until(lambda: kit.refused >= lis01.ATTEMPTS + 1)
    assert Outcome.REFUSED in analyser.outcomes
    assert len(analyser.memory) == 1
    assert kit.journal == {}


async def test_an_analyser_that_falls_silent_in_the_middle(bench, kit, analyser, monkeypatch) -> None:
    monkeypatch.setattr(lis2_link, "RECEIVER_TIMEOUT_S", 0.05)

    class Silent(Lis2Analyser):
        async def run(self, plug) -> None:
            stream = await plug()
            try:
                await kit.until_state(S.READY)
                await stream.write(lis01.ENQ)
                assert await stream.read() == lis01.ACK
                await stream.write(bytes(lis01.Frame(1, b"H|\\^&\r", last=True)))
                await asyncio.Event().wait()
            finally:
                await stream.close()

    async with bench.running(Silent()):
        await kit.until_state(S.READY, "transfer_incomplete")
    assert kit.journal == {}


async def test_an_answer_that_never_comes_ends_the_transfer(bench, kit, analyser, monkeypatch) -> None:
    analyser.faults.silent_frames = 1
    analyser.give("12")
    async with bench.running(analyser):
        await kit.until_measured()
    assert Outcome.SILENT in analyser.outcomes


async def test_a_message_that_cannot_be_read_is_told_and_not_sent_for_ever(bench, kit, analyser) -> None:
    message = analyser.speaker.message([])
    analyser.queue(
        type(message)(message.separators, (*message.records[:-1], lab_lis2.record("Z", "1"), message.records[-1]))
    )
    analyser.give("12")
    async with bench.running(analyser):
        await kit.until_measured(2)
    assert kit.values() == ["not_readable", "12 mg/L"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("packet", range(7))
async def test_a_wire_that_breaks_at_any_point_loses_and_doubles_nothing(bench, kit, packet, when) -> None:
    """0 is ENQ, 1 to 5 are the records H P O R L, 6 never comes."""
    analyser = Lis2Analyser(speed=SPEED)
    analyser.faults.hang_up = (packet, when)
    analyser.give("12")
    analyser.give("<5")
    async with bench.running(analyser):
        await kit.until(lambda: not analyser.memory or kit._news.clear())
    assert kit.values() == ["12 mg/L", "<5 mg/L"]
    assert len([event for event in kit.events if event in kit.journal.values()]) == 2
