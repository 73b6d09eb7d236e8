"""A visit on the kit without any hub: opened, asked for, measured, closed; and what the hub says meanwhile."""

import sqlite3
from datetime import timedelta
from typing import Any

import pytest

from carebag_devices.events import DeviceState
from carebag_edge.errors import NotDurable, Refused
from carebag_edge.journal import Journal
from carebag_edge.visits import VisitBook
from carebag_wire.image_strip import strip
from carebag_wire.messages import Changed, Present
from carebag_wire.nurse_messages import OpenVisit
from carebag_wire.records import VisitOpened
from carebag_wire.visit import ListeningMark, Note, Participant, ReadingView


def test_opening_is_a_record_and_is_shown_before_the_hub_knows(room: Any, journal: Journal) -> None:
    visit = room.know()
    room.open(visit)
    (entry,) = journal.of_visit(visit.visit.id)
    assert isinstance(entry.record, VisitOpened)
    assert entry.record.binding.nurse_id == room.nurse.practitioner_id
    assert (room.shown().visit.state, room.shown().visit.nurse) == ("open", room.nurse)


@pytest.mark.parametrize(
    ("field", "identifier"), [("birth_date", "birth_date"), ("personal_id", "personal_id"), ("place", "address")]
)
def test_what_is_not_known_of_a_patient_identifies_nobody(room: Any, field: str, identifier: str) -> None:
    visit = room.know()
    patient = visit.visit.patient.model_copy(update={field: " "})
    head = visit.visit.model_copy(update={"patient": patient})
    room.bedside.hub_said(room.world.told(visit.model_copy(update={"visit": head})))
    with pytest.raises(Refused, match="two_identifiers"):
        room.bedside.open(OpenVisit(visit_id=visit.visit.id, identifiers=["name", identifier]), room.nurse)


def test_a_visit_is_opened_once_by_two_identifiers_and_never_again_when_closed(room: Any) -> None:
    visit, other = room.know(), room.know()
    once = OpenVisit(visit_id=visit.visit.id, identifiers=["name", "name"])
    unknown = OpenVisit(visit_id=room.world.new_id(), identifiers=["name", "photo"])
    for message, code in ((once, "two_identifiers"), (unknown, "unknown_visit")):
        with pytest.raises(Refused, match=code):
            room.bedside.open(message, room.nurse)
    room.open(visit)
    with pytest.raises(Refused, match="already_open"):
        room.open(other)
    room.bedside.close(plan_read=True)
    with pytest.raises(Refused, match="visit_closed"):
        room.open(visit)
    with pytest.raises(Refused, match="visit_not_open"):
        room.bedside.close(plan_read=True)


def test_asked_started_measured_answered(room: Any) -> None:
    visit = room.know("blood_pressure")
    room.open(visit)
    (request,) = visit.requests
    room.tasks.start(request.id)
    room.tasks.start(request.id)
    assert room.shown().requests[0].state == "started"
    room.intake(room.world.pressure())
    shown = room.shown()
    assert (shown.requests[0].state, len(shown.readings)) == ("answered", 1)
    assert shown.readings[0].reading.binding.request_id == request.id
    assert shown.readings[0].reading.circumstances.site == "left_arm"
    assert len(room.bedside.own(visit.visit.id)) == 3
    room.intake(room.world.pressure("131", device_time="2026-11-23T10:05:00"))
    assert room.shown().readings[1].reading.binding.request_id is None


def test_without_asking_it_is_a_draft_and_without_a_visit_it_is_nobodys(room: Any) -> None:
    room.intake(room.world.crp())
    assert room.words[-1] == "saved_unassigned"
    room.open(room.know())
    room.intake(room.world.crp("5", "<"))
    assert room.words[-1] == "saved"
    (view,) = room.shown().readings
    assert (view.reading.binding.request_id, view.decision) == (None, "draft")


def test_a_value_that_rotted_after_it_was_shown_is_shown_no_more(room: Any, journal: Journal) -> None:
    room.open(room.know())
    room.intake(room.world.crp("5", "<"))
    (view,) = room.shown().readings
    made_of = room.bedside.changes
    journal._db.execute("UPDATE record SET payload = '' WHERE id = ?", (str(view.reading.id),))
    assert len(journal.unsent_records(10)) == 1
    assert room.bedside.changes > made_of
    assert room.shown().readings == []


def test_a_crp_from_the_visit_before_is_filed_there(room: Any) -> None:
    analyser = room.world.crp().identity
    first, second = room.know("crp", patient="First"), room.know("crp", patient="Second")
    room.open(first)
    room.device(DeviceState.MEASURING, "cassette_reading", analyser)
    room.bedside.close(plan_read=False)
    room.open(second)
    room.tasks.start(second.requests[0].id)
    room.device(DeviceState.MEASURING, "result_arriving", analyser)
    room.intake(room.world.crp())
    assert room.shown().readings == []
    (entry,) = [one for one in room.bedside.own(first.visit.id) if one.record.type == "reading"]
    assert (entry.record.binding.patient_id, entry.record.binding.request_id) == (first.visit.patient.id, None)
    assert room.shown().requests[0].state == "started"


def test_a_connected_instrument_that_delivers_in_the_next_visit_is_filed_in_its_own(room: Any) -> None:
    first, second = room.know(patient="First"), room.know("blood_pressure", patient="Second")
    room.open(first)
    room.hands.forward(60)
    room.bedside.close(plan_read=False)
    room.hands.forward(20)
    room.open(second)
    room.tasks.start(second.requests[0].id)
    room.hands.forward(5)
    room.intake(room.world.pressure(age_s=40.0, measurement_id="late"))
    assert room.shown().readings == []
    assert [one.record.type for one in room.bedside.own(first.visit.id)][-1] == "reading"
    room.intake(room.world.pressure(age_s=1.0, measurement_id="now"))
    assert [view.reading.binding.request_id for view in room.shown().readings] == [second.requests[0].id]


def test_the_same_measurement_twice_is_one_and_equal_ones_are_two(room: Any) -> None:
    room.open(room.know())
    room.intake(room.world.pressure(measurement_id="a"))
    room.intake(room.world.pressure(measurement_id="a"))
    assert len(room.shown().readings) == 1
    for _ in range(2):
        room.intake(room.world.pressure(measurement_id="b", device_time=None))
    assert len(room.shown().readings) == 3
    for _ in range(2):
        room.intake(room.world.pressure(measurement_id="c", device_time="2026-00-00T00:00:00"))
    assert len(room.shown().readings) == 5


def test_what_a_cuff_had_stored_goes_to_the_tray(room: Any) -> None:
    visit = room.know("blood_pressure")
    room.open(visit)
    room.tasks.start(visit.requests[0].id)
    room.intake(room.world.pressure(provenance="stored"))
    assert (room.shown().readings, room.words[-1]) == ([], "saved_unassigned")


def test_lost_in_the_middle_the_request_stays_started_and_the_word_is_said(room: Any) -> None:
    visit = room.know("blood_pressure")
    room.open(visit)
    room.tasks.start(visit.requests[0].id)
    room.device(DeviceState.MEASURING, "inflating")
    room.device(DeviceState.LOST)
    assert room.words[-1] == "device_lost"
    assert room.shown().requests[0].state == "started"
    room.device(DeviceState.CONNECTING)
    room.device(DeviceState.READY)
    room.intake(room.world.pressure())
    assert room.shown().readings[0].reading.binding.request_id == visit.requests[0].id


def test_declined_with_a_reason_only(room: Any) -> None:
    visit = room.know("listen")
    room.open(visit)
    with pytest.raises(Refused, match="reason_missing"):
        room.tasks.decline(visit.requests[0].id, "  ")
    room.tasks.decline(visit.requests[0].id, "vill inte")
    assert room.shown().requests[0].state == "declined"
    with pytest.raises(Refused, match="request_over"):
        room.tasks.start(visit.requests[0].id)


def test_what_the_doctor_took_back_waits_for_nothing(room: Any) -> None:
    visit = room.know("blood_pressure")
    room.open(visit)
    (request,) = visit.requests
    room.tasks.start(request.id)
    changed = Changed(visit_id=visit.visit.id, request=request.model_copy(update={"state": "cancelled"}))
    room.bedside.hub_said(changed)
    room.tasks.hub_said(changed)
    room.intake(room.world.pressure())
    assert room.shown().requests[0].state == "cancelled"
    assert room.shown().readings[0].reading.binding.request_id is None


def test_everything_comes_back_after_a_restart(
    room: Any, journal: Journal, reopen: Any, make_room: Any, world: Any
) -> None:
    visit = room.know("blood_pressure", "crp")
    room.open(visit)
    for request in visit.requests:
        room.tasks.start(request.id)
    room.intake(room.world.crp())
    journal.close()
    again = reopen()
    restarted = make_room(again)
    assert restarted.shown().visit.state == "open"
    assert [one.kind for one in restarted.bedside.binder.armed] == ["blood_pressure"]
    restarted.intake(world.pressure())
    assert restarted.shown().readings[-1].reading.binding.request_id == visit.requests[0].id
    again.close()


def test_a_full_disk_keeps_the_value_waiting_and_says_so(room: Any, journal: Journal, monkeypatch: Any) -> None:
    visit, other = room.know(), room.know()
    room.open(visit)

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(journal, "append", full)
    with pytest.raises(NotDurable):
        room.intake(room.world.pressure())
    assert (room.words[-1], room.shown().readings) == ("not_saved", [])
    assert room.bedside.retry_unsaved() == 1
    monkeypatch.undo()
    room.bedside.close(plan_read=False)
    room.open(other)
    assert room.bedside.retry_unsaved() == 0
    assert room.shown().readings == []
    (view,) = room.bedside.snapshot(visit.visit.id, None).readings  # type: ignore[union-attr]
    assert view.reading.binding.visit_id == visit.visit.id


def test_a_photo_answers_its_request(room: Any, photo: bytes) -> None:
    visit = room.know("photo")
    room.open(visit)
    room.tasks.start(visit.requests[0].id)
    room.bedside.keep_photo(visit.visit.id, strip(photo))
    assert room.shown().requests[0].state == "answered"
    assert not room.shown().photos[0].media_stored
    with pytest.raises(Refused, match="visit_not_open"):
        room.bedside.keep_photo(room.world.new_id(), strip(photo))


def test_a_photo_answers_the_oldest_open_request_for_one_without_being_begun(room: Any, photo: bytes) -> None:
    visit = room.know("photo", "weight", "photo")
    first, weight, second = visit.requests
    late = second.model_copy(update={"asked_at": first.asked_at - timedelta(seconds=5)})
    visit = visit.model_copy(update={"requests": [first, weight, late]})
    room.bedside.hub_said(room.world.told(visit))
    room.open(visit)
    answered = []
    for _ in range(3):
        entry = room.bedside.keep_photo(visit.visit.id, strip(photo))
        answered.append(entry.record.binding.request_id)
    assert answered == [second.id, first.id, None]
    assert [one.state for one in room.shown().requests] == ["answered", "asked", "answered"]


def test_what_the_nurse_began_comes_first_and_neither_a_display_nor_the_doctors_still_answers(
    room: Any, photo: bytes
) -> None:
    visit = room.know("photo", "photo")
    room.open(visit)
    _, second = visit.requests
    for how in ({"of": "display"}, {"camera": "near", "by_doctor": True}):
        assert room.bedside.keep_photo(visit.visit.id, strip(photo), **how).record.binding.request_id is None
    room.tasks.start(second.id)
    assert room.bedside.keep_photo(visit.visit.id, strip(photo)).record.binding.request_id == second.id


def test_a_spot_needs_an_open_visit(room: Any) -> None:
    for _ in range(3):
        room.intake(room.world.oximeter("97"))
    spot = room.intake.vitals.spot(room.hands.ns)
    with pytest.raises(Refused, match="visit_not_open"):
        room.bedside.keep_spot(spot)


def test_a_double_click_keeps_one_spot_value(room: Any) -> None:
    room.open(room.know())
    for _ in range(3):
        room.intake(room.world.oximeter("97"))
    first = room.bedside.keep_spot(room.intake.vitals.spot(room.hands.ns))
    assert room.bedside.keep_spot(room.intake.vitals.spot(room.hands.ns)) is first
    room.hands.forward(2)
    room.bedside.keep_spot(room.intake.vitals.spot(room.hands.ns))
    assert len(room.shown().readings) == 2


def test_after_an_error_the_task_stays_until_a_value_came(room: Any) -> None:
    visit = room.know("blood_pressure")
    room.open(visit)
    room.tasks.start(visit.requests[0].id)
    room.intake(room.world.pressure(problem="cuff_too_loose"))
    assert room.shown().requests[0].state == "started"
    room.intake(room.world.pressure(device_time="2026-11-23T10:09:00"))
    assert room.shown().requests[0].state == "answered"


def test_a_value_after_closing_still_answers_its_request_with_its_side(room: Any) -> None:
    visit, other = room.know("blood_pressure"), room.know("blood_pressure", patient="Sven Testsson")
    room.open(visit)
    room.tasks.start(visit.requests[0].id)
    room.device(DeviceState.MEASURING)
    room.bedside.close(plan_read=False)
    room.open(other)
    room.intake(room.world.pressure())
    assert room.shown().readings == []
    late = room.bedside.snapshot(visit.visit.id, None)
    assert late is not None
    assert late.readings[0].reading.binding.request_id == visit.requests[0].id
    assert late.readings[0].reading.circumstances.site == "left_arm"
    assert late.requests[0].state == "answered"


def test_the_hubs_word_wins_and_a_shorter_list_takes_nothing_away(room: Any) -> None:
    visit = room.know()
    room.open(visit)
    room.intake(room.world.pressure())
    reading = room.shown().readings[0].reading
    kept = ReadingView(reading=reading, decision="kept", decided_by="Eva Ek", received_at=room.hands.utc)
    room.bedside.hub_said(Changed(visit_id=visit.visit.id, reading=kept))
    room.bedside.hub_said(room.world.told(visit))
    (view,) = room.shown().readings
    assert (view.decision, view.received_at) == ("kept", room.hands.utc)


def test_the_open_visit_stays_though_the_hub_leaves_it_out(room: Any) -> None:
    visit, other = room.know(), room.know()
    room.open(visit)
    room.bedside.hub_said(room.world.told())
    assert [head.id for head in room.bedside.heads(None)] == [visit.visit.id]
    assert room.bedside.book.get(other.visit.id) is None


def test_a_draft_note_is_none_of_the_kits_business(room: Any, world: Any, hands: Any) -> None:
    visit = room.know()
    note = Note(
        id=world.new_id(),
        visit_id=visit.visit.id,
        version=1,
        assessment="",
        plan="hemligt",
        state="draft",
        author="Eva Ek",
        changed_at=hands.utc,
    )
    room.bedside.hub_said(Changed(visit_id=visit.visit.id, note=note))
    room.bedside.hub_said(room.world.told(visit.model_copy(update={"notes": [note]})))
    assert "hemligt" not in room.bedside.book.save()
    signed = note.model_copy(update={"state": "signed", "signed_at": hands.utc})
    room.bedside.hub_said(Changed(visit_id=visit.visit.id, note=signed))
    assert room.bedside.book.get(visit.visit.id).notes == [signed]  # type: ignore[union-attr]


def test_a_doctors_mark_on_the_sound_is_known_and_may_be_taken_back(room: Any, world: Any, hands: Any) -> None:
    visit = room.know()
    mark = ListeningMark(
        id=world.new_id(),
        visit_id=visit.visit.id,
        stream=1,
        sample=8000,
        rate_hz=4000,
        kind="murmur",
        author="Eva Ek",
        author_id=world.new_id(),
        at=hands.utc,
    )
    room.bedside.hub_said(Changed(visit_id=visit.visit.id, mark=mark))
    assert room.bedside.book.get(visit.visit.id).marks == [mark]  # type: ignore[union-attr]
    back = mark.model_copy(update={"taken_back_at": hands.utc})
    room.bedside.hub_said(room.world.told(visit.model_copy(update={"marks": [back]})))
    assert room.bedside.book.get(visit.visit.id).marks == [back]  # type: ignore[union-attr]


def test_who_is_present_is_forgotten_when_the_hub_is_away(room: Any) -> None:
    visit = room.know()
    doctor = Participant(id="doctor:1", role="doctor", name="Eva Ek")
    room.bedside.hub_said(Present(visit_id=visit.visit.id, participants=[doctor], kit_online=True))
    assert room.bedside.book.get(visit.visit.id).participants == [doctor]  # type: ignore[union-attr]
    room.bedside.hub_away()
    assert room.bedside.book.get(visit.visit.id).participants == []  # type: ignore[union-attr]


@pytest.mark.parametrize("saved", ["", "{", "[1]", '[{"visit": 1}]', None])
def test_a_damaged_book_is_an_empty_one(saved: str | None) -> None:
    assert VisitBook(saved).heads() == []


def test_whatever_happens_the_driver_hears_only_that_a_value_is_not_kept(
    room: Any, monkeypatch: Any, caplog: Any
) -> None:
    room.open(room.know())
    monkeypatch.setattr(room.bedside, "keep_measured", lambda event: 1 / 0)
    monkeypatch.setattr(room.bedside, "device_gone", lambda device_id: 1 / 0)
    with pytest.raises(NotDurable):
        room.intake(room.world.pressure())
    assert room.words[-1] == "not_saved"
    assert "ZeroDivisionError" in caplog.text
    assert "128" not in caplog.text
    room.device(DeviceState.LOST)
    assert room.words[-1] == "internal_error"
