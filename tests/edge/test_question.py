"""The nurse's question to the doctor: a record of the open visit, shown at once, sent later, never twice."""

from typing import Any

import pytest

from carebag_edge.errors import Refused
from carebag_edge.question import MOST_IN_A_VISIT, put
from carebag_wire.messages import Changed
from carebag_wire.nurse_messages import PutQuestion
from carebag_wire.records import QuestionPut, record_adapter
from carebag_wire.visit import VisitQuestion


def ask(room: Any, text: str) -> None:
    put(room.bedside, room.hands.clock, PutQuestion(text=text), room.nurse)


def records(room: Any, visit: Any) -> list[QuestionPut]:
    return [one.record for one in room.bedside.own(visit.visit.id) if isinstance(one.record, QuestionPut)]


def test_it_is_of_the_open_visit_and_shown_as_not_sent(room: Any) -> None:
    visit = room.know()
    room.open(visit)
    ask(room, "  Räcker Furix 40?\nHen dricker lite. ")
    (shown,) = room.shown().questions
    assert (shown.text, shown.asked_by, shown.received_at) == (
        "Räcker Furix 40?\nHen dricker lite.",
        room.nurse.name,
        None,
    )
    assert shown.asked_at == room.hands.utc
    (record,) = records(room, visit)
    assert (record.binding.visit_id, record.binding.patient_id) == (visit.visit.id, visit.visit.patient.id)
    assert record.binding.nurse_id == room.nurse.practitioner_id
    assert record_adapter.validate_json(record.model_dump_json()) == record


def test_the_hubs_word_takes_the_place_of_its_own(room: Any) -> None:
    visit = room.know()
    room.open(visit)
    ask(room, "Vad tror du?")
    (shown,) = room.shown().questions
    there = shown.model_copy(update={"received_at": room.hands.utc})
    room.bedside.hub_said(Changed(visit_id=visit.visit.id, question=there))
    assert room.shown().questions == [there]


def test_pressed_twice_it_is_asked_once_and_another_time_again(room: Any) -> None:
    visit = room.know()
    room.open(visit)
    for text in ("a", "a ", "b", "a"):
        ask(room, text)
    assert [one.text for one in room.shown().questions] == ["a", "b", "a"]
    assert len(records(room, visit)) == 3


def test_what_cannot_be_asked_is_said(room: Any) -> None:
    with pytest.raises(Refused, match="visit_not_open"):
        ask(room, "a")
    room.open(room.know())
    with pytest.raises(Refused, match="question_empty"):
        ask(room, " \n ")
    for number in range(MOST_IN_A_VISIT):
        ask(room, str(number))
    with pytest.raises(Refused, match="too_many_questions"):
        ask(room, "a")


def test_without_questions_a_snapshot_is_what_it_was(room: Any) -> None:
    """A hub or kit of before refuses a field that it does not know."""
    visit = room.know()
    assert "questions" not in visit.model_dump_json()
    assert "question" not in Changed(visit_id=visit.visit.id).model_dump_json()
    assert VisitQuestion.model_fields.keys() == {"id", "text", "asked_by", "asked_at", "received_at"}
