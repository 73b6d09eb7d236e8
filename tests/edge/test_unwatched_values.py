"""A live value that nobody saw begin belongs to the visit in which its own clock says it was taken, or to nobody."""

from typing import Any

from carebag_devices.events import DeviceState


def readings(room: Any) -> list[Any]:
    return [item.reading for item in room.tray.waiting()]


def take(room: Any, world: Any, age_s: float, uncertainty_s: float = 2.0) -> None:
    room.intake(world.pressure(age_s=age_s, age_uncertainty_s=uncertainty_s))


def test_taken_before_the_visit_was_opened_it_is_nobodys(room: Any, world: Any, hands: Any) -> None:
    room.open(room.know())
    hands.forward(30)
    take(room, world, age_s=60)
    assert room.words[-1] == "saved_unassigned"
    assert len(readings(room)) == 1


def test_taken_between_two_visits_it_is_nobodys(room: Any, world: Any, hands: Any) -> None:
    room.open(room.know())
    hands.forward(300)
    room.bedside.close(plan_read=True)
    hands.forward(100)
    room.open(room.know(patient="Sven Testsson"))
    hands.forward(60)
    take(room, world, age_s=110)
    assert room.words[-1] == "saved_unassigned"


def test_where_its_age_leaves_open_which_of_two_visits_it_is_nobodys(room: Any, world: Any, hands: Any) -> None:
    room.open(room.know())
    hands.forward(300)
    room.bedside.close(plan_read=True)
    room.open(room.know(patient="Sven Testsson"))
    hands.forward(80)
    take(room, world, age_s=90, uncertainty_s=30)
    assert room.words[-1] == "saved_unassigned"


def test_taken_in_the_open_visit_it_is_this_visits(room: Any, world: Any, hands: Any) -> None:
    room.open(room.know())
    hands.forward(30)
    take(room, world, age_s=3)
    assert (room.words[-1], len(room.shown().readings)) == ("saved", 1)


def test_seen_to_begin_its_clock_need_not_be_asked(room: Any, world: Any, hands: Any) -> None:
    room.open(room.know())
    room.device(DeviceState.MEASURING)
    hands.forward(30)
    take(room, world, age_s=60, uncertainty_s=120)
    assert (room.words[-1], len(room.shown().readings)) == ("saved", 1)
