"""A value, sound or photo that belongs to another patient: one person says so, another one moves it."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from carebag_wire.base import PLAIN, Id, ShortText, Utc, Wire
from carebag_wire.visit import VisitHead

Why = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=PLAIN, strip_whitespace=True)]
FindingKind = Literal["reading", "sound", "photo"]
MoveState = Literal["proposed", "moved", "refused"]


class ProposeMove(Wire):
    """A doctor found that what stands in this visit was measured on the patient of another."""

    to_visit_id: Id
    reason: Why


class DecideMove(Wire):
    """Of a second person: moved, or not, which needs words."""

    decision: Literal["moved", "refused"]
    reason: ShortText = ""


class Move(Wire):
    """From which visit to which, who says so and why; and what a second person made of it."""

    id: Id
    kind: FindingKind
    about: ShortText
    """Of a reading its kind as the catalogue has it (`blood_pressure`); of a sound where it was heard; else empty."""
    record_id: Id
    measured_at: Utc
    visit: VisitHead
    """Where it stands, or stood."""
    to_visit: VisitHead
    reason: ShortText
    proposed_by: ShortText
    proposed_at: Utc
    state: MoveState = "proposed"
    decided_by: ShortText = ""
    decided_at: Utc | None = None
    decided_reason: ShortText = ""
    own: bool = False
    """The reader proposed it: somebody else decides."""
