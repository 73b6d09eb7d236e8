"""What was asked and answered comes back from the Bundle as it was; what was not offered is refused."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carebag_fhir.export import visit_bundle
from carebag_fhir.json_text import decode, encode
from carebag_fhir.questionnaires import FORMS, Answered
from carebag_fhir.read import NotReadable, answers_in
from carebag_fhir.visit_export import SaidOutcome
from carebag_wire.records import VisitClosed, VisitOpened

Json = dict[str, Any]
IDENTIFIERS = ("name", "personal_id", "birth_date", "address", "photo")


def bundle_of(export: Any) -> Json:
    made: Json = decode(encode(visit_bundle(export)))
    return made


def of(bundle: Json, kind: str) -> list[Json]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def test_the_answers_of_a_visit(made_up: Any) -> None:
    nurse = str(made_up.snapshot.visit.nurse.practitioner_id)
    opened, closed = (
        next(s.record for s in made_up.records if isinstance(s.record, k)) for k in (VisitOpened, VisitClosed)
    )
    assert answers_in(bundle_of(made_up)) == [
        Answered("visit-opening", ("name", "personal_id"), opened.times.kit_utc, nurse),
        Answered("visit-closing", (True,), closed.times.kit_utc, nurse),
        Answered("visit-outcome", ("ambulance_avoided",), made_up.outcome.at, "Elena Ruiz"),
    ]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(IDENTIFIERS), min_size=2, unique=True),
    st.booleans(),
    st.none() | st.sampled_from(["ambulance_avoided", "ambulance_called", "not_at_issue"]),
)
def test_whatever_was_answered_comes_back(made_up: Any, identifiers: list[Any], plan_read: bool, outcome: Any) -> None:
    records = []
    for stored in made_up.records:
        record = stored.record
        if isinstance(record, VisitOpened):
            record = record.model_copy(update={"identifiers": identifiers})
        elif isinstance(record, VisitClosed):
            record = record.model_copy(update={"plan_read": plan_read})
        records.append(replace(stored, record=record))
    said = SaidOutcome(outcome=outcome, by="", at=made_up.outcome.at) if outcome else None
    bundle = bundle_of(replace(made_up, records=records, outcome=said))
    answered = {one.form: one.values for one in answers_in(bundle)}
    expected = {"visit-opening": tuple(identifiers), "visit-closing": (plan_read,)}
    assert answered == expected | ({"visit-outcome": (outcome,)} if outcome else {})
    assert len(of(bundle, "Questionnaire")) == len(answered)


def test_what_was_not_asked_is_not_there(made_up: Any) -> None:
    bundle = bundle_of(replace(made_up, records=[], outcome=None))
    assert (of(bundle, "Questionnaire"), of(bundle, "QuestionnaireResponse"), answers_in(bundle)) == ([], [], [])


def test_answers_are_in_words(made_up: Any) -> None:
    for response in of(bundle_of(made_up), "QuestionnaireResponse"):
        for item in response["item"]:
            assert item["text"].endswith("?")
            assert all(
                "valueBoolean" in one or " " in one["valueCoding"]["display"] or one["valueCoding"]["display"] == "name"
                for one in item["answer"]
            )


SPOILED = {
    "another questionnaire": lambda one: one.update(questionnaire=one["questionnaire"] + "0"),
    "another question": lambda one: one["item"][0].update(linkId="other"),
    "no answer": lambda one: one["item"][0].update(answer=[]),
    "of another system": lambda one: one["item"][0].update(answer=[{"valueCoding": {"system": "x", "code": "name"}}]),
    "a text": lambda one: one["item"][0].update(answer=[{"valueBoolean": "true"}]),
    "nothing": lambda one: one.update(item=[]),
    "no time": lambda one: one.pop("authored"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_an_answer_to_another_question_is_refused(made_up: Any, form: str, spoil: Any) -> None:
    bundle = copy.deepcopy(bundle_of(made_up))
    spoil(next(one for one in of(bundle, "QuestionnaireResponse") if f"/{form}|" in one["questionnaire"]))
    with pytest.raises(NotReadable):
        answers_in(bundle)


@pytest.mark.parametrize("form", ["visit-closing", "visit-outcome"])
def test_two_answers_to_one_question_are_refused(made_up: Any, form: str) -> None:
    bundle = copy.deepcopy(bundle_of(made_up))
    (one,) = (r for r in of(bundle, "QuestionnaireResponse") if f"/{form}|" in r["questionnaire"])
    one["item"][0]["answer"] *= 2
    with pytest.raises(NotReadable):
        answers_in(bundle)
