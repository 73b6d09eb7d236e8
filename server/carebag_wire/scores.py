"""A published score as the pages, the paper and FHIR show it: its total, and every number that it came from."""

from typing import Annotated, Literal

from pydantic import Field

from carebag_wire.base import Code, Id, ShortText, Utc, Wire
from carebag_wire.values import Breathes, Consciousness, Quantity

ScoreParameter = Literal["respiration", "spo2", "oxygen", "systolic", "pulse", "consciousness", "temperature"]
"""In the order of the chart."""
ONLY_FOR_IT: frozenset[ScoreParameter] = frozenset({"respiration", "oxygen", "consciousness"})
"""What nobody observes for another purpose than the score."""
Lack = Literal["missing", "stale", "impossible"]
"""`stale`: older than the newest by more than the limit. `impossible`: a number that cannot be meant."""
Risk = Literal["low", "low-medium", "medium", "high"]
PremiseSays = Literal["hypercapnic", "usual", "pregnant", "not_pregnant"]
"""`hypercapnic`: 88-92 % is the aim of this patient's saturation, as a doctor prescribed (SpO2 scale 2)."""


class ScorePremise(Wire):
    """What a doctor said that decides whether or how the score is counted. Never changed: the last one holds."""

    id: Id
    visit_id: Id
    says: PremiseSays
    author: ShortText
    author_id: Id
    """Practitioner."""
    at: Utc


class ScorePart(Wire):
    """One parameter: the value that was taken, when, and its points; or why it has none."""

    parameter: ScoreParameter
    points: Annotated[int, Field(ge=0, le=3)] | None = None
    lack: Lack | None = None
    reading_id: Id | None = None
    quantity: Quantity | None = None
    """As it was measured; the chart's own unit and rounding are applied for the points alone."""
    consciousness: Consciousness | None = None
    breathes: Breathes | None = None
    measured_at: Utc | None = None
    stale_at: Utc | None = None
    """From then on it may no longer be counted."""
    draft: bool = False
    """No doctor has decided on it yet."""
    doubts: list[Code] = []
    """What instrument or kit remarked on it."""


class EarlyWarning(Wire):
    """NEWS2 of one visit (Royal College of Physicians, 2017). Decision support: a published score, not a diagnosis."""

    id: Id
    """The visit's."""
    state: Literal["complete", "incomplete", "refused"]
    total: Annotated[int, Field(ge=0, le=20)] | None = None
    """None unless complete: what is missing is never counted as 0."""
    risk: Risk | None = None
    scale: Literal[1, 2]
    """Of oxygen saturation; 2 only where a doctor said so."""
    parts: list[ScorePart]
    """All seven, in the order of the chart."""
    asks: list[Literal["birth_date", "pregnancy"]] = []
    """What must be known of the patient before there is a total."""
    refusals: list[Literal["under_16", "pregnant"]] = []
    preliminary: bool = False
    """A value among them is a draft."""
    as_of: Utc | None = None
    """Time of its newest value: the others are as old as they are then."""
    stale_at: Utc | None = None
    """When the first of its values will be too old."""

    @property
    def is_set_out(self) -> bool:
        """Whether somebody set out to have the score: what only it asks for was observed.

        Else every lone blood pressure would leave its visit as a score that lacks six parts.
        """
        return any(part.parameter in ONLY_FOR_IT and part.reading_id is not None for part in self.parts)
