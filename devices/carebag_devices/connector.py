"""One known device over its life: heard, connected, set up, served, lost, connected again.

    unseen ─advert─▶ connecting ─▶ pairing ─▶ ready ⇄ measuring
                        ▲  │                    │
                 0.3/1/3/10 s                   ▼ link ends
                        └──┴──── asleep (idle) or lost (busy) ── next advert

Adverts count from the moment the device is free: a fresh one is awaited for every attempt, never an old handle used.
"""

import asyncio
import contextlib
import logging

from carebag_devices.catalog import Model
from carebag_devices.catalog.model import DriverName
from carebag_devices.codecs.battery import BatteryLevel
from carebag_devices.codecs.device_information import Text
from carebag_devices.drivers.crp_analyser import CrpDriver
from carebag_devices.drivers.cuff import CuffDriver
from carebag_devices.drivers.oximeter import OximeterDriver
from carebag_devices.drivers.session import Driver, Reporter
from carebag_devices.drivers.stethoscope import StethoscopeDriver
from carebag_devices.errors import DeviceError, DeviceLost, Malformed, NeedsPairing
from carebag_devices.events import DeviceState
from carebag_devices.link import Advert, Link, Radio

log = logging.getLogger(__name__)

BACK_OFF_S = (0.3, 1.0, 3.0, 10.0)
BROKEN_BOND_AFTER = 3
"""So many links in a row that broke before they were of use: shown as a lost bond, and still tried."""
BATTERY = "2A19"
DEVICE_INFORMATION = {"maker": "2A29", "model": "2A24", "serial": "2A25", "firmware": "2A26"}

_DRIVERS: dict[DriverName, type[Driver]] = {
    "blood_pressure": CuffDriver,
    "pulse_oximeter": OximeterDriver,
    "auscultation": StethoscopeDriver,
    "lis2_uart": CrpDriver,
}


class Connector:
    """Runs one device. `connecting` is shared by all: an adapter takes one connection attempt at a time."""

    def __init__(self, radio: Radio, model: Model, report: Reporter, connecting: asyncio.Lock) -> None:
        self.model, self.report = model, report
        self.driver: Driver | None = None
        """Set while the device is ready for use."""
        self._radio, self._connecting = radio, connecting
        self._advert: Advert | None = None
        self._heard = asyncio.Event()
        self._asked = asyncio.Event()
        self._failures = 0
        self._renew_bond = False

    def heard(self, advert: Advert) -> None:
        """The device advertises now."""
        self._advert = advert
        self._heard.set()

    def retry(self, *, pair: bool = False) -> None:
        """The nurse asked for another attempt, now; `pair`: with a new bond."""
        self._failures, self._renew_bond = 0, pair
        self._asked.set()

    async def run(self) -> None:
        """Serve the device until cancelled."""
        while True:
            if self._renew_bond:
                self._renew_bond = False
                await self._radio.forget(self.report.identity.id)
                self._heard.clear()
            await self._heard.wait()
            try:
                await self._serve()
            except DeviceError as error:
                await self._recover(error)
            except Exception as error:
                # one device's surprise must not silence it for the rest of the visit; by type only, see `errors`
                log.error("%s: %s", self.model.key, type(error).__name__)
                await self._recover(DeviceLost("unexpected"))
            self._heard.clear()

    async def _serve(self) -> None:
        """One connection from first to last. Ends normally when the link of a device that was ready ends."""
        link = await self._connect()
        driver = _DRIVERS[self.model.driver](link, self.report, self.model)
        try:
            await self._set_up(link, driver)
            self.driver, self._failures = driver, 0
            await link.lost.wait()
            self._ended(busy=driver.busy)
        finally:
            self.driver = None
            driver.close()
            await asyncio.shield(link.disconnect())

    async def _connect(self) -> Link:
        assert self._advert is not None
        async with self._connecting:
            self.report.enter(DeviceState.CONNECTING)
            first = self.model.pairing == "before_discovery"
            if first:
                self._radio.admit(self._advert.address)
                self.report.enter(DeviceState.PAIRING)
            return await self._radio.connect(self._advert, pair_first=first)

    async def _set_up(self, link: Link, driver: Driver) -> None:
        """Pair, subscribe, settle, then ask who it is: devices that push at once must find us listening."""
        if self.model.pairing == "after_connect":
            self.report.enter(DeviceState.PAIRING)
            self._radio.admit(self.report.identity.id)
            await link.pair()
        await driver.subscribe()
        if self.model.settle_s:
            await asyncio.sleep(self.model.settle_s)
        await self._read_battery(link)
        await self._read_identity(link)
        if link.lost.is_set():
            raise DeviceLost("link_broken")
        driver.ready()

    async def _read_battery(self, link: Link) -> None:
        if not link.has(BATTERY):
            return
        with contextlib.suppress(Malformed):
            self.report.battery_percent = BatteryLevel.parse(await link.read(BATTERY)).percent
        # reading only is allowed by the service
        with contextlib.suppress(DeviceError):
            await link.subscribe(BATTERY, self._on_battery)

    def _on_battery(self, raw: bytes) -> None:
        with contextlib.suppress(Malformed):
            self.report.battery(BatteryLevel.parse(raw).percent)

    async def _read_identity(self, link: Link) -> None:
        known: dict[str, str] = {}
        for name, uuid in DEVICE_INFORMATION.items():
            if link.has(uuid):
                with contextlib.suppress(Malformed):
                    known[name] = Text.parse(await link.read(uuid)).text
        self.report.describe(**known)

    def _ended(self, *, busy: bool) -> None:
        asleep = self.model.sleeps and not busy
        self.report.enter(DeviceState.ASLEEP if asleep else DeviceState.LOST)

    async def _recover(self, error: DeviceError) -> None:
        log.info("%s: %s %s", self.model.key, error.code, error.reason)
        self._asked.clear()
        if isinstance(error, NeedsPairing):
            self.report.enter(DeviceState.NEEDS_PAIRING, error.reason)
            await self._asked.wait()
            return
        wait_s = BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        self._failures += 1
        if isinstance(error, DeviceLost) and self.model.pairing != "never" and self._failures >= BROKEN_BOND_AFTER:
            # BlueZ tells a bond that the device has forgotten only by hanging up
            self.report.enter(DeviceState.NEEDS_PAIRING, "bond_lost")
        else:
            self.report.enter(DeviceState.LOST, error.code)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), wait_s)
