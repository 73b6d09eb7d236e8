"""Who was in the rooms when a hub ended is expected when it is started again; for seconds, and if it can be read."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carebag_server import sockets
from carebag_server.database import Database
from carebag_server.hubs.bus_inside import Exchange, InsideBus
from carebag_server.hubs.events import ConsoleCame, Entered, GuestCame, Joined, KitCame, KitSaid, RoomEvent
from carebag_server.migrate import upgrade
from carebag_server.rooms_kept import KEPT_FOR, RoomKeeper, RoomsKept
from carebag_server.sockets import LiveRooms
from carebag_wire.guests import Guest
from carebag_wire.messages import KitStatus

VISIT, KIT, DOCTOR = (uuid.UUID(int=n) for n in (1, 2, 3))
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
MOST_S = 20


class Hands:
    def __init__(self) -> None:
        self.at = AT

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def database(tmp_path: Path) -> Any:
    made = Database(f"sqlite:///{tmp_path}/hub.sqlite")
    upgrade(made.engine)
    yield made
    made.dispose()


@pytest.fixture
def hub(database: Database, hands: Hands) -> Callable[[], LiveRooms]:
    def started() -> LiveRooms:
        live = LiveRooms(hands)
        live.keeper = RoomKeeper(database, hands)
        live.start()
        return live

    return started


def events(page: str = "of a page") -> list[RoomEvent]:
    guest = Guest.model_validate(
        {"id": uuid.UUID(int=9), "visit_id": VISIT, "name": "Karin", "role": "relative", "state": "admitted"}
        | {"camera": False, "invited_at": AT, "link_expires_at": AT + timedelta(hours=1), "invited_by": "Dr"}
    )
    return [
        KitCame(line=1, kit_id=KIT, name="Väska", key=""),
        KitSaid(line=1, status=KitStatus(visit_id=VISIT, devices=[], unsent=0, nurse_present=True)),
        ConsoleCame(line=2, practitioner_id=DOCTOR, name="Dr", page=page, turn=1),
        Joined(line=2, visit_id=VISIT, kit_id=KIT, take_over=False),
        Entered(line=2, visit_id=VISIT, nurses={VISIT: "Anna"}),
        GuestCame(line=3, guest=guest, kit_id=KIT),
    ]


def there(live: LiveRooms) -> set[str]:
    people, _ = live.rooms.participants(VISIT, KIT)
    return {one.role for one in people}


async def ended(live: LiveRooms) -> None:
    await live.stop()
    await live.leave()


async def visited(hub: Callable[[], LiveRooms], page: str = "of a page") -> None:
    """A hub in which all came, and that then ended."""
    live = hub()
    for event in events(page):
        await live.happen(event)
    await ended(live)


async def test_all_who_were_there_are_expected_and_those_who_stay_away_are_gone(
    hub: Callable[[], LiveRooms], monkeypatch: pytest.MonkeyPatch
) -> None:
    await visited(hub)
    monkeypatch.setattr(sockets, "EXPECTED_SECONDS", 0.05)
    live = hub()
    assert there(live) == {"doctor", "nurse", "kit", "guest"}
    await live.happen(KitCame(line=live.sharing.line(next(live._numbers)), kit_id=KIT, name="Väska", key=""))
    async with asyncio.timeout(MOST_S):
        while there(live) != {"kit", "nurse"}:  # noqa: ASYNC110 (nothing tells it)
            await asyncio.sleep(0.01)
    await ended(live)
    live = hub()
    assert there(live) == {"kit", "nurse"}
    await ended(live)


async def test_a_new_connection_has_no_number_of_before(hub: Callable[[], LiveRooms]) -> None:
    await visited(hub)
    live = hub()
    assert live.sharing.line(next(live._numbers)) == 4
    await ended(live)


@pytest.mark.parametrize(("later", "expected"), [(KEPT_FOR, True), (KEPT_FOR + timedelta(seconds=1), False)])
async def test_a_hub_that_was_away_for_long_expects_nobody(
    hub: Callable[[], LiveRooms], hands: Hands, later: timedelta, expected: bool
) -> None:
    await visited(hub)
    hands.at += later
    live = hub()
    assert bool(there(live)) == expected
    await ended(live)


async def test_a_page_without_a_secret_comes_in_as_another_and_is_not_expected(hub: Callable[[], LiveRooms]) -> None:
    await visited(hub, page="")
    live = hub()
    assert there(live) == {"nurse", "kit", "guest"}
    await ended(live)


async def test_what_another_version_kept_is_nobody(hub: Callable[[], LiveRooms], database: Database) -> None:
    with database.transaction() as session:
        session.add(RoomsKept(id=1, events='[{"what": "beamed_up"}]', kept_at=AT))
    live = hub()
    assert live.rooms.connections() == []
    await ended(live)
    with database.reading() as session:
        assert session.get_one(RoomsKept, 1).events == "[]"


async def test_where_another_hub_may_have_kept_somebody_nobody_is_written(database: Database, hands: Hands) -> None:
    """A hub with which it is to keep who is there now, after the one that did so ended."""
    keeper = RoomKeeper(database, hands)
    assert keeper.expected() == []
    now: list[list[RoomEvent] | None] = [None]
    keeper.start(lambda: now[0])
    keeper.happened(KitCame(line=1, kit_id=KIT, name="Väska", key=""))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # it has asked, and was told to leave it
    with database.transaction() as session:
        session.add(RoomsKept(id=1, events='[{"what": "kit_came"}]', kept_at=AT))
    now[0] = []
    await keeper.stop()
    with database.reading() as session:
        assert session.get_one(RoomsKept, 1).events == "[]"


async def test_who_stops_a_hub_may_be_stopped_too(database: Database, hands: Hands) -> None:
    """The own cancel is not taken for that of the task which is waited for."""
    keeper, asked = RoomKeeper(database, hands), []
    keeper.start(lambda: asked.append(1))
    await asyncio.sleep(0)
    stopping = asyncio.create_task(keeper.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    await asyncio.wait([stopping])
    assert stopping.cancelled()
    assert asked == [], "it went on to keep"


class HeldKeeper(RoomKeeper):
    """The store answers when it is let."""

    def __init__(self, database: Database, clock: Hands) -> None:
        super().__init__(database, clock)
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def expected(self) -> list[RoomEvent]:
        self.asked.set()
        assert self.may_answer.wait(MOST_S)
        return super().expected()


async def test_the_first_of_several_hubs_lets_nobody_in_until_it_knows_whom_to_expect(
    hub: Callable[[], LiveRooms], database: Database, hands: Hands
) -> None:
    await visited(hub)
    live = LiveRooms(hands)
    live.keeper = keeper = HeldKeeper(database, hands)
    live.start(bus=InsideBus(Exchange()))
    try:
        assert await asyncio.to_thread(keeper.asked.wait, MOST_S)
        assert (live.sharing.is_in, live.is_in, there(live)) == (True, False, set())
        keeper.may_answer.set()
        async with asyncio.timeout(MOST_S):
            while not live.is_in:  # noqa: ASYNC110 (nothing tells it)
                await asyncio.sleep(0.01)
        assert there(live) == {"doctor", "nurse", "kit", "guest"}
    finally:
        keeper.may_answer.set()
        await ended(live)


async def test_a_hub_without_people_writes_nothing(hub: Callable[[], LiveRooms], database: Database) -> None:
    await ended(hub())
    with database.reading() as session:
        assert session.get(RoomsKept, 1) is None
