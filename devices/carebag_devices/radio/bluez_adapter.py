"""Adapter1 of the simulated BlueZ: discovery per client, and the devices it knows (bluez: src/adapter.c)."""

from dataclasses import dataclass
from typing import Any, Self

from dbus_fast import Message, Variant

from carebag_devices.radio.advert import Advert
from carebag_devices.radio.bluez_agents import Agents
from carebag_devices.radio.bluez_device import DEVICE, RemoteDevice
from carebag_devices.radio.central import Central
from carebag_devices.radio.dbus_objects import NOTHING, Background, Face, ObjectTree, Refusal, Reply, in_progress

ADAPTER = "org.bluez.Adapter1"
_FILTER_TYPES = {
    "UUIDs": "as",
    "RSSI": "n",
    "Pathloss": "q",
    "Transport": "s",
    "DuplicateData": "b",
    "Discoverable": "b",
    "Pattern": "s",
}
_LOOSE_TYPES = {"n", "q"}
"""bleak sends Pathloss as int16; bluetoothd is spared the quarrel here."""


@dataclass(frozen=True)
class Options:
    """How the simulated BlueZ behaves. The defaults are the real one's; tests shorten the times."""

    disconnect_s: float = 2.0
    """bluetoothd's pause before it ends a link."""
    temporary_s: float = 30.0
    """After this a device that was only heard vanishes."""
    hang_unpaired: bool = False
    """A read that needs pairing and gets none never answers (bluetoothd 5.66 without an agent)."""
    adapter: str = "hci0"


@dataclass(frozen=True)
class DiscoveryFilter:
    """What one client wants to hear of. An empty field lets everything pass."""

    uuids: frozenset[str] = frozenset()
    rssi: int | None = None
    pattern: str = ""

    @classmethod
    def from_options(cls, options: dict[str, Variant]) -> Self:
        for name, variant in options.items():
            expected = _FILTER_TYPES.get(name)
            loose = {variant.signature, expected} <= _LOOSE_TYPES
            if expected is None or (variant.signature != expected and not loose):
                raise Refusal("InvalidArguments", "Invalid arguments in method call")
        if "Transport" in options and options["Transport"].value not in ("auto", "le", "bredr"):
            raise Refusal("InvalidArguments", "Invalid arguments in method call")
        uuids: list[str] = options["UUIDs"].value if "UUIDs" in options else []
        rssi = options["RSSI"].value if "RSSI" in options else None
        pattern = options["Pattern"].value if "Pattern" in options else ""
        return cls(frozenset(uuid.lower() for uuid in uuids), rssi, pattern)

    def passes(self, advert: Advert) -> bool:
        if self.uuids and not self.uuids & set(advert.service_uuids):
            return False
        if self.rssi is not None and advert.rssi < self.rssi:
            return False
        return advert.address.startswith(self.pattern) or (advert.name or "").startswith(self.pattern)


class Adapter:
    """`/org/bluez/hci0`."""

    def __init__(
        self, tree: ObjectTree, central: Central, agents: Agents, background: Background, options: Options
    ) -> None:
        self.tree = tree
        self.central = central
        self.agents = agents
        self.background = background
        self.options = options
        self.path = f"/org/bluez/{options.adapter}"
        self.failing_discoveries = 0
        """So many next links break before their services are known (bleak: "failed to discover services")."""
        self._devices: dict[str, RemoteDevice] = {}
        self._filters: dict[str, DiscoveryFilter] = {}
        self._discovering: set[str] = set()

    @property
    def powered(self) -> bool:
        return bool(self.tree.get(self.path, ADAPTER, "Powered"))

    def device_path(self, address: str) -> str:
        return f"{self.path}/dev_{address.replace(':', '_')}"

    def face(self) -> Face:
        name = "carebag"
        properties = {
            "Address": Variant("s", self.central.address),
            "AddressType": Variant("s", "random"),
            "Name": Variant("s", name),
            "Alias": Variant("s", name),
            "Class": Variant("u", 0),
            "Powered": Variant("b", True),
            "Discoverable": Variant("b", False),
            "DiscoverableTimeout": Variant("u", 180),
            "Pairable": Variant("b", True),
            "PairableTimeout": Variant("u", 0),
            "Discovering": Variant("b", False),
            "UUIDs": Variant("as", []),
            "Modalias": Variant("s", "usb:v1D6Bp0246d0542"),
            "Roles": Variant("as", ["central", "peripheral"]),
        }
        methods = {
            "StartDiscovery": ("", self._start_discovery),
            "StopDiscovery": ("", self._stop_discovery),
            "SetDiscoveryFilter": ("a{sv}", self._set_filter),
            "GetDiscoveryFilters": ("", self._get_filters),
            "RemoveDevice": ("o", self._remove_device),
        }
        setters = {"Powered": self.set_powered, "Pairable": self._set_pairable}
        return Face(properties, methods, setters)

    def heard(self, advert: Advert) -> None:
        """From the central, also while it listens for a device to connect to: only a discovery makes it known."""
        if not self._discovering:
            return
        device = self._devices.get(advert.address)
        if device is not None:
            device.heard(advert)
            return
        if any(self._filters.get(owner, DiscoveryFilter()).passes(advert) for owner in self._discovering):
            self._devices[advert.address] = device = RemoteDevice(self, advert)
            self.tree.add(device.path, {DEVICE: device.face()})
            device.stay_or_vanish()

    def drop(self, address: str) -> None:
        """Forget a device that was only passing by."""
        device = self._devices.pop(address, None)
        if device is not None:
            device.close()
            device.gatt.hide()
            self.tree.remove(device.path)

    async def client_gone(self, owner: str) -> None:
        for device in list(self._devices.values()):
            device.gatt.client_gone(owner)
        self._filters.pop(owner, None)
        if owner in self._discovering:
            await self._end_discovery(owner)

    def take_failing_discovery(self) -> bool:
        if self.failing_discoveries > 0:
            self.failing_discoveries -= 1
            return True
        return False

    def note_bonds(self) -> None:
        for device in self._devices.values():
            device.note_encryption()

    def close(self) -> None:
        for device in self._devices.values():
            device.close()

    async def set_powered(self, on: bool) -> None:
        """Off: links end and discovery stops, as when somebody pulls the dongle's plug."""
        self.tree.change(self.path, ADAPTER, {"Powered": Variant("b", on)})
        if on:
            return
        for owner in list(self._discovering):
            await self._end_discovery(owner)
        for link in list(self.central.links.values()):
            await link.close()

    async def _set_pairable(self, on: bool) -> None:
        self.tree.change(self.path, ADAPTER, {"Pairable": Variant("b", on)})

    async def _start_discovery(self, message: Message) -> Reply:
        owner = str(message.sender)
        if not self.powered:
            raise Refusal("NotReady", "Resource Not Ready")
        if owner in self._discovering:
            raise in_progress()
        self._discovering.add(owner)
        await self.central.scan(self, True)
        self.tree.change(self.path, ADAPTER, {"Discovering": Variant("b", True)})
        return NOTHING

    async def _stop_discovery(self, message: Message) -> Reply:
        if not self.powered:
            raise Refusal("NotReady", "Resource Not Ready")
        if str(message.sender) not in self._discovering:
            raise Refusal("Failed", "No discovery started")
        await self._end_discovery(str(message.sender))
        return NOTHING

    async def _end_discovery(self, owner: str) -> None:
        self._discovering.discard(owner)
        if self._discovering:
            return
        await self.central.scan(self, False)
        for device in list(self._devices.values()):
            device.scan_ended()
        self.tree.change(self.path, ADAPTER, {"Discovering": Variant("b", False)})

    async def _set_filter(self, message: Message) -> Reply:
        self._filters[str(message.sender)] = DiscoveryFilter.from_options(message.body[0])
        return NOTHING

    async def _get_filters(self, _message: Message) -> Reply:
        return "as", [list(_FILTER_TYPES)]

    async def _remove_device(self, message: Message) -> Reply:
        wanted: Any = message.body[0]
        device = next((device for device in self._devices.values() if device.path == wanted), None)
        if device is None:
            raise Refusal("DoesNotExist", "Does Not Exist")
        await device.forget()
        self.drop(device.address)
        return NOTHING
