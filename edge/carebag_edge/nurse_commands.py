"""What the nurse does on her page, done; what cannot be done is refused with a code and changes nothing."""

from typing import Any, Protocol
from uuid import UUID

import aiohttp

from carebag_devices.bag import Instruments
from carebag_devices.errors import DeviceError
from carebag_edge import question
from carebag_edge.bag_commands import LISTEN_RATE_HZ, BagCommands, Spawn
from carebag_edge.bedside import Bedside
from carebag_edge.clock import Clock
from carebag_edge.errors import NotSaved, Refused
from carebag_edge.handover import close_unseen, is_held, take_over
from carebag_edge.intake import Intake
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.listening import Listening
from carebag_edge.loop_test import LoopTester
from carebag_edge.staff_questions import StaffQuestions
from carebag_edge.tasks import Tasks
from carebag_edge.tray import Tray
from carebag_edge.visits import OVER
from carebag_edge.withdrawal import withdraw
from carebag_edge.wording import as_code
from carebag_wire.messages import CameraDo, LinkReport, Ping, Pong, Problem, Signal
from carebag_wire.nurse_messages import (
    AcknowledgeDamage,
    AnswerQuestion,
    CloseHeldVisit,
    CloseVisit,
    DeclineRequest,
    EnterObserved,
    EnterReading,
    FileReading,
    InVisit,
    OpenVisit,
    PressSimulator,
    PutQuestion,
    StartListening,
    StartRequest,
    StopListening,
    TakeOverVisit,
    TakeSpot,
    WithdrawReading,
)
from carebag_wire.values import Circumstances, Point
from carebag_wire.visit import Person, RequestKind

PRESS_TIMEOUT_S = 3.0
BEFORE_TAKEN_OVER = Ping | TakeOverVisit | CloseHeldVisit | AcknowledgeDamage | PressSimulator
"""What the next nurse may do while another's visit is open."""


class Owner(Protocol):
    """What the commands ask of the kit."""

    def journaled(self, code: str) -> None: ...

    def changed(self, code: str | None = None) -> None: ...

    def visit_changed(self) -> None:
        """A visit was opened or closed."""

    def before_listening(self) -> None:
        """The nurse begins to listen: what would disturb is done now."""

    def send_signal_for_nurse(self, signal: Signal) -> None: ...

    def report_nurse_link(self, report: LinkReport) -> None: ...

    def work_camera(self, message: CameraDo, nurse: Person) -> None: ...


class NurseCommands:
    """One call for each message of `FromNurse`."""

    def __init__(
        self,
        *,
        bedside: Bedside,
        tasks: Tasks,
        tray: Tray,
        listening: Listening,
        loop_test: LoopTester,
        intake: Intake,
        instruments: Instruments,
        bag: BagCommands,
        questions: StaffQuestions,
        owner: Owner,
        clock: Clock,
        spawn: Spawn,
        simulated: bool,
        simulator_url: str | None,
    ) -> None:
        self._bedside = bedside
        self._tasks = tasks
        self._tray = tray
        self._listening = listening
        self._loop_test = loop_test
        self._intake = intake
        self._instruments = instruments
        self._bag = bag
        self._questions = questions
        self._owner = owner
        self._clock = clock
        self._spawn = spawn
        self._simulated = simulated
        self._simulator_url = simulator_url

    async def do(self, message: Any, nurse: Person) -> Problem | Pong | None:
        """Gives what is to be answered to the page that asked, if anything.

        Args:
            message: one of `FromNurse` but Hello, already validated.
        """
        try:
            return await self._do(message, nurse)
        except Refused as error:
            return Problem(code=error.code)
        except (NotSaved, *DATABASE_ERRORS):
            self._bedside.make_room()  # pressed again, it may be saved
            return Problem(code="not_saved")

    async def _do(self, message: Any, nurse: Person) -> Problem | Pong | None:
        if not isinstance(message, BEFORE_TAKEN_OVER) and is_held(self._bedside, nurse):
            if isinstance(message, Signal | LinkReport):
                return None  # of a call that is not hers
            raise Refused("visit_held")
        if isinstance(message, InVisit):
            self._of_this_visit(message.visit_id)
        match message:
            case Ping():
                return Pong(id=message.id)
            case Signal():
                self._owner.send_signal_for_nurse(message)
            case LinkReport():
                self._owner.report_nurse_link(message)
            case CameraDo():
                self._owner.work_camera(message, nurse)
            case OpenVisit():
                self._open(message, nurse)
            case CloseVisit():
                await self._close(message.plan_read)
            case TakeOverVisit():
                take_over(self._bedside, self._clock, nurse)
                self._owner.visit_changed()
                self._owner.journaled("visit_taken_over")
            case CloseHeldVisit():
                await self._close_held(nurse)
            case StartRequest():
                self._start(message.request_id)
            case DeclineRequest():
                self._tasks.decline(message.request_id, message.reason)
                self._owner.journaled("declined")
            case StartListening():
                self._listen_unasked(message.point)
            case StopListening():
                if self._listening.put_away():
                    self._owner.changed()
                self._spawn(self._stop_listening())
            case TakeSpot():
                self._take_spot(message.request_id)
            case EnterReading():
                self._enter(message)
            case EnterObserved():
                self._observe(message)
            case FileReading():
                self._tray.file(message, nurse)
                self._owner.journaled("filed" if message.decision == "this_patient" else "set_aside")
            case WithdrawReading():
                withdraw(self._bedside, self._clock, message, nurse)
                self._owner.journaled("withdrawn")
            case PutQuestion():
                question.put(self._bedside, self._clock, message, nurse)
                self._owner.journaled("question_saved")
            case AnswerQuestion():
                self._questions.answer(nurse, message)
            case PressSimulator():
                await self._press(message.device, message.action)
            case _ if not self._bag.do(message, nurse):
                return Problem(code="unexpected_message")
        return None

    def _of_this_visit(self, visit_id: UUID | None) -> None:
        """A tap on a page that is a moment behind reaches no other patient. Raises: Refused: `another_visit`."""
        visit = self._bedside.binder.visit
        if visit_id is not None and visit is not None and visit.visit_id != visit_id:
            raise Refused("another_visit")

    def _open(self, message: OpenVisit, nurse: Person) -> None:
        open_now = self._bedside.binder.visit
        if open_now is not None and open_now.visit_id == message.visit_id:
            return  # the second tap of a double tap
        self._bedside.open(message, nurse)
        if self._loop_test.running:
            self._loop_test.abandon()
            self._spawn(self._stop_listening())
        self._owner.visit_changed()
        self._owner.journaled("visit_opened")

    async def _close(self, plan_read: bool) -> None:
        if self._bedside.binder.visit is not None and self._listening.active:
            await self._stop_listening()
        self._bedside.close(plan_read)
        self._owner.visit_changed()
        self._owner.journaled("visit_closed")

    async def _close_held(self, nurse: Person) -> None:
        if is_held(self._bedside, nurse) and self._listening.active:
            await self._stop_listening()
        close_unseen(self._bedside, self._clock, nurse)
        self._owner.visit_changed()
        self._owner.journaled("visit_closed")

    def _start(self, request_id: UUID) -> None:
        request = self._tasks.find(request_id)
        if request.kind == "listen":
            if self._listening.serves(request_id):
                return  # the second tap of a double tap
            if self._listening.active or self._loop_test.running:
                raise Refused("already_listening")
            self._tasks.start(request_id)
            self._begin_to_listen(request.id, request.circumstances)
        else:
            self._tasks.start(request_id)
        self._owner.journaled("task_started")

    def _listen_unasked(self, point: Point) -> None:
        """At a place that she chose; where the doctor asks for the same, it is the answer."""
        visit = self._bedside.open_snapshot(None)
        if visit is None:
            raise Refused("visit_not_open")
        here = Circumstances(point=point)
        asked = [one for one in visit.requests if one.kind == "listen" and one.circumstances.point == point]
        waiting = next((one for one in asked if one.state not in OVER), None)
        if waiting is not None:
            self._start(waiting.id)
            return
        if self._listening.listens_unasked(here):
            return  # the second tap of a double tap
        if self._listening.active or self._loop_test.running:
            raise Refused("already_listening")
        self._begin_to_listen(None, here)
        self._owner.changed()

    def _begin_to_listen(self, request_id: UUID | None, circumstances: Circumstances) -> None:
        self._owner.before_listening()
        stream = self._listening.next_stream()
        self._listening.starting(stream, LISTEN_RATE_HZ, request_id, circumstances)
        self._spawn(self._listen(stream))

    async def _listen(self, stream: int) -> None:
        try:
            await self._instruments.listen(stream, LISTEN_RATE_HZ)
        except DeviceError as error:
            self._listening.not_started(stream)
            self._owner.changed(as_code(error.code))

    async def _stop_listening(self) -> None:
        try:
            await self._instruments.stop_listening()
        except DeviceError as error:
            self._owner.changed(as_code(error.code))

    def _take_spot(self, request_id: UUID | None) -> None:
        spot = self._intake.vitals.spot(self._clock.monotonic_ns())
        self._begin(request_id, "oximetry")
        self._bedside.keep_spot(spot)
        self._owner.journaled("saved")

    def _enter(self, message: EnterReading) -> None:
        if not self._bedside.typed_just_now(message):
            self._bedside.check_typed(message)
            self._begin(message.request_id, message.kind)
            self._bedside.keep_typed(message, self._simulated)
        self._owner.journaled("saved")

    def _observe(self, message: EnterObserved) -> None:
        if not self._bedside.typed_just_now(message):
            self._bedside.check_observed(message)
            self._begin(message.request_id, message.kind)
            self._bedside.keep_observed(message, self._simulated)
        self._owner.journaled("saved")

    def _begin(self, request_id: UUID | None, kind: RequestKind) -> None:
        """Let the value that comes now answer this request."""
        armed = {one.request_id for one in self._bedside.binder.armed}
        if request_id is None or request_id in armed:
            return
        if self._tasks.find(request_id).kind != kind:
            raise Refused("unknown_request")
        self._tasks.start(request_id)

    async def _press(self, device: str, action: str) -> None:
        if self._simulator_url is None:
            raise Refused("not_simulated")
        timeout = aiohttp.ClientTimeout(total=PRESS_TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(f"{self._simulator_url}/press", json={"device": device, "action": action}) as answer,
            ):
                if answer.status >= 400:
                    raise Refused("simulator_refused")
        except (TimeoutError, aiohttp.ClientError, OSError):
            raise Refused("simulator_away") from None
