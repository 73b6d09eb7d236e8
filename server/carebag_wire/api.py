"""Bodies of the hub's HTTP routes and of the kit's local ones."""

from typing import Annotated, Any, Literal

from pydantic import Field

from carebag_wire.base import Code, Count, Id, RateHz, Sha256, ShortText, Text, Utc, Wire
from carebag_wire.scores import PremiseSays
from carebag_wire.values import Circumstances
from carebag_wire.visit import ListeningMark, MarkKind, MarkText, Person, RequestKind, Role, SoundView


class Refusal(Wire):
    """Every answer that is not a success: a code for the page's catalogue. Never patient data."""

    code: Code


REFUSAL_HEADER = "x-carebag-refusal"
"""Has the same code: of a refused WebSocket a client may see the headers only."""


class LinkToken(Wire):
    token: Annotated[str, Field(min_length=20, max_length=200)]


class Entered(Wire):
    """Signed in. `next` is where the page goes; for a nurse the kit's page, with a one-time code in the fragment."""

    role: Role
    next: ShortText


class Me(Person):
    """Who is signed in, and by which clock the pages show times: an IANA time zone, that of where the care is given."""

    time_zone: ShortText


class Door(Wire):
    """One of the demo's three doors: a person and a fresh one-time link (token in the fragment, never in a log)."""

    role: Role
    person: ShortText
    url: ShortText


class NurseCode(Wire):
    code: Annotated[str, Field(min_length=20, max_length=200)]


class NurseIdentity(Wire):
    """What the kit needs to know of the nurse to work offline for a time."""

    person: Person
    expires_at: Utc


class UploadState(Wire):
    """How much of a file the hub has on its disk."""

    offset: Count
    """Bytes; the next piece begins there."""
    complete: bool
    """The whole file is here and has its digest."""


class AskFor(Wire):
    kind: RequestKind
    circumstances: Circumstances = Circumstances()
    note: ShortText = ""


class Decide(Wire):
    """Keep the draft, or reject it with a reason; with `ask_again` a new request is made in the same act."""

    decision: Literal["kept", "rejected"]
    reason: ShortText = ""
    ask_again: bool = False


class CancelRequest(Wire):
    reason: ShortText = ""


class WorkCamera(Wire):
    """What the doctor does with the kit's examination camera; the kit does it and shows it in `CameraState`."""

    act: Literal["choose", "freeze", "release", "still"]
    camera: Count | None = None


class SayPremise(Wire):
    """What decides whether or how NEWS2 is counted for this patient. The last one said holds."""

    says: PremiseSays


class WriteNote(Wire):
    assessment: Text
    plan: Text
    base_version: int
    """Version the author saw; 0 for a first draft. Another one there: 409 `changed_meanwhile`."""


class SignNote(Wire):
    version: int


class HeardSound(Wire):
    """Digest of what the doctor's page received of a live stream, gaps as zeros."""

    stream: Count
    sha256: Sha256
    samples: Count
    repaired: Count
    missing: Count


class MakeMark(Wire):
    """Point out a moment of a live stream or of its recording."""

    stream: Count
    sample: Count
    rate_hz: RateHz
    kind: MarkKind
    text: MarkText = ""


class EarlierSound(Wire):
    """A recording of the same patient at the same point, from another visit that the doctor may see."""

    visit_id: Id
    visit_at: Utc
    """When that visit was opened, or planned if it was not."""
    sound: SoundView
    marks: list[ListeningMark]


class PasskeyOptions(Wire):
    """What the page hands to the browser's passkey API, and by what the hub knows the answer again."""

    challenge_id: Id
    options: dict[str, Any]
    """PublicKeyCredentialCreationOptionsJSON or PublicKeyCredentialRequestOptionsJSON (Web Authentication level 3)."""


class PasskeyAnswer(Wire):
    challenge_id: Id
    credential: dict[str, Any]
    """What `PublicKeyCredential.toJSON()` gives."""
    role: Role | None = None
    """Signing in: in which of the person's commissions; None if there is only one."""


class PasskeyByLink(Wire):
    """A passkey made by the operator's one-time link."""

    token: Annotated[str, Field(min_length=20, max_length=200)]
    answer: PasskeyAnswer


class Health(Wire):
    status: Literal["ok"]
    protocol: int
    demo: bool
    """Whether the front page offers the demo's doors."""


class AuditEvent(Wire):
    """Who did or read what, about whom, when, why (HSLF-FS 2016:40 ch. 4 s. 9), hash-linked to the one before."""

    seq: int
    at: Utc
    action: Code
    """`visit_read`, `room_joined`, `request_made`, `reading_stored`, `reading_kept`, `note_signed`, `audit_read`, …"""
    object: ShortText
    """Kind and id of what was read or changed, and the kind of examination where it is about one."""
    patient_id: Id | None
    visit_id: Id | None
    practitioner: ShortText
    """Name, or the kit's name where the kit acted for a nurse."""
    role: ShortText
    care_unit: ShortText
    organization: ShortText
    purpose: ShortText
    origin: ShortText
    """Network address it came from."""
    request_ref: ShortText
    hash: Sha256


class AuditCheck(Wire):
    """Result of recomputing the whole chain."""

    intact: bool
    events: int
    head: Sha256
    root: Sha256
    """Of the Merkle tree over the events that were read and found whole."""
    broken_at: int | None = None
    why: Code | None = None
    checked_at: Utc
