"""One known device over its life: heard, connected, set up, served, lost, connected again.

    unseen ─advert─▶ connecting ─▶ pairing ─▶ ready ⇄ measuring
                        ▲  │                    │  ▲
                 0.3/1/3/10 s                   ▼  │
                        │  │                  syncing
                        │  │                    │ link ends
                        └──┴──── asleep (idle) or lost (busy) ── next advert

Adverts count from the moment the device is free: a fresh one is awaited for every attempt, never an old handle used.
"""

import asyncio
import contextlib
import logging
from typing import Any

from carebag_devices.catalog import Model
from carebag_devices.codecs.battery import BatteryLevel
from carebag_devices.codecs.device_information import Text, Udi
from carebag_devices.drivers import driver_for
from carebag_devices.drivers.clock_keeper import ClockKeeper, Wall
from carebag_devices.drivers.session import Driver, Reporter
from carebag_devices.errors import DeviceError, DeviceLost, Malformed, NeedsPairing
from carebag_devices.events import DeviceState, UdiSaid
from carebag_devices.link import Advert, Link, Radio

log = logging.getLogger(__name__)

BACK_OFF_S = (0.3, 1.0, 3.0, 10.0)
BROKEN_BOND_AFTER = 3
"""So many links in a row that broke before they were of use: shown as a lost bond, and still tried."""
DOUBTED_BOND_RETRY_S = 30.0
"""Whoever needs a new bond is tried with the old one seldom, and in silence: the card goes on saying what to do."""
WEAK_DBM = -88
"""A device heard so faintly that does not answer is out of reach (our choice)."""
BATTERY = "2A19"
DEVICE_INFORMATION = {"maker": "2A29", "model": "2A24", "serial": "2A25", "firmware": "2A26"}
UDI = "2BFF"


class Connector:
    """Runs one device. `connecting` is shared by all: an adapter takes one connection attempt at a time."""

    def __init__(
        self, radio: Radio, model: Model, report: Reporter, connecting: asyncio.Lock, wall: Wall | None = None
    ) -> None:
        self.model, self.report = model, report
        self.driver: Driver | None = None
        """Set while the device is ready for use."""
        self._radio, self._connecting, self._wall = radio, connecting, wall
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
                self.report.bonded("none")
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
        """One connection from first to last. Ends normally when the link of a device that was of use ends."""
        before, link = self.report.measurements, await self._connect()
        driver = driver_for(self.model)(link, self.report, self.model)
        clock = ClockKeeper(link, self.report, self.model, self._wall)
        try:
            await self._set_up(link, driver, clock)
            self.driver, self._failures = driver, 0
            await self._keep(link, driver, clock)
            self._ended(busy=driver.busy)
        except DeviceLost:
            # some leave as soon as they have delivered, in the middle of our questions
            if self.report.measurements == before:
                raise
            self._ended(busy=False)
        finally:
            self.driver = None
            driver.close()
            await asyncio.shield(link.disconnect())

    async def _connect(self) -> Link:
        assert self._advert is not None
        async with self._connecting:
            if self.report.bond != "lost":
                self.report.enter(DeviceState.CONNECTING)
            first = self.model.pairing == "before_discovery"
            if first:
                await self._radio.admit(self._advert.address, passkey=self.model.passkey)
                self.report.enter(DeviceState.PAIRING)
            link = await self._radio.connect(self._advert, pair_first=first, bonded=self.report.bond != "none")
            if first:
                self.report.bonded("bonded")
            return link

    async def _set_up(self, link: Link, driver: Driver, clock: ClockKeeper) -> None:
        """Pair, read the clock, subscribe, settle, then ask who it is.

        The clock comes before everything it stamps, and devices that push at once must find us listening.
        """
        if self.model.pairing == "after_connect":
            self.report.enter(DeviceState.PAIRING)
            await self._radio.admit(self.report.identity.id, passkey=self.model.passkey)
            await link.pair()
            self.report.bonded("bonded")
        await clock.read()
        await asyncio.sleep(self.model.pause_s)
        stranger = not self.report.identity.maker
        if stranger:
            # what it pushes at once must carry its name, and a simulator's its mark
            await self._read_identity(link)
        await driver.subscribe()
        await asyncio.sleep(self.model.settle_s)
        await self._read_battery(link)
        if not stranger:
            await self._read_identity(link)
        if link.lost.is_set():
            raise DeviceLost("link_broken")
        driver.ready()

    async def _keep(self, link: Link, driver: Driver, clock: ClockKeeper) -> None:
        """Take what is stored, set the clock by policy, say good-bye where that is wanted; then as long as it lasts."""
        settling = asyncio.create_task(self._settle_in(link, driver, clock))
        try:
            await link.lost.wait()
        finally:
            settling.cancel()
            await asyncio.gather(settling, return_exceptions=True)

    async def _settle_in(self, link: Link, driver: Driver, clock: ClockKeeper) -> None:
        try:
            complete = await driver.synchronise()
            if complete:
                await clock.set_if_due()
            if complete and self.model.farewell is not None:
                characteristic, command = self.model.farewell
                await link.write(characteristic, command)
        except DeviceError as error:
            # what is missing is asked for again on the next connection
            log.info("%s: not all was fetched: %s %s", self.model.key, error.code, error.reason)
            if not link.lost.is_set():
                self.report.enter(DeviceState.READY, "sync_incomplete")

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
        known: dict[str, Any] = {}
        for name, uuid in DEVICE_INFORMATION.items():
            if link.has(uuid):
                with contextlib.suppress(Malformed):
                    known[name] = Text.parse(await link.read(uuid)).text
        if link.has(UDI):
            # one that is kept back or asks for a bond is no reason to do without the instrument
            with contextlib.suppress(Malformed, DeviceError):
                said = Udi.parse(await link.read(UDI))
                texts = (said.label or "", said.device or "", said.issuer or "", said.authority or "")
                known |= {"udi": UdiSaid("self_reported", *texts)} if any(texts[:2]) else {}
        self.report.describe(**known)

    def _ended(self, *, busy: bool) -> None:
        if self.model.sleeps and not busy:
            self.report.enter(DeviceState.ASLEEP)
        else:
            self.report.enter(DeviceState.LOST, "out_of_reach")

    async def _recover(self, error: DeviceError) -> None:
        log.info("%s: %s %s", self.model.key, error.code, error.reason)
        self._asked.clear()
        if isinstance(error, NeedsPairing):
            lost = self.report.bond != "none" or error.reason == "bond_lost"
            self.report.bonded("lost" if lost else "none")
            self.report.enter(DeviceState.NEEDS_PAIRING, "bond_lost" if lost else "refused")
            await self._asked.wait()
            return
        wait_s = BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        self._failures += 1
        if self._bond_may_be_broken(error):
            wait_s = DOUBTED_BOND_RETRY_S
            self.report.bonded("lost")
            self.report.enter(DeviceState.NEEDS_PAIRING, "bond_lost")
        else:
            self.report.enter(DeviceState.LOST, self._why(error))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._asked.wait()

    def _bond_may_be_broken(self, error: DeviceError) -> bool:
        """BlueZ tells a bond that the device has forgotten only by hanging up; a device that invites says it itself."""
        if not isinstance(error, DeviceLost) or self.model.pairing == "never":
            return False
        inviting = self._advert is not None and self._advert.limited and self.report.bond == "bonded"
        return inviting or error.reason == "bond_lost" or self._failures >= BROKEN_BOND_AFTER

    def _why(self, error: DeviceError) -> str:
        rssi = self._advert.rssi if self._advert is not None else None
        return "out_of_reach" if rssi is not None and rssi <= WEAK_DBM else error.code
