"""Device1 (and Battery1) of the simulated BlueZ (bluez: src/device.c, profiles/battery)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from dbus_fast import Message, Variant

from carebag_devices.errors import DeviceError, DeviceSilent, NeedsPairing
from carebag_devices.radio.advert import Advert
from carebag_devices.radio.bluez_gatt import NOTIFY, GattObjects
from carebag_devices.radio.dbus_objects import NOTHING, Face, Refusal, Reply, in_progress
from carebag_devices.radio.gatt_link import Characteristic, GattLink

if TYPE_CHECKING:
    from carebag_devices.radio.bluez_adapter import Adapter

DEVICE = "org.bluez.Device1"
BATTERY = "org.bluez.Battery1"
BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
CONNECT_S = 20.0
"""The kernel gives a connection attempt up after this time (HCI_LE_CONN_TIMEOUT)."""


class RemoteDevice:
    """One `/org/bluez/hci0/dev_…`."""

    def __init__(self, adapter: "Adapter", advert: Advert) -> None:
        self.adapter = adapter
        self.address = advert.address
        self.path = adapter.device_path(advert.address)
        self.link: GattLink | None = None
        self._advert = advert
        self._uuids: set[str] = set(advert.service_uuids)
        self._connecting: asyncio.Task[GattLink] | None = None
        self._disconnecting: asyncio.Task[None] | None = None
        self._pairing: asyncio.Task[Any] | None = None
        self._vanishing: asyncio.TimerHandle | None = None
        self._alias: str | None = None
        options = adapter.options
        self.gatt = GattObjects(adapter.tree, self.path, adapter.background, hang_unpaired=options.hang_unpaired)

    # --- properties

    def face(self) -> Face:
        properties = {
            "Address": Variant("s", self.address),
            "AddressType": Variant("s", self._advert.address_type),
            "Alias": Variant("s", self._shown_name()),
            "Paired": Variant("b", False),
            "Bonded": Variant("b", False),
            "Trusted": Variant("b", False),
            "Blocked": Variant("b", False),
            "LegacyPairing": Variant("b", False),
            "Connected": Variant("b", False),
            "UUIDs": Variant("as", sorted(self._uuids)),
            "Adapter": Variant("o", self.adapter.path),
            "ServicesResolved": Variant("b", False),
            **advertised(self._advert),
        }
        methods = {
            "Connect": ("", self._connect),
            "Disconnect": ("", self._disconnect),
            "Pair": ("", self._pair),
            "CancelPairing": ("", self._cancel_pairing),
        }
        setters: dict[str, Callable[[Any], Awaitable[None]]] = {
            "Trusted": self._set_trusted,
            "Blocked": self._set_blocked,
        }
        setters["Alias"] = self._set_alias
        return Face(properties, methods, setters)

    def heard(self, advert: Advert) -> None:
        """Another advertisement: RSSI is told each time, the rest when it changed."""
        before, self._advert = advertised(self._advert), advert
        self._uuids |= set(advert.service_uuids)
        now = advertised(advert)
        changed = {name: value for name, value in now.items() if name == "RSSI" or before.get(name) != value}
        if sorted(self._uuids) != self._get("UUIDs"):
            changed["UUIDs"] = Variant("as", sorted(self._uuids))
        if self._shown_name() != self._get("Alias"):
            changed["Alias"] = Variant("s", self._shown_name())
        self._change(changed)
        self.stay_or_vanish()

    def scan_ended(self) -> None:
        self.adapter.tree.change(self.path, DEVICE, {}, ["RSSI", "TxPower"])

    def stay_or_vanish(self) -> None:
        """A device that is neither connected nor bonded nor trusted is forgotten some time after it was heard."""
        if self._vanishing is not None:
            self._vanishing.cancel()
            self._vanishing = None
        if self.link is None and self._connecting is None and not self._get("Paired") and not self._get("Trusted"):
            delay = self.adapter.options.temporary_s
            loop = asyncio.get_running_loop()
            self._vanishing = loop.call_later(delay, self.adapter.drop, self.address)

    def close(self) -> None:
        if self._vanishing is not None:
            self._vanishing.cancel()
            self._vanishing = None

    # --- methods

    async def _connect(self, _message: Message) -> Reply:
        if not self.adapter.powered:
            raise Refusal("Failed", "Input/output error")
        if self._connecting is not None or self._pairing is not None:
            raise Refusal("Failed", "Operation already in progress")
        if self.link is None:
            await self._establish()
        return NOTHING

    async def _establish(self) -> GattLink:
        self._connecting = asyncio.ensure_future(self.adapter.central.connect(self.address, CONNECT_S))
        try:
            link = await asyncio.shield(self._connecting)
        except asyncio.CancelledError:
            if self._connecting.cancelled():
                raise Refusal("Failed", "br-connection-canceled") from None
            self._connecting.cancel()
            raise
        except DeviceSilent:
            raise Refusal("Failed", "Host is down") from None
        except DeviceError:
            raise Refusal("Failed", "Software caused connection abort") from None
        finally:
            self._connecting = None
            self.stay_or_vanish()
        self._linked(link)
        await self._encrypt_if_bonded(link)
        return link

    async def _encrypt_if_bonded(self, link: GattLink) -> None:
        """A link that should be encrypted and cannot be is dropped before Connect has answered (bluetoothd 5.66)."""
        if not self._get("Bonded"):
            return
        try:
            await link.secure()
        except DeviceError:
            raise Refusal("Failed", "le-connection-abort-by-local") from None

    def _linked(self, link: GattLink) -> None:
        self.link = link
        self.stay_or_vanish()
        link.lost.add_done_callback(lambda _: self._on_lost(link))
        self.gatt.link_up(link)
        self._change({"Connected": Variant("b", True)})
        self.adapter.background.spawn(self._resolve(link))

    async def _resolve(self, link: GattLink) -> None:
        """What BlueZ does with every new link: encrypt when bonded, discover, then tell."""
        if self._get("Bonded"):
            await link.secure()
        await link.discover()
        if self.adapter.take_failing_discovery():
            await link.close(0x08)
            return
        self.gatt.show(link)
        self._uuids |= {service.uuid for service in link.services}
        self._change({"UUIDs": Variant("as", sorted(self._uuids))})
        self._change({"ServicesResolved": Variant("b", True)})
        self._note_bond(link)
        await self._watch_battery(link)

    def _on_lost(self, link: GattLink) -> None:
        if self.link is not link:
            return
        self.link = None
        self.gatt.link_lost()
        self.adapter.tree.remove(self.path, [BATTERY])
        if self._get("ServicesResolved"):
            self._change({"ServicesResolved": Variant("b", False)})
        self._change({"Connected": Variant("b", False)})
        self.stay_or_vanish()

    async def _disconnect(self, _message: Message) -> Reply:
        if self._connecting is not None:
            self._connecting.cancel()
            return NOTHING
        if self.link is None:
            return NOTHING
        if self._disconnecting is None:
            self._disconnecting = self.adapter.background.spawn(self._let_go(self.link))
        await asyncio.wait({self._disconnecting})
        return NOTHING

    async def _let_go(self, link: GattLink) -> None:
        """bluetoothd waits 2 s (DISCONNECT_TIMER), so that profiles may say goodbye."""
        try:
            await asyncio.wait({link.lost}, timeout=self.adapter.options.disconnect_s)
            await link.close()
        finally:
            self._disconnecting = None

    async def _pair(self, message: Message) -> Reply:
        if self._get("Paired"):
            raise Refusal("AlreadyExists", "Already Exists")
        if self._pairing is not None or self._connecting is not None:
            raise in_progress()
        self.adapter.agents.pairing_for[self.address] = str(message.sender)
        try:
            self._pairing = asyncio.ensure_future(self._connect_and_pair())
            await asyncio.shield(self._pairing)
        except NeedsPairing:
            raise Refusal("AuthenticationFailed", "Authentication Failed") from None
        except (DeviceError, Refusal):
            raise Refusal("ConnectionAttemptFailed", "Page Timeout") from None
        except asyncio.CancelledError:
            if self._pairing is not None and self._pairing.cancelled():
                raise Refusal("AuthenticationCanceled", "Authentication Canceled") from None
            raise
        finally:
            self._pairing = None
            self.adapter.agents.pairing_for.pop(self.address, None)
        return NOTHING

    async def _connect_and_pair(self) -> None:
        link = self.link or await self._establish()
        await link.pair()
        self._note_bond(link)

    async def _cancel_pairing(self, _message: Message) -> Reply:
        if self._pairing is None:
            raise Refusal("DoesNotExist", "Does Not Exist")
        self._pairing.cancel()
        if self.link is not None:
            await self.link.close(0x05)
        return NOTHING

    def note_encryption(self) -> None:
        """A read may have paired by itself."""
        if self.link is not None:
            self._note_bond(self.link)

    def _note_bond(self, link: GattLink) -> None:
        if link.paired and not self._get("Paired"):
            self._change({"Bonded": Variant("b", True), "Paired": Variant("b", True)})

    async def forget(self) -> None:
        """RemoveDevice: end the link, delete the bond."""
        self.close()
        if self._connecting is not None:
            self._connecting.cancel()
        link = self.link
        if link is not None:
            await link.close()
        await self.adapter.central.forget(self.address)
        self.gatt.hide()

    async def _watch_battery(self, link: GattLink) -> None:
        """BlueZ reads the Battery Service by itself and shows it as Battery1, next to the service."""
        found = next((c for s in link.services for c in s.characteristics if c.uuid == BATTERY_LEVEL), None)
        if found is None:
            return
        with contextlib.suppress(DeviceError):
            value = await link.read(found.value_handle, elevate=False)
            self._show_battery(value)
            await self._follow_battery(link, found)

    async def _follow_battery(self, link: GattLink, found: Characteristic) -> None:
        if found.properties & NOTIFY and found.has_cccd:
            await link.subscribe(found, self._show_battery, elevate=False)

    def _show_battery(self, value: bytes) -> None:
        if not value or value[0] > 100 or self.link is None:
            return
        percentage = {"Percentage": Variant("y", value[0])}
        if self.adapter.tree.get(self.path, BATTERY, "Percentage") is None:
            self.adapter.tree.add(self.path, {BATTERY: Face(percentage)})
        else:
            self.adapter.tree.change(self.path, BATTERY, percentage)

    def _shown_name(self) -> str:
        return self._alias or self._advert.name or self.address.replace(":", "-")

    async def _set_trusted(self, value: bool) -> None:
        self._change({"Trusted": Variant("b", value)})
        self.stay_or_vanish()

    async def _set_blocked(self, value: bool) -> None:
        self._change({"Blocked": Variant("b", value)})
        if value and self.link is not None:
            await self.link.close()

    async def _set_alias(self, value: str) -> None:
        self._alias = value or None
        self._change({"Alias": Variant("s", self._shown_name())})

    def _get(self, name: str) -> Any:
        return self.adapter.tree.get(self.path, DEVICE, name)

    def _change(self, changed: dict[str, Variant]) -> None:
        self.adapter.tree.change(self.path, DEVICE, changed)


def advertised(advert: Advert) -> dict[str, Variant]:
    """The properties that come from advertising data, where it has them. AdvertisingFlags only bluetoothd -E shows."""
    properties: dict[str, Variant] = {"RSSI": Variant("n", advert.rssi)}
    if advert.name:
        properties["Name"] = Variant("s", advert.name)
    if advert.appearance is not None:
        properties["Appearance"] = Variant("q", advert.appearance)
    if advert.tx_power is not None:
        properties["TxPower"] = Variant("n", advert.tx_power)
    if advert.manufacturer_data:
        data = {company: Variant("ay", value) for company, value in advert.manufacturer_data.items()}
        properties["ManufacturerData"] = Variant("a{qv}", data)
    if advert.service_data:
        properties["ServiceData"] = Variant("a{sv}", {u: Variant("ay", v) for u, v in advert.service_data.items()})
    return properties
