"""Afinion over real sockets and terminals: its memory, what is new, and every way to lose it."""

from collections.abc import Callable
from typing import Any

import pytest

from carebag_devices.events import DeviceState as S
from carebag_devices.sim.lab_afinion import AfinionAnalyser
from carebag_devices.wired import afinion


@pytest.fixture
def bench(make_bench: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(afinion, "POLL_S", 0.02)
    monkeypatch.setattr(afinion, "ANSWER_WITHIN_S", 0.5)
    return make_bench("afinion_as100")


@pytest.fixture
def analyser() -> AfinionAnalyser:
    return AfinionAnalyser()


async def test_memory_first_then_what_is_new(bench, kit, analyser) -> None:
    analyser.give("7.5", ago_s=3600)
    async with bench.running(analyser):
        await kit.until_state(S.READY)
        assert kit.values() == ["7.5 mg/L"]
        analyser.give("12.3", ago_s=-1)
        fresh = await kit.until_measured(2)
    old = next(iter(kit.journal.values()))
    assert kit.values() == ["7.5 mg/L", "12.3 mg/L"]
    assert (old.provenance, fresh.provenance) == ("stored", "live")
    assert fresh.identity.simulated
    assert fresh.raw == bytes(analyser.memory[1])
    assert (S.SYNCING, "enquiring") in kit.told()


async def test_a_long_memory_is_read_to_its_end_and_only_today_is_told(bench, kit, analyser) -> None:
    for n in range(47):
        analyser.give(str(10 + n), ago_s=(47 - n) * 3600)
    async with bench.running(analyser):
        await kit.until_state(S.READY)
        analyser.give("99", decimals=0, ago_s=-1)
        await kit.until(lambda: "99 mg/L" in kit.values())
    # 24 hours ago to the second may be on either side of the limit
    assert kit.values()[-24:] == [*[f"{10 + n}.0 mg/L" for n in range(24, 47)], "99 mg/L"]
    assert len(kit.journal) <= 25
    assert [event.provenance for event in kit.journal.values()][-1] == "live"


@pytest.mark.parametrize(
    ("result", "decimals", "code", "unit", "words"),
    [
        ("3", 0, "CRP", "mg/L", "<5 mg/L"),
        ("250", 0, "CRP", "mg/L", ">200 mg/L"),
        ("12", 0, "CRP", "mg/dL", "12 mg/dL"),
        ("12", 0, "CRP", "furlong", "unknown_unit"),
        ("45", 0, "HbA1c", "%", "unknown_test"),
    ],
)
async def test_what_it_may_say(bench, kit, analyser, result, decimals, code, unit, words) -> None:
    analyser.give(result, decimals=decimals, code=code, unit=unit)
    analyser.give_failed()
    async with bench.running(analyser):
        await kit.until_measured()
        await kit.until_state(S.READY)
    assert kit.values() == [words]


async def test_a_new_record_with_an_old_time_is_found_and_stored(bench, kit, analyser) -> None:
    """Its clock was set back an hour, or it was confirmed late: not to be told from a run of an hour ago."""
    analyser.give("11", decimals=0, ago_s=60)
    async with bench.running(analyser):
        await kit.until_state(S.READY)
        analyser.give("12", decimals=0, ago_s=3600)
        measured = await kit.until_measured(2)
    assert kit.values() == ["11 mg/L", "12 mg/L"]
    assert measured.provenance == "stored"


async def test_what_was_in_the_memory_is_stored_whatever_its_clock_says(bench, kit, analyser) -> None:
    analyser.give("12", decimals=0, ago_s=-5)
    async with bench.running(analyser):
        measured = await kit.until_measured()
    assert measured.provenance == "stored"


async def test_what_was_measured_while_the_cable_was_out_is_stored(bench, kit, analyser) -> None:
    async with bench.running(analyser):
        await kit.until_state(S.READY)
    analyser.give("12", decimals=0)
    async with bench.running(analyser):
        measured = await kit.until_measured()
    assert measured.provenance == "stored"


@pytest.mark.parametrize(
    "fault",
    ["wrong_checksums", "short_replies", "repeated_replies", "ignored_questions", "refused_questions", "errors"],
)
async def test_a_bad_line_loses_and_doubles_nothing(bench, kit, analyser, fault) -> None:
    setattr(analyser.faults, fault, 2)
    for value in ("11", "12", "13"):
        analyser.give(value, decimals=0)
    async with bench.running(analyser):
        await kit.until_measured(3)
        await kit.until_state(S.READY)
    assert kit.values() == ["11 mg/L", "12 mg/L", "13 mg/L"]


@pytest.mark.parametrize("where", ["before_reply", "before_ack", "after_ack"])
async def test_a_cable_pulled_at_any_point_loses_and_doubles_nothing(bench, kit, analyser, where) -> None:
    analyser.faults.hang_up = where
    analyser.give("12", decimals=0)
    async with bench.running(analyser):
        await kit.until(lambda: analyser.faults.hang_up == "" and kit.states()[-1].state is S.READY)
        await kit.until_measured()
    assert kit.values() == ["12 mg/L"]
    assert len([event for event in kit.events if event in kit.journal.values()]) == 1


async def test_a_kit_that_cannot_keep_it_asks_again(bench, kit, analyser) -> None:
    kit.refuse = lambda _event: kit.refused < 3
    analyser.give("12", decimals=0)
    async with bench.running(analyser):
        await kit.until_measured()
    assert (kit.refused, kit.values()) == (3, ["12 mg/L"])


async def test_a_kit_that_starts_anew_keeps_nothing_twice(bench, kit, analyser) -> None:
    analyser.give("12", decimals=0)
    for _ in range(3):
        async with bench.running(analyser):
            kit.events.clear()
            await kit.until_state(S.READY)
    assert kit.values() == ["12 mg/L"]


async def test_a_silent_analyser_is_told(bench, kit, analyser, monkeypatch) -> None:
    monkeypatch.setattr(afinion, "ANSWER_WITHIN_S", 0.02)
    analyser.faults.ignored_questions = 3
    analyser.give("12", decimals=0)
    async with bench.running(analyser):
        await kit.until(lambda: (S.LOST, "device_silent") in kit.told())
        await kit.until_measured()
