"""Where the instruments' events come in: synchronous, inside the Bluetooth callback, durable first and shown after."""

import logging
from typing import Protocol

from carebag_devices.events import (
    DeviceState,
    Event,
    Measured,
    OximeterSample,
    SoundFrame,
    SoundStarted,
    SoundStopped,
    StateChanged,
)
from carebag_edge.bedside import Bedside
from carebag_edge.capture import device_status
from carebag_edge.clock import Clock
from carebag_edge.errors import NotSaved
from carebag_edge.listening import Listening
from carebag_edge.vitals import VitalsStream
from carebag_wire.visit import DeviceStatus, LiveVitals

log = logging.getLogger(__name__)
GONE = frozenset({DeviceState.LOST, DeviceState.ASLEEP, DeviceState.UNSEEN, DeviceState.NEEDS_PAIRING})
TIMED = frozenset({"cuff", "crp_analyser"})
"""Instruments whose measurement has a beginning and an end; the others show the moment."""
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

    def __init__(self, bedside: Bedside, listening: Listening, clock: Clock, told: Told) -> None:
        self._bedside = bedside
        self._listening = listening
        self._clock = clock
        self._told = told
        self._vitals = VitalsStream(clock.monotonic_ns(), clock.utc())
        self.devices: dict[str, DeviceStatus] = {}

    @property
    def vitals(self) -> VitalsStream:
        return self._vitals

    def __call__(self, event: Event) -> None:
        """Never raises: whatever went wrong, the instrument's driver is not to blame and must go on."""
        try:
            self._take(event)
        except NotSaved:
            log.error("a value could not be written to the journal; it will be tried again")
            self._told.changed("not_saved")
        except Exception as error:  # noqa: BLE001, RUF100
            # the text of an exception may hold patient data: only its kind is logged
            log.error("an event was not taken in: %s, %s", type(event).__name__, type(error).__name__)
            self._told.changed("not_saved" if isinstance(event, Measured) else "internal_error")

    def tick(self) -> None:
        """Time passed: silence becomes stale, then lost."""
        message = self._vitals.tick(self._clock.monotonic_ns())
        if message is not None:
            self._told.vitals(message)

    def _take(self, event: Event) -> None:
        match event:
            case SoundFrame():
                self._listening.frame(event)
            case OximeterSample():
                self._told.vitals(self._vitals.sample(event, self._clock.monotonic_ns(), self._clock.utc()))
            case StateChanged():
                self._state(event)
            case Measured():
                self._measured(event)
            case SoundStarted():
                self._listening.begin(event)
                self._told.changed()
            case SoundStopped():
                self._stopped(event)

    def _state(self, event: StateChanged) -> None:
        device_id = event.identity.id
        before = self.devices.get(device_id)
        self.devices[device_id] = device_status(event, self._clock.utc(), before)
        if event.identity.kind in TIMED:
            self._follow(event)
        lost = event.state is DeviceState.LOST and (before is None or before.state != "lost")
        if event.identity.kind == "oximeter" and event.state in GONE:
            message = self._vitals.gone(self._clock.utc())
            if message is not None:
                self._told.vitals(message)
        self._told.changed("device_lost" if lost else None)

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
