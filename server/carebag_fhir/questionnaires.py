"""What is asked at fixed moments of a visit, and what was answered: when it opens, when it closes, after signing.

The questions are Questionnaires of the same Bundle, known by their canonical; the answers are Carebag's codes. What a
nurse or doctor writes freely is no questionnaire: reason and background stand in the Encounter.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from carebag_fhir.elements import CANONICAL, Json, coding, instant, part_id, resource, words
from carebag_fhir.encounters import patient_reference, visit_reference
from carebag_fhir.observations import Surroundings
from carebag_fhir.parties import own_identifier
from carebag_fhir.visit_export import VisitExport
from carebag_wire.records import VisitClosed, VisitOpened

VERSION = "1"


@dataclass(frozen=True)
class Question:
    link: str
    text: str
    options: tuple[str, ...] = ()
    """Carebag's codes; none: yes or no."""
    several: bool = False


@dataclass(frozen=True)
class Form:
    name: str
    title: str
    question: Question

    @property
    def url(self) -> str:
        return f"{CANONICAL}/Questionnaire/{self.name}"

    @property
    def id(self) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{self.url}|{VERSION}")


OPENING = Form(
    "visit-opening",
    "When the visit is opened, by the nurse",
    Question(
        "identifiers",
        "By what was the patient recognised?",
        ("name", "personal_id", "birth_date", "address", "photo"),
        several=True,
    ),
)
CLOSING = Form(
    "visit-closing", "When the visit is closed, by the nurse", Question("plan_read", "Was the doctor's plan read?")
)
OUTCOME = Form(
    "visit-outcome",
    "After signing, by the doctor",
    Question(
        "ambulance", "Was an ambulance avoided or called?", ("ambulance_avoided", "ambulance_called", "not_at_issue")
    ),
)
FORMS = {form.name: form for form in (OPENING, CLOSING, OUTCOME)}


def questionnaire_resources(export: VisitExport, around: Surroundings) -> Iterator[Json]:
    """The answers in the order in which they were given, and before the first of a kind what was asked."""
    asked: set[str] = set()
    for form, answer in _answers(export, around):
        if form.name not in asked:
            asked.add(form.name)
            yield questionnaire_of(form)
        yield answer


def questionnaire_of(form: Form) -> Json:
    question = form.question
    item = {
        "linkId": question.link,
        "text": question.text,
        "type": "choice" if question.options else "boolean",
        "required": True,
        "repeats": question.several,
        "answerOption": [{"valueCoding": answer_coding(form, code)} for code in question.options],
    }
    return resource(
        "Questionnaire",
        form.id,
        url=form.url,
        version=VERSION,
        name="".join(part.capitalize() for part in form.name.split("-")),
        title=form.title,
        status="active",
        subjectType=["Patient"],
        item=[{key: value for key, value in item.items() if value != []}],
    )


def answer_coding(form: Form, code: str) -> Json:
    return coding(f"{CANONICAL}/CodeSystem/{form.name}", code, words(code))


def _answers(export: VisitExport, around: Surroundings) -> Iterator[tuple[Form, Json]]:
    for stored in export.records:
        record = stored.record
        nurse = around.parties.by_id(record.binding.nurse_id)
        match record:
            case VisitOpened():
                values = [{"valueCoding": answer_coding(OPENING, code)} for code in record.identifiers]
                yield OPENING, _answer(OPENING, record.id, record.times.kit_utc, nurse, values, around)
            case VisitClosed():
                answer: list[Json] = [{"valueBoolean": record.plan_read}]
                yield CLOSING, _answer(CLOSING, record.id, record.times.kit_utc, nurse, answer, around)
    said = export.outcome
    if said is not None:
        # the doctor is stored by name only: nobody is known by a name
        doctor = around.parties.by_id(None, said.by)
        answer = [{"valueCoding": answer_coding(OUTCOME, said.outcome)}]
        yield OUTCOME, _answer(OUTCOME, part_id(around.visit.id, "outcome"), said.at, doctor, answer, around)


def _answer(
    form: Form, own_id: uuid.UUID, at: datetime, author: Json, answers: Sequence[Json], around: Surroundings
) -> Json:
    """Args: own_id: of what the answer came with, which the signature is about."""
    return resource(
        "QuestionnaireResponse",
        part_id(own_id, "answers"),
        identifier=own_identifier("answers", own_id),
        questionnaire=f"{form.url}|{VERSION}",
        status="completed",
        subject=patient_reference(around.visit.patient),
        encounter=visit_reference(around.visit),
        authored=instant(at),
        author=author,
        item=[{"linkId": form.question.link, "text": form.question.text, "answer": list(answers)}],
    )


@dataclass(frozen=True)
class Answered:
    """One questionnaire as it was answered, as Carebag's own words."""

    form: str
    """`visit-opening`, `visit-closing`, `visit-outcome`."""
    values: tuple[str | bool, ...]
    """Codes, or yes and no."""
    at: datetime
    author: str
    """A practitioner's id; the name where only that is known; empty for nobody."""


def answered_in(response: Json, questions: Json) -> Answered:
    """One QuestionnaireResponse with the Questionnaire that it answers.

    Raises:
        KeyError, ValueError: they do not belong together, or an answer is none that was offered.
    """
    form = FORMS[questions["url"].removeprefix(f"{CANONICAL}/Questionnaire/")]
    if response["questionnaire"] != f"{questions['url']}|{questions['version']}" or questions != questionnaire_of(form):
        raise ValueError("questionnaire")
    (item,) = response["item"]
    if item["linkId"] != form.question.link:
        raise ValueError("linkId")
    values = tuple(_value(form, answer) for answer in item["answer"])
    if not values or (len(values) > 1 and not form.question.several):
        raise ValueError("answer")
    return Answered(
        form.name, values, datetime.fromisoformat(response["authored"]), _author(response.get("author", {}))
    )


def _value(form: Form, answer: Json) -> str | bool:
    if not form.question.options:
        value = answer["valueBoolean"]
        if not isinstance(value, bool):
            raise ValueError("valueBoolean")
        return value
    said = answer["valueCoding"]
    if said != answer_coding(form, said["code"]) or said["code"] not in form.question.options:
        raise ValueError("valueCoding")
    return str(said["code"])


def _author(author: Json) -> str:
    if "reference" in author:
        return str(author["reference"]).removeprefix("urn:uuid:")
    return str(author["identifier"]["value"] if "identifier" in author else author.get("display", ""))
