"""Where the instruments' events come in: synchronous, inside the Bluetooth callback, durable first and shown after."""

import logging
from typing import Protocol

from carebag_devices.events import (
    ClockRead,
    DeviceState,
    Event,
    Measured,
    OximeterSample,
    PairingChanged,
    RadioChanged,
    SoundFrame,
    SoundLevel,
    SoundStarted,
    SoundStopped,
    StateChanged,
)
from carebag_edge.bedside import Bedside
from carebag_edge.capture import device_status
from carebag_edge.clock import Clock
from carebag_edge.errors import NotDurable, NotSaved
from carebag_edge.listening import Listening
from carebag_edge.loop_test import LoopTester
from carebag_edge.pairing_guide import PairingGuide
from carebag_edge.vitals import VitalsStream
from carebag_edge.wording import as_code
from carebag_wire.visit import DeviceStatus, LiveVitals

log = logging.getLogger(__name__)
GONE = frozenset({DeviceState.LOST, DeviceState.ASLEEP, DeviceState.UNSEEN, DeviceState.NEEDS_PAIRING})
FORGOTTEN = "forgotten"
"""With `UNSEEN`: the bag has taken it out."""
UNTIMED = frozenset({"oximeter", "stethoscope"})
"""Instruments that show the moment; the measurement of the others has a beginning and an end."""
STILL_MEASURING = frozenset({DeviceState.CONNECTING, DeviceState.PAIRING, DeviceState.SYNCING})
"""A value may still come of a measurement that was seen to begin: the link may break and come back meanwhile."""


class Told(Protocol):
    """Who is told what came in, after it was kept."""

    def journaled(self, code: str) -> None:
        """A record is in the journal: send it, show it, with this word."""

    def changed(self, code: str | None = None) -> None:
        """Something the nurse sees is different; `code` if it needs a word."""

    def vitals(self, message: LiveVitals) -> None: ...


class Intake:
    """The sink of the bag."""

    def __init__(self, bedside: Bedside, listening: Listening, loop_test: LoopTester, clock: Clock, told: Told) -> None:
        self._bedside = bedside
        self._listening = listening
        self._loop_test = loop_test
        self._clock = clock
        self._told = told
        self._vitals = VitalsStream(clock.monotonic_ns(), clock.utc())
        self.devices: dict[str, DeviceStatus] = {}
        self.pairing = PairingGuide()
        self.radio_problem: str | None = None
        self._forgotten: set[str] = set()

    @property
    def vitals(self) -> VitalsStream:
        return self._vitals

    def __call__(self, event: Event) -> None:
        """What goes wrong here is not the driver's affair, with one exception.

        Raises:
            NotDurable: a value is not on the disk. It waits in memory if it could be understood; the driver must not
                acknowledge it to the instrument, and a repeat is recognised as the same measurement.
        """
        try:
            self._take(event)
        except NotSaved:
            log.error("a value could not be written to the journal; it will be tried again")
            self._told.changed("not_saved")
            raise NotDurable from None
        except Exception as error:
            # the text of an exception may hold patient data: only its kind is logged
            log.error("an event was not taken in: %s, %s", type(event).__name__, type(error).__name__)
            self._told.changed("not_saved" if isinstance(event, Measured) else "internal_error")
            if isinstance(event, Measured):
                raise NotDurable from None

    def tick(self) -> None:
        """Time passed: silence becomes stale, then lost; how a pairing ended has been seen."""
        message = self._vitals.tick(self._clock.monotonic_ns())
        if message is not None:
            self._told.vitals(message)
        if self.pairing.tick(self._clock.monotonic_ns()):
            self._told.changed()

    def forget(self, device_id: str) -> None:
        """The instrument was taken out of the bag: its card goes, and what the radio still says of it is not shown."""
        self.devices.pop(device_id, None)
        self._forgotten.add(device_id)

    def welcome(self, device_id: str) -> None:
        """It is wanted again."""
        self._forgotten.discard(device_id)

    def _take(self, event: Event) -> None:
        match event:
            case SoundStarted() | SoundFrame() | SoundLevel() | SoundStopped():
                self._sound(event)
            case OximeterSample():
                self._told.vitals(self._vitals.sample(event, self._clock.monotonic_ns(), self._clock.utc()))
            case StateChanged():
                self._state(event)
            case Measured():
                self._measured(event)
            case ClockRead():
                self._clock_read(event)
            case PairingChanged():
                self.pairing.take(event, self._clock.utc(), self._clock.monotonic_ns())
                self._told.changed()
            case RadioChanged():
                self.radio_problem = as_code(event.problem) if event.problem else None
                self._told.changed()

    def _sound(self, event: SoundStarted | SoundFrame | SoundLevel | SoundStopped) -> None:
        if self._loop_test.takes(event.stream):
            if not isinstance(event, SoundLevel):
                self._loop_test.take(event)
            return
        match event:
            case SoundFrame():
                self._listening.frame(event)
            case SoundLevel():
                self._listening.level(event)
            case SoundStarted():
                self._listening.begin(event)
                self._told.changed()
            case SoundStopped():
                self._stopped(event)

    def _state(self, event: StateChanged) -> None:
        device_id = event.identity.id
        if event.state is DeviceState.UNSEEN and event.detail == FORGOTTEN:
            self.forget(device_id)
        if device_id in self._forgotten:
            if event.state in GONE:
                self._told.changed()
                return
            self._forgotten.discard(device_id)
        before = self.devices.get(device_id)
        self.devices[device_id] = device_status(event, self._clock.utc(), before)
        if event.identity.kind not in UNTIMED:
            self._follow(event)
        lost = event.state is DeviceState.LOST and (before is None or before.state != "lost")
        if event.state in GONE:
            self._gone(event)
        self._told.changed("device_lost" if lost else None)

    def _gone(self, event: StateChanged) -> None:
        self._bedside.device_gone(event.identity.id)
        message = self._vitals.gone(self._clock.utc()) if event.identity.kind == "oximeter" else None
        if message is not None:
            self._told.vitals(message)

    def _clock_read(self, event: ClockRead) -> None:
        state, card = self._bedside.clock_read(event), self.devices.get(event.identity.id)
        if card is not None:
            update = {"clock": state.word, "clock_error_s": state.error_s, "clock_read_at": self._clock.utc()}
            self.devices[event.identity.id] = card.model_copy(update=update)
        self._told.changed()

    def _follow(self, event: StateChanged) -> None:
        """Under which visit a measurement began; a result that merely arrives began earlier."""
        device_id, binder = event.identity.id, self._bedside.binder
        if event.state is DeviceState.MEASURING:
            if event.detail != "result_arriving":
                binder.began(device_id)
        elif event.state is DeviceState.LOST:
            binder.lost(device_id)
        elif event.state not in STILL_MEASURING:
            binder.ended(device_id)

    def _measured(self, event: Measured) -> None:
        entry = self._bedside.keep_measured(event)
        if entry is None:
            return
        if entry.record.binding.visit_id is None:
            self._told.journaled("saved_unassigned")
        else:
            self._told.journaled(event.problem or "saved")

    def _stopped(self, event: SoundStopped) -> None:
        entry = self._listening.stopped(event)
        self._bedside.refresh()
        if entry is None:
            self._told.changed("nothing_heard")
            return
        self._bedside.answered(entry.record.binding.request_id)
        self._told.journaled("saved" if event.reason != "lost" else "device_lost")
