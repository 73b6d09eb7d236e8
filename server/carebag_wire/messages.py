"""Every WebSocket message, told apart by `type`. Hub ↔ console, hub ↔ kit, kit ↔ the nurse's page."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from carebag_wire.base import Code, Count, Id, ShortText, Utc, Wire
from carebag_wire.calls import CallCode, Relay, RelayState
from carebag_wire.guests import Guest, LinkQuality
from carebag_wire.ladder import Ladder
from carebag_wire.values import InstrumentKind, Quantity, ReadingKind
from carebag_wire.visit import (
    CameraState,
    Cartridge,
    CheckDone,
    DeviceStatus,
    DoctorHears,
    ListeningMark,
    ListeningState,
    LiveVitals,
    LoopTest,
    Note,
    Pairing,
    Participant,
    Person,
    PhotoView,
    ReadingView,
    Request,
    SoundView,
    TrayItem,
    VisitHead,
    VisitSnapshot,
)

MAX_MESSAGE_BYTES = 256 * 1024


class Hello(Wire):
    """First message on every WebSocket, from the client; anything else first is refused."""

    type: Literal["hello"] = "hello"
    protocol: int
    client: Literal["console", "kit", "nurse", "guest"]


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


class Present(Wire):
    """Who is in the room now."""

    type: Literal["present"] = "present"
    visit_id: Id
    participants: list[Participant]
    kit_online: bool
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
    nurse_present: bool = False
    relay: RelayState | None = None
    """None without TURN."""
    camera: CameraState | None = None
    ladder: Ladder | None = None
    telephone: ShortText = ""
    """Of the nurse or the bag, for the doctor to call when nothing else works."""


class Live(Wire):
    """Live state by way of the hub, once a second: the fallback of the kit's data channel."""

    type: Literal["live"] = "live"
    visit_id: Id
    vitals: LiveVitals | None = None
    listening: ListeningState | None = None


class KitVisits(Wire):
    """Today's visits of this kit, with the requests and signed notes of those that are open."""

    type: Literal["kit_visits"] = "kit_visits"
    visits: list[VisitSnapshot]
    telephone: ShortText = ""
    """Of the doctors, for the nurse to call when nothing else works."""


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
    | Relay,
    Field(discriminator="type"),
]
FromKit = Annotated[Hello | Ping | Signal | KitStatus | Live | LinkReport, Field(discriminator="type")]
ToKit = Annotated[
    Welcome | Problem | Pong | KitVisits | Changed | Present | Signal | LinkReport | CameraDo | DoctorHears | Relay,
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


# The nurse's page, on the kit itself


class OpenVisit(Wire):
    type: Literal["open_visit"] = "open_visit"
    visit_id: Id
    identifiers: list[Literal["name", "personal_id", "birth_date", "address", "photo"]]


class CloseVisit(Wire):
    type: Literal["close_visit"] = "close_visit"
    plan_read: bool


class StartRequest(Wire):
    """The nurse began: the kit arms the instrument and binds what comes to this request."""

    type: Literal["start_request"] = "start_request"
    request_id: Id


class DeclineRequest(Wire):
    type: Literal["decline_request"] = "decline_request"
    request_id: Id
    reason: ShortText


class StopListening(Wire):
    type: Literal["stop_listening"] = "stop_listening"


class TakeSpot(Wire):
    """Keep the oximeter's value of now as a reading."""

    type: Literal["take_spot"] = "take_spot"
    request_id: Id | None = None


class StartPairing(Wire):
    """Look for a new instrument of this kind during the next minute."""

    type: Literal["start_pairing"] = "start_pairing"
    kind: InstrumentKind


class ChooseDevice(Wire):
    """Pair with the one of the found instruments that the nurse holds in her hand."""

    type: Literal["choose_device"] = "choose_device"
    device_id: ShortText


class GivePasskey(Wire):
    """The six digits that the instrument shows."""

    type: Literal["give_passkey"] = "give_passkey"
    passkey: Annotated[int, Field(ge=0, le=999_999)]


class StopPairing(Wire):
    type: Literal["stop_pairing"] = "stop_pairing"


class RetryDevice(Wire):
    """Try to reach the instrument now."""

    type: Literal["retry_device"] = "retry_device"
    device_id: ShortText


class ForgetDevice(Wire):
    """Take the instrument out of the bag: bond and memory are dropped, what it measured stays."""

    type: Literal["forget_device"] = "forget_device"
    device_id: ShortText


class FileReading(Wire):
    """Decide about a value in the unassigned tray. Nothing is thrown away: set aside means that it is nobody's here."""

    type: Literal["file_reading"] = "file_reading"
    reading_id: Id
    decision: Literal["this_patient", "set_aside"]
    reason: ShortText = ""


class EnterReading(Wire):
    """A value read off an instrument's display, typed twice; `photo_id` is a `PhotoTaken` of the display."""

    type: Literal["enter_reading"] = "enter_reading"
    kind: ReadingKind
    quantities: Annotated[list[Quantity], Field(min_length=1, max_length=6)]
    again: Annotated[list[Quantity], Field(min_length=1, max_length=6)]
    """The same, typed once more without looking at the first: the kit compares."""
    device: ShortText = ""
    """What stands on the instrument."""
    photo_id: Id | None = None
    request_id: Id | None = None


class AddCartridge(Wire):
    type: Literal["add_cartridge"] = "add_cartridge"
    product: ShortText
    lot: ShortText
    expires: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class RemoveCartridge(Wire):
    type: Literal["remove_cartridge"] = "remove_cartridge"
    cartridge_id: Id


class RunLoopTest(Wire):
    """Listen to the stethoscope for some seconds while the nurse taps it; outside a visit only."""

    type: Literal["run_loop_test"] = "run_loop_test"


class FinishCheck(Wire):
    """The morning check is done."""

    type: Literal["finish_check"] = "finish_check"
    remarks: Count = 0


class PressSimulator(Wire):
    """Demo only: do with a simulated instrument what a hand does with a real one."""

    type: Literal["press_simulator"] = "press_simulator"
    device: InstrumentKind
    action: Code
    """`start`, `start_error`, `finger_on`, `finger_off`, `insert_cassette`, `insert_cassette_low`, `lift`, `place`,
    `measure`, `hold_key`, `vanish`, …"""


class KitState(Wire):
    """Everything the nurse's page shows, whole, at every change."""

    type: Literal["kit_state"] = "kit_state"
    nurse: Person | None
    kit_name: ShortText
    hub: Literal["online", "connecting", "offline"]
    hub_since: Utc
    unsent: Count
    oldest_unsent_at: Utc | None
    visits: list[VisitHead]
    open: VisitSnapshot | None
    """The open visit, with the kit's own records that the hub may not have yet (`received_at` None)."""
    devices: list[DeviceStatus]
    vitals: LiveVitals | None
    listening: ListeningState | None
    simulated: bool
    doctor_hears: list[DoctorHears] = []
    """One for each doctor in the room who has said so."""
    radio_problem: Code | None = None
    """Why Bluetooth does not work; None while it does."""
    pairing: Pairing | None = None
    tray: list[TrayItem] = []
    """The newest hundred of the unassigned tray, newest first."""
    tray_count: Count = 0
    set_aside: list[TrayItem] = []
    """The twenty of the tray that were set aside last: each may still be filed."""
    cartridges: list[Cartridge] = []
    loop_test: LoopTest | None = None
    check: CheckDone | None = None
    """The last morning check."""
    guests_waiting: list[Id] = []
    """Guests who stand at the door of the open visit now."""
    camera: CameraState | None = None
    relay: RelayState | None = None
    """How the kit reaches its relay; None without TURN."""
    call_codes: list[CallCode] = []
    """One for each doctor's call to the instruments."""
    ladder: Ladder | None = None
    """None while there is nobody to be live with."""
    message: Code | None = None
    """The last thing that happened and needs a word: `hub_lost`, `device_lost`, `saved`, …"""


FromNurse = Annotated[
    Hello
    | Ping
    | OpenVisit
    | CloseVisit
    | StartRequest
    | DeclineRequest
    | StopListening
    | TakeSpot
    | Signal
    | LinkReport
    | CameraDo
    | StartPairing
    | ChooseDevice
    | GivePasskey
    | StopPairing
    | RetryDevice
    | ForgetDevice
    | FileReading
    | EnterReading
    | AddCartridge
    | RemoveCartridge
    | RunLoopTest
    | FinishCheck
    | PressSimulator,
    Field(discriminator="type"),
]
ToNurse = Annotated[
    Welcome | Problem | Pong | KitState | Signal | LinkReport | LiveVitals | ListeningState | Relay,
    Field(discriminator="type"),
]

from_nurse: TypeAdapter[Any] = TypeAdapter(FromNurse)
to_nurse: TypeAdapter[Any] = TypeAdapter(ToNurse)
