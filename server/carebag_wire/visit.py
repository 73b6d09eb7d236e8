"""A visit as the pages see it: patient, requests, readings with their decisions, recordings, note, who is here."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from carebag_wire.base import PLAIN, Code, Count, Id, RateHz, Sha256, ShortText, Text, Utc, Wire
from carebag_wire.guests import Guest
from carebag_wire.records import PhotoTaken, Reading, SoundRecorded
from carebag_wire.scores import EarlyWarning, ScorePremise
from carebag_wire.udi import Udi
from carebag_wire.values import Circumstances, InstrumentKind

_WHEN_SAID = Field(exclude_if=lambda value: not value)
"""Left out while it says nothing: a kit or hub of before does not know the field, and refuses what it does not know."""

Role = Literal["nurse", "doctor", "reviewer", "administrator"]
RequestKind = Literal[
    "blood_pressure",
    "oximetry",
    "listen",
    "crp",
    "photo",
    "temperature",
    "weight",
    "glucose",
    "respiration",
    "consciousness",
    "oxygen",
]
RequestState = Literal["asked", "started", "answered", "done", "declined", "cancelled"]
"""asked → started → answered → done; declined by the nurse, cancelled by the doctor. A rejected answer ends it `done`;
asking again makes a new request."""
Decision = Literal["draft", "kept", "rejected"]
MarkKind = Literal["listen", "murmur", "extra_sound", "crackles", "wheezes", "disturbance"]
"""The doctor's own word for what is heard there; `listen`: no word yet, only "here"."""
MarkText = Annotated[str, StringConstraints(max_length=200, pattern=PLAIN)]
View = Literal["raw", "bell", "diaphragm", "extended", "lung"]


class Person(Wire):
    """A practitioner in a commission (uppdrag): the role is the commission's, not the person's."""

    commission_id: Id
    practitioner_id: Id
    name: ShortText
    title: ShortText
    role: Role
    unit: ShortText
    organization: ShortText


class KnownAs(Wire):
    """Who a patient turned out to be."""

    id: Id
    name: ShortText
    personal_id: ShortText
    personal_id_system: ShortText
    birth_date: ShortText


Protection = Literal["", "sekretessmarkering", "skyddad_folkbokforing", "turvakielto"]
"""A protected identity: the mark and the protected registration of Sweden, the non-disclosure of Finland."""


class Patient(Wire):
    id: Id
    name: ShortText
    personal_id: ShortText
    """As stored: `191212121212`; pages and paper write it as its system is written."""
    personal_id_system: ShortText
    birth_date: ShortText
    """ISO 8601; empty where it is not known."""
    place: ShortText
    own_doctor: ShortText
    colour: Annotated[int, Field(ge=0, le=7)]
    """Which of the visit colours: another patient never has the same colour as the one just seen."""
    turned_out: Annotated[KnownAs | None, _WHEN_SAID] = None
    """A person known under another identity, as somebody found out later."""
    protected: Annotated[Protection, _WHEN_SAID] = ""
    """Then `place` is empty everywhere, and in lists also name, `personal_id` and birth date."""


class VisitHead(Wire):
    """A line in a list of visits."""

    id: Id
    patient: Patient
    nurse: Person | None
    kit_id: Id
    kit_name: ShortText
    scheduled_at: Utc
    reason: ShortText
    background: Text
    state: Literal["planned", "open", "closed"]
    opened_at: Utc | None = None
    closed_at: Utc | None = None
    doctor_joined_at: Utc | None = None


class Request(Wire):
    id: Id
    visit_id: Id
    kind: RequestKind
    circumstances: Circumstances = Circumstances()
    note: ShortText = ""
    state: RequestState
    reason: ShortText = ""
    """Why it was asked again, declined or cancelled."""
    again_of: Id | None = None
    asked_by: ShortText
    asked_at: Utc
    changed_at: Utc


class Decided(Wire):
    """A draft until a person keeps it; rejected ones stay visible with the reason."""

    decision: Decision = "draft"
    decided_by: ShortText = ""
    decided_at: Utc | None = None
    reason: ShortText = ""
    received_at: Utc | None = None
    """When the hub had it durably; None on the kit until then."""
    move: Annotated[Literal["", "proposed", "away", "here"], _WHEN_SAID] = ""
    """`proposed`: a doctor says that it is another patient's, nobody decided yet. `away`: it was moved to another visit
    and is `rejected` in this one. `here`: it was moved into this one."""


class ReadingView(Decided):
    reading: Reading
    filed_by: ShortText = ""
    """Who took it from the unassigned tray into this visit; empty for what was measured in it."""
    filed_at: Utc | None = None
    taken_back: bool = False
    """It was filed and then set aside again, or typed in error (`filed_at` None): `rejected`, `decided_by` the nurse,
    shown but never to be decided on."""


class SoundView(Decided):
    sound: SoundRecorded
    media_stored: bool
    heard: Literal["unknown", "verified", "differs"] = "unknown"
    """`verified`: the doctor's copy had the same SHA-256 as the record."""


class PhotoView(Decided):
    photo: PhotoTaken
    media_stored: bool


class Note(Wire):
    """Assessment and plan; a draft is the author's own, a signed version never changes."""

    id: Id
    visit_id: Id
    version: int
    assessment: Text
    plan: Text
    state: Literal["draft", "signed"]
    author: ShortText
    changed_at: Utc
    signed_at: Utc | None = None
    sha256: Sha256 | None = None


class ListeningMark(Wire):
    """A moment of a body sound that the doctor points out, for both sides. Taken back, it stays with that time."""

    id: Id
    visit_id: Id
    stream: Count
    """Number of the live stream: the same as the recording's, which may come later."""
    sample: Count
    rate_hz: RateHz
    kind: MarkKind
    text: MarkText = ""
    author: ShortText
    author_id: Id
    """Practitioner; only they may take it back."""
    at: Utc
    taken_back_at: Utc | None = None


class Participant(Wire):
    id: ShortText
    role: Literal["nurse", "doctor", "kit", "guest"]
    name: ShortText
    key: ShortText = ""
    """Of a kit: its raw Ed25519 public key, base64, with which call set-up that leaves it is signed."""


class VisitQuestion(Wire):
    """What the nurse asked the doctor in words of her own (`records.QuestionPut`)."""

    id: Id
    text: Annotated[Text, Field(max_length=2000)]
    asked_by: ShortText
    """"" where the hub knows no such nurse."""
    asked_at: Utc
    """By the kit's clock."""
    received_at: Utc | None = None
    """None: in the bag only."""


class VisitSnapshot(Wire):
    """The whole visit as it is now; every later change is one `Changed` message with the object anew."""

    visit: VisitHead
    requests: list[Request]
    readings: list[ReadingView]
    sounds: list[SoundView]
    photos: list[PhotoView]
    notes: list[Note]
    marks: list[ListeningMark] = []
    participants: list[Participant]
    kit_online: bool
    guests: list[Guest] = []
    """Everyone who was invited, in that order."""
    questions: Annotated[list[VisitQuestion], _WHEN_SAID] = []
    """The nurse's to the doctor, in the order in which she asked."""
    premises: Annotated[list[ScorePremise], _WHEN_SAID] = []
    """What doctors said that decides whether and how NEWS2 is counted, in that order."""
    news2: Annotated[EarlyWarning | None, _WHEN_SAID] = None
    """Worked out from this snapshot alone, by the hub for consoles and by the kit for its page; None: switched off."""


class CameraState(Wire):
    """The examination cameras of the kit, and what they show."""

    names: list[ShortText]
    chosen: Count = 0
    """Place in `names`."""
    frozen_at: Utc | None = None
    """When the picture that stands still was taken; None while it moves."""
    by: ShortText = ""
    """Who froze it, or took the last still."""
    still_at: Utc | None = None
    """When the last still was taken."""


class DeviceStatus(Wire):
    """One instrument of the bag, in the words the nurse reads."""

    id: ShortText
    kind: InstrumentKind | Literal["camera"]
    name: ShortText
    state: Literal[
        "unseen", "asleep", "connecting", "pairing", "ready", "measuring", "syncing", "lost", "needs_pairing", "off"
    ]
    detail: ShortText = ""
    """A code (`inflating`, `cassette_reading`), or empty."""
    progress: Annotated[float, Field(ge=0, le=1)] | None = None
    battery_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    last_seen: Utc | None = None
    simulated: bool = False
    maker: ShortText = ""
    model: ShortText = ""
    serial: ShortText = ""
    firmware: ShortText = ""
    udi: Annotated[Udi | None, _WHEN_SAID] = None
    way: Literal["bluetooth", "wired", "sound_card"] = "bluetooth"
    bond: Literal["none", "bonded", "lost"] = "none"
    press: Code | None = None
    """What invites it to be paired, `press.*` in the pages' catalogues; None: go by its kind."""
    clock: Literal["unknown", "right", "off", "not_set"] = "unknown"
    clock_error_s: float | None = None
    """Its clock minus the kit's wall clock; positive is fast."""
    clock_read_at: Utc | None = None


class Found(Wire):
    """An instrument that was heard while the nurse looks for one."""

    id: ShortText
    name: ShortText
    signal: Literal["strong", "fair", "weak"]
    inviting: bool
    """It says that it wants to be paired now."""
    known: bool
    press: Code | None = None
    """As in `DeviceStatus`."""


class Pairing(Wire):
    """The pairing guide as it stands; `until` is when the kit stops listening for a new instrument."""

    stage: Literal["searching", "pairing", "passkey", "done", "failed"]
    kind: InstrumentKind
    until: Utc
    found: list[Found] = []
    device_id: ShortText = ""
    problem: Code | None = None


class Cartridge(Wire):
    """One lot of test cartridges in the bag."""

    id: Id
    product: ShortText
    lot: ShortText
    expires: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """The last day on which it may be used."""
    added_at: Utc
    added_by: ShortText


class LoopTest(Wire):
    """The stethoscope heard, or did not hear, the hand that scratched or tapped it."""

    at: Utc
    state: Literal["running", "heard", "too_quiet", "clipped", "silent", "failed"]
    device_id: ShortText = ""
    peak_dbfs: float | None = None
    problem: Code | None = None


class CheckDone(Wire):
    """The morning check was finished by a person."""

    at: Utc
    by: ShortText
    remarks: Count = 0
    """So many lines needed attention when it was finished."""


class TrayItem(Wire):
    """A value that belongs to no visit until a person decides."""

    reading: Reading
    received_at: Utc | None = None
    offered: bool = False
    """By the instrument's clock it may have been measured in the visit that is open now."""
    set_aside_by: ShortText = ""
    """Who set it aside; empty while nobody has decided."""
    set_aside_at: Utc | None = None


class LiveVitals(Wire):
    """The oximeter's stream, full state in each message so that a lost one does no harm. Never a stored value."""

    type: Literal["live_vitals"] = "live_vitals"
    seq: int
    state: Literal["live", "stale", "lost", "invalid"]
    since: Utc
    """When this state began."""
    spo2_percent: ShortText | None = None
    pulse_per_min: ShortText | None = None
    problem: ShortText | None = None
    """A code: `finger_off`, `low_perfusion`, `device_lost`; None while live."""
    measured_at: Utc | None = None
    device_id: ShortText = ""
    pleth: list[int] = []
    """Pulse wave since the message before, in the device's own units, for drawing only; may be lost."""


class ListeningState(Wire):
    """What the kit hears now: the words and numbers it computed from the exact samples."""

    type: Literal["listening"] = "listening"
    stream: int
    state: Literal["starting", "live", "ended", "lost"]
    request_id: Id | None
    rate_hz: int
    circumstances: Circumstances
    samples: int
    gaps: int
    quality: Literal["assessing", "good", "no_contact", "noisy", "movement", "clipped"]
    speaking: bool = False
    """The noise is somebody's speech. `quality` says `noisy` then, for a page that does not know this word yet."""
    heart_rate_per_min: int | None = None
    heart_rate_problem: ShortText | None = None
    level: Literal["quiet", "good", "hot", "clipped"] | None = None
    peak_dbfs: float | None = None
    sound_marks: list[tuple[int, Literal["S1", "S2"]]] = []
    """Sample numbers of new S1/S2 onsets since the last message."""
    listen_here: Annotated[list[tuple[int, int]], _WHEN_SAID] = []
    """Samples (first, end) with more sound than expected between S1 and S2, while the kit points at any. A pointer, no
    finding, and never stored; where it does not point, nothing is known."""


class DoctorHears(Wire):
    """What a doctor's page plays of the body sound now, for the nurse; may be lost, said again when somebody comes."""

    type: Literal["doctor_hears"] = "doctor_hears"
    visit_id: Id
    sender: ShortText = ""
    """Participant, filled in by the hub."""
    source: Literal["off", "live", "replay", "recording"]
    """`replay`: the last seconds again. `recording`: one made earlier."""
    view: View
    speed: Literal["normal", "half", "quarter"] = "normal"
    quieter: Annotated[bool, _WHEN_SAID] = False
    """Steady noise is taken down, for that ear."""


class SoundEnd(Wire):
    """The live stream is over: how much there was, and the digest of all of it (PCM16 LE, gaps as zeros)."""

    type: Literal["sound_end"] = "sound_end"
    stream: int
    samples: int
    gaps: list[tuple[int, int]]
    sha256: Sha256
