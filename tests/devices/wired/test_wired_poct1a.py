"""POCT1-A2 over real sockets: memory, live results, and every way to lose them."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from carebag_devices.codecs.lab_value import LabValue
from carebag_devices.codecs.poct1a import Analyte, Message, Observations, Service
from carebag_devices.codecs.xml_document import Framing
from carebag_devices.events import DeviceState as S
from carebag_devices.events import Measured
from carebag_devices.sim.lab_poct1a import Poct1aAnalyser
from carebag_devices.wired import poct1a


@pytest.fixture(params=["dial", "listen"])
def way(request: pytest.FixtureRequest) -> str:
    """Only over TCP: there is no POCT1-A2 on a serial line in this form."""
    return request.param


@pytest.fixture
def bench(make_bench: Callable[[str], Any]) -> Any:
    return make_bench("poct1a_analyser")


@pytest.fixture(params=list(Framing), ids=["raw", "mllp"])
def framing(request: pytest.FixtureRequest) -> Framing:
    return request.param


@pytest.fixture(params=[True, False], ids=["stays", "leaves"])
def analyser(request: pytest.FixtureRequest) -> Poct1aAnalyser:
    return Poct1aAnalyser(continuous=request.param)


async def test_memory_first_then_what_is_new(bench, kit, framing) -> None:
    analyser = Poct1aAnalyser(framing=framing)
    analyser.give("7", ago_s=3600)
    analyser.give_control()
    async with bench.running(analyser):
        await kit.until_state(S.READY, "control_not_charted")
        analyser.give("<5")
        fresh = await kit.until_measured(2)
    assert kit.values() == ["7 mg/L", "<5 mg/L"]
    assert [event.provenance for event in kit.journal.values()] == ["stored", "stored"]
    assert (fresh.identity.serial, fresh.identity.model) == ("POCT-0001", "Simulated POCT1-A")
    assert fresh.identity.simulated
    assert len(fresh.device_time) == len("2026-11-22T10:15:30")
    assert (S.SYNCING, "enquiring") in kit.told()


async def test_what_it_may_say(bench, kit, analyser) -> None:
    analyser.give("12,5")
    analyser.give("5", interpretation="<")
    analyser.give("1.2", unit="mg/dL")
    analyser.give("12", status="D")
    analyser.give("12", code="1988-5")
    analyser.give("14", role="LQC")
    analyser.give("15", reason="EDT")
    async with bench.running(analyser):
        await kit.until(lambda: not analyser.memory or kit._news.clear())
    assert kit.values() == ["not_readable", "<5 mg/L", "1.2 mg/dL", "cassette_error", "unknown_test", "15 mg/L"]
    assert list(kit.journal.values())[-1].flags == ("corrected",)


async def test_an_analyser_that_leaves_comes_again_with_the_next_result(bench, kit) -> None:
    analyser = Poct1aAnalyser(continuous=False)
    async with bench.running(analyser):
        for count in range(1, 4):
            await kit.until_state(S.ASLEEP)
            analyser.give(str(count))
            await kit.until_measured(count)
    assert kit.values() == ["1 mg/L", "2 mg/L", "3 mg/L"]


@pytest.mark.parametrize("fault", ["repeated_messages", "in_pieces", "damaged_documents", "document_types"])
async def test_a_bad_line_loses_and_doubles_nothing(bench, kit, analyser, fault) -> None:
    setattr(analyser.faults, fault, 2)
    for value in ("11", "12", "13"):
        analyser.give(value)
    async with bench.running(analyser):
        await kit.until(lambda: not analyser.memory or kit._news.clear())
    values = [event for event in kit.values() if event != "not_readable"]
    assert values == ["11 mg/L", "12 mg/L", "13 mg/L"]


async def test_what_cannot_be_read_is_told_once(bench, kit) -> None:
    ticking = itertools.count(1_795_000_000)
    analyser = Poct1aAnalyser(now=lambda: next(ticking))
    analyser.faults.damaged_documents = 3
    analyser.give("12")
    async with bench.running(analyser):
        await kit.until(lambda: not analyser.memory or kit._news.clear())
    assert [event.problem for event in kit.events if isinstance(event, Measured)] == ["not_readable", None]


@pytest.mark.parametrize(
    ("from_memory", "reason", "resent"), [(True, "NEW", True), (False, "RES", True), (False, "NEW", False)]
)
def test_what_comes_from_memory_is_never_live(from_memory: bool, reason: str, resent: bool) -> None:
    analyte = Analyte("48421-2", LabValue.parse("12"), "mg/L")
    service = Service("OBS", "2026-11-22T10:15:30+01:00", (analyte,), reason=reason)
    message = Message("1", "2026-11-22T10:16:00+01:00", Observations((service,)))
    assert poct1a._result(message, service, analyte, b"", from_memory).resent == resent


@pytest.mark.parametrize("where", ["before_ack", "after_ack"])
@pytest.mark.parametrize("stored", [True, False])
async def test_a_connection_that_breaks_loses_and_doubles_nothing(bench, kit, analyser, where, stored) -> None:
    if stored:
        analyser.give("12")
    analyser.faults.hang_up = where
    async with bench.running(analyser):
        if not stored:
            await kit.until(lambda: kit.states() and kit.states()[-1].state in (S.READY, S.ASLEEP))
            analyser.give("12")
        await kit.until(lambda: not analyser.memory or kit._news.clear())
    assert analyser.faults.hang_up == ""
    assert kit.values() == ["12 mg/L"]
    assert len([event for event in kit.events if event in kit.journal.values()]) == 1


async def test_a_kit_that_cannot_keep_it_says_so(bench, kit, analyser) -> None:
    kit.refuse = lambda _event: kit.refused < 3
    analyser.give("12")
    async with bench.running(analyser):
        await kit.until(lambda: not analyser.memory or kit._news.clear())
    assert (kit.refused, kit.values(), analyser.refusals) == (3, ["12 mg/L"], 3)


async def test_a_kit_that_starts_anew_keeps_nothing_twice(bench, kit, analyser) -> None:
    analyser.give("12", ago_s=60)
    (only,) = analyser.memory
    for _ in range(2):
        if not analyser.memory:
            analyser._queue(only)
        async with bench.running(analyser):
            await kit.until(lambda: not analyser.memory or kit._news.clear())
    assert kit.values() == ["12 mg/L"]
