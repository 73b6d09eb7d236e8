"""On what ground a patient's earlier visits may be read: consent, emergency; and what the medical lead is told."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from carebag_wire.api import AuditEvent
from carebag_wire.base import PLAIN, Count, Id, ShortText, Utc, Wire
from carebag_wire.visit import Patient

AskedBy = Literal["doctor", "nurse"]
AskedHow = Literal["spoken", "written", "sign"]
"""How the patient answered; `sign`: nodded, pressed a hand."""
ConsentDays = Literal[1, 30, 365]
LETTERS = 5
"""Of a reason, at least: dots and spaces are none."""


def _says_something(text: str) -> str:
    if sum(sign.isalpha() for sign in text) < LETTERS:
        raise ValueError("a reason has letters")
    return text


EmergencyReason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=5, max_length=500, pattern=PLAIN),
    AfterValidator(_says_something),
]


class GiveConsent(Wire):
    """The patient said yes to that the doctor's care provider reads what others documented."""

    asked_by: AskedBy
    how: AskedHow
    days: ConsentDays
    """Valid so long from now."""


class OpenEmergency(Wire):
    reason: EmergencyReason


class Consent(Wire):
    """In force now, for the reader's care provider."""

    asked_by: AskedBy
    how: AskedHow
    recorded_by: ShortText
    at: Utc
    valid_until: Utc


class Emergency(Wire):
    """The reader's own, lasting now."""

    reason: ShortText
    at: Utc
    expires_at: Utc


class EarlierAccess(Wire):
    """On what ground the doctor of a visit may read the patient's earlier ones."""

    visit_id: Id
    same_provider: bool
    """The visit is of the doctor's own care provider: its earlier ones need no consent."""
    consent: Consent | None
    emergency: Emergency | None
    blocked: bool
    """There is documentation that the patient has blocked; by whom it is, is told in an emergency only."""
    blocked_by: list[ShortText] = Field(default_factory=list)


class EmergencyReport(Wire):
    """An emergency access, for the medical lead: newest first, each to be reviewed."""

    id: Id
    visit_id: Id
    """In which it was opened."""
    patient: Patient
    doctor: ShortText
    organization: ShortText
    reason: ShortText
    at: Utc
    expires_at: Utc
    ended_at: Utc | None
    lasts: bool
    acts: Count
    """Rows of the access log with the purpose `emergency` about this patient while it lasted, by this doctor."""


class MarkedRead(Wire):
    """A row of the access log that is reviewed without exception."""

    why: Literal["emergency", "protected_identity"]
    event: AuditEvent
