"""A simulated device on a Bluetooth controller: Bumble is its host, whatever the controller is."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from bumble import core, hci
from bumble.att import ATT_Error
from bumble.core import UUID
from bumble.device import Device, DeviceConfiguration
from bumble.gatt import (
    GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
    Characteristic,
    CharacteristicValue,
    Descriptor,
    Service,
)
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

from carebag_devices.sim.station import Gatt, Gone, Owner, Refused

ADVERTISING_INTERVAL_MS = 40


class BumbleStation:
    """A `Station` over an HCI source and sink. `device` is Bumble's."""

    def __init__(self, hci_source: Any, hci_sink: Any, owner: Owner) -> None:
        self._owner = owner
        self._housekeeping: set[asyncio.Task[Any]] = set()
        self._news = asyncio.Condition()
        self._tellers: set[asyncio.Task[Any]] = set()
        config = DeviceConfiguration(name=owner.label.name, address=hci.Address(owner.label.address))
        self.device: Any = Device.from_config_with_hci(config, hci_source, hci_sink)
        self.device.keystore = MemoryKeyStore()
        self.device.pairing_config_factory = lambda _connection: _pairing(owner)
        self.device.on("connection", self._connected)

    @property
    def connected(self) -> bool:
        return bool(self.device.connections)

    @property
    def mtu(self) -> int:
        return min((connection.att_mtu for connection in self.device.connections.values()), default=23)

    def serve(self, service: str, gatts: Sequence[Gatt], *, encrypted: bool) -> None:
        for gatt in gatts:
            gatt.attribute = self._characteristic(gatt, encrypted)
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

        async def write(_connection: Any, data: bytes) -> None:
            try:
                doing = gatt.write(bytes(data)) if gatt.write else None
                if doing is not None:
                    await doing
            except Refused as refusal:
                raise ATT_Error(refusal.code) from None

        value = CharacteristicValue(read=lambda _connection: gatt.read() if gatt.read else b"", write=write)
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
        characteristic.on("subscription", lambda *_: self._owner.subscriptions_changed())

    async def power_on(self) -> None:
        await self.device.power_on()

    async def power_off(self) -> None:
        while self._housekeeping or self._tellers:
            await asyncio.gather(*self._housekeeping, *self._tellers, return_exceptions=True)
        await self.device.power_off()

    async def advertise(self, data: bytes) -> None:
        if self.device.is_advertising:
            if bytes(self.device.advertising_data) == data:
                return
            await self.fall_silent()
        self.device.advertising_data = data
        await self._whole(
            self.device.start_advertising(
                auto_restart=False,
                advertising_interval_min=ADVERTISING_INTERVAL_MS,
                advertising_interval_max=ADVERTISING_INTERVAL_MS,
            )
        )

    async def fall_silent(self) -> None:
        await self._whole(self.device.stop_advertising())

    async def hang_up(self, reason: int) -> None:
        for connection in list(self.device.connections.values()):
            # it may end by itself at the same moment
            with contextlib.suppress(core.BaseBumbleError, hci.HCI_Error):
                await self._whole(connection.disconnect(reason))

    async def _whole(self, commands: Any) -> None:
        """Commands to the controller run to their end even if the caller is cancelled: Bumble trips on late answers."""
        task: asyncio.Task[Any] = asyncio.ensure_future(commands)
        self._housekeeping.add(task)
        task.add_done_callback(self._housekeeping.discard)
        await asyncio.shield(task)

    def _connected(self, connection: Any) -> None:
        connection.on("disconnection", lambda _reason: self._ended())
        connection.on("pairing", lambda *_: self._owner.bonded())
        self._owner.linked()

    def _ended(self) -> None:
        task = asyncio.ensure_future(self._tell_of_the_end())
        self._tellers.add(task)
        task.add_done_callback(self._tellers.discard)

    async def _tell_of_the_end(self) -> None:
        async with self._news:
            self._news.notify_all()
        self._owner.unlinked()

    def subscribers(self, gatt: Gatt) -> int:
        listening = self.device.gatt_server.subscribers.values()
        return sum(1 for cccds in listening if any(cccds.get(gatt.attribute.handle, b"")))

    async def notify(self, gatt: Gatt, value: bytes) -> None:
        await self.device.notify_subscribers(gatt.attribute, value)

    async def indicate(self, gatt: Gatt, value: bytes, *, confirmed: bool = True) -> None:
        sending = asyncio.ensure_future(self.device.indicate_subscribers(gatt.attribute, value))
        if not confirmed:
            # the value is with the controller before the request to disconnect is
            await asyncio.sleep(0)
            await self.hang_up(hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR)
            sending.cancel()
            raise Gone
        lost = asyncio.ensure_future(self._until_gone())
        try:
            await asyncio.wait({sending, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                raise Gone
        finally:
            lost.cancel()
            sending.cancel()

    async def _until_gone(self) -> None:
        async with self._news:
            await self._news.wait_for(lambda: not self.connected)

    def forget_bonds(self) -> None:
        self.device.keystore = MemoryKeyStore()


def _pairing(owner: Owner) -> Any:
    shows = owner.shows_passkey()
    return PairingConfig(sc=True, mitm=shows, bonding=True, delegate=_Delegate(owner, shows))


class _Delegate(PairingDelegate):  # type: ignore[misc]  # Bumble is untyped for us
    """Bumble's questions while pairing, passed on to the device."""

    def __init__(self, owner: Owner, shows: bool) -> None:
        kinds = PairingDelegate.IoCapability
        super().__init__(kinds.DISPLAY_OUTPUT_ONLY if shows else kinds.NO_OUTPUT_NO_INPUT)
        self._owner = owner

    async def accept(self) -> bool:
        return self._owner.accepts_pairing()

    async def display_number(self, number: int, digits: int) -> None:
        self._owner.show_passkey(number)
