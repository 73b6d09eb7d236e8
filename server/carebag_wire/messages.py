"""Every WebSocket message of the hub, told apart by `type`: hub ↔ console, kit, guest. See `nurse_messages` too."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from carebag_wire.base import Code, Count, Id, ShortText, Utc, Wire
from carebag_wire.calls import Relay, RelayState, SfuServes
from carebag_wire.guests import Guest, LinkQuality
from carebag_wire.ladder import Ladder
from carebag_wire.review import QuestionsWaiting
from carebag_wire.scores import EarlyWarning, ScorePremise
from carebag_wire.visit import (
    CameraState,
    DeviceStatus,
    DoctorHears,
    ListeningMark,
    ListeningState,
    LiveVitals,
    Note,
    Participant,
    PhotoView,
    ReadingView,
    Request,
    SoundView,
    VisitHead,
    VisitQuestion,
    VisitSnapshot,
)

MAX_MESSAGE_BYTES = 256 * 1024
_WHEN_SAID = Field(exclude_if=lambda value: not value)
CARE_ZONE = "Europe/Stockholm"
"""Where the care is given, as long as nobody said another zone."""
"""Left out while it says nothing: who is of before refuses what it does not know."""


class SamePage(Wire):
    """Of a console's `hello`: the page had a connection before, and is the same participant to everybody."""

    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43,64}$")]
    """256 random bits that the page made when it was loaded, base64url; nobody else is told."""
    turn: Count
    """Counts the page's connections: of two that come in another order the later one counts."""
    visit_id: Id | None = None
    """The room that it shows."""


class Hello(Wire):
    """First message on every WebSocket, from the client; anything else first is refused."""

    type: Literal["hello"] = "hello"
    protocol: int
    client: Literal["console", "kit", "nurse", "guest"]
    page: Annotated[SamePage | None, Field(exclude_if=lambda value: value is None)] = None
    """Left out by all others: a hub of before does not know the field."""


class Welcome(Wire):
    type: Literal["welcome"] = "welcome"
    protocol: int
    participant_id: ShortText
    me: ShortText
    server_time: Utc
    relay_only: bool = False
    """Media goes by way of a TURN server or not at all: hold calls to it even before a `relay` came."""


class Problem(Wire):
    """A clear refusal; the connection stays open unless `fatal`."""

    type: Literal["problem"] = "problem"
    code: Code
    detail: ShortText = ""
    """Never patient data."""
    fatal: bool = False


class Ping(Wire):
    type: Literal["ping"] = "ping"
    id: Count


class Pong(Wire):
    type: Literal["pong"] = "pong"
    id: Count


class Join(Wire):
    """The doctor enters a visit's room (and leaves the one before)."""

    type: Literal["join"] = "join"
    visit_id: Id
    take_over: bool = False
    """Take the seat from another tab of the same person."""


class Leave(Wire):
    type: Literal["leave"] = "leave"


class Superseded(Wire):
    """Another tab of the same person took the seat; this one may take it back."""

    type: Literal["superseded"] = "superseded"
    visit_id: Id


class Snapshot(Wire):
    type: Literal["snapshot"] = "snapshot"
    snapshot: VisitSnapshot


class Changed(Wire):
    """One object of the visit, anew and whole: put it in place of the one with the same id."""

    type: Literal["changed"] = "changed"
    visit_id: Id
    visit: VisitHead | None = None
    request: Request | None = None
    reading: ReadingView | None = None
    sound: SoundView | None = None
    photo: PhotoView | None = None
    note: Note | None = None
    mark: ListeningMark | None = None
    guest: Guest | None = None
    premise: Annotated[ScorePremise | None, _WHEN_SAID] = None
    question: Annotated[VisitQuestion | None, _WHEN_SAID] = None
    news2: Annotated[EarlyWarning | None, _WHEN_SAID] = None
    """Worked out anew because a reading or premise changed."""


class Present(Wire):
    """Who is in the room now."""

    type: Literal["present"] = "present"
    visit_id: Id
    participants: list[Participant]
    kit_online: bool
    kit_expected: Annotated[bool, _WHEN_SAID] = False
    """Not connected since the hub ended and was started again, seconds ago; calls with it go on."""
    waiting: list[Id] = []
    """Guests who stand at the door now, their page open."""


class GuestRoom(Wire):
    """All that a guest's page is told of the room."""

    type: Literal["guest_room"] = "guest_room"
    visit_id: Id
    state: Literal["waiting", "admitted", "ended"]
    reason: Code | None = None
    camera: bool = False
    """Whether the examination camera is shown to this guest."""
    kit: Participant | None = None
    """The kit that calls this guest, with its key: while it is here and the guest may see and hear the examination."""
    served: bool = True
    """Whether the kit has a place for this guest; not so where more want to see and hear than its link carries."""
    frozen_at: Utc | None = None
    """When the examination's picture that stands still was taken; None while it moves."""
    participants: list[Participant] = []
    """Doctors, the nurse and the other guests; empty until the guest is let in."""


class LinkReport(Wire):
    """How one participant's connection is; said every few seconds, may be lost."""

    type: Literal["link_report"] = "link_report"
    visit_id: Id
    participant: ShortText = ""
    """The hub fills in who says it; a kit speaks for itself and for the nurse's page."""
    quality: LinkQuality


class CameraDo(Wire):
    """Choose, freeze or release the examination camera, or take a still of it at full resolution as a photo."""

    type: Literal["camera_do"] = "camera_do"
    visit_id: Id
    act: Literal["choose", "freeze", "release", "still"]
    camera: Count | None = None
    """With `choose`: its place in `CameraState.names`."""
    by: ShortText = ""
    """The hub fills in the doctor's name."""


class Queue(Wire):
    """The doctor's list of visits, whole."""

    type: Literal["queue"] = "queue"
    visits: list[VisitHead]


class Signal(Wire):
    """WebRTC call set-up between two participants of one room; the hub fills in `sender`."""

    type: Literal["signal"] = "signal"
    visit_id: Id
    sender: ShortText = ""
    to: ShortText
    epoch: Count
    """Counts the attempts of one pair; an answer to an older epoch is dropped."""
    description: dict[str, Any] | None = None
    """{"type": "offer" | "answer", "sdp": …}"""
    candidate: dict[str, Any] | None = None
    """RTCIceCandidateInit, or {} for end of candidates."""
    proof: ShortText = ""
    """Of descriptions that leave a kit: its Ed25519 signature over their fingerprints (`calls.proof_text`), base64."""


class KitStatus(Wire):
    """The kit's instruments, and how much the hub does not have yet."""

    type: Literal["kit_status"] = "kit_status"
    visit_id: Id | None
    devices: list[DeviceStatus]
    unsent: Count
    oldest_unsent_at: Utc | None = None
    damaged: Annotated[Count, Field(exclude_if=lambda value: not value)] = 0
    """Records and files that the kit's disk no longer holds as they were written: they will not come. Left out while
    there are none: a hub of before does not know the field."""
    damage_number: Annotated[Count, Field(exclude_if=lambda value: not value)] = 0
    """Grows with each damage of the kit's disk, and never falls; left out like `damaged`."""
    mended: Annotated[Count, Field(exclude_if=lambda value: not value)] = 0
    """How often the kit's journal rotted and was made anew; left out like `damaged`."""
    nurse_present: bool = False
    relay: RelayState | None = None
    """None without TURN."""
    camera: CameraState | None = None
    ladder: Ladder | None = None
    telephone: ShortText = ""
    """Of the nurse or the bag, for the doctor to call when nothing else works."""
    guests_served: list[ShortText] = []
    """Participant ids of the guests to whom the kit sends the examination now."""
    nurse_commission: Annotated[Id | None, Field(exclude_if=lambda value: value is None)] = None
    """Who is signed in at the kit, for the hub alone: it is not passed on."""


class NurseOut(Wire):
    """A nurse's sign-in ended at the hub: nobody is in at the kit in this commission any more."""

    type: Literal["nurse_out"] = "nurse_out"
    commission_id: Id


class Live(Wire):
    """Live state by way of the hub, once a second: the fallback of the kit's data channel."""

    type: Literal["live"] = "live"
    visit_id: Id
    vitals: LiveVitals | None = None
    listening: ListeningState | None = None


class KitVisits(Wire):
    """This kit's visits of today and the next three days, with the requests and signed notes of those that are near."""

    type: Literal["kit_visits"] = "kit_visits"
    visits: list[VisitSnapshot]
    telephone: ShortText = ""
    """Of the doctors, for the nurse to call when nothing else works."""
    time_zone: Annotated[ShortText, Field(exclude_if=lambda value: value == CARE_ZONE)] = CARE_ZONE
    """Where the care is given (IANA name): the nurse's page tells times of it, as the doctor's does. Left out where it
    is the usual one: a kit of before does not know the field."""


FromConsole = Annotated[Hello | Ping | Join | Leave | Signal | LinkReport | DoctorHears, Field(discriminator="type")]
ToConsole = Annotated[
    Welcome
    | Problem
    | Pong
    | Queue
    | Snapshot
    | Changed
    | Present
    | Signal
    | KitStatus
    | Live
    | Superseded
    | LinkReport
    | Relay
    | QuestionsWaiting,
    Field(discriminator="type"),
]
FromKit = Annotated[Hello | Ping | Signal | KitStatus | Live | LinkReport, Field(discriminator="type")]
ToKit = Annotated[
    Welcome
    | Problem
    | Pong
    | KitVisits
    | Changed
    | Present
    | Signal
    | LinkReport
    | CameraDo
    | DoctorHears
    | Relay
    | SfuServes
    | NurseOut,
    Field(discriminator="type"),
]

FromGuest = Annotated[Hello | Ping | Signal | LinkReport, Field(discriminator="type")]
ToGuest = Annotated[Welcome | Problem | Pong | GuestRoom | Signal | Relay, Field(discriminator="type")]

from_console: TypeAdapter[Any] = TypeAdapter(FromConsole)
to_console: TypeAdapter[Any] = TypeAdapter(ToConsole)
from_kit: TypeAdapter[Any] = TypeAdapter(FromKit)
to_kit: TypeAdapter[Any] = TypeAdapter(ToKit)
from_guest: TypeAdapter[Any] = TypeAdapter(FromGuest)
to_guest: TypeAdapter[Any] = TypeAdapter(ToGuest)
