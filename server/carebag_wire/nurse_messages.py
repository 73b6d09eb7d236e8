"""What the nurse's page and the kit say to each other, on the kit itself; some of it is passed on from the hub."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from carebag_wire.base import Code, Count, Id, ShortText, Utc, Wire
from carebag_wire.calls import CallCode, Relay, RelayState
from carebag_wire.ladder import Ladder
from carebag_wire.messages import CameraDo, Hello, LinkReport, Ping, Pong, Problem, Signal, Welcome
from carebag_wire.page_lock import PageLock
from carebag_wire.records import QuestionText
from carebag_wire.review import Question, SomeWords, Words
from carebag_wire.values import InstrumentKind, MeasuredKind, ObservedKind, Point, Quantity, Seen
from carebag_wire.visit import (
    CameraState,
    Cartridge,
    CheckDone,
    DeviceStatus,
    DoctorHears,
    ListeningState,
    LiveVitals,
    LoopTest,
    Pairing,
    Person,
    TrayItem,
    VisitHead,
    VisitSnapshot,
)


class InVisit(Wire):
    """What is done in the open visit: never in the next one, which her page may not show yet."""

    visit_id: Id | None = None
    """The visit that the page showed; None: none was open."""


class OpenVisit(Wire):
    type: Literal["open_visit"] = "open_visit"
    visit_id: Id
    identifiers: list[Literal["name", "personal_id", "birth_date", "address", "photo"]]


class CloseVisit(InVisit):
    type: Literal["close_visit"] = "close_visit"
    plan_read: bool


class TakeOverVisit(Wire):
    """A visit that another nurse left open at this kit: it goes on with me."""

    type: Literal["take_over_visit"] = "take_over_visit"


class CloseHeldVisit(Wire):
    """As it is left, unseen."""

    type: Literal["close_held_visit"] = "close_held_visit"


class StartRequest(Wire):
    """The nurse began: the kit arms the instrument and binds what comes to this request."""

    type: Literal["start_request"] = "start_request"
    request_id: Id


class DeclineRequest(Wire):
    type: Literal["decline_request"] = "decline_request"
    request_id: Id
    reason: ShortText


class StartListening(InVisit):
    """Listen here, asked for by nobody. What the doctor has asked for at this place is answered by it."""

    type: Literal["start_listening"] = "start_listening"
    point: Point


class StopListening(Wire):
    type: Literal["stop_listening"] = "stop_listening"


class TakeSpot(InVisit):
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


class LabelDevice(Wire):
    """What stands on the label of an instrument of the bag: its UDI, or nothing any more."""

    type: Literal["label_device"] = "label_device"
    device_id: ShortText
    text: ShortText
    by: Literal["barcode", "manual"]


class FileReading(InVisit):
    """Decide about a value in the unassigned tray. Nothing is thrown away: set aside means that it is nobody's here."""

    type: Literal["file_reading"] = "file_reading"
    reading_id: Id
    decision: Literal["this_patient", "set_aside"]
    reason: ShortText = ""


class WithdrawReading(Wire):
    """A value that she typed was entered in error: it is struck through, and stays."""

    type: Literal["withdraw_reading"] = "withdraw_reading"
    reading_id: Id
    reason: ShortText = ""


class PutQuestion(InVisit):
    """Ask the doctor in words of her own; kept in the visit."""

    type: Literal["put_question"] = "put_question"
    text: QuestionText


class EnterReading(InVisit):
    """A value read off an instrument's display, typed twice; `photo_id` is a `PhotoTaken` of the display."""

    type: Literal["enter_reading"] = "enter_reading"
    kind: MeasuredKind
    quantities: Annotated[list[Quantity], Field(min_length=1, max_length=6)]
    again: Annotated[list[Quantity], Field(min_length=1, max_length=6)]
    """The same, typed once more without looking at the first: the kit compares."""
    device: ShortText = ""
    """What stands on the instrument."""
    photo_id: Id | None = None
    request_id: Id | None = None


class EnterObserved(InVisit):
    """What the nurse counted or saw: breaths, consciousness, whether oxygen is given."""

    type: Literal["enter_observed"] = "enter_observed"
    kind: ObservedKind
    quantities: Annotated[list[Quantity], Field(max_length=1)] = []
    """Breaths a minute; or litres of oxygen a minute, where she said so."""
    seen: Seen
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


class AcknowledgeDamage(Wire):
    """The nurse has read that the kit's disk is damaged."""

    type: Literal["acknowledge_damage"] = "acknowledge_damage"
    number: Count
    """`Damage.number` of the page on which she read it."""


class Damage(Wire):
    """What the kit's disk did to what was kept on it, since somebody last said that it was read."""

    number: Count
    """Grows with each damage, and never falls."""
    lost: Count
    """Records and files that can no longer be read and that the hub does not have."""
    mended: Count
    """How often the journal was made anew; all that could be read is in it."""
    seen_by: ShortText = ""
    """Who read of the damage before; empty: nobody."""
    seen_at: Utc | None = None


class AnswerQuestion(Wire):
    """The nurse's answer to the medical lead; once."""

    type: Literal["answer_question"] = "answer_question"
    question_id: Id
    text: SomeWords


class StaffQuestion(Wire):
    """A question of the medical lead to the nurse, and how far her answer is."""

    question: Question
    given: Words = ""
    """Her words."""
    answer: Literal["none", "kept", "sent", "refused"] = "none"
    """`kept`: on the kit's disk, not at the hub; `sent`: durable at the hub; `refused`: the hub will not have it."""
    problem: Code | None = None
    """Why it was refused."""


class HeldVisit(Wire):
    """Another nurse's open visit: nothing of its patient is shown before it is taken over."""

    nurse: ShortText
    """Whose it is; empty where the kit does not know the name."""
    opened_at: Utc


class KitState(Wire):
    """Everything the nurse's page shows, whole, at every change."""

    type: Literal["kit_state"] = "kit_state"
    nurse: Person | None
    kit_name: ShortText
    hub: Literal["online", "connecting", "offline"]
    hub_since: Utc
    unsent: Count
    damaged: Count = 0
    """Records and files that the kit's disk no longer holds as they were written, and that the hub does not have."""
    damage: Damage | None = None
    """None: nothing was ever wrong with the disk."""
    not_taken: Count = 0
    """Records and files that the hub refused: they stay in the kit, and a person has to look at them."""
    not_taken_why: Code | None = None
    """Of the first of them: `bad_signature`, `record_conflict`, `too_large`, …"""
    disk: Literal["ok", "filling", "full"] = "ok"
    """`filling`: 80 % are used. `full`: values are saved in room that was kept for them, photos are not."""
    disk_used_percent: Annotated[int, Field(ge=0, le=100)] = 0
    oldest_unsent_at: Utc | None
    visits: list[VisitHead]
    open: VisitSnapshot | None
    """The open visit, with the kit's own records that the hub may not have yet (`received_at` None)."""
    held: HeldVisit | None = None
    """In place of `open` and of all that is of it, where another nurse left it open."""
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
    moves: Count = 0
    """How often the kit got another address and reached the hub by it: calls from before that go nowhere."""
    hub_problem: Code | None = None
    """Why the hub will not have this kit, where that stays until a person does something: `kit_unknown`, …"""
    questions: list[StaffQuestion] = []
    """Of the medical lead to this nurse; none are fetched while a visit is open."""
    lock: PageLock | None = None
    """None: of a kit from before there was one."""
    message: Code | None = None
    """The last thing that happened and needs a word: `hub_lost`, `device_lost`, `saved`, …"""


FromNurse = Annotated[
    Hello
    | Ping
    | OpenVisit
    | CloseVisit
    | TakeOverVisit
    | CloseHeldVisit
    | StartRequest
    | DeclineRequest
    | StartListening
    | StopListening
    | TakeSpot
    | Signal
    | LinkReport
    | CameraDo
    | AnswerQuestion
    | StartPairing
    | ChooseDevice
    | GivePasskey
    | StopPairing
    | RetryDevice
    | LabelDevice
    | ForgetDevice
    | FileReading
    | EnterReading
    | EnterObserved
    | WithdrawReading
    | PutQuestion
    | AddCartridge
    | RemoveCartridge
    | RunLoopTest
    | FinishCheck
    | AcknowledgeDamage
    | PressSimulator,
    Field(discriminator="type"),
]
ToNurse = Annotated[
    Welcome | Problem | Pong | KitState | PageLock | Signal | LinkReport | LiveVitals | ListeningState | Relay,
    Field(discriminator="type"),
]

from_nurse: TypeAdapter[Any] = TypeAdapter(FromNurse)
to_nurse: TypeAdapter[Any] = TypeAdapter(ToNurse)
