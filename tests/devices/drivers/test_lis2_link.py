"""LIS2-A2 transfers that are cut, and kits that are killed, at any point: nothing lost, nothing doubled."""

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carebag_devices.catalog import model_named
from carebag_devices.codecs import lis01
from carebag_devices.codecs.lis01 import Outcome, Sender
from carebag_devices.codecs.lis2 import Message
from carebag_devices.drivers import lis2_link
from carebag_devices.drivers.lab_chart import LabChart
from carebag_devices.drivers.lis2_link import Lis2Link
from carebag_devices.drivers.session import Ledger, Reporter
from carebag_devices.events import DeviceState, Event, Identity, Measured, StateChanged
from carebag_devices.sim.lab_lis2 import Lis2Speaker

MODEL = model_named("lis2_serial")
S = DeviceState


class Kit:
    """Its journal outlives it; everything else is gone when it is killed."""

    def __init__(self) -> None:
        self.journal: dict[str, Measured] = {}
        self.stored = 0
        self.willing = True
        self.states: list[tuple[DeviceState, str]] = []
        self.answers: list[bytes] = []
        self.start()

    def start(self) -> None:
        self.report = Reporter(Identity("wired:x", "crp_analyser"), self.tell, Ledger(time.monotonic))
        self.connect()

    def connect(self) -> None:
        self.answers.clear()
        self.link = Lis2Link(self.report, LabChart(self.report, MODEL), self.answers.append)

    def tell(self, event: Event) -> bool:
        if isinstance(event, StateChanged):
            self.states.append((event.state, event.detail))
        if isinstance(event, Measured):
            if not self.willing:
                return False
            if event.measurement_id not in self.journal:
                self.journal[event.measurement_id] = event
                self.stored += 1
        return True

    def hear(self, data: bytes) -> bytes:
        self.link.feed(data)
        said = b"".join(self.answers)
        self.answers.clear()
        return said

    def values(self) -> list[str]:
        return [f"{v.comparator or ''}{v.value}" for event in self.journal.values() for v in event.values]

    def close(self) -> None:
        self.link.close()


@pytest.fixture
async def kit() -> Any:
    made = Kit()
    yield made
    made.close()


def message(speaker: Lis2Speaker, number: int) -> Message:
    return speaker.message([speaker.order(f"S-{number}", "F"), speaker.result(str(number))])


def deliver(kit: Kit, sender: Sender, cut: int, kill: bool, side: str) -> Outcome | None:
    """One attempt, broken off at packet `cut`; None when it was."""
    packets: list[bytes | Outcome] = [sender.start()]
    for number in range(1000):
        packet = packets.pop(0)
        if isinstance(packet, Outcome):
            return packet
        if number == cut and side == "before":
            return None
        answer = kit.hear(packet)
        if number == cut:
            # the kit has done with it what it does; its answer never arrives
            kit.close()
            kit.start() if kill else kit.connect()
            return None
        packets += sender.feed(answer)
    raise AssertionError("endless")


CUTS = st.lists(
    st.tuples(st.integers(0, 7), st.booleans(), st.sampled_from(["before", "after"]), st.booleans()), max_size=8
)


@settings(max_examples=300)
@given(st.integers(1, 4), CUTS, st.sampled_from([20, 240, 64_000]), st.booleans())
async def test_any_cuts_and_kills(
    results: int, cuts: list[tuple[int, bool, str, bool]], size: int, one_text: bool
) -> None:
    """The analyser forgets a message when it was acknowledged to its end; then the journal has it, exactly once."""
    kit, speaker = Kit(), Lis2Speaker("POC", "SN1")
    memory = [message(speaker, n) for n in range(results)]
    try:
        while memory:
            cut, kill, side, willing = cuts.pop() if cuts else (-1, False, "before", True)
            kit.willing = willing
            texts = [bytes(memory[0])] if one_text else memory[0].lines()
            outcome = deliver(kit, Sender(texts, frame_text=size), cut, kill, side)
            if outcome is Outcome.DONE:
                memory.pop(0)
            assert kit.values() >= [str(n) for n in range(results - len(memory))]
    finally:
        kit.close()
    assert kit.values() == [str(n) for n in range(results)]
    assert kit.stored == results


async def test_the_last_frame_is_answered_after_the_journal_has_it(kit: Kit) -> None:
    speaker = Lis2Speaker("POC", "SN1")
    sender = Sender(message(speaker, 12).lines())
    answer, packet = kit.hear(sender.start()), b""
    while b"L|1|N" not in packet:
        assert kit.journal == {}
        (packet,) = sender.feed(answer)
        kit.willing = b"L|1|N" not in packet
        answer = kit.hear(packet)
    assert answer == lis01.NAK
    kit.willing = True
    assert kit.hear(packet) == lis01.ACK
    assert kit.values() == ["12"]


async def test_a_transfer_that_ends_too_early_says_so_and_keeps_nothing(kit: Kit) -> None:
    lines = message(Lis2Speaker("POC", "SN1"), 12).lines()
    frames = b"".join(bytes(lis01.Frame(n + 1, line, last=True)) for n, line in enumerate(lines[:-1]))
    kit.hear(lis01.ENQ + frames + lis01.EOT)
    assert kit.journal == {}
    assert kit.states[-1] == (S.READY, "transfer_incomplete")


async def test_silence_in_the_middle_frees_the_line(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lis2_link, "RECEIVER_TIMEOUT_S", 0.0)
    kit.hear(lis01.ENQ + b"\x021H|")
    assert kit.link.busy
    while kit.link.busy:  # noqa: ASYNC110 - a timer of the loop ends it
        await asyncio.sleep(0)
    assert kit.states[-1] == (S.READY, "transfer_incomplete")


async def test_two_cassettes_are_awaited_one_by_one(kit: Kit) -> None:
    speaker = Lis2Speaker("POC", "SN1")
    for body in (
        [speaker.order("S-1", "I"), speaker.order("S-2", "I")],
        [speaker.order("S-1", "F"), speaker.result("1")],
    ):
        send(kit, speaker.message(body))
    assert kit.link.busy
    assert kit.states[-1] == (S.MEASURING, "cassette_reading")
    send(kit, speaker.message([speaker.order("S-2", "F"), speaker.result("", "X")]))
    assert not kit.link.busy
    assert kit.states[-1] == (S.READY, "")
    assert [event.provenance for event in kit.journal.values()] == ["live", "live"]


async def test_a_preliminary_result_is_not_told(kit: Kit) -> None:
    speaker = Lis2Speaker("POC", "SN1")
    send(kit, speaker.message([speaker.order("S-1", "I"), speaker.result("1", "P")]))
    assert kit.journal == {}
    assert kit.link.busy


async def test_a_result_that_never_comes_is_given_up(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lis2_link, "CASSETTE_AT_MOST_S", 0.0)
    speaker = Lis2Speaker("POC", "SN1")
    send(kit, speaker.message([speaker.order("S-1", "I")]))
    while kit.link.busy:  # noqa: ASYNC110 - a timer of the loop ends it
        await asyncio.sleep(0)
    assert kit.states[-1] == (S.READY, "no_result")


async def test_a_result_sent_again_is_the_same_one_and_an_unknown_one_is_stored(kit: Kit) -> None:
    speaker = Lis2Speaker("POC", "SN1", now=lambda: 1.7e9)
    send(kit, speaker.message([speaker.order("S-1", "F"), speaker.result("1")]))
    send(kit, speaker.message([speaker.order("S-1", "F"), speaker.result("1", "R")]))
    assert kit.stored == 1
    send(kit, speaker.message([speaker.order("S-2", "F"), speaker.result("2", "R")]))
    assert [event.provenance for event in kit.journal.values()] == ["stored", "stored"]


async def test_what_it_says_to_have_sent_before_is_stored_whatever_was_seen(kit: Kit) -> None:
    speaker = Lis2Speaker("POC", "SN1")
    send(kit, speaker.message([speaker.order("S-1", "I")]))
    send(kit, speaker.message([speaker.order("S-1", "F"), speaker.result("1", "R")]))
    assert [event.provenance for event in kit.journal.values()] == ["stored"]


async def test_a_message_that_cannot_be_read_is_told_once_and_taken(kit: Kit) -> None:
    text = b"H|\\^&\rZ|1\rL|1|N\r"
    for _ in range(2):
        assert kit.hear(lis01.ENQ + bytes(lis01.Frame(1, text, last=True)) + lis01.EOT) == lis01.ACK * 2
    ((event),) = kit.journal.values()
    assert (event.problem, event.flags, event.raw) == ("not_readable", ("unknown_record",), text)
    kit.willing = False
    other = text.replace(b"Z", b"Y")
    assert kit.hear(lis01.ENQ + bytes(lis01.Frame(1, other, last=True)) + lis01.EOT) == lis01.ACK + lis01.NAK


def send(kit: Kit, message: Message) -> None:
    assert deliver(kit, Sender(message.lines()), -1, False, "before") is Outcome.DONE
