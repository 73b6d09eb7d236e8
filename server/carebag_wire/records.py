"""What a kit must not lose: journaled, numbered and signed on the kit, stored word for word on the hub."""

import hashlib
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from carebag_wire.base import Code, Count, Id, Sha256, ShortText, Text, Utc, Wire
from carebag_wire.values import (
    Binding,
    Circumstances,
    DeviceIdentity,
    Provenance,
    Quality,
    Quantity,
    ReadingKind,
    Seen,
    Times,
)

QuestionText = Annotated[Text, Field(min_length=1, max_length=2000)]


class VisitOpened(Wire):
    """The nurse checked two identifiers and opened the visit: from here on records belong to it."""

    type: Literal["visit_opened"] = "visit_opened"
    id: Id
    binding: Binding
    times: Times
    identifiers: Annotated[list[Literal["name", "personal_id", "birth_date", "address", "photo"]], Field(min_length=2)]


class VisitClosed(Wire):
    """The nurse closed the visit, after the plan was read."""

    type: Literal["visit_closed"] = "visit_closed"
    id: Id
    binding: Binding
    times: Times
    plan_read: bool
    for_another: Annotated[bool, Field(exclude_if=lambda value: not value)] = False
    """Closed by a nurse who had not taken it over, and saw nothing of it; left out otherwise, since a hub of before
    does not know it."""


class VisitTakenOver(Wire):
    """A visit that another nurse left open at the kit goes on with the nurse of the binding."""

    type: Literal["visit_taken_over"] = "visit_taken_over"
    id: Id
    binding: Binding
    times: Times


class PageLockChanged(Wire):
    """The nurse's page at the kit was locked or opened, or somebody tried a wrong PIN. Of no visit."""

    type: Literal["page_lock_changed"] = "page_lock_changed"
    id: Id
    binding: Binding
    """Kit, number, and the nurse whose page it is."""
    times: Times
    change: Literal["locked", "unlocked", "wrong_pin"]
    how: Literal["idle", "by_hand", "pin", "sign_in"]
    """Locked by time or by hand; opened by the PIN or by the hub's word."""
    wrong: Count = 0
    """Of `wrong_pin`: the how many-eth it is."""


class QuestionPut(Wire):
    """The nurse asks the doctor something in words of her own; the answer is the plan. In a visit without a doctor it
    is what the visit was made for."""

    type: Literal["question_put"] = "question_put"
    id: Id
    binding: Binding
    times: Times
    text: QuestionText


class RequestProgressed(Wire):
    """The nurse began, or declined with a reason, what the doctor asked for."""

    type: Literal["request_progressed"] = "request_progressed"
    id: Id
    binding: Binding
    times: Times
    state: Literal["started", "declined"]
    reason: ShortText = ""


class Reading(Wire):
    """What a device measured, or a nurse observed. A device's error is `problem` with no quantities: words only."""

    type: Literal["reading"] = "reading"
    id: Id
    binding: Binding
    times: Times
    kind: ReadingKind
    quantities: list[Quantity]
    problem: Code | None = None
    flags: list[Code] = []
    """`irregular_pulse`, `body_moved`, `implausible_systolic`, …: shown, never blocking."""
    circumstances: Circumstances = Circumstances()
    quality: Quality
    device: DeviceIdentity
    provenance: Provenance
    raw: ShortText | Text = ""
    """The device's bytes, hex."""
    display_photo: Id | None = None
    """Typed by hand: the `PhotoTaken` that shows the instrument's display."""
    user: int | None = None
    """Index of the person in the instrument's memory, where it has several."""
    seen: Annotated[Seen | None, Field(exclude_if=lambda value: value is None)] = None
    """Of what was observed; left out otherwise, since a hub of before does not know it."""


MAX_SOUND_MARKS = 5000
"""About twenty-five minutes of a fast heart; a longer list would outgrow a signed record."""


class Gap(Wire):
    """Samples that never arrived: zero in the file, drawn as a gap, never smoothed over."""

    first_sample: Count
    samples: Annotated[int, Field(ge=1)]


class SoundRecorded(Wire):
    """Body sound, lossless. `media_sha256` is over the PCM16 little-endian file as uploaded, mono."""

    type: Literal["sound_recorded"] = "sound_recorded"
    id: Id
    binding: Binding
    times: Times
    device: DeviceIdentity
    stream: Count
    """Number of the live stream that the doctor heard; digests are compared by it."""
    circumstances: Circumstances
    rate_hz: Annotated[int, Field(ge=1000, le=96_000)]
    samples: Count
    gaps: list[Gap] = []
    media_sha256: Sha256
    heart_rate_per_min: int | None = None
    quality: Quality
    sound_marks: Annotated[list[tuple[Count, Literal["S1", "S2"]]], Field(max_length=MAX_SOUND_MARKS)] = []
    """Sample numbers of S1 and S2 as the kit heard them, in order; the first ones where there are more."""


class PhotoTaken(Wire):
    """A photo, JPEG or PNG, stripped of place and camera data on the kit."""

    type: Literal["photo_taken"] = "photo_taken"
    id: Id
    binding: Binding
    times: Times
    media_sha256: Sha256
    media_type: Literal["image/jpeg", "image/png"]
    width: Annotated[int, Field(ge=1, le=20_000)]
    height: Annotated[int, Field(ge=1, le=20_000)]
    caption: ShortText = ""
    of: Literal["patient", "display"] = "patient"
    """`display`: an instrument's, as evidence for a value that was typed; it answers no request for a photo."""
    camera: ShortText = ""
    """The kit's examination camera that took it, `times` being when; empty for one of the nurse's page."""


class ReadingFiled(Wire):
    """A person decided about a value in the unassigned tray. The value's own record stays as it was signed.

    Of several about one reading the one with the highest number holds, unless a doctor has decided on the reading.
    """

    type: Literal["reading_filed"] = "reading_filed"
    id: Id
    binding: Binding
    """The visit it was filed into, or out of which it is taken back; none when it was set aside without being filed."""
    times: Times
    reading_id: Id
    decision: Literal["this_patient", "set_aside"]
    reason: ShortText = ""


class ReadingWithdrawn(Wire):
    """The nurse says that a value she typed, or observed, was entered in error. Its own record stays as it was signed.

    Without effect once a doctor has decided on the reading.
    """

    type: Literal["reading_withdrawn"] = "reading_withdrawn"
    id: Id
    binding: Binding
    """The open visit, which is the reading's."""
    times: Times
    reading_id: Id
    reason: ShortText = ""


Record = Annotated[
    VisitOpened
    | VisitClosed
    | RequestProgressed
    | Reading
    | SoundRecorded
    | PhotoTaken
    | ReadingFiled
    | ReadingWithdrawn
    | VisitTakenOver
    | PageLockChanged
    | QuestionPut,
    Field(discriminator="type"),
]
record_adapter: TypeAdapter[Record] = TypeAdapter(Record)


class SignedRecord(Wire):
    """A record as the kit signed it: the exact text, so that nobody has to agree on a canonical form."""

    payload: Annotated[str, Field(max_length=200_000)]
    """JSON of one `Record`."""
    sha256: Sha256
    """Over the UTF-8 bytes of `payload`."""
    signature: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$")]
    """Ed25519 by the kit's key over the same bytes, base64."""


class RecordBatch(Wire):
    records: Annotated[list[SignedRecord], Field(min_length=1, max_length=100)]


class RecordReceipt(Wire):
    """Durable on the hub. `stored` covers new ones and repeats; `refused` names the others with a code."""

    stored: list[Id]
    refused: dict[str, Code]
    """sha256 of the envelope → `bad_signature`, `bad_record`, `other_content`, `wrong_kit`, `unknown_visit`."""
    watermark: Count
    """Every kit_seq up to and including this one is durable here."""
    received_at: Utc


def payload_sha256(payload: str) -> str:
    return hashlib.sha256(payload.encode()).hexdigest()
