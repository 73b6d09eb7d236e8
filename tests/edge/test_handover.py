"""Another nurse's open visit: nothing of it is shown before it is taken over, and nothing measured in it is lost."""

from pathlib import Path
from typing import Any

import pytest
from tests.edge.conftest import CUFF, Room

from carebag_edge.bedside import Bedside
from carebag_edge.errors import Refused
from carebag_edge.handover import close_unseen, held, is_held, take_over
from carebag_edge.journal import Journal
from carebag_edge.media_files import MediaFiles
from carebag_wire.records import Reading, VisitClosed, VisitTakenOver


def again(room: Room, folder: Path) -> Bedside:
    """The kit after a restart."""
    return Bedside(room.bedside.journal, MediaFiles(folder / "media"), room.hands.clock)


def kept(bedside: Bedside, visit: Any, kind: type) -> list[Any]:
    return [one.record for one in bedside.own(visit.visit.id) if isinstance(one.record, kind)]


def test_it_is_the_first_nurses_until_it_is_taken_over(room: Room, world: Any, hands: Any, tmp_path: Path) -> None:
    first, second = room.nurse, world.nurse("Berit Dahl")
    visit = room.know()
    room.open(visit)
    assert (is_held(room.bedside, first), is_held(room.bedside, second)) == (False, True)
    shown = held(room.bedside, second)
    assert shown is not None
    assert shown.nurse == "Anna Lind"
    assert held(again(room, tmp_path), second) == shown
    take_over(room.bedside, hands.clock, second)
    take_over(room.bedside, hands.clock, second)
    for bedside in (room.bedside, again(room, tmp_path)):
        assert (is_held(bedside, first), is_held(bedside, second)) == (True, False)
        assert [one.binding.nurse_id for one in kept(bedside, visit, VisitTakenOver)] == [second.practitioner_id]


def test_what_was_measured_before_is_the_first_nurses_also_when_it_comes_after(
    room: Room, world: Any, hands: Any
) -> None:
    """Begun before, told after; and out of a memory, with an age that says when it was."""
    first, second = room.nurse, world.nurse("Berit Dahl")
    visit = room.know()
    room.open(visit)
    hands.forward(100)
    room.bedside.binder.began(CUFF.id)
    hands.forward(10)
    take_over(room.bedside, hands.clock, second)
    hands.forward(20)
    assert room.bedside.keep_measured(world.pressure("121", measurement_id="a")) is not None
    room.bedside.binder.ended(CUFF.id)
    old = world.pressure("122", provenance="stored", measurement_id="b", age_s=60.0)
    new = world.pressure("123", provenance="stored", measurement_id="c", age_s=5.0)
    for one in (old, new):
        assert room.bedside.keep_measured(one) is not None
    readings = kept(room.bedside, visit, Reading)
    told = {str(one.quantities[0].value): one.binding.nurse_id for one in readings}
    assert told == {
        "121": first.practitioner_id,
        "122": first.practitioner_id,
        "123": second.practitioner_id,
    }


def test_closed_unseen_by_her_name_and_what_comes_late_is_still_of_the_visit(
    room: Room, world: Any, hands: Any
) -> None:
    first, second = room.nurse, world.nurse("Berit Dahl")
    visit = room.know()
    room.open(visit)
    with pytest.raises(Refused, match="not_held"):
        close_unseen(room.bedside, hands.clock, first)
    hands.forward(100)
    room.bedside.binder.began(CUFF.id)
    close_unseen(room.bedside, hands.clock, second)
    (closed,) = kept(room.bedside, visit, VisitClosed)
    assert (closed.binding.nurse_id, closed.for_another, closed.plan_read) == (second.practitioner_id, True, False)
    hands.forward(5)
    entry = room.bedside.keep_measured(world.pressure("124"))
    assert entry is not None
    assert (entry.record.binding.visit_id, entry.record.binding.nurse_id) == (visit.visit.id, first.practitioner_id)
    for what in (take_over, close_unseen):
        with pytest.raises(Refused, match="visit_not_open"):
            what(room.bedside, hands.clock, second)


def test_an_older_kit_s_open_visit_is_its_openers(room: Room, world: Any, journal: Journal, tmp_path: Path) -> None:
    """Without holder and hands in the journal; and a hub of before is sent nothing that it does not know."""
    visit = room.know()
    room.open(visit)
    text = room.bedside.journal.json_state("open_visit")
    assert {"holder_id", "hands"} <= text.keys()
    room.bedside.close(plan_read=True)
    (closed,) = kept(room.bedside, visit, VisitClosed)
    assert "for_another" not in closed.model_dump_json()
