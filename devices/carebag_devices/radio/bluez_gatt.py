"""GattService1, GattCharacteristic1 and GattDescriptor1 of one device (bluez: src/gatt-client.c)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dbus_fast import Message, Variant

from carebag_devices.errors import DeviceLost, DeviceSilent, NeedsPairing
from carebag_devices.radio.bumble_backend import HIDDEN_SERVICES, property_names
from carebag_devices.radio.dbus_objects import NOTHING, Background, Face, ObjectTree, Refusal, Reply, in_progress
from carebag_devices.radio.gatt_link import CCCD, AttRefused, Characteristic, Descriptor, GattLink, Service

SERVICE = "org.bluez.GattService1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
DESCRIPTOR = "org.bluez.GattDescriptor1"

WRITE_WITHOUT_RESPONSE, WRITE, NOTIFY, INDICATE = 0x04, 0x08, 0x10, 0x20

_ATT_ERRORS = {
    0x02: ("NotPermitted", "Read not permitted"),
    0x03: ("NotPermitted", "Write not permitted"),
    0x05: ("NotPermitted", "Not paired"),
    0x06: ("NotSupported", "Operation is not supported"),
    0x07: ("InvalidArguments", "Invalid offset"),
    0x08: ("NotAuthorized", "Operation Not Authorized"),
    0x0C: ("NotPermitted", "Not paired"),
    0x0D: ("InvalidArguments", "Invalid Length"),
    0x0F: ("NotPermitted", "Not paired"),
}
"""As `create_gatt_dbus_error` words them; bleak reads these texts."""
UNLIKELY = 0x0E


def att_refusal(code: int) -> Refusal:
    if code in _ATT_ERRORS:
        return Refusal(*_ATT_ERRORS[code])
    return Refusal("Failed", f"Operation failed with ATT error: 0x{code:02x}")


@contextmanager
def in_bluez_words() -> Iterator[None]:
    """Our errors as BlueZ's."""
    try:
        yield
    except AttRefused as refused:
        raise att_refusal(refused.att_code) from refused
    except (DeviceLost, DeviceSilent) as lost:
        raise att_refusal(UNLIKELY) from lost
    except NeedsPairing as needed:
        raise att_refusal(0x05) from needed


class RemoteCharacteristic:
    """One GattCharacteristic1."""

    def __init__(self, tree: ObjectTree, path: str, found: Characteristic, device: "GattObjects") -> None:
        self.found = found
        self._tree = tree
        self._path = path
        self._device = device
        self._sessions: set[str] = set()
        self._subscribed = False
        self._subscribing = asyncio.Lock()
        self._reading = False
        self._writing = False

    def face(self, service_path: str, mtu: int) -> Face:
        properties = {
            "UUID": Variant("s", self.found.uuid),
            "Service": Variant("o", service_path),
            "Value": Variant("ay", b""),
            "Flags": Variant("as", property_names(self.found.properties)),
            "MTU": Variant("q", mtu),
        }
        if self.found.properties & (NOTIFY | INDICATE):
            properties["Notifying"] = Variant("b", False)
        if self.found.properties & NOTIFY:
            properties["NotifyAcquired"] = Variant("b", False)
        if self.found.properties & WRITE_WITHOUT_RESPONSE:
            properties["WriteAcquired"] = Variant("b", False)
        methods = {
            "ReadValue": ("a{sv}", self._read),
            "WriteValue": ("aya{sv}", self._write),
            "StartNotify": ("", self._start_notify),
            "StopNotify": ("", self._stop_notify),
            "AcquireNotify": ("a{sv}", _not_supported),
            "AcquireWrite": ("a{sv}", _not_supported),
        }
        return Face(properties, methods)

    def renew(self, mtu: int) -> None:
        """The same characteristic on a new link: what clients still listen to is subscribed again, as BlueZ does."""
        self._tree.change(self._path, CHARACTERISTIC, {"MTU": Variant("q", mtu)})
        if self._sessions and not self._subscribed:
            self._device.background.spawn(self._subscribe())

    def lost(self) -> None:
        self._subscribed = False

    def client_gone(self, owner: str) -> None:
        if owner in self._sessions:
            self._sessions.discard(owner)
            self._device.background.spawn(self._unsubscribe_if_unheard())

    async def _read(self, message: Message) -> Reply:
        if self._reading:
            raise in_progress()
        self._reading = True
        try:
            value = await self._device.request(lambda link: link.read(self.found.value_handle))
        finally:
            self._reading = False
        self._on_value(value)
        offset = message.body[0].get("offset")
        return "ay", [value[offset.value if offset else 0 :]]

    async def _write(self, message: Message) -> Reply:
        value, options = message.body
        kind = options["type"].value if "type" in options else ""
        if kind not in ("", "request", "command", "reliable"):
            raise Refusal("InvalidArguments", "Invalid arguments in method call")
        response = kind != "command" and bool(self.found.properties & WRITE)
        if not response and not self.found.properties & WRITE_WITHOUT_RESPONSE:
            raise Refusal("NotSupported", "Operation is not supported")
        if self._writing:
            raise in_progress()
        self._writing = True
        try:
            handle = self.found.value_handle
            await self._device.request(lambda link: link.write(handle, bytes(value), response=response))
        finally:
            self._writing = False
        return NOTHING

    async def _start_notify(self, message: Message) -> Reply:
        owner = str(message.sender)
        if not (self.found.properties & (NOTIFY | INDICATE) and self.found.has_cccd):
            raise Refusal("NotSupported", "Operation is not supported")
        if owner in self._sessions:
            return NOTHING
        self._sessions.add(owner)
        try:
            await self._subscribe()
        except BaseException:
            self._sessions.discard(owner)
            raise
        self._tree.change(self._path, CHARACTERISTIC, {"Notifying": Variant("b", True)})
        return NOTHING

    async def _stop_notify(self, message: Message) -> Reply:
        owner = str(message.sender)
        if owner not in self._sessions:
            raise Refusal("Failed", "No notify session started")
        self._sessions.discard(owner)
        await self._unsubscribe_if_unheard()
        return NOTHING

    async def _subscribe(self) -> None:
        async with self._subscribing:
            if not self._subscribed:
                await self._device.request(lambda link: link.subscribe(self.found, self._on_value))
                self._subscribed = True

    async def _unsubscribe_if_unheard(self) -> None:
        async with self._subscribing:
            if self._sessions:
                return
            self._tree.change(self._path, CHARACTERISTIC, {"Notifying": Variant("b", False)})
            if self._subscribed and self._device.connected:
                self._subscribed = False
                await self._device.request(lambda link: link.unsubscribe(self.found, self._on_value))

    def _on_value(self, value: bytes) -> None:
        self._tree.change(self._path, CHARACTERISTIC, {"Value": Variant("ay", bytes(value))})


class GattObjects:
    """The GATT objects below one device's path. They outlive the link, as BlueZ's cache does."""

    def __init__(self, tree: ObjectTree, device_path: str, background: Background, *, hang_unpaired: bool) -> None:
        self.background = background
        self._tree = tree
        self._device_path = device_path
        self._hang_unpaired = hang_unpaired
        self._link: GattLink | None = None
        self._services: tuple[Service, ...] = ()
        self._characteristics: dict[str, RemoteCharacteristic] = {}
        self._paths: list[str] = []

    @property
    def connected(self) -> bool:
        return self._link is not None and not self._link.lost.done()

    def link_up(self, link: GattLink) -> None:
        """What is known from before can be used at once: bleak's service cache relies on it."""
        self._link = link

    def show(self, link: GattLink) -> None:
        """Publish what was discovered, or renew it when it is what was known."""
        found = tuple(service for service in link.services if service.uuid not in HIDDEN_SERVICES)
        if found == self._services:
            for characteristic in self._characteristics.values():
                characteristic.renew(link.mtu)
            return
        self.hide()
        self._services = found
        for service in found:
            self._publish(service, link.mtu)

    def hide(self) -> None:
        for path in reversed(self._paths):
            self._tree.remove(path)
        self._paths.clear()
        self._characteristics.clear()
        self._services = ()

    def link_lost(self) -> None:
        self._link = None
        for characteristic in self._characteristics.values():
            characteristic.lost()

    def client_gone(self, owner: str) -> None:
        for characteristic in self._characteristics.values():
            characteristic.client_gone(owner)

    async def request(self, ask: Callable[[GattLink], Awaitable[Any]]) -> Any:
        """Put a request to the device, and its troubles into BlueZ's words."""
        link = self._link
        if link is None or link.lost.done():
            raise Refusal("Failed", "Not connected")
        with in_bluez_words():
            try:
                return await ask(link)
            except NeedsPairing:
                if self._hang_unpaired:
                    await asyncio.wait({link.lost})
                raise

    def _service_path(self, service: Service) -> str:
        return f"{self._device_path}/service{service.handle:04x}"

    def _characteristic_path(self, service: Service, characteristic: Characteristic) -> str:
        return f"{self._service_path(service)}/char{characteristic.handle:04x}"

    def _publish(self, service: Service, mtu: int) -> None:
        path = self._service_path(service)
        includes = [f"{self._device_path}/service{handle:04x}" for handle in service.includes]
        properties = {
            "UUID": Variant("s", service.uuid),
            "Device": Variant("o", self._device_path),
            "Primary": Variant("b", True),
            "Includes": Variant("ao", includes),
        }
        self._add(path, SERVICE, Face(properties))
        for found in service.characteristics:
            below = self._characteristic_path(service, found)
            self._characteristics[below] = characteristic = RemoteCharacteristic(self._tree, below, found, self)
            self._add(below, CHARACTERISTIC, characteristic.face(path, mtu))
            for descriptor in found.descriptors:
                self._add(f"{below}/desc{descriptor.handle:04x}", DESCRIPTOR, self._descriptor(below, descriptor))

    def _descriptor(self, characteristic_path: str, found: Descriptor) -> Face:
        path = f"{characteristic_path}/desc{found.handle:04x}"

        async def read(_message: Message) -> Reply:
            value = await self.request(lambda link: link.read(found.handle))
            self._tree.change(path, DESCRIPTOR, {"Value": Variant("ay", value)})
            return "ay", [value]

        async def write(message: Message) -> Reply:
            if found.uuid == CCCD:  # only through StartNotify and StopNotify
                raise att_refusal(0x03)
            await self.request(lambda link: link.write(found.handle, bytes(message.body[0])))
            return NOTHING

        properties = {
            "UUID": Variant("s", found.uuid),
            "Characteristic": Variant("o", characteristic_path),
            "Value": Variant("ay", b""),
        }
        return Face(properties, {"ReadValue": ("a{sv}", read), "WriteValue": ("aya{sv}", write)})

    def _add(self, path: str, interface: str, face: Face) -> None:
        self._paths.append(path)
        self._tree.add(path, {interface: face})


async def _not_supported(_message: Message) -> Reply:
    """AcquireNotify crashed bluetoothd 5.66 after a disconnection; the kit uses StartNotify, and so must tests."""
    raise Refusal("NotSupported", "Operation is not supported")
