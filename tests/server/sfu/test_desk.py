"""The desk between rooms and SFU: who may what, what goes wrong, what is said to whom. The SFU is a script."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carebag_server.sfu import desk as desk_module
from carebag_server.sfu.desk import SfuDesk, _candidate, _sdp
from carebag_server.sfu.port import Leg, SfuEvents, SfuFailed
from carebag_server.sfu.watching import Watching
from carebag_wire.calls import SFU, SfuServes
from carebag_wire.messages import Signal

VISIT = uuid.UUID(int=9)
KIT, NORTH, SOUTH = "kit:1", "doctor:1:1", "doctor:2:1"
OFFER = {"type": "offer", "sdp": "v=0 kit"}
ANSWER = {"type": "answer", "sdp": "v=0 page"}


class ScriptedSfu:
    """An SFU that does as it is asked, notes it, and fails when told to."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.fails = False
        self.events: SfuEvents | None = None
        self.started = asyncio.Event()
        self._legs = 0

    async def run(self, events: SfuEvents) -> None:
        self.events = events
        self.started.set()
        await asyncio.Event().wait()

    def _leg(self) -> Leg:
        if self.fails:
            raise SfuFailed("sfu_no_answer")
        self._legs += 1
        return self._legs

    async def publish(self, offer: str) -> tuple[Leg, str]:
        self.done.append(("publish", offer))
        return self._leg(), "v=0 sfu"

    async def subscribe(self, publication: Leg) -> tuple[Leg, str]:
        self.done.append(("subscribe", publication))
        return self._leg(), "v=0 sfu"

    async def answer(self, leg: Leg, answer: str) -> None:
        self.done.append(("answer", leg, answer))

    async def candidate(self, leg: Leg, candidate: dict[str, Any]) -> None:
        self.done.append(("candidate", leg, candidate))

    def hang_up(self, leg: Leg) -> None:
        self.done.append(("hang_up", leg))


class World:
    def __init__(self) -> None:
        self.sfu = ScriptedSfu()
        self.said: list[Signal | SfuServes] = []
        self.now = 0.0
        self.more = asyncio.Event()
        self.desk = SfuDesk(self.sfu, self._hear, unix_ms=lambda: 1_000_000, monotonic=lambda: self.now)

    def _hear(self, said: Signal | SfuServes) -> None:
        self.said.append(said)
        self.more.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.more.clear()
                await self.more.wait()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def watch(self, *viewers: str, kit: str | None = KIT) -> None:
        self.desk.take(Watching(visit_id=VISIT, kit=kit, viewers=viewers))
        await self.settle()

    async def say(self, sender: str, epoch: int, **what: Any) -> None:
        self.desk.take(Signal(visit_id=VISIT, sender=sender, to=SFU, epoch=epoch, **what))
        await self.settle()

    async def event(self, name: str, value: Any) -> None:
        assert self.sfu.events is not None
        getattr(self.sfu.events, name)(value)
        await self.settle()

    def to(self, whom: str) -> list[Signal]:
        return [one for one in self.said if isinstance(one, Signal) and one.to == whom]

    @property
    def serves(self) -> SfuServes:
        return [one for one in self.said if isinstance(one, SfuServes)][-1]

    async def served(self) -> None:
        """Both viewers have the picture: legs 1 (kit), 2 and 3."""
        await self.watch(NORTH, SOUTH)
        await self.say(KIT, 5, description=OFFER)
        await self.event("up", 1)
        for viewer, leg in ((NORTH, 2), (SOUTH, 3)):
            await self.say(viewer, self.to(viewer)[-1].epoch, description=ANSWER)
            await self.event("up", leg)
        assert self.serves.viewers == [NORTH, SOUTH]
        self.sfu.done.clear()
        self.said.clear()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    world.desk.start()
    await world.sfu.started.wait()
    await world.event("available", True)
    yield world
    await world.desk.stop()


async def test_publish_subscribe_and_who_is_served(world: World) -> None:
    await world.watch(NORTH, SOUTH)
    assert (world.serves.available, world.serves.viewers) == (True, [])
    await world.say(KIT, 5, description=OFFER)
    answer = world.to(KIT)[-1]
    assert (answer.sender, answer.epoch, answer.description) == (SFU, 5, {"type": "answer", "sdp": "v=0 sfu"})
    assert world.to(NORTH) == []  # not before there is something to see
    await world.event("up", 1)
    offer = world.to(NORTH)[-1]
    assert offer.description == {"type": "offer", "sdp": "v=0 sfu", "tracks": {"0": "camera"}}
    await world.say(NORTH, offer.epoch, description=ANSWER)
    assert world.serves.viewers == []
    await world.event("up", 2)
    assert world.serves.viewers == [NORTH]
    assert ("answer", 2, "v=0 page") in world.sfu.done


async def test_the_same_again_changes_nothing(world: World) -> None:
    await world.watch(NORTH, SOUTH)
    await world.say(KIT, 5, description=OFFER)
    await world.say(KIT, 5, description=OFFER)
    assert [one[0] for one in world.sfu.done].count("publish") == 1
    assert [one.epoch for one in world.to(KIT) if one.description] == [5, 5]
    await world.event("up", 1)
    await world.say(NORTH, 0)
    epochs = [one.epoch for one in world.to(NORTH)]
    assert len(epochs) == 2
    assert len(set(epochs)) == 1
    for _ in range(2):
        await world.say(NORTH, epochs[0], description=ANSWER)
    assert [one[0] for one in world.sfu.done].count("answer") == 1


async def test_strangers_and_those_who_left_get_nothing(world: World) -> None:
    await world.served()
    await world.say("doctor:3:1", 0)
    await world.say("doctor:3:1", 5, description=OFFER)
    await world.say("nurse:1", 6, description=OFFER)
    await world.say("", 7, description=OFFER)
    assert world.sfu.done == []
    await world.watch(NORTH)
    assert ("hang_up", 3) in world.sfu.done
    assert world.serves.viewers == [NORTH]
    world.sfu.done.clear()
    await world.say(SOUTH, 0)
    assert world.sfu.done == []
    await world.watch()
    assert {("hang_up", 1), ("hang_up", 2)} <= set(world.sfu.done)


async def test_a_page_cannot_send_and_a_kit_cannot_answer(world: World) -> None:
    await world.served()
    epoch = 1_000_000
    await world.say(NORTH, epoch + 5, description=OFFER)
    await world.say(NORTH, epoch, description={"type": "offer", "sdp": "v=0"})
    await world.say(KIT, 6, description=ANSWER)
    await world.say(KIT, 4, description=OFFER)
    assert world.sfu.done == []


BAD = [
    {},
    {"type": "offer"},
    {"type": "offer", "sdp": 7},
    {"type": "offer", "sdp": ""},
    {"type": ["offer"], "sdp": "x"},
]


@pytest.mark.parametrize("description", BAD)
async def test_malformed_set_up_is_dropped(world: World, description: dict[str, Any]) -> None:
    await world.watch(NORTH, SOUTH)
    await world.say(KIT, 5, description=description)
    await world.say(NORTH, 5, description=description)
    assert world.sfu.done == []
    await world.say(KIT, 5, description=OFFER)
    assert world.sfu.done == [("publish", "v=0 kit")]


async def test_a_flood_of_new_connections_is_refused(world: World) -> None:
    await world.served()
    for epoch in range(50):
        await world.say(NORTH, 1_000_001 + epoch)
        await world.say(NORTH, world.to(NORTH)[-1].epoch if world.to(NORTH) else 0, description=ANSWER)
    assert [one[0] for one in world.sfu.done].count("subscribe") == desk_module.ASKS_AT_ONCE
    world.said.clear()
    for epoch in range(6, 50):
        await world.say(KIT, epoch, description=OFFER)
    assert [one[0] for one in world.sfu.done].count("publish") == desk_module.ASKS_AT_ONCE - 1
    await world.event("up", 2)  # the room is as it was


async def test_a_viewer_who_asks_anew_is_served_directly_meanwhile(world: World) -> None:
    await world.served()
    await world.say(NORTH, 1_000_001)
    assert world.serves.viewers == [SOUTH]
    assert ("hang_up", 2) in world.sfu.done
    assert world.to(NORTH)[-1].epoch > 1_000_000


async def test_when_the_kits_leg_breaks_all_is_over_and_the_kit_is_asked(world: World) -> None:
    await world.served()
    await world.event("over", 1)
    assert world.serves.viewers == []
    assert [(one.description, one.epoch) for one in world.to(KIT)] == [(None, 0)]
    assert [(one.description, one.epoch) for one in world.to(SOUTH)] == [(None, 1_000_000)]


async def test_when_the_sfu_is_away_nobody_is_served_and_nothing_is_hung_up(world: World) -> None:
    await world.served()
    await world.event("available", False)
    assert (world.serves.available, world.serves.viewers) == (False, [])
    assert world.sfu.done == []
    await world.event("available", True)
    assert world.serves.available
    await world.say(KIT, 6, description=OFFER)
    assert world.sfu.done == [("publish", "v=0 kit")]


async def test_what_fails_is_tried_again_and_the_room_stays_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "AGAIN_S", 0.01)
    await world.watch(NORTH, SOUTH)
    world.sfu.fails = True
    await world.say(KIT, 5, description=OFFER)
    await world.until(lambda: any(one.epoch == 0 for one in world.to(KIT)[1:]))
    world.sfu.fails = False
    await world.say(KIT, 5, description=OFFER)
    assert world.to(KIT)[-1].description == {"type": "answer", "sdp": "v=0 sfu"}
    world.sfu.fails = True
    await world.event("up", 1)
    world.sfu.fails = False
    await world.until(lambda: bool(world.to(NORTH) and world.to(SOUTH)))


async def test_the_kits_way_to_the_hub_may_break_while_the_picture_goes_on(world: World) -> None:
    await world.served()
    await world.watch(NORTH, SOUTH, kit=None)
    assert world.sfu.done == []
    await world.watch(NORTH, SOUTH)
    assert world.serves.viewers == [NORTH, SOUTH]
    assert world.to(KIT) == []
    await world.watch(NORTH, SOUTH, kit="kit:2")
    assert ("hang_up", 1) in world.sfu.done


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["candidate", "sdpMid", "sdpMLineIndex", "type", "sdp", "usernameFragment"])


@settings(max_examples=60)
@given(st.dictionaries(NAMES, JSON, max_size=6))
def test_whatever_comes_only_clean_words_are_passed_on(what: dict[str, Any]) -> None:
    passed = _candidate(what)
    assert passed is None or set(passed) <= {"candidate", "sdpMid", "sdpMLineIndex"}
    assert all(isinstance(value, str | int) for value in (passed or {}).values())
    assert _sdp(what, "offer") in (None, what.get("sdp"))
