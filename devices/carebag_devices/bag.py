"""The bag: every instrument the kit knows, run side by side; what the kit (`carebag_edge`) sees of `devices`."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import TYPE_CHECKING, Protocol

from carebag_devices.catalog import CATALOG, Model, identify
from carebag_devices.connector import Connector
from carebag_devices.drivers.session import Clock, Ledger, Reporter
from carebag_devices.drivers.stethoscope import StethoscopeDriver
from carebag_devices.errors import DeviceSilent, RadioMissing
from carebag_devices.events import DeviceState, Event, Identity, Kind
from carebag_devices.link import Advert, Radio

if TYPE_CHECKING:
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.scanner import BaseBleakScanner

log = logging.getLogger(__name__)

LISTEN_WITHIN_S = 10.0
RADIO_RETRY_S = 3.0

Sink = Callable[[Event], None]
"""Called synchronously inside the Bluetooth callback; must not block longer than one durable commit."""


class Instruments(Protocol):
    """What the kit asks of the bag. Events come through the sink given at construction."""

    async def run(self) -> None:
        """Scan, connect, serve, reconnect until cancelled."""

    async def listen(self, stream: int, rate_hz: int = 4000) -> None:
        """Start the stethoscope's stream; raises `DeviceSilent` when none answers within 10 s."""

    async def stop_listening(self) -> None:
        """Stop it; a `SoundStopped` follows."""

    def start_pairing(self, kind: Kind, window_s: float = 60.0) -> None:
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


class Bag(Instruments):
    """`Instruments` over bleak: this machine's Bluetooth, or the backends given.

    Args:
        sink: takes every event; what it raises is logged by type only and the event counts as not told.
        monotonic: seconds that never go back.
        backend, scanner_backend: bleak classes in place of the platform's.
        simulated: mark every event as not from a body. Devices that say so themselves are marked in any case.
        catalog: which devices, and how to treat them.
        known: addresses this kit may connect to; others show as `needs_pairing` until the nurse presses 'pair'.
            None: every device of the catalog that is near.
        radio: in place of bleak.
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
    ) -> None:
        self._sink, self._catalog, self._simulated = sink, catalog, simulated
        self._known = None if known is None else set(known)
        self._ledger = Ledger(monotonic)
        self._radio = radio or _bleak_radio(backend, scanner_backend)
        self._connectors: dict[str, Connector] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._chores: set[asyncio.Task[None]] = set()
        self._connecting = asyncio.Lock()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Scan, connect, serve, reconnect until cancelled; then every link is closed."""
        try:
            while True:
                try:
                    await self._radio.scan(self._on_advert)
                except RadioMissing as error:
                    log.warning("no Bluetooth: %s", error.reason)
                    self._radio_missing(error)
                except Exception as error:
                    # a scanner that fails in an unforeseen way must not end the visit
                    log.warning("scanner stopped: %s", type(error).__name__)
                await asyncio.sleep(RADIO_RETRY_S)
        finally:
            tasks = [*self._tasks.values(), *self._chores]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

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

    def start_pairing(self, kind: Kind, window_s: float = 60.0) -> None:
        """To come."""

    def choose(self, device_id: str) -> None:
        connector = self._connectors.get(device_id)
        if connector is None:
            return
        if self._known is not None:
            self._known.add(device_id)
        if device_id not in self._tasks:
            self._serve(device_id, connector)
        connector.retry(pair=True)

    def give_passkey(self, number: int) -> None:
        """To come."""

    def stop_pairing(self) -> None:
        """To come."""

    def retry(self, device_id: str) -> None:
        connector = self._connectors.get(device_id)
        if connector is not None:
            connector.retry()

    def forget(self, device_id: str) -> None:
        connector = self._connectors.get(device_id)
        if connector is not None:
            self._chore(self._forget(device_id, connector))

    def _on_advert(self, advert: Advert) -> None:
        connector = self._connectors.get(advert.address)
        if connector is None:
            model = identify(advert, self._catalog)
            if model is None:
                return
            connector = self._meet(advert, model)
        connector.heard(advert)

    def _meet(self, advert: Advert, model: Model) -> Connector:
        """A device heard for the first time."""
        identity = Identity(advert.address, model.kind, model=advert.name, simulated=self._simulated)
        connector = Connector(self._radio, model, Reporter(identity, self._tell, self._ledger), self._connecting)
        self._connectors[advert.address] = connector
        if self._allowed(advert.address):
            self._serve(advert.address, connector)
        else:
            connector.report.enter(DeviceState.NEEDS_PAIRING, "new_device")
        return connector

    def _allowed(self, address: str) -> bool:
        return self._known is None or address in self._known

    def _serve(self, address: str, connector: Connector) -> None:
        self._tasks[address] = asyncio.create_task(connector.run(), name=f"device {address}")
        self._tasks[address].add_done_callback(_log_failure)

    def _tell(self, event: Event) -> bool:
        """Every event passes here. False when the kit could not take it: then it is not noted as told."""
        self._changed.set()
        try:
            self._sink(event)
        except Exception as error:
            # by type only: the message may hold what was measured
            log.error("the kit refused a %s: %s", type(event).__name__, type(error).__name__)
            return False
        return True

    def _stethoscopes(self) -> list[StethoscopeDriver]:
        drivers = [connector.driver for connector in self._connectors.values()]
        return [driver for driver in drivers if isinstance(driver, StethoscopeDriver)]

    async def _stethoscope(self) -> StethoscopeDriver:
        while not (found := self._stethoscopes()):
            self._changed.clear()
            await self._changed.wait()
        return found[0]

    def _radio_missing(self, error: RadioMissing) -> None:
        for connector in self._connectors.values():
            if connector.driver is None:
                connector.report.enter(DeviceState.LOST, error.code)

    async def _forget(self, address: str, connector: Connector) -> None:
        task = self._tasks.pop(address, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._radio.forget(address)
        if self._known is not None:
            self._known.discard(address)
        connector.report.enter(DeviceState.UNSEEN)
        self._connectors.pop(address, None)

    def _chore(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


def _log_failure(task: asyncio.Task[None]) -> None:
    """By type only: a message may hold what was measured."""
    with contextlib.suppress(asyncio.CancelledError):
        if error := task.exception():
            log.error("%s stopped: %s", task.get_name(), type(error).__name__)


def _bleak_radio(backend: "type[BaseBleakClient] | None", scanner_backend: "type[BaseBleakScanner] | None") -> Radio:
    from carebag_devices.bleak_link import BleakRadio

    return BleakRadio(backend, scanner_backend)
