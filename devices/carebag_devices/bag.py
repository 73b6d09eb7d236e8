"""The bag: every instrument the kit knows, run side by side; what the kit (`carebag_edge`) sees of `devices`."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from carebag_devices.book import DeviceBook, Entry
from carebag_devices.catalog import CATALOG, Model, identify, model_named
from carebag_devices.connector import Connector
from carebag_devices.drivers.clock_keeper import Wall
from carebag_devices.drivers.session import Clock, Ledger, Reporter
from carebag_devices.errors import DeviceSilent, RadioMissing
from carebag_devices.events import DeviceState, Event, Identity, Kind, RadioChanged, StateChanged, UdiSaid
from carebag_devices.link import Advert, Radio
from carebag_devices.pairing_desk import WINDOW_S, PairingDesk
from carebag_devices.wired_instruments import Wired, WiredInstruments

if TYPE_CHECKING:
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.scanner import BaseBleakScanner

log = logging.getLogger(__name__)

LISTEN_WITHIN_S = 10.0
RADIO_RETRY_S = 3.0
RADIO_SOUND_S = 1.0
"""A scan that has run for so long has a radio."""
PASSKEY_WITHIN_S = 45.0
GS1 = "2.51.1.1"
"""GS1 as an issuing entity of device identifiers."""

Sink = Callable[[Event], None]
"""Called synchronously inside the Bluetooth callback; must not block longer than one durable commit."""


class Listener(Protocol):
    """What a stethoscope's driver can do."""

    async def listen(self, stream: int, rate_hz: int) -> None: ...

    async def stop(self) -> None: ...


class Instruments(Protocol):
    """What the kit asks of the bag. Events come through the sink given at construction."""

    async def run(self) -> None:
        """Scan, connect, serve, reconnect until cancelled."""

    async def listen(self, stream: int, rate_hz: int = 4000) -> None:
        """Start the stethoscope's stream; raises `DeviceSilent` when none answers within 10 s."""

    async def stop_listening(self) -> None:
        """Stop it; a `SoundStopped` follows."""

    def start_pairing(self, kind: Kind, window_s: float = WINDOW_S) -> None:
        """Look for a new instrument; `PairingChanged` follows each time something is heard, and at the end."""

    def choose(self, device_id: str) -> None:
        """Pair with this one of the found; nothing happens after the window has closed."""

    def give_passkey(self, number: int) -> None:
        """The six digits the instrument shows, 0 to 999999."""

    def stop_pairing(self) -> None:
        """End the search; a pairing under way is broken off."""

    def retry(self, device_id: str) -> None:
        """Try to reach the instrument now."""

    def forget(self, device_id: str) -> None:
        """Drop its bond and take it out of the bag; to have it back it is paired anew."""

    def note_label(self, device_id: str, udi: UdiSaid | None) -> bool:
        """Note what stands on the label of an instrument of the bag, or nothing any more. False: it has no place there,
        or it says itself what it is."""


class Bag(Instruments):
    """`Instruments` over bleak: this machine's Bluetooth, or the backends given.

    Args:
        sink: takes every event; what it raises is logged by type only and the event counts as not told.
        monotonic: seconds that never go back.
        backend, scanner_backend: bleak classes in place of the platform's.
        simulated: mark every event as not from a body. Devices that say so themselves are marked in any case.
        catalog: which devices, and how to treat them.
        known: addresses this kit may connect to beside those in the book. None: every device of the catalog that is
            near, but for those taken out of the bag by hand.
        radio: in place of bleak.
        book: the bag's own instruments, kept across restarts.
        wall: the kit's clock with its zone; without it no instrument's clock is ever set.
        wired: instruments on a serial port, a network address or a sound input.
    """

    def __init__(
        self,
        *,
        sink: Sink,
        monotonic: Clock,
        backend: "type[BaseBleakClient] | None" = None,
        scanner_backend: "type[BaseBleakScanner] | None" = None,
        simulated: bool,
        catalog: Sequence[Model] = CATALOG,
        known: Collection[str] | None = None,
        radio: Radio | None = None,
        book: DeviceBook | None = None,
        wall: Wall | None = None,
        wired: Sequence[Wired] = (),
    ) -> None:
        self._sink, self._catalog, self._simulated = sink, catalog, simulated
        self._known = None if known is None else set(known)
        self._book = book or DeviceBook()
        self._ledger, self._wall = Ledger(monotonic), wall
        self._radio = radio or _bleak_radio(backend, scanner_backend)
        self._radio.ask_passkey = self._ask_passkey
        self._desk = PairingDesk(self._tell, monotonic)
        self._desk_timer: asyncio.TimerHandle | None = None
        self._passkey: asyncio.Future[int | None] | None = None
        self._wired = WiredInstruments(wired, catalog, self._new_reporter)
        self._connectors: dict[str, Connector] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._chores: set[asyncio.Task[None]] = set()
        self._connecting = asyncio.Lock()
        self._changed = asyncio.Event()
        self._radio_problem: str | None = ""

    async def run(self) -> None:
        """Scan, connect, serve, reconnect until cancelled; then every link is closed."""
        self._introduce()
        wired = self._wired.start()
        for task in wired:
            task.add_done_callback(_log_failure)
        try:
            while True:
                try:
                    await self._scan()
                except RadioMissing as error:
                    log.warning("no Bluetooth: %s", error.reason)
                    self._radio_missing(error)
                except Exception as error:
                    # a scanner that fails in an unforeseen way must not end the visit
                    log.warning("scanner stopped: %s", type(error).__name__)
                await asyncio.sleep(RADIO_RETRY_S)
        finally:
            tasks = [*self._tasks.values(), *self._chores, *wired]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # Listening

    async def listen(self, stream: int, rate_hz: int = 4000) -> None:
        """Start the stethoscope's stream. `stream` is the kit's number for it (u32).

        Raises `DeviceSilent` when no stethoscope is there within 10 s, `DeviceRefused` when it says no.
        """
        try:
            async with asyncio.timeout(LISTEN_WITHIN_S):
                driver = await self._stethoscope()
        except TimeoutError:
            raise DeviceSilent("no_stethoscope") from None
        await driver.listen(stream, rate_hz)

    async def stop_listening(self) -> None:
        """Stop it; a `SoundStopped` follows if one was running."""
        for driver in self._stethoscopes():
            await driver.stop()

    # Pairing, and what else the nurse does with an instrument

    def start_pairing(self, kind: Kind, window_s: float = WINDOW_S) -> None:
        self.stop_pairing()
        self._desk.start(kind, window_s)
        self._desk_timer = asyncio.get_running_loop().call_later(window_s, self._window_closed)

    def choose(self, device_id: str) -> None:
        chosen = self._desk.choose(device_id)
        if chosen is None:
            return
        self._book.put(self._entry(chosen.advert, chosen.model))
        connector = self._connectors.get(device_id) or self._meet(chosen.advert, chosen.model)
        connector.retry(pair=True)
        if device_id not in self._tasks:
            self._serve(device_id, connector)
        else:
            # a link that is up must go before a new bond can be made
            self._chore(self._restart(device_id, connector))

    def give_passkey(self, number: int) -> None:
        if self._passkey is not None and not self._passkey.done():
            self._desk.passkey_given()
            self._passkey.set_result(number)

    def stop_pairing(self) -> None:
        if self._desk_timer is not None:
            self._desk_timer.cancel()
            self._desk_timer = None
        if self._passkey is not None and not self._passkey.done():
            self._passkey.set_result(None)
        if self._desk.now.stage != "idle":
            self._desk.stop()

    def retry(self, device_id: str) -> None:
        connector = self._connectors.get(device_id)
        if connector is not None:
            connector.retry()

    def forget(self, device_id: str) -> None:
        connector = self._connectors.get(device_id)
        if connector is not None:
            self._chore(self._forget(device_id, connector))

    def note_label(self, device_id: str, udi: UdiSaid | None) -> bool:
        connector = self._connectors.get(device_id)
        if connector is None or device_id not in self._book or _says_itself(connector.report.identity):
            return False
        self._book.change(device_id, udi=udi)
        report = connector.report
        report.identity = replace(report.identity, udi=udi or _of_model(connector.model))
        report.enter(report.state, report.detail)
        return True

    def _window_closed(self) -> None:
        self._desk_timer = None
        if self._passkey is not None and not self._passkey.done():
            self._passkey.set_result(None)
        self._desk.window_closed()

    async def _ask_passkey(self, address: str) -> int | None:
        """BlueZ asks for the digits on the device that is being paired."""
        if not self._desk.ask_passkey(address):
            return None
        self._passkey = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(PASSKEY_WITHIN_S):
                return await self._passkey
        except TimeoutError:
            return None
        finally:
            self._passkey = None

    def _follow_pairing(self, event: StateChanged) -> None:
        if event.identity.id != self._desk.chosen:
            return
        if event.state in (DeviceState.READY, DeviceState.MEASURING, DeviceState.SYNCING):
            self._desk.succeed(event.identity.id)
        elif event.state is DeviceState.NEEDS_PAIRING:
            self._desk.fail("refused")

    # Instruments

    def _introduce(self) -> None:
        """The bag's own instruments have their cards before they are heard."""
        for entry in self._book:
            model = model_named(entry.model_key, self._catalog)
            if model is not None and entry.id not in self._connectors:
                self._add(entry.id, model, entry).report.enter(DeviceState.UNSEEN)

    def _on_advert(self, advert: Advert) -> None:
        connector = self._connectors.get(advert.address)
        model = connector.model if connector is not None else identify(advert, self._catalog)
        if model is None:
            return
        self._desk.heard(advert, model, known=self._allowed(advert.address))
        if connector is None and model.driver != "private" and self._allowed(advert.address):
            connector = self._meet(advert, model)
        if connector is not None:
            connector.heard(advert)

    def _meet(self, advert: Advert, model: Model) -> Connector:
        """An instrument of the bag heard for the first time."""
        entry = self._book.get(advert.address)
        if entry is None or not entry.model_key:
            entry = self._entry(advert, model)
            self._book.put(entry)
        connector = self._add(advert.address, model, entry)
        connector.heard(advert)
        return connector

    def _entry(self, advert: Advert, model: Model) -> Entry:
        before = self._book.get(advert.address)
        return before or Entry(advert.address, model.kind, model.key, name=advert.name)

    def _add(self, address: str, model: Model, entry: Entry) -> Connector:
        identity = entry.identity(simulated=self._simulated)
        report = self._new_reporter(replace(identity, udi=identity.udi or _of_model(model)))
        report.bond, report.last_sequence = entry.bond, entry.last_sequence
        report.press = model.invites_by or ""
        report.clock_minus_utc_s = entry.clock_minus_utc_s
        report.clock.doubtful_until = entry.doubtful_until
        report.remember = lambda **known: self._book.change(address, **known)
        connector = Connector(self._radio, model, report, self._connecting, self._wall)
        self._connectors[address] = connector
        self._serve(address, connector)
        return connector

    def _new_reporter(self, identity: Identity) -> Reporter:
        return Reporter(identity, self._tell, self._ledger)

    def _allowed(self, address: str) -> bool:
        if address in self._book:
            return True
        return address not in self._book.forgotten if self._known is None else address in self._known

    def _serve(self, address: str, connector: Connector) -> None:
        self._tasks[address] = asyncio.create_task(connector.run(), name=f"device {address}")
        self._tasks[address].add_done_callback(_log_failure)

    async def _restart(self, address: str, connector: Connector) -> None:
        await self._end(address)
        self._serve(address, connector)

    async def _end(self, address: str) -> None:
        task = self._tasks.pop(address, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _forget(self, address: str, connector: Connector) -> None:
        await self._end(address)
        await self._radio.forget(address)
        if self._known is not None:
            self._known.discard(address)
        self._book.forget(address)
        connector.report.bond = "none"
        connector.report.enter(DeviceState.UNSEEN, "forgotten")
        self._connectors.pop(address, None)

    def _tell(self, event: Event) -> bool:
        """Every event passes here. False when the kit could not take it: then it is not noted as told."""
        self._changed.set()
        if isinstance(event, StateChanged):
            self._follow_pairing(event)
        try:
            self._sink(event)
        except Exception as error:
            # by type only: the message may hold what was measured
            log.error("the kit refused a %s: %s", type(event).__name__, type(error).__name__)
            return False
        return True

    def _stethoscopes(self) -> list[Listener]:
        drivers: list[Any] = [connector.driver for connector in self._connectors.values()]
        return [*(driver for driver in drivers if hasattr(driver, "listen")), *self._wired.listeners]

    async def _stethoscope(self) -> Listener:
        while not (found := self._stethoscopes()):
            self._changed.clear()
            await self._changed.wait()
        return found[0]

    # The radio

    async def _scan(self) -> None:
        """Scan until it fails; a scan that lasts means that Bluetooth is there."""
        sound = asyncio.get_running_loop().call_later(RADIO_SOUND_S, self._tell_radio, None)
        try:
            await self._radio.scan(self._on_advert)
        finally:
            sound.cancel()

    def _radio_missing(self, error: RadioMissing) -> None:
        self._tell_radio(_RADIO_PROBLEMS.get(error.reason, error.code))
        for connector in self._connectors.values():
            if connector.driver is None:
                connector.report.enter(DeviceState.LOST, error.code)

    def _tell_radio(self, problem: str | None) -> None:
        if problem != self._radio_problem:
            self._radio_problem = problem
            self._tell(RadioChanged(problem))

    def _chore(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


_RADIO_PROBLEMS = {
    "powered_off": "bluetooth_off",
    "bluetooth_service_missing": "bluetooth_service_missing",
    "no_bluez": "bluetooth_service_missing",
    "no_system_bus": "bluetooth_service_missing",
    "denied_by_user": "bluetooth_denied",
    "denied_by_system": "bluetooth_denied",
    "bus_denied": "bluetooth_denied",
}
"""Reasons that the nurse or IT can act on in a way of their own; the others are `radio_missing`."""


def _says_itself(identity: Identity) -> bool:
    return identity.udi is not None and identity.udi.entry == "self_reported"


def _of_model(model: Model) -> UdiSaid | None:
    return UdiSaid("catalog", device=model.gtin, issuer=GS1) if model.gtin else None


def _log_failure(task: asyncio.Task[None]) -> None:
    """By type only: a message may hold what was measured."""
    with contextlib.suppress(asyncio.CancelledError):
        if error := task.exception():
            log.error("%s stopped: %s", task.get_name(), type(error).__name__)


def _bleak_radio(backend: "type[BaseBleakClient] | None", scanner_backend: "type[BaseBleakScanner] | None") -> Radio:
    from carebag_devices.bleak_link import BleakRadio

    return BleakRadio(backend, scanner_backend)
