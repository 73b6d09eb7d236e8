"""What all simulated devices share: a Bumble host that advertises, serves GATT, sleeps, and gets out of reach."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bumble import hci, pairing
from bumble.core import UUID, AdvertisingData
from bumble.device import Device, DeviceConfiguration
from bumble.gatt import (
    GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
    Characteristic,
    CharacteristicValue,
    Descriptor,
    Service,
)
from bumble.keys import MemoryKeyStore

from carebag_devices.catalog import SIMULATOR_MAKER
from carebag_devices.codecs import device_information
from carebag_devices.codecs.battery import BatteryLevel

log = logging.getLogger(__name__)

ADVERTISING_MAX = 31
ADVERTISING_INTERVAL_MS = 40
_SUPERVISION_TIMEOUT = 0x08

Clock = Callable[[], float]
"""Unix time in seconds."""


@dataclass(frozen=True)
class Label:
    """What is printed on the device. `name` and `services` must fit into 31 bytes of advertising."""

    name: str
    model: str
    serial: str
    address: str
    """Static random address; its two highest bits are set (`C0:` to `FF:`)."""
    services: tuple[str, ...]
    encrypted: bool = False
    """Demand LE Secure Connections for everything but Device Information and battery."""


@dataclass(frozen=True)
class Departure:
    """When bytes left for the radio, for measuring latency from outside."""

    unix: float
    raw: bytes


@dataclass
class Gatt:
    """One characteristic as the simulators describe it. `read` and `write` get and give its whole value."""

    uuid: str
    read: Callable[[], bytes] | None = None
    write: Callable[[bytes], Awaitable[None] | None] | None = None
    push: Literal["notify", "indicate"] | None = None
    attribute: Any = field(default=None, repr=False)
    """Bumble's object, once made."""


class Peripheral:
    """One device on the air. Subclasses add their `Gatt`s with `serve` before `start`."""

    def __init__(self, hci_source: Any, hci_sink: Any, label: Label, *, now: Clock, battery: int = 90) -> None:
        self.label = label
        self.battery = battery
        self.departures: deque[Departure] = deque(maxlen=4096)
        """Indications, newest last."""
        self._now = now
        self._subscribed = asyncio.Condition()
        self._on_air = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._housekeeping: set[asyncio.Task[Any]] = set()
        config = DeviceConfiguration()
        config.load_from_dict({"name": label.name, "address": label.address, "advertising_data": self._advert().hex()})
        self.device: Any = Device.from_config_with_hci(config, hci_source, hci_sink)
        self.device.keystore = MemoryKeyStore()
        self.device.pairing_config_factory = lambda _connection: pairing.PairingConfig(sc=True, mitm=False)
        self.device.on("connection", self._connected)
        self._describe_itself()

    def _advert(self) -> bytes:
        uuids = [UUID(service) for service in self.label.services]
        short = [bytes(uuid) for uuid in uuids if len(bytes(uuid)) == 2]
        long = [bytes(uuid) for uuid in uuids if len(bytes(uuid)) == 16]
        parts = [(AdvertisingData.FLAGS, b"\x06")]
        if short:
            parts.append((AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, b"".join(short)))
        if long:
            parts.append((AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, b"".join(long)))
        parts.append((AdvertisingData.COMPLETE_LOCAL_NAME, self.label.name.encode()))
        data = bytes(AdvertisingData(parts))
        if len(data) > ADVERTISING_MAX:
            raise ValueError(f"{self.label.name}: {len(data)} bytes do not fit into a legacy advertisement")
        return data

    def _describe_itself(self) -> None:
        texts = {"2A29": SIMULATOR_MAKER, "2A24": self.label.model, "2A25": self.label.serial, "2A26": "1.0"}
        self.serve(
            "180A",
            [Gatt(uuid, read=device_information.Text(text).__bytes__) for uuid, text in texts.items()],
            encrypted=False,
        )
        self._battery = Gatt("2A19", read=lambda: bytes(BatteryLevel(self.battery)), push="notify")
        self.serve("180F", [self._battery], encrypted=False)

    def serve(self, service: str, gatts: Sequence[Gatt], *, encrypted: bool | None = None) -> None:
        """Add a service. `encrypted` None: as the label says."""
        secured = self.label.encrypted if encrypted is None else encrypted
        for gatt in gatts:
            gatt.attribute = self._characteristic(gatt, secured)
        self.device.add_service(Service(UUID(service), [gatt.attribute for gatt in gatts]))

    def _characteristic(self, gatt: Gatt, encrypted: bool) -> Any:
        kinds = Characteristic.Properties
        properties, permissions = kinds(0), Characteristic.Permissions(0)
        if gatt.read is not None:
            properties |= kinds.READ
            permissions |= Characteristic.READABLE
            permissions |= Characteristic.READ_REQUIRES_ENCRYPTION if encrypted else 0
        if gatt.write is not None:
            properties |= kinds.WRITE
            permissions |= Characteristic.WRITEABLE
            permissions |= Characteristic.WRITE_REQUIRES_ENCRYPTION if encrypted else 0
        if gatt.push is not None:
            properties |= kinds.NOTIFY if gatt.push == "notify" else kinds.INDICATE
        value = CharacteristicValue(
            read=lambda _connection: gatt.read() if gatt.read else b"",
            write=lambda _connection, data: gatt.write(bytes(data)) if gatt.write else None,
        )
        characteristic = Characteristic(UUID(gatt.uuid), properties, permissions, value)
        if gatt.push is not None:
            self._make_subscribable(characteristic, encrypted)
        return characteristic

    def _make_subscribable(self, characteristic: Any, encrypted: bool) -> None:
        permissions = Characteristic.READABLE | Characteristic.WRITEABLE
        permissions |= Characteristic.WRITE_REQUIRES_ENCRYPTION if encrypted else 0
        value = self.device.gatt_server.make_descriptor_value(characteristic)
        cccd = Descriptor(GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR, permissions, value)
        characteristic.descriptors = [cccd]
        characteristic.on("subscription", lambda *_: self._spawn(self._notice_subscription()))

    async def start(self) -> None:
        """Switch on and advertise."""
        await self.device.power_on()
        await self.wake()

    async def stop(self) -> None:
        """Switch off: what was going on ends, the link drops."""
        self._on_air = False
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.sleep()
        while self._housekeeping:
            await asyncio.gather(*self._housekeeping, return_exceptions=True)
        await self.device.power_off()

    async def wake(self) -> None:
        """Be on the air: advertise now, and again after each connection."""
        self._on_air = True
        await self._advertise()

    async def sleep(self) -> None:
        """Leave the air as devices do to save their battery: the link is closed properly."""
        self._on_air = False
        await self._whole(self.device.stop_advertising())
        await self._drop(hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR)

    async def vanish(self, seconds: float, drop: Callable[[str], None] | None = None) -> None:
        """Out of reach for a while. `drop(address)` makes the air lose the link; without it the host ends it."""
        self._on_air = False
        await self._whole(self.device.stop_advertising())
        if drop is None:
            await self._drop(_SUPERVISION_TIMEOUT)
        else:
            drop(self.label.address)
        await asyncio.sleep(seconds)
        await self.wake()

    async def _drop(self, reason: int) -> None:
        for connection in list(self.device.connections.values()):
            await self._whole(connection.disconnect(reason))

    async def _advertise(self) -> None:
        if self._on_air and not self.connected and not self.device.is_advertising:
            await self._whole(
                self.device.start_advertising(
                    auto_restart=False,
                    advertising_interval_min=ADVERTISING_INTERVAL_MS,
                    advertising_interval_max=ADVERTISING_INTERVAL_MS,
                )
            )

    async def _whole(self, commands: Any) -> None:
        """Commands to the controller run to their end even if the caller is cancelled: Bumble trips on late answers."""
        task: asyncio.Task[Any] = asyncio.ensure_future(commands)
        self._housekeeping.add(task)
        task.add_done_callback(self._housekeeping.discard)
        await asyncio.shield(task)

    @property
    def connected(self) -> bool:
        return bool(self.device.connections)

    @property
    def mtu(self) -> int:
        """Smallest ATT MTU of the connections; 23 without one."""
        return min((connection.att_mtu for connection in self.device.connections.values()), default=23)

    def _connected(self, connection: Any) -> None:
        connection.on("disconnection", lambda _reason: self._spawn(self._disconnected()))

    async def _disconnected(self) -> None:
        self.link_lost()
        await self._notice_subscription()
        await self._advertise()

    def link_lost(self) -> None:
        """For subclasses: the central is gone."""

    async def _notice_subscription(self) -> None:
        async with self._subscribed:
            self._subscribed.notify_all()

    def subscribers(self, gatt: Gatt) -> int:
        """How many centrals listen to this characteristic."""
        listening = self.device.gatt_server.subscribers.values()
        return sum(1 for cccds in listening if any(cccds.get(gatt.attribute.handle, b"")))

    async def until_subscribed(self, gatt: Gatt) -> None:
        """Wait until a central listens."""
        async with self._subscribed:
            await self._subscribed.wait_for(lambda: self.subscribers(gatt) > 0)

    async def notify(self, gatt: Gatt, value: bytes) -> None:
        """Push without confirmation; nobody listening is no error."""
        await self.device.notify_subscribers(gatt.attribute, value)

    async def indicate(self, gatt: Gatt, value: bytes) -> None:
        """Push until a central has confirmed it; a link that breaks in between means once more on the next one."""
        while True:
            await self.until_subscribed(gatt)
            self.departures.append(Departure(self._now(), value))
            confirmed = asyncio.ensure_future(self.device.indicate_subscribers(gatt.attribute, value))
            lost = asyncio.ensure_future(self._until_gone())
            await asyncio.wait({confirmed, lost}, return_when=asyncio.FIRST_COMPLETED)
            lost.cancel()
            if confirmed.done():
                return
            confirmed.cancel()

    async def _until_gone(self) -> None:
        async with self._subscribed:
            await self._subscribed.wait_for(lambda: not self.connected)

    async def set_battery(self, percent: int) -> None:
        self.battery = percent
        await self.notify(self._battery, bytes(BatteryLevel(percent)))

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("simulated %s stumbled", self.label.name, exc_info=error)
