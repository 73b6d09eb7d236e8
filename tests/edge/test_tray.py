"""Whose a value of an instrument's memory is: known by its age if that is sure, else the nurse decides in the tray."""

import sqlite3
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from carebag_devices.events import DeviceState
from carebag_edge.errors import Refused
from carebag_edge.journal import Journal
from carebag_edge.tray import SET_ASIDE_SHOWN, SHOWN
from carebag_wire.messages import Changed
from carebag_wire.nurse_messages import FileReading
from carebag_wire.records import ReadingFiled
from carebag_wire.visit import ReadingView


def stored(room: Any, name: str = "a", **more: Any) -> Any:
    """A cuff hands over one value of its memory."""
    room.intake(room.world.pressure(provenance="stored", measurement_id=name, **more))
    waiting = room.tray.waiting()
    return waiting[0].reading if waiting else None


def file(room: Any, reading: Any, decision: str = "this_patient", reason: str = "") -> None:
    room.tray.file(FileReading(reading_id=reading.id, decision=decision, reason=reason), room.nurse)


def shown(room: Any) -> list[tuple[str, bool]]:
    return [(view.decision, view.taken_back) for view in room.shown().readings]


def test_measured_in_this_visit_and_carried_later_it_belongs_to_the_visit_and_answers(room: Any) -> None:
    visit = room.know("blood_pressure")
    room.open(visit)
    room.tasks.start(visit.requests[0].id)
    room.hands.forward(300)
    room.intake(room.world.pressure(provenance="stored", age_s=60, measurement_id="a"))
    (view,) = room.shown().readings
    assert (view.reading.provenance, view.reading.flags) == ("live", [])
    assert view.reading.binding.request_id == visit.requests[0].id
    assert view.reading.circumstances.site == "left_arm"
    assert (room.tray.count(), room.words[-1]) == (0, "saved")
    assert room.shown().requests[0].state == "answered"


@pytest.mark.parametrize(
    ("age_s", "uncertainty_s"), [(400, 2), (299, 2), (None, None), (60, None), (-10, 2), (float("nan"), 2)]
)
def test_older_than_the_visit_unsure_or_without_a_clock_it_is_nobodys(
    room: Any, age_s: Any, uncertainty_s: Any
) -> None:
    room.open(room.know())
    room.hands.forward(300)
    room.intake(room.world.pressure(provenance="stored", age_s=age_s, age_uncertainty_s=uncertainty_s))
    assert room.shown().readings == []
    (item,) = room.tray.waiting()
    assert (item.reading.provenance, room.words[-1]) == ("stored", "saved_unassigned")


def test_it_lands_in_the_visit_it_was_measured_in_also_after_a_restart(
    room: Any, journal: Journal, reopen: Any, make_room: Any
) -> None:
    first, second = room.know("blood_pressure", patient="First"), room.know("blood_pressure", patient="Second")
    room.open(first)
    room.tasks.start(first.requests[0].id)
    room.hands.forward(600)
    room.bedside.close(plan_read=True)
    room.hands.forward(600)
    room.open(second)
    journal.close()
    again = reopen()
    restarted = make_room(again)
    restarted.hands.forward(300)
    restarted.intake(room.world.pressure(provenance="stored", age_s=1200, measurement_id="a"))
    assert restarted.shown().readings == []
    (view,) = restarted.bedside.snapshot(first.visit.id, None).readings
    assert view.reading.binding.patient_id == first.visit.patient.id
    assert view.reading.binding.request_id == first.requests[0].id
    restarted.intake(room.world.pressure(provenance="stored", age_s=700, measurement_id="b"))
    assert restarted.tray.count() == 1
    again.close()


def test_a_dump_said_again_makes_no_second_record_also_after_a_restart(
    room: Any, journal: Journal, reopen: Any, make_room: Any
) -> None:
    dump = [
        room.world.pressure(str(110 + n), provenance="stored", measurement_id=f"cuff/{n}", device_time=None)
        for n in range(60)
    ]
    for value in dump + dump:
        room.intake(value)
    assert (room.tray.count(), len(journal.numbers())) == (60, 60)
    journal.close()
    again = reopen()
    restarted = make_room(again)
    for value in dump:
        restarted.intake(value)
    assert (restarted.tray.count(), len(again.numbers())) == (60, 60)
    file(restarted, restarted.tray.waiting()[0].reading, "set_aside")
    restarted.intake(dump[59])
    assert restarted.tray.count() == 59
    again.close()


def test_a_repeat_of_a_dump_does_not_end_what_is_measured_now(room: Any) -> None:
    visit, other = room.know(), room.know()
    room.open(visit)
    stored(room, "old")
    room.device(DeviceState.MEASURING)
    stored(room, "old")
    room.bedside.close(plan_read=False)
    room.open(other)
    room.intake(room.world.pressure())
    assert room.shown().readings == []
    assert len(room.bedside.snapshot(visit.visit.id, None).readings) == 1


def test_filed_it_is_in_the_visit_with_who_and_when_and_stays_stored(room: Any, journal: Journal) -> None:
    reading = stored(room)
    visit = room.know("blood_pressure")
    with pytest.raises(Refused, match="visit_not_open"):
        file(room, reading)
    room.open(visit)
    room.hands.forward(30)
    file(room, reading, reason="  she showed me the diary ")
    (view,) = room.shown().readings
    assert (view.filed_by, view.filed_at, view.decision) == ("Anna Lind", room.hands.utc, "draft")
    assert (view.reading, view.reading.provenance, view.reading.binding.visit_id) == (reading, "stored", None)
    assert (room.tray.count(), list(room.tray.waiting())) == (0, [])
    record = journal.of_visit(visit.visit.id)[-1].record
    assert isinstance(record, ReadingFiled)
    assert (record.binding.nurse_id, record.reason) == (room.nurse.practitioner_id, "she showed me the diary")
    assert room.shown().requests[0].state == "asked"
    with pytest.raises(Refused, match="already_filed"):
        file(room, reading)


def test_set_aside_it_is_listed_and_may_still_be_filed(room: Any, journal: Journal) -> None:
    reading = stored(room)
    file(room, reading, "set_aside", "the neighbour's")
    (item,) = room.tray.set_aside()
    assert (item.reading, item.set_aside_by, item.set_aside_at) == (reading, "Anna Lind", room.hands.utc)
    assert (room.tray.count(), journal.of_tray(reading.id).decided.record.binding.visit_id) == (0, None)  # type: ignore[union-attr]
    with pytest.raises(Refused, match="already_set_aside"):
        file(room, reading, "set_aside")
    room.open(room.know())
    file(room, reading)
    assert shown(room) == [("draft", False)]
    assert list(room.tray.set_aside()) == []


def test_taken_back_it_is_shown_as_rejected_by_the_nurse_and_goes_to_the_right_visit(room: Any) -> None:
    reading = stored(room)
    wrong, right = room.know(patient="Wrong"), room.know(patient="Right")
    room.open(wrong)
    file(room, reading)
    file(room, reading, "set_aside", "not hers")
    (view,) = room.shown().readings
    assert (view.decision, view.taken_back, view.decided_by, view.reason) == ("rejected", True, "Anna Lind", "not hers")
    file(room, reading)
    assert shown(room) == [("draft", False)]
    assert room.shown().readings[0].reason == ""
    file(room, reading, "set_aside")
    room.bedside.close(plan_read=False)
    room.open(right)
    file(room, reading)
    assert shown(room) == [("draft", False)]
    assert room.bedside.snapshot(wrong.visit.id, None).readings[0].taken_back


def test_after_the_visit_or_the_doctors_decision_it_stays(room: Any) -> None:
    first, second = stored(room, "a"), stored(room, "b")
    visit = room.know()
    room.open(visit)
    file(room, first)
    file(room, second)
    view = room.shown().readings[0]
    kept = view.model_copy(update={"decision": "kept", "decided_by": "Eva Ek", "decided_at": room.hands.utc})
    room.bedside.hub_said(Changed(visit_id=visit.visit.id, reading=kept))
    with pytest.raises(Refused, match="already_decided"):
        file(room, first, "set_aside")
    assert shown(room)[0] == ("kept", False)
    room.bedside.close(plan_read=True)
    with pytest.raises(Refused, match="already_filed"):
        file(room, second, "set_aside")
    room.open(room.know())
    for decision in ("set_aside", "this_patient"):
        with pytest.raises(Refused, match="already_filed"):
            file(room, second, decision)


def test_what_the_kit_decided_later_than_the_hub_said_is_shown(room: Any) -> None:
    reading = stored(room)
    visit = room.know()
    room.open(visit)
    file(room, reading)
    told = ReadingView(reading=reading, filed_by="Anna Lind", filed_at=room.hands.utc, received_at=room.hands.utc)
    file(room, reading, "set_aside")
    room.bedside.hub_said(Changed(visit_id=visit.visit.id, reading=told))
    assert shown(room) == [("rejected", True)]


def test_only_values_of_the_tray_can_be_filed(room: Any) -> None:
    room.open(room.know())
    room.intake(room.world.pressure())
    for reading_id in (room.shown().readings[0].reading.id, room.world.new_id()):
        with pytest.raises(Refused, match="not_in_tray"):
            room.tray.file(FileReading(reading_id=reading_id, decision="this_patient"), room.nurse)


def test_a_devices_error_waits_for_no_decision(room: Any) -> None:
    room.intake(room.world.pressure(problem="cuff_too_loose"))
    assert room.tray.count() == 0


def test_what_cannot_be_written_is_not_decided(room: Any, journal: Journal, monkeypatch: Any) -> None:
    reading = stored(room)

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(journal, "append", full)
    with pytest.raises(sqlite3.OperationalError):
        file(room, reading, "set_aside")
    monkeypatch.undo()
    assert room.tray.count() == 1


def test_the_newest_hundred_are_shown_and_all_are_counted(room: Any) -> None:
    for number in range(SHOWN + 1):
        reading = stored(room, f"n{number}")
    assert (len(room.tray.waiting()), room.tray.count()) == (SHOWN, SHOWN + 1)
    assert room.tray.waiting()[0].reading == reading
    for item in list(room.tray.waiting())[: SET_ASIDE_SHOWN + 1]:
        file(room, item.reading, "set_aside")
    assert (len(room.tray.set_aside()), room.tray.count()) == (SET_ASIDE_SHOWN, SHOWN - SET_ASIDE_SHOWN)


OFFERED = [
    ("stored", 299, True),  # by the clock perhaps before, perhaps in the visit
    ("stored", 310, False),  # surely before
    ("stored", None, False),  # no clock can tell
]


@pytest.mark.parametrize(("provenance", "age_s", "offered"), OFFERED)
def test_what_may_have_been_measured_in_this_visit_is_offered(
    room: Any, provenance: Any, age_s: float | None, offered: bool
) -> None:
    room.open(room.know())
    room.hands.forward(300)
    room.intake(room.world.pressure(provenance=provenance, age_s=age_s))
    assert [one.offered for one in room.tray.waiting()] == [offered]
    room.bedside.close(plan_read=False)
    assert [one.offered for one in room.tray.waiting()] == [False]


def test_a_watched_value_of_doubtful_visit_is_offered(room: Any) -> None:
    first, second = room.know(), room.know()
    room.open(first)
    room.device(DeviceState.MEASURING)
    room.device(DeviceState.LOST)
    room.bedside.close(plan_read=False)
    room.hands.forward(60)
    room.open(second)
    room.device(DeviceState.CONNECTING)
    room.device(DeviceState.READY)
    room.intake(room.world.pressure(device_time=None))
    (item,) = room.tray.waiting()
    assert (item.offered, item.reading.provenance) == (True, "live")


def test_what_came_before_the_visit_opened_is_not_offered(room: Any) -> None:
    room.intake(room.world.pressure(device_time=None))
    room.hands.forward(60)
    room.open(room.know())
    assert [one.offered for one in room.tray.waiting()] == [False]


class Decisions(RuleBasedStateMachine):
    """A random day with the tray against a list: every value is at one place, and only the last decision counts."""

    room: Any
    """Set anew for each example by `test_no_value_is_at_two_places`."""

    def __init__(self) -> None:
        super().__init__()
        self.here = type(self).room()
        self.place: dict[Any, Any] = {}
        """Reading → None: waits; `aside`; or the visit's id."""
        self.visit: Any = None

    @rule()
    def stored(self) -> None:
        reading = stored(self.here, f"{len(self.place)}")
        self.place[reading.id] = None

    @rule()
    def open_or_close(self) -> None:
        if self.visit is not None:
            self.here.bedside.close(plan_read=False)
            self.visit = None
        else:
            visit = self.here.know()
            self.here.open(visit)
            self.visit = visit.visit.id

    @rule(at=st.integers(0, 20), decision=st.sampled_from(["this_patient", "set_aside"]))
    def decide(self, at: int, decision: str) -> None:
        if not self.place:
            return
        reading_id = list(self.place)[at % len(self.place)]
        place = self.place[reading_id]
        filed = place not in (None, "aside")
        allowed = (
            self.visit is not None and not filed
            if decision == "this_patient"
            else place is None or (filed and place == self.visit)
        )
        message = FileReading(reading_id=reading_id, decision=decision)
        if allowed:
            self.here.tray.file(message, self.here.nurse)
            self.place[reading_id] = self.visit if decision == "this_patient" else "aside"
        else:
            with pytest.raises(Refused):
                self.here.tray.file(message, self.here.nurse)

    @invariant()
    def everything_is_where_it_was_put(self) -> None:
        waiting = {one.reading.id for one in self.here.tray.waiting()}
        assert waiting == {one for one, place in self.place.items() if place is None}
        assert self.here.tray.count() == len(waiting)
        aside = {one.reading.id for one in self.here.tray.set_aside()}
        assert aside == {one for one, place in self.place.items() if place == "aside"}
        if self.visit is not None:
            drafts = {view.reading.id for view in self.here.shown().readings if not view.taken_back}
            assert drafts == {one for one, place in self.place.items() if place == self.visit}


def test_no_value_is_at_two_places(tmp_path: Any, make_room: Any, key: Any) -> None:
    numbers = iter(range(10**6))
    opened: list[Journal] = []

    def fresh() -> Any:
        opened.append(Journal(tmp_path / f"{next(numbers)}.sqlite", key))
        return make_room(opened[-1])

    Decisions.room = staticmethod(fresh)  # type: ignore[assignment]
    run_state_machine_as_test(Decisions, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))
    for journal in opened:
        journal.close()
