"""A value typed in error: struck through while the visit is open, never deleted, never past the doctor."""

from decimal import Decimal
from typing import Any

import pytest

from carebag_edge.errors import Refused
from carebag_edge.withdrawal import withdraw
from carebag_wire.messages import Changed
from carebag_wire.nurse_messages import EnterReading, WithdrawReading
from carebag_wire.records import ReadingWithdrawn, record_adapter
from carebag_wire.values import Quantity


def typed(room: Any) -> Any:
    number = [Quantity(name="weight", value=Decimal("715"), unit="kg")]
    message = EnterReading(kind="weight", quantities=number, again=number)
    return room.bedside.keep_typed(message, simulated=False).record


def strike(room: Any, reading_id: Any) -> None:
    withdraw(room.bedside, room.hands.clock, WithdrawReading(reading_id=reading_id, reason=" "), room.nurse)


def test_it_stays_struck_through_with_who_and_when(room: Any) -> None:
    visit = room.know("weight")
    room.open(visit)
    room.tasks.start(visit.requests[0].id)
    reading = typed(room)
    room.hands.forward(60)
    strike(room, reading.id)
    (view,) = room.shown().readings
    assert (view.reading, view.decision, view.taken_back) == (reading, "rejected", True)
    assert (view.decided_by, view.decided_at, view.filed_at) == (room.nurse.name, room.hands.utc, None)
    assert room.shown().requests[0].state == "answered"
    record = room.bedside.own(visit.visit.id)[-1].record
    assert isinstance(record, ReadingWithdrawn)
    assert (record.reading_id, record.binding.visit_id) == (reading.id, visit.visit.id)
    assert record.binding.nurse_id == room.nurse.practitioner_id
    assert record_adapter.validate_json(record.model_dump_json()) == record


def test_said_twice_it_is_written_once(room: Any) -> None:
    visit = room.know()
    room.open(visit)
    reading = typed(room)
    strike(room, reading.id)
    before = len(room.bedside.own(visit.visit.id))
    strike(room, reading.id)
    assert len(room.bedside.own(visit.visit.id)) == before


def test_not_past_the_doctor_not_another_visits_and_not_a_measured_one(room: Any) -> None:
    visit = room.know()
    room.open(visit)
    reading = typed(room)
    (view,) = room.shown().readings
    kept = view.model_copy(update={"decision": "kept", "decided_by": "Dr", "decided_at": room.hands.utc})
    room.bedside.hub_said(Changed(visit_id=visit.visit.id, reading=kept))
    with pytest.raises(Refused, match="already_decided"):
        strike(room, reading.id)
    room.bedside.keep_measured(room.world.pressure("128"))
    measured = next(one.reading for one in room.shown().readings if one.reading.provenance == "live")
    for other in (measured.id, room.world.new_id()):
        with pytest.raises(Refused, match="not_typed_here"):
            strike(room, other)
    room.bedside.close(plan_read=False)
    with pytest.raises(Refused, match="visit_not_open"):
        strike(room, reading.id)


def test_what_the_doctor_decided_in_between_stays(room: Any) -> None:
    """The hub let the doctor's decision count: the kit's own withdrawal changes nothing then."""
    visit = room.know()
    room.open(visit)
    reading = typed(room)
    strike(room, reading.id)
    (view,) = room.shown().readings
    update = {"decision": "kept", "taken_back": False, "decided_by": "Dr"}
    room.bedside.hub_said(Changed(visit_id=visit.visit.id, reading=view.model_copy(update=update)))
    (view,) = room.shown().readings
    assert (view.decision, view.taken_back) == ("kept", False)
