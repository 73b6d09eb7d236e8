"""`Link` and `Radio` by bleak: the system's Bluetooth (BlueZ on Linux), or the backend classes given.

Every call has a time-out of its own, because a stack may never answer (BlueZ without an agent, a device asleep in the
middle of a request). Each connection takes a fresh client and a fresh advertisement. Notifications go by StartNotify,
bleak's default from 3.1 on: AcquireNotify crashes bluetoothd 5.66 when the link breaks.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bleak_retry_connector import BleakNotFoundError, establish_connection

from carebag_devices.errors import (
    DeviceError,
    DeviceLost,
    DeviceRefused,
    DeviceSilent,
    NeedsPairing,
    RadioMissing,
)
from carebag_devices.link import Advert, AskPasskey, Link, Receive, full_uuid

if TYPE_CHECKING:
    from carebag_devices.radio.agent import PairingAgent
    from carebag_devices.radio.bluez_watch import BluezWatch

log = logging.getLogger(__name__)

GATT_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 25.0
PAIR_TIMEOUT_S = 30.0
DISCONNECT_TIMEOUT_S = 5.0
"""bluetoothd itself takes 2 s."""
QUIET_RESTART_S = 30.0
"""A scanner that hears nothing for so long is started anew: adapters fall silent without telling."""

_EVERYWHERE = ("1800", "1801", "180a")
"""Services that nearly every device has: generic access, generic attribute, device information."""
_LIMITED_DISCOVERABLE = 0x01
_INSUFFICIENT_AUTHENTICATION, _INSUFFICIENT_ENCRYPTION = 0x05, 0x0F
_SERVICE_GONE = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.AccessDenied",
    "org.bluez.Error.NotReady",
)
_NOT_PAIRED = (
    "org.bluez.Error.AuthenticationFailed",
    "org.bluez.Error.AuthenticationCanceled",
    "org.bluez.Error.AuthenticationRejected",
    "org.bluez.Error.AuthenticationTimeout",
    "org.bluez.Error.NotPermitted",
)
_BUSY = ("org.bluez.Error.InProgress",)


def translated(error: Exception) -> DeviceError:
    """One of ours for whatever bleak, D-Bus or the sockets below raised."""
    if isinstance(error, DeviceError):
        return error
    if isinstance(error, TimeoutError | BleakDeviceNotFoundError | BleakNotFoundError):
        return DeviceSilent("timeout")
    if isinstance(error, BleakBluetoothNotAvailableError):
        return RadioMissing(error.reason.name.lower())
    if isinstance(error, BleakGATTProtocolError):
        return _refused(int(error.code))
    if isinstance(error, BleakCharacteristicNotFoundError):
        return DeviceRefused("characteristic_missing")
    if isinstance(error, BleakDBusError):
        return _from_bus(error)
    if isinstance(error, OSError | EOFError):
        return RadioMissing("bluetooth_service_missing")
    text = str(error)
    if "pairing" in text or "bond" in text:
        return NeedsPairing("refused")
    return DeviceLost("link_broken")


def _refused(code: int) -> DeviceError:
    if code in (_INSUFFICIENT_AUTHENTICATION, _INSUFFICIENT_ENCRYPTION):
        return NeedsPairing("encryption_demanded")
    return DeviceRefused(f"att_0x{code:02x}")


def _from_bus(error: BleakDBusError) -> DeviceError:
    name = error.dbus_error
    if name in _SERVICE_GONE:
        return RadioMissing("bluetooth_service_missing")
    if name in _NOT_PAIRED:
        return NeedsPairing("refused")
    if name in _BUSY:
        return DeviceSilent("in_progress")
    return DeviceLost("link_broken")


@asynccontextmanager
async def answered_within(seconds: float) -> AsyncIterator[None]:
    """Ends with one of our errors after `seconds`, or when bleak fails."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (BleakError, TimeoutError, OSError, EOFError, AttributeError, KeyError, AssertionError) as error:
        # bleak raises the last three when a link breaks in the middle of a call
        raise translated(error) from error


class BleakLink:
    """A connected `BleakClient` as a `Link`."""

    def __init__(self, client: BleakClient, lost: asyncio.Event) -> None:
        self._client = client
        self._lost = lost

    @property
    def lost(self) -> asyncio.Event:
        return self._lost

    def has(self, characteristic: str) -> bool:
        try:
            return self._client.services.get_characteristic(full_uuid(characteristic)) is not None
        except BleakError:
            return False

    async def pair(self) -> None:
        async with answered_within(PAIR_TIMEOUT_S):
            await self._client.pair()

    async def read(self, characteristic: str) -> bytes:
        async with answered_within(GATT_TIMEOUT_S):
            return bytes(await self._client.read_gatt_char(full_uuid(characteristic)))

    async def write(self, characteristic: str, data: bytes) -> None:
        async with answered_within(GATT_TIMEOUT_S):
            await self._client.write_gatt_char(full_uuid(characteristic), data, response=True)

    async def subscribe(self, characteristic: str, receive: Receive) -> None:
        async with answered_within(GATT_TIMEOUT_S):
            await self._client.start_notify(full_uuid(characteristic), lambda _sender, data: receive(bytes(data)))

    async def disconnect(self) -> None:
        with contextlib.suppress(DeviceError):
            async with answered_within(DISCONNECT_TIMEOUT_S):
                await self._client.disconnect()
        self._lost.set()


class BleakRadio:
    """bleak's scanner and clients as a `Radio`. Without backends: this machine's own Bluetooth."""

    def __init__(
        self,
        backend: type[BaseBleakClient] | None = None,
        scanner_backend: type[BaseBleakScanner] | None = None,
    ) -> None:
        self._backend = backend
        self._scanner_backend = scanner_backend
        self._agent: PairingAgent | None = None
        self._watch: BluezWatch | None = None
        self.ask_passkey: AskPasskey | None = None
        self._lost: WeakSet[asyncio.Event] = WeakSet()
        """What is set when a link ends, of every link there is."""

    async def scan(self, heard: Callable[[Advert], None]) -> None:
        """One scanner for all devices, and BlueZ's pairing agent beside it; see `QUIET_RESTART_S`."""
        async with AsyncExitStack() as stack:
            if self._uses_bluez():
                # D-Bus is installed on Linux only
                from carebag_devices.radio.agent import PairingAgent
                from carebag_devices.radio.bluez_watch import BluezWatch

                agent = PairingAgent(passkey=self._passkey, keyboard=False)
                self._agent = await stack.enter_async_context(agent)
                stack.callback(setattr, self, "_agent", None)
                self._watch = await stack.enter_async_context(BluezWatch(on_death=self._all_links_lost))
                stack.callback(setattr, self, "_watch", None)
                await self._report_connected(heard)
            await self._scan(heard)

    async def admit(self, address: str, *, passkey: bool = False) -> None:
        if self._agent is not None:
            self._agent.allow(address)
            await self._agent.offer_keyboard(passkey)

    async def _passkey(self, address: str) -> int | None:
        return None if self.ask_passkey is None else await self.ask_passkey(address)

    def _all_links_lost(self) -> None:
        for lost in self._lost:
            lost.set()

    def _uses_bluez(self) -> bool:
        if self._backend is None:
            return sys.platform == "linux"
        return "bluezdbus" in self._backend.__module__

    async def _report_connected(self, heard: Callable[[Advert], None]) -> None:
        """Devices that a former run left connected do not advertise: BlueZ keeps links when a process dies."""
        async with answered_within(GATT_TIMEOUT_S):
            adapter = await BleakAdapter.get()
            devices = await adapter.get_connected_devices(list(_EVERYWHERE))
        for device in devices:
            uuids = device.details["props"].get("UUIDs", [])
            heard(Advert(device.address, device.name or "", frozenset(map(full_uuid, uuids)), device))

    async def _scan(self, heard: Callable[[Advert], None]) -> None:
        news = asyncio.Event()

        def detected(device: BLEDevice, data: AdvertisementData) -> None:
            news.set()
            services = frozenset(full_uuid(uuid) for uuid in data.service_uuids)
            name, companies = data.local_name or device.name or "", frozenset(data.manufacturer_data)
            heard(Advert(device.address, name, services, device, data.rssi, _limited(data), companies))

        while True:
            scanner = BleakScanner(detected, backend=self._scanner_backend)
            try:
                async with answered_within(GATT_TIMEOUT_S):
                    await scanner.start()
            except RadioMissing as missing:
                if missing.reason == "powered_off" and self._watch is not None:
                    await self._watch.power_on()
                raise
            try:
                await _until_quiet(news, self._watch.gone if self._watch is not None else asyncio.Event())
            finally:
                with contextlib.suppress(DeviceError):
                    async with answered_within(GATT_TIMEOUT_S):
                        await scanner.stop()

    async def connect(self, advert: Advert, *, pair_first: bool = False, bonded: bool = False) -> Link:
        lost = asyncio.Event()
        self._lost.add(lost)
        connecting = establish_connection(
            BleakClient,
            advert.device,
            advert.name or advert.address,
            disconnected_callback=lambda _client: lost.set(),
            max_attempts=2,
            # remembered services may be asked before BlueZ has resolved them anew: StartNotify then fails
            use_services_cache=False,
            pair=pair_first,
            **self._client_arguments(),
        )
        async with answered_within(CONNECT_TIMEOUT_S):
            client = await (self._unless_it_flaps(advert, connecting) if bonded else connecting)
        # an attempt that failed first may have set it
        if client.is_connected:
            lost.clear()
        return BleakLink(client, lost)

    async def _unless_it_flaps(self, advert: Advert, connecting: Coroutine[Any, Any, BleakClient]) -> BleakClient:
        """Raises `DeviceLost("bond_lost")` where BlueZ's links to a bonded device break as soon as they are up."""
        if self._watch is None:
            return await connecting
        async with self._watch.flapping(advert.device.details["path"]) as flapped:
            attempt, flapping = asyncio.ensure_future(connecting), asyncio.ensure_future(flapped.wait())
            try:
                await asyncio.wait({attempt, flapping}, return_when=asyncio.FIRST_COMPLETED)
                if attempt.done():
                    return attempt.result()
                raise DeviceLost("bond_lost")
            finally:
                for task in (attempt, flapping):
                    task.cancel()
                await asyncio.gather(attempt, flapping, return_exceptions=True)

    async def forget(self, address: str) -> None:
        client = BleakClient(address, **self._client_arguments())
        with contextlib.suppress(DeviceError):
            async with answered_within(GATT_TIMEOUT_S):
                await client.unpair()

    def _client_arguments(self) -> dict[str, Any]:
        return {} if self._backend is None else {"backend": self._backend}


def _limited(data: AdvertisementData) -> bool:
    """AD flag "LE Limited Discoverable", where the system tells flags: BlueZ does, as `AdvertisingFlags`."""
    try:
        flags = data.platform_data[1]["AdvertisingFlags"]
        return bool(flags[0] & _LIMITED_DISCOVERABLE)
    except (IndexError, KeyError, TypeError):
        return False


async def _until_quiet(news: asyncio.Event, gone: asyncio.Event) -> None:
    """Returns when nothing was heard for `QUIET_RESTART_S`, or the adapter is gone."""
    loop = asyncio.get_running_loop()
    ended = asyncio.ensure_future(gone.wait())
    try:
        heard_at = loop.time()
        while not ended.done() and loop.time() - heard_at < QUIET_RESTART_S:
            # adverts come by the dozen; once a second is enough to know that the scanner lives
            await asyncio.wait({ended}, timeout=1.0)
            if news.is_set():
                news.clear()
                heard_at = loop.time()
    finally:
        ended.cancel()
