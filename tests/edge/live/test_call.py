"""Call set-up when words are lost, said twice, or counted by another clock; the connection itself is not at stake."""

from collections.abc import AsyncIterator
from typing import Any, Literal
from uuid import uuid4

import pytest

from carebag_edge.live.call import Call
from carebag_edge.live.port import PeerEvents
from carebag_wire.messages import Signal

VISIT = uuid4()


class QuietPeer:
    """A peer without a network: says what it was asked, connects with nobody."""

    exact_in_rtp = True

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.closed = False

    async def offer(self) -> dict[str, Any]:
        return {"type": "offer", "sdp": "v=0"}

    async def answer(self, description: dict[str, Any]) -> None:
        if description.get("type") != "answer":
            raise ValueError("not_an_answer")
        self.answers.append(description)

    async def candidate(self, candidate: dict[str, Any]) -> None:
        raise ValueError("not_a_candidate")

    def send_sound(self, packet: bytes, rtp_time: int) -> None: ...

    def send_monitor(self, packet: bytes, rtp_time: int) -> None: ...

    def expect_sound(self, kbps: float) -> None:
        self.sound_kbps = kbps

    def limit_video(self, limit: str) -> None:
        self.limit = limit

    async def watch(self) -> None: ...

    def quality(self) -> None:
        return None

    def clocks(self, t_us: int) -> list[Any]:
        return []

    def picture_times(self) -> tuple[int, ...]:
        return ()

    def send(self, channel: Literal["live", "repair"], message: str | bytes) -> bool:
        return False

    async def close(self) -> None:
        self.closed = True


class Line:
    """A call with what it sent, its peers, and the kit's clock in the test's hand."""

    def __init__(self) -> None:
        self.sent: list[Signal] = []
        self.peers: list[QuietPeer] = []
        self.unix_ms = 1_800_000_000_000
        self.monotonic_s = 0.0
        self.call = self.anew()

    def anew(self) -> Call:
        return Call(VISIT, "doctor:1", self._build, self.sent.append, lambda: self.unix_ms, lambda: self.monotonic_s)

    def _build(self, events: PeerEvents) -> QuietPeer:
        self.peers.append(QuietPeer())
        return self.peers[-1]

    async def say(self, epoch: int, description: dict[str, Any] | None = None) -> None:
        self.call.signal(Signal(visit_id=VISIT, sender="doctor:1", to="kit", epoch=epoch, description=description))
        await self.call.settled()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    made = Line()
    await made.call.settled()
    yield made
    await made.call.close()


ANSWER = {"type": "answer", "sdp": "v=0"}


async def test_a_lost_offer_is_said_again_and_no_second_connection_is_made(line: Line) -> None:
    line.unix_ms += 60_000
    await line.say(0)
    await line.say(0)
    assert [signal.epoch for signal in line.sent] == [1_800_000_000_000] * 3
    assert len(line.peers) == 1


async def test_a_page_that_is_new_gets_a_connection_of_its_own(line: Line) -> None:
    await line.say(line.sent[0].epoch, ANSWER)
    await line.say(0)
    assert len(line.peers) == 2
    assert line.peers[0].closed
    assert line.sent[1].epoch > line.sent[0].epoch


async def test_an_answer_said_twice_is_taken_once(line: Line) -> None:
    await line.say(line.sent[0].epoch, ANSWER)
    await line.say(line.sent[0].epoch, ANSWER)
    assert line.peers[0].answers == [ANSWER]


async def test_a_refused_answer_leaves_room_for_a_good_one(line: Line) -> None:
    await line.say(line.sent[0].epoch, {"type": "offer", "sdp": "v=0"})
    await line.say(line.sent[0].epoch, ANSWER)
    assert line.peers[0].answers == [ANSWER]


async def test_a_kit_whose_clock_fell_back_offers_above_what_the_page_knows(line: Line) -> None:
    known = line.sent[0].epoch
    await line.call.close()
    line.unix_ms -= 3_600_000
    line.call = line.anew()
    await line.call.settled()
    assert line.sent[-1].epoch < known
    await line.say(known + 1)
    assert line.sent[-1].epoch > known


async def test_an_ask_of_an_attempt_that_is_over_changes_nothing(line: Line) -> None:
    await line.say(line.sent[0].epoch)
    await line.say(line.sent[0].epoch - 5)
    assert len(line.peers) == 1
    assert len(line.sent) == 1


async def test_a_page_that_asks_for_ever_new_connections_gets_a_few(line: Line) -> None:
    for number in range(1, 50):
        await line.say(line.sent[0].epoch + number)
    assert len(line.peers) <= 1 + 5
    line.monotonic_s += 10.0
    await line.say(line.sent[-1].epoch + 1)
    assert len(line.sent) == len(line.peers) <= 1 + 5 + 1


async def test_an_epoch_from_nowhere_is_refused_and_the_call_goes_on(line: Line) -> None:
    await line.say(2**53 - 1)
    assert len(line.peers) == 1
    await line.say(line.sent[0].epoch, ANSWER)
    assert line.peers[0].answers == [ANSWER]
    await line.say(0)
    assert len(line.peers) == 2


async def test_a_flood_of_signals_is_cut_off(line: Line) -> None:
    for _ in range(10_000):
        line.call.signal(Signal(visit_id=VISIT, sender="doctor:1", to="kit", epoch=line.sent[0].epoch, candidate={}))
    assert line.call._inbox.qsize() <= 500
    await line.call.settled()
    assert len(line.peers) == 1


async def test_what_was_decided_before_a_new_connection_holds_for_it(line: Line) -> None:
    line.call.limit_video("none")
    line.call.expect_sound(170.0)
    await line.say(line.sent[0].epoch + 1)
    assert [(peer.limit, peer.sound_kbps) for peer in line.peers] == [("none", 170.0)] * 2
