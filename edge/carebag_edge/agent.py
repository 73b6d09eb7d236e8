"""The kit, put together: who tells whom. One event loop, no threads but for what waits for the disk."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID

from carebag_devices.bag import Instruments, Sink
from carebag_devices.errors import DeviceError
from carebag_edge.agent_parts import make_commands, make_listening
from carebag_edge.backoff import Backoff
from carebag_edge.bag_check import BagCheck
from carebag_edge.bedside import Bedside
from carebag_edge.call_proofs import CallProofs
from carebag_edge.camera_port import ExaminationCamera, NoExaminationCamera
from carebag_edge.clock import Clock
from carebag_edge.damage import DamageBook
from carebag_edge.disk_room import DiskRoom
from carebag_edge.doctor_ears import DoctorEars
from carebag_edge.guest_listeners import guests_served, word_taken_back
from carebag_edge.handover import is_held
from carebag_edge.hub_client import HubClient
from carebag_edge.hub_link import FromHub, HubLink, LinkCore
from carebag_edge.intake import Intake
from carebag_edge.journal_file import DATABASE_ERRORS
from carebag_edge.keys import load_or_create
from carebag_edge.kit_state import kit_state, kit_status, page_lock, withheld
from carebag_edge.live_port import LiveFactory
from carebag_edge.lock_records import LockRecords
from carebag_edge.loop_test import LoopTester
from carebag_edge.nurse_pages import NursePages
from carebag_edge.nurse_sessions import NurseSessions
from carebag_edge.page_keeper import PageKeeper
from carebag_edge.page_lock import LockRules
from carebag_edge.room_desk import RoomDesk
from carebag_edge.rounds import Rounds
from carebag_edge.settings import KitSettings
from carebag_edge.staff_questions import StaffQuestions
from carebag_edge.store import open_store
from carebag_edge.supervisor import Supervisor
from carebag_edge.sync import Outbox, Sync
from carebag_edge.tasks import Tasks
from carebag_edge.tray import Tray
from carebag_edge.upload_pace import upload_kbps
from carebag_edge.wording import as_code
from carebag_wire.calls import SFU, Relay, SfuServes
from carebag_wire.messages import (
    CARE_ZONE,
    CameraDo,
    Changed,
    KitStatus,
    KitVisits,
    LinkReport,
    Live,
    NurseOut,
    Present,
    Signal,
)
from carebag_wire.nurse_messages import KitState
from carebag_wire.page_lock import PageLock
from carebag_wire.visit import DoctorHears, ListeningState, LiveVitals, Person

log = logging.getLogger(__name__)
InstrumentsFactory = Callable[[Sink], Instruments]
TELEPHONE, TIME_ZONE = "telephone", "time_zone"
WORD_LASTS = timedelta(seconds=15)


class Agent:
    """Owns the parts; `run` keeps them going until cancelled. Also what the parts tell each other through."""

    def __init__(
        self,
        settings: KitSettings,
        clock: Clock,
        make_instruments: InstrumentsFactory,
        make_live: LiveFactory,
        camera: ExaminationCamera | None = None,
        before_listening: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.before_listening = before_listening
        self.key = load_or_create(settings.data, settings.kit_id, clock.unix_ms())
        self.journal, self.media, self.seal = open_store(settings, self.key)
        self.journal.retry_refused()
        self.disk = DiskRoom(settings.data, settings.reserve_bytes)
        self.bedside = Bedside(self.journal, self.media, clock)
        self.bedside.counts_scores = settings.news2
        self.bedside.make_room = self.disk.let_go
        self.bedside.takes_photos = lambda: self.disk.takes_photos
        self.tasks = Tasks(self.bedside, clock)
        self.tray = Tray(self.bedside, clock)
        self.check = BagCheck(self.journal, clock)
        self.damage = DamageBook(self.journal, clock)
        self.damage.look()
        self.loop_test = LoopTester(self.journal, clock, self.changed)
        self.sessions = NurseSessions(self.journal, clock)
        rules = LockRules(settings.lock_after_s, settings.pin_required)
        records = LockRecords(self.journal, self.bedside.unsaved, clock, lambda: self.sessions.whose)
        self.keeper = PageKeeper(self.sessions, clock, rules, records)
        self.pages = NursePages(self.page_shown)
        self.hub = HubClient(settings.hub_url, self.key, clock)
        self.link = HubLink(self.hub, LinkCore(clock.utc), self)
        self.sync = Sync(Outbox(self.journal), self.hub, self.media, self.journal, self.synced)
        records.kept = self._lock_recorded
        self.ears = DoctorEars()
        self.proofs = CallProofs(self.key, self.changed)
        self.live_media = make_live(self._send_signal_of_kit)
        self.sync.kbps = lambda: upload_kbps(self.live_media.quality(), setting_up=self.live_media.setting_up)
        me = f"kit:{self.key.kit_id}"
        self.room = RoomDesk(self, self.bedside, self.live_media, camera or NoExaminationCamera(), me)
        self.sessions.can_be_asked = lambda: self.link.core.state == "online" and not self.visit_is_open()
        self.questions = StaffQuestions(self.journal, self.hub, self._who_may_be_asked, self.changed)
        self.supervisor = Supervisor(self, self.link, self.live_media, clock)
        self.supervisor.telephone = self.journal.state(TELEPHONE) or ""
        self.time_zone = self.journal.state(TIME_ZONE) or CARE_ZONE
        self.listening = make_listening(self)
        self.intake = Intake(self.bedside, self.listening, self.loop_test, clock, self)
        self.instruments = make_instruments(self.intake)
        self.commands = make_commands(self)
        self._signals: asyncio.Queue[Signal] = asyncio.Queue()
        self._jobs: set[asyncio.Task[None]] = set()
        self._was_lost = False
        self._word: str | None = None
        self._word_at = clock.utc()
        self._marks: list[Any] = []
        self._hub_heard: tuple[int, str] | None = None
        self._viewers: tuple[object, ...] = ()
        visit = self.bedside.binder.visit
        self._heard_in = visit.visit_id if visit is not None else None
        self._guests: list[str] = []
        self._shown: KitState | None = None
        self._rounds = Rounds(self)

    async def run(self) -> None:
        """Until cancelled: recover, then instruments, sync, link and pages side by side."""
        if self.listening.recover() is not None:
            self.journaled("recording_recovered")
        parts = [self.sync.run(), self.link.run(), self.pages.run(), self._run_instruments(), self._rounds.run()]
        parts += [self._pass_signals(), self.supervisor.run(), self.room.run(), self.questions.run()]
        try:
            async with self.hub, asyncio.TaskGroup() as group:
                for part in parts:
                    group.create_task(part)
        finally:
            for part in parts:
                part.close()
            await self._stop()

    async def _stop(self) -> None:
        for job in self._jobs:
            job.cancel()
        self.listening.close()
        with contextlib.suppress(Exception):
            await self.live_media.close()
        with contextlib.suppress(*DATABASE_ERRORS):
            self.bedside.keeper.write()
        self.journal.close()

    # What the parts tell the kit

    def journaled(self, code: str) -> None:
        """A record is in the journal."""
        self.sync.wake()
        self.changed(code)

    def changed(self, code: str | None = None) -> None:
        if code is not None:
            self._word, self._word_at = as_code(code), self.clock.utc()
        self.pages.changed()
        self.link.status_changed()

    def _lock_recorded(self) -> None:
        self.bedside.refresh()
        self.sync.wake()

    def synced(self) -> None:
        """The hub acknowledged something, or would not."""
        self.bedside.refresh()
        self.changed()

    def vitals(self, message: LiveVitals) -> None:
        self.live_media.state(message)
        self._tell(message)

    def listening_told(self, message: ListeningState) -> None:
        self._marks += message.sound_marks
        self._tell(message)

    def _tell(self, message: LiveVitals | ListeningState | LinkReport) -> None:
        if not self.is_held:
            self.pages.tell(message)

    def link_changed(self) -> None:
        if self.link.core.problem == "kit_revoked":
            with contextlib.suppress(*DATABASE_ERRORS):  # the keeper tries again
                self.bedside.kit_revoked()
                self.keeper.kit_revoked()
        if self.link.core.state == "online":
            self.live_media.hold_to_relay(self.link.core.relay_only)
            if self._was_lost:
                self.sync.renew()
            self.sync.wake()
            self.supervisor.hub_is_back()
            self.questions.wake()
            self.changed("hub_back" if self._was_lost else None)
            self._was_lost = False
        else:
            self._was_lost = True
            self.bedside.hub_away()
            self.changed("hub_lost")

    async def hub_said(self, message: FromHub) -> None:
        if isinstance(message, Signal):
            self._signal(message)
            return
        if isinstance(message, Relay):
            self._take_relay(message)
            return
        if isinstance(message, SfuServes):
            self.live_media.sfu_serves(message)
            return
        if isinstance(message, LinkReport):
            self._tell(message)
            return
        if isinstance(message, NurseOut):
            if self.sessions.end(message.commission_id):
                self.changed()
            return
        if isinstance(message, CameraDo):
            self.room.work_camera(message)
            return
        if isinstance(message, DoctorHears):
            if self.ears.take(message, *self._room()):
                self.pages.changed()
            return
        try:
            self.bedside.hub_said(message)
        except DATABASE_ERRORS:
            self.changed("not_saved")
        if isinstance(message, KitVisits):
            self._remember_telephone(message.telephone)
            self._remember_zone(message.time_zone)
        if isinstance(message, Present):
            self.room.present(message)
        else:
            self.tasks.hub_said(message)
        snapshot = self.bedside.open_snapshot(None) if self._guests else None
        if isinstance(message, Present) or (self._guests and word_taken_back(snapshot, self._guests)):
            self.visit_changed()
        self.changed("request_cancelled" if self._taken_back(message) else None)

    def _remember_telephone(self, number: str) -> None:
        """It is needed when the hub is away, also after a restart."""
        if number != self.supervisor.telephone:
            self.supervisor.telephone = number
            self.journal.put_state(TELEPHONE, number)

    def _remember_zone(self, name: str) -> None:
        """Its page tells times as the doctor's does, whatever the tablet's clock is set to."""
        if name != self.time_zone:
            self.time_zone = name
            self.journal.put_state(TIME_ZONE, name)

    def _taken_back(self, message: KitVisits | Changed | Present) -> bool:
        """The doctor took a request back: say so, and stop listening if it was that one."""
        request = message.request if isinstance(message, Changed) else None
        if request is None or request.state != "cancelled":
            return False
        heard = self.listening.message
        if heard is not None and heard.request_id == request.id and heard.state in ("starting", "live"):
            self.spawn(self.instruments.stop_listening())
        return True

    def visit_changed(self) -> None:
        """The visit, or who is in its room, is another: tell live media whom to serve."""
        visit_id, viewers = self._room()
        if visit_id is not None and visit_id != self._heard_in:
            self._another_visit(visit_id)
        self.ears.present(visit_id, viewers)
        self.proofs.present(viewers)
        self.room.visit_changed()
        self.questions.visit_changed(is_open=self.visit_is_open())
        self._guests = guests_served(self.bedside.open_snapshot(None), self._guests)
        before, self._viewers = self._viewers, (visit_id, *viewers, *self._guests)
        if before == self._viewers:
            return
        if before and before[0] is not None and before[0] != visit_id:
            self.spawn(self.live_media.set_viewers(before[0], []))  # type: ignore[arg-type]
        if visit_id is not None:
            self.spawn(self.live_media.set_viewers(visit_id, [*viewers, *self._guests], self._guests))

    def _another_visit(self, visit_id: UUID) -> None:
        """What was heard and measured in one home is neither shown nor played in the next."""
        self._heard_in = visit_id
        self._marks = []
        self.intake.vitals.another_visit(self.clock.utc())
        self.live_media.another_visit()

    def _room(self) -> tuple[UUID | None, list[str]]:
        """The open visit, and the doctors in its room."""
        snapshot = self.bedside.open_snapshot(None)
        if snapshot is None:
            return None, []
        return snapshot.visit.id, [one.id for one in snapshot.participants if one.role == "doctor"]

    def visit_is_open(self) -> bool:
        return self.bedside.binder.visit is not None

    @property
    def is_held(self) -> bool:
        """Whether the visit that is open is another nurse's than the one who is signed in."""
        return is_held(self.bedside, self.sessions.person)

    def _who_may_be_asked(self) -> Person | None:
        """The nurse, while she looks at her page between two visits."""
        asked = self.pages.present and not self.visit_is_open() and self.keeper.is_open
        return self.sessions.person if asked else None

    def doctors_present(self) -> int:
        return len(self._room()[1])

    def _take_relay(self, relay: Relay) -> None:
        if relay.to == self.nurse_participant:
            self.pages.relay(relay)
        else:
            self.live_media.relay(relay)

    def send_signal_for_nurse(self, signal: Signal) -> None:
        self.link.send_signal(self.proofs.signed(signal.model_copy(update={"sender": self.nurse_participant})))

    def report_link(self, report: LinkReport) -> None:
        self.link.send_signal(report)
        self._tell(report)

    def report_nurse_link(self, report: LinkReport) -> None:
        self.link.send_signal(report.model_copy(update={"participant": self.nurse_participant}))

    def work_camera(self, message: CameraDo, nurse: Person) -> None:
        self.room.work_camera(message, nurse.name)

    def _send_signal_of_kit(self, signal: Signal) -> None:
        self.link.send_signal(self.proofs.of_kit(signal))

    @property
    def nurse_participant(self) -> str:
        """Id of the nurse's page in the visit's room."""
        return f"nurse:{self.key.kit_id}"

    def _signal(self, signal: Signal) -> None:
        if signal.to == self.nurse_participant:
            if not self.is_held:
                self.pages.signal(signal)
        else:
            self._signals.put_nowait(signal)
            if signal.sender != SFU:  # with which nobody can compare digits
                self.spawn(self.proofs.heard(signal))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside the rest; a failure is logged by its kind and stops nothing."""
        job = asyncio.get_running_loop().create_task(self._guarded(work))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    # What the pages and the hub are shown

    def kit_state(self) -> KitState:
        """As it is; while the journal can be neither read nor mended, as it last was, with a word."""
        try:
            self._shown = kit_state(self)
        except DATABASE_ERRORS:
            if self._shown is None:
                raise
            shown = self._shown if self._shown.nurse == self.sessions.person else withheld(self._shown)
            return shown.model_copy(update={"message": "not_saved"})
        return self._shown

    def page_shown(self) -> KitState | PageLock:
        """Everything, or of a locked page the lock."""
        return self.kit_state() if self.keeper.is_open else page_lock(self)

    def page_lock(self) -> PageLock:
        return page_lock(self)

    def kit_status(self) -> KitStatus:
        return kit_status(self)

    @property
    def word(self) -> str | None:
        """What happened last, as a code, while it is news."""
        return self._word

    def forget_old_word(self) -> None:
        if self._word is not None and self.clock.utc() - self._word_at > WORD_LASTS:
            self._word = None
            self.pages.changed()

    @property
    def guests_served(self) -> list[str]:
        """Guests who see and hear the examination."""
        return self._guests

    def live(self) -> Live | None:
        """Vitals while the oximeter speaks; listening with all marks since the last time, and its end once."""
        visit, listening = self.bedside.binder.visit, self.listening.shown
        vitals = self.intake.vitals.shown
        if listening is not None:
            heard = (listening.stream, listening.state)
            over = listening.state in ("ended", "lost") and heard == self._hub_heard
            self._hub_heard, marks = heard, self._marks[-200:]
            self._marks = []
            listening = None if over else listening.model_copy(update={"sound_marks": marks})
        if visit is None or (vitals is None and listening is None):
            return None
        return Live(visit_id=visit.visit_id, vitals=vitals, listening=listening)

    # Loops

    async def _pass_signals(self) -> None:
        """Call set-up to live media, one after the other; a call that fails leaves the visit alone."""
        while True:
            signal = await self._signals.get()
            await self._guarded(self.live_media.on_signal(signal))

    async def _run_instruments(self) -> None:
        """Start the bag again when its radio failed as a whole: the rest of the kit works without."""
        backoff = Backoff()
        while True:
            try:
                await self.instruments.run()
            except DeviceError as error:
                log.warning("instruments stopped: %s", error.code)
                self.changed(error.code)
            await asyncio.sleep(backoff.failed())

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001, RUF100
            log.error("a side task failed: %s", type(error).__name__)
