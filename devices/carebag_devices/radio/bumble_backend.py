"""bleak without an operating system's Bluetooth: its backend classes over a Bumble central in this process.

    central = ...                                   # powered, see central.py
    client_type, scanner_type = backends_for(central)
    scanner = BleakScanner(backend=scanner_type)
    client = BleakClient(device, backend=client_type)

For machines without D-Bus. Where there is a dbus-daemon, `fake_bluez` runs bleak's own BlueZ backend instead.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, ClassVar

from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from carebag_devices.errors import DeviceError, DeviceSilent, NeedsPairing
from carebag_devices.radio.advert import Advert
from carebag_devices.radio.central import Central
from carebag_devices.radio.gatt_link import AttRefused, Characteristic, Descriptor, GattLink, Service

PROPERTY_NAMES = (
    "broadcast",
    "read",
    "write-without-response",
    "write",
    "notify",
    "indicate",
    "authenticated-signed-writes",
    "extended-properties",
)
"""Bit 0 first, in the words BlueZ and bleak share (Core Vol 3 Part G 3.3.1.1)."""
HIDDEN_SERVICES = frozenset({"00001800-0000-1000-8000-00805f9b34fb"})
"""BlueZ keeps Generic Access to itself; so do we."""


def property_names(properties: int) -> list[Any]:
    return [name for bit, name in enumerate(PROPERTY_NAMES) if properties & (1 << bit)]


class BumbleClient(BaseBleakClient):
    """Use a subclass from `backends_for`, which knows its central."""

    central: ClassVar[Central]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        services: set[str] | None = None,
        *,
        disconnected_callback: Callable[[], None] | None = None,
        timeout: float = 10.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._wanted = services
        self._link: GattLink | None = None
        self._callbacks: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        return self.address

    @property
    def mtu_size(self) -> int:
        return self._require().mtu

    @property
    def is_connected(self) -> bool:
        return self._link is not None and not self._link.lost.done()

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        if self.is_connected:
            raise BleakError("Client is already connected")
        timeout = float(kwargs.get("timeout", self._timeout))
        try:
            link = await self.central.connect(self.address, timeout)
        except DeviceSilent:
            raise BleakDeviceNotFoundError(self.address, f"Device with address {self.address} was not found.") from None
        except DeviceError as error:
            raise BleakError(f"connection failed: {error}") from error
        try:
            await self._prepare(link, pair)
        except BaseException:
            await asyncio.shield(link.close())
            raise
        self._link = link
        link.lost.add_done_callback(lambda _: self._on_lost(link))

    async def _prepare(self, link: GattLink, pair: bool) -> None:
        try:
            if await self.central.is_bonded(self.address):
                await link.secure()
            elif pair:
                await link.pair()
            found = await link.discover()
        except NeedsPairing as error:
            raise BleakError(f"pairing failed: {error}") from error
        except DeviceError as error:
            raise BleakError("failed to discover services, device disconnected") from error
        self.services = service_collection(found, lambda: link.mtu - 3, self._wanted)

    async def disconnect(self) -> None:
        link = self._link
        if link is not None:
            await link.close()
            self._forget(link)

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        link = self._require()
        if await self.central.is_bonded(self.address):
            return
        with _in_bleaks_words():
            await link.pair()

    async def unpair(self) -> None:
        await self.central.forget(self.address)
        await self.disconnect()

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        with _in_bleaks_words():
            return bytearray(await self._require().read(_characteristic(characteristic).value_handle))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        with _in_bleaks_words():
            return bytearray(await self._require().read(descriptor.handle))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        handle = _characteristic(characteristic).value_handle
        with _in_bleaks_words():
            await self._require().write(handle, bytes(data), response=response)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        with _in_bleaks_words():
            await self._require().write(descriptor.handle, bytes(data))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        link, target = self._require(), _characteristic(characteristic)
        if not target.has_cccd or target.value_handle in self._callbacks:
            raise BleakError("notifications are not supported here, or already started")

        def on_value(value: bytes) -> None:
            callback(bytearray(value))

        self._callbacks[target.value_handle] = on_value
        try:
            with _in_bleaks_words():
                await link.subscribe(target, on_value)
        except BaseException:
            self._callbacks.pop(target.value_handle, None)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        link, target = self._require(), _characteristic(characteristic)
        callback = self._callbacks.pop(target.value_handle, None)
        if callback is not None:
            with _in_bleaks_words():
                await link.unsubscribe(target, callback)

    def _require(self) -> GattLink:
        if self._link is None or self._link.lost.done():
            raise BleakError("Not connected")
        return self._link

    def _on_lost(self, link: GattLink) -> None:
        if self._link is link:
            self._forget(link)

    def _forget(self, link: GattLink) -> None:
        if self._link is not link:
            return
        self._link = None
        self.services = None
        self._callbacks.clear()
        if self._disconnected_callback is not None:
            self._disconnected_callback()


class BumbleScanner(BaseBleakScanner):
    """Use a subclass from `backends_for`, which knows its central."""

    central: ClassVar[Central]

    def __init__(
        self,
        detection_callback: Any = None,
        service_uuids: list[str] | None = None,
        scanning_mode: str = "active",
        **kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._remove: Callable[[], None] | None = None

    async def start(self) -> None:
        self.seen_devices = {}
        self._remove = self.central.hear(self._on_advert)
        await self.central.scan(self, True)

    async def stop(self) -> None:
        if self._remove is not None:
            self._remove()
            self._remove = None
        await self.central.scan(self, False)

    def _on_advert(self, advert: Advert) -> None:
        if not self.is_allowed_uuid(list(advert.service_uuids)):
            return
        data = AdvertisementData(
            local_name=advert.name,
            manufacturer_data=dict(advert.manufacturer_data),
            service_data=dict(advert.service_data),
            service_uuids=list(advert.service_uuids),
            tx_power=advert.tx_power,
            rssi=advert.rssi,
            # as BlueZ's: path and properties
            platform_data=(advert.address, {} if advert.flags is None else {"AdvertisingFlags": bytes([advert.flags])}),
        )
        device = self.create_or_update_device(advert.address, advert.address, advert.name, {"advert": advert}, data)
        self.call_detection_callbacks(device, data)


def backends_for(central: Central) -> tuple[type[BumbleClient], type[BumbleScanner]]:
    """Backend classes bound to `central`, for `BleakClient(backend=…)` and `BleakScanner(backend=…)`."""
    client = type("BumbleClient", (BumbleClient,), {"central": central})
    scanner = type("BumbleScanner", (BumbleScanner,), {"central": central})
    return client, scanner


def service_collection(
    found: tuple[Service, ...], write_size: Callable[[], int], wanted: set[str] | None
) -> BleakGATTServiceCollection:
    """bleak's tree of what `GattLink.discover` found, with the handles BlueZ would give."""
    collection = BleakGATTServiceCollection()
    for service in found:
        if service.uuid in HIDDEN_SERVICES or (wanted is not None and service.uuid not in wanted):
            continue
        ours = BleakGATTService(service, service.handle, service.uuid)
        collection.add_service(ours)
        for found_characteristic in service.characteristics:
            _add_characteristic(collection, ours, found_characteristic, write_size)
    return collection


def _add_characteristic(
    collection: BleakGATTServiceCollection,
    service: BleakGATTService,
    found: Characteristic,
    write_size: Callable[[], int],
) -> None:
    names = property_names(found.properties)
    ours = BleakGATTCharacteristic(found, found.handle, found.uuid, names, write_size, service)
    collection.add_characteristic(ours)
    for descriptor in found.descriptors:
        collection.add_descriptor(BleakGATTDescriptor(descriptor, descriptor.handle, descriptor.uuid, ours))


def _characteristic(characteristic: BleakGATTCharacteristic) -> Characteristic:
    obj = characteristic.obj
    assert isinstance(obj, Characteristic)
    return obj


class _in_bleaks_words(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a phrase
    """Our errors as bleak raises them on BlueZ."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, AttRefused):
            with contextlib.suppress(ValueError):
                raise BleakGATTProtocolError(BleakGATTProtocolErrorCode(error.att_code)) from error
            raise BleakError(f"ATT error 0x{error.att_code:02x}") from error
        if isinstance(error, DeviceError):
            raise BleakError(f"{error.code}: {error.reason}") from error


__all__ = ["BumbleClient", "BumbleScanner", "Descriptor", "backends_for", "property_names", "service_collection"]
