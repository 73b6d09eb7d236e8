"""Whom hubs expect that were started again: each once, as away, and nobody who is there already."""

import uuid
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carebag_server.hubs.acting import act, events_of
from carebag_server.hubs.events import ConsoleCame, Entered, Gone, GuestCame, Joined, KitCame, KitSaid, RoomEvent
from carebag_server.hubs.expecting import expect
from carebag_server.rooms import Rooms
from carebag_wire.guests import Guest
from carebag_wire.messages import KitStatus, Present

VISIT, KIT, DOCTOR = (uuid.UUID(int=n) for n in (1, 2, 3))
AT = "2026-11-23T09:30:00Z"


def kit_came(line: int) -> list[RoomEvent]:
    said = KitStatus(visit_id=VISIT, devices=[], unsent=0, nurse_present=True)
    return [KitCame(line=line, kit_id=KIT, name="Väska", key=""), KitSaid(line=line, status=said)]


def console_came(line: int, page: str = "of a page") -> list[RoomEvent]:
    return [
        ConsoleCame(line=line, practitioner_id=DOCTOR, name="Dr", page=page, turn=line),
        Joined(line=line, visit_id=VISIT, kit_id=KIT, take_over=False),
        Entered(line=line, visit_id=VISIT, nurses={VISIT: "Anna"}),
    ]


def guest_came(line: int) -> list[RoomEvent]:
    guest = {"id": uuid.UUID(int=9), "visit_id": VISIT, "name": "Karin", "role": "relative", "state": "admitted"}
    times = {"invited_at": AT, "link_expires_at": AT, "invited_by": "Dr", "camera": False}
    return [GuestCame(line=line, guest=Guest.model_validate(guest | times), kit_id=KIT)]


EVERYBODY = [*kit_came(1), *console_came(2), *guest_came(3)]


def rooms_of(*events: RoomEvent) -> Rooms:
    rooms = Rooms()
    for event in events:
        act(rooms, event)
    return rooms


def picture(rooms: Rooms) -> list[str]:
    return [event.model_dump_json() for event in events_of(rooms, lambda _: True)]


def roles(rooms: Rooms) -> tuple[set[str], bool]:
    people, online = rooms.participants(VISIT, KIT)
    return {one.role for one in people}, online


def test_all_are_listed_and_away_and_the_kit_is_not_connected() -> None:
    rooms = Rooms()
    lines, _ = expect(rooms, EVERYBODY)
    assert sorted(lines) == [1, 2, 3]
    assert roles(rooms) == ({"kit", "nurse", "doctor", "guest"}, False)
    assert all(rooms.is_away(line) for line in lines)
    assert rooms.kits_connected() == set()


def test_a_kit_that_is_back_is_connected_and_its_line_of_before_may_go() -> None:
    rooms = Rooms()
    expect(rooms, EVERYBODY)
    told = act(rooms, kit_came(11)[0])
    said = [one.message for one in told if isinstance(getattr(one, "message", None), Present)]
    assert {(one.kit_online, one.kit_expected) for one in said} == {(True, False)}
    assert roles(rooms) == ({"kit", "nurse", "doctor", "guest"}, True)
    act(rooms, Gone(line=1))
    assert roles(rooms) == ({"kit", "nurse", "doctor", "guest"}, True)


def test_those_who_are_there_hear_that_the_kit_is_expected_and_of_its_going() -> None:
    rooms = rooms_of(*console_came(11))
    _, told = expect(rooms, EVERYBODY)
    said = [one.message for one in told if isinstance(getattr(one, "message", None), Present)]
    assert (said[-1].kit_online, said[-1].kit_expected) == (False, True)
    told = act(rooms, Gone(line=1))
    said = [one.message for one in told if isinstance(getattr(one, "message", None), Present)]
    assert (said[-1].kit_online, said[-1].kit_expected) == (False, False)


def test_a_hub_that_comes_while_they_are_expected_has_the_same_picture() -> None:
    rooms = Rooms()
    expect(rooms, EVERYBODY)
    assert picture(rooms_of(*events_of(rooms, lambda _: True))) == picture(rooms)


def test_a_page_without_a_secret_is_not_expected() -> None:
    rooms = Rooms()
    assert expect(rooms, console_came(2, page=""))[0] == []
    assert rooms.connections() == []


@given(st.lists(st.sampled_from([*kit_came(11), *console_came(12), *guest_came(13)])), st.permutations([1, 2, 3]))
def test_who_is_there_stays_as_it_is_and_twice_is_once(there: Any, order: list[int]) -> None:
    kept = [event for line in order for event in EVERYBODY if event.line == line]
    rooms = rooms_of(*there)
    connected = rooms.connections()
    lines, _ = expect(rooms, kept)
    assert not set(lines) & set(connected)
    assert [line for line in connected if rooms.is_away(line)] == []
    assert set(connected) <= set(rooms.connections())
    before = picture(rooms)
    assert expect(rooms, kept)[0] == []
    assert picture(rooms) == before
