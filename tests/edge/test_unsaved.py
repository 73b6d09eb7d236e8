"""A value that the disk would not take is not acknowledged; said again it is the same one, and never two."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from carebag_edge.errors import NotDurable
from carebag_edge.journal import Journal

CLOCKLESS = {"device_time": None, "measurement_id": "crp/same-bytes"}


@pytest.fixture
def disk(journal: Journal, monkeypatch: Any) -> Callable[[bool], None]:
    """`disk(False)`: it is full; `disk(True)`: it takes everything again."""
    append = journal.append
    takes = True

    def write(*args: Any, **more: Any) -> Any:
        if not takes:
            raise sqlite3.OperationalError("database or disk is full")
        return append(*args, **more)

    def turn(on: bool) -> None:
        nonlocal takes
        takes = on

    monkeypatch.setattr(journal, "append", write)
    return turn


def refuse(room: Any, event: Any) -> None:
    with pytest.raises(NotDurable):
        room.intake(event)


@pytest.mark.parametrize("how", [{"measurement_id": "cuff/1"}, CLOCKLESS, {"provenance": "stored", **CLOCKLESS}])
def test_said_again_while_it_waits_it_is_one_value(room: Any, disk: Any, how: Any) -> None:
    """An analyser that was not acknowledged sends its frame again, six times at most."""
    room.open(room.know())
    disk(False)
    for _ in range(3):
        refuse(room, room.world.pressure(**how))
    assert len(room.bedside.unsaved) == 1
    disk(True)
    room.intake(room.world.pressure(**how))
    assert (len(room.bedside.unsaved), room.bedside.retry_unsaved()) == (0, 0)
    assert len(room.bedside.journal.numbers()) == 2


@pytest.mark.parametrize("how", [{"measurement_id": "cuff/1"}, CLOCKLESS])
def test_written_meanwhile_and_said_again_it_is_acknowledged_and_not_doubled(room: Any, disk: Any, how: Any) -> None:
    room.open(room.know())
    disk(False)
    refuse(room, room.world.pressure(**how))
    disk(True)
    assert room.bedside.retry_unsaved() == 0
    room.intake(room.world.pressure(**how))
    assert len(room.shown().readings) == 1


def test_an_equal_value_without_a_clock_is_a_new_one_a_minute_later(room: Any, disk: Any) -> None:
    room.open(room.know())
    disk(False)
    refuse(room, room.world.pressure(**CLOCKLESS))
    room.hands.forward(61)
    refuse(room, room.world.pressure(**CLOCKLESS))
    assert len(room.bedside.unsaved) == 2
    disk(True)
    assert room.bedside.retry_unsaved() == 0
    room.hands.forward(61)
    room.intake(room.world.pressure(**CLOCKLESS))
    room.intake(room.world.pressure(**CLOCKLESS))
    assert len(room.shown().readings) == 4


def test_it_keeps_the_visit_in_which_it_was_taken(room: Any, disk: Any) -> None:
    visit, other = room.know(), room.know()
    room.open(visit)
    disk(False)
    refuse(room, room.world.pressure(measurement_id="a"))
    disk(True)
    room.bedside.close(plan_read=False)
    room.open(other)
    room.intake(room.world.pressure(measurement_id="a"))
    assert room.shown().readings == []
    assert len(room.bedside.snapshot(visit.visit.id, None).readings) == 1


def test_a_value_the_kit_cannot_understand_is_not_acknowledged_either(room: Any) -> None:
    event = room.world.pressure()
    refuse(room, type(event)(**{**vars(event), "raw": None}))
    assert room.words[-1] == "not_saved"
