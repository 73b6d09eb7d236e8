"""What the medical lead's workbench is told and says: log, samples, judgements, questions, minutes, quality."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from carebag_wire.api import AuditCheck, AuditEvent
from carebag_wire.base import PLAIN, Code, Count, Id, Sha256, ShortText, Utc, Wire
from carebag_wire.visit import Patient

Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
"""A calendar day where the care is given."""
Words = Annotated[str, StringConstraints(max_length=2000, pattern=PLAIN)]
SomeWords = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=PLAIN, strip_whitespace=True)]
Reason = Literal["emergency", "no_relation", "same_surname", "protected", "late", "night", "many"]
"""Why an access weighs more: see `review_sampling`."""
How = Literal["emergency", "risk", "random"]
Verdict = Literal["in_order", "follow_up", "improper"]
Relation = Literal["treated", "assigned", "listed", "emergency", "none"]
Outcome = Literal["ambulance_avoided", "ambulance_called", "not_at_issue"]
KindOfAct = Literal["reads", "acts", "signs"]


class LogQuery(Wire):
    """A day of the log, or less of it; in a body, so that no name stands in an address."""

    day: Day
    who: ShortText = ""
    """A practitioner as the rows have it; empty for all."""
    kind: KindOfAct | None = None
    after: Count = 0
    """Rows beyond this number."""


class NamedPatient(Wire):
    id: Id
    name: ShortText


class LogPage(Wire):
    events: list[AuditEvent]
    total: int
    """Rows that fit the query, on all pages."""
    next: Count | None
    """`after` of the next page; None: this is the last."""
    people: list[ShortText]
    """All who acted that day."""
    patients: list[NamedPatient]
    """Of the rows of this page."""


class ReviewReason(Wire):
    code: Reason
    n: int | None = None
    """Days after the visit of `late`, charts of `many`."""


class WhyFact(Wire):
    """One fact about a person and a patient: `code` is in the catalogue family `why`."""

    code: Literal[
        "assigned",
        "opened_visit",
        "joined",
        "asked",
        "decided",
        "signed",
        "listed",
        "agreement",
        "no_agreement",
        "emergency",
        "other_visit",
        "after_close",
        "no_visit_then",
    ]
    at: Utc | None = None
    n: int | None = None


class Access(Wire):
    """What one person saw and did of one patient's visit on one day."""

    seq: int
    """Number of its first row."""
    at: Utc
    until: Utc
    rows: int
    actions: list[Code]
    practitioner: ShortText
    role: ShortText
    care_unit: ShortText
    organization: ShortText
    purpose: ShortText
    patient: NamedPatient
    visit_id: Id | None
    relation: Relation
    why: list[WhyFact]
    emergency_reasons: list[ShortText]
    """The doctor's own words, where it was an emergency."""
    reasons: list[ReviewReason]
    score: int


class Judgement(Wire):
    verdict: Verdict
    words: Words
    by: ShortText
    at: Utc


class Question(Wire):
    id: Id
    seq: int
    to_name: ShortText
    patient: NamedPatient | None
    access_at: Utc | None
    text: Words
    asked_by: ShortText
    asked_at: Utc
    answer: Words
    answered_at: Utc | None


class Sampled(Wire):
    how: How
    access: Access
    judgements: list[Judgement]
    questions: list[Question]


class MinutesBody(Wire):
    """What is signed. Patients stand in it by id: their names are looked up when it is read, so that an identity that
    is protected later is not told by old minutes. Fields with a default are missing in minutes of before."""

    organization: ShortText
    monday: Day
    seed: ShortText
    accesses: int
    drawn_by: ShortText
    drawn_at: Utc
    found: list["MinutesLine"]
    log_events: int
    log_head: Sha256
    log_root: Sha256
    log_intact: bool
    words: Words
    signed_by: ShortText
    signed_at: Utc
    until: Day | None = None
    """The last day of the period; the first is `monday`."""
    unanswered: int = 0
    """Questions that waited for an answer when it was signed, which was then an explicit choice."""
    version: int = 1
    corrects: Sha256 | None = None
    """The version before, by its digest."""
    correction: Words = ""
    """Why it was signed anew."""


class MinutesLine(Wire):
    seq: int
    how: How
    practitioner: ShortText
    reasons: list[ReviewReason]
    verdict: Verdict
    words: Words
    questions: int
    answered: int
    role: ShortText = ""
    organization: ShortText = ""
    at: Utc | None = None
    """When the access began."""
    visit_at: Utc | None = None
    """When the visit was that it is of: planned for."""
    patient_id: Id | None = None


class Minutes(Wire):
    body: MinutesBody
    patients: list[NamedPatient] = []
    """Of the lines, by name; a protected one has none."""
    sha256: Sha256
    """Over the stored text of the body."""
    whole: bool
    """The stored text still has that digest."""


class Sample(Wire):
    seed: ShortText
    drawn_by: ShortText
    drawn_at: Utc
    accesses: int
    drawn: list[Sampled]


class WeekPlan(Wire):
    """One week's review: how much there was, what was or would be drawn, and what came of it."""

    monday: Day
    accesses: int
    emergency: int
    weighing: int
    """Accesses with at least one reason."""
    suggested_random: int
    suggested_risk: int
    sample: Sample | None
    minutes: Minutes | None
    """The newest version."""
    earlier_minutes: list[Minutes] = []
    """Versions before, the newest first."""


class DrawSample(Wire):
    random: Annotated[int, Field(ge=0, le=200)]
    risk: Annotated[int, Field(ge=0, le=200)]


class AccessView(Wire):
    """An access with its rows."""

    access: Access
    events: list[AuditEvent]
    judgements: list[Judgement]
    questions: list[Question]


class Judge(Wire):
    verdict: Verdict
    words: Words = ""


class AskStaff(Wire):
    text: SomeWords


class AnswerQuestion(Wire):
    text: SomeWords


class OfNurse(Wire):
    """Asked by a kit for the nurse who is signed in at it."""

    nurse_id: Id
    """Her commission."""


class NurseAnswers(AnswerQuestion):
    """A nurse's answer, by way of her kit."""

    nurse_id: Id


class QuestionsWaiting(Wire):
    """Which questions of the medical lead wait for this person, and nothing about whom or what they are."""

    type: Literal["questions_waiting"] = "questions_waiting"
    ids: list[Id]


class SignMinutes(Wire):
    words: Words = ""
    without_answers: bool = False
    """Signed although a question waits: said by the medical lead, never assumed."""
    correction: Words = ""
    """Why minutes that are signed are signed anew."""


class PatientAccess(Wire):
    """A line of the list that a patient has a right to: unit and time, what kind, why (PDL ch. 8 s. 5)."""

    first: Utc
    last: Utc
    role: ShortText
    care_unit: ShortText
    organization: ShortText
    purpose: ShortText
    kinds: list[KindOfAct]


class PatientAccesses(Wire):
    patient: Patient
    organization: ShortText
    made_at: Utc
    accesses: list[PatientAccess]


class Share(Wire):
    """`of` so many, `n` were so."""

    n: int
    of: int


class Spread(Wire):
    """Median of `n` durations in seconds; None without any."""

    median_s: float | None
    n: int


class QualityWeek(Wire):
    monday: Day
    visits: int
    answer: Spread
    """From request to reading."""
    reply: Spread
    """From the medical lead's question to the answer."""
    retakes: Share
    """Requests made again, of all requests."""
    gaps: Share
    """Body sounds with missing samples, of all sounds."""
    rejected: Share
    """Readings, sounds and photos rejected, of all that were decided on."""
    emergencies: int
    avoided: int
    called: int
    said: int
    """Visits of which a doctor said whether an ambulance was at issue."""


class SayOutcome(Wire):
    outcome: Outcome


class CompareCheckpoint(Wire):
    """A checkpoint that was kept, as text."""

    checkpoint: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]


class Compared(Wire):
    """What the kept checkpoint says, and the log recomputed against it."""

    origin: ShortText
    events: int
    signature: Literal["verified", "not_checked"]
    """`not_checked`: the hub has no key, or the checkpoint bears no signature."""
    check: AuditCheck


class LogPeriod(Wire):
    first: Day
    last: Day


MinutesBody.model_rebuild()
