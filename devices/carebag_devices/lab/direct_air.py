"""An air without packets: simulated devices on one side, a `Radio` for the kit's drivers on the other.

Same device code and same driver code as on Bluetooth, but a link is a Python object and time is the event loop's, so
that thousands of scripts run while a real stack would run one. It keeps to what matters of ATT, GATT and SMP: one
indication at a time and confirmed by the host's stack, values cut to the MTU, encryption demanded, bonds on both sides,
links that break at the worst moment.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from carebag_devices.errors import DeviceLost, DeviceRefused, DeviceSilent, NeedsPairing
from carebag_devices.link import Advert, AskPasskey, Link, Receive, full_uuid
from carebag_devices.radio.advert import parse_advert
from carebag_devices.sim.station import Gatt, Gone, Owner, Refused

ADVERT_EVERY_S = 0.5
LATENCY_S = 0.015
"""One connection event."""
MTU = 247
_LIMITED = 0x01


class Sent(NamedTuple):
    """One value on the air, for comparing two runs."""

    at_s: float
    address: str
    uuid: str
    value: bytes


@dataclass(eq=False)
class DirectStation:
    """A device's radio; a `Station`, made by its `Port`."""

    air: "DirectAir"
    owner: Owner
    gatts: dict[str, Gatt] = field(default_factory=dict)
    encrypted: set[str] = field(default_factory=set)
    data: bytes | None = None
    """What it advertises; None: nothing."""
    link: "DirectLink | None" = None
    bond: int | None = None
    _indicating: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def address(self) -> str:
        return self.owner.label.address

    @property
    def connected(self) -> bool:
        return self.link is not None

    @property
    def mtu(self) -> int:
        return self.air.mtu if self.connected else 23

    def serve(self, service: str, gatts: Sequence[Gatt], *, encrypted: bool) -> None:
        for gatt in gatts:
            self.gatts[full_uuid(gatt.uuid)] = gatt
            if encrypted:
                self.encrypted.add(full_uuid(gatt.uuid))

    async def power_on(self) -> None:
        self.air.stations[self.address] = self

    async def power_off(self) -> None:
        self.air.stations.pop(self.address, None)

    async def advertise(self, data: bytes) -> None:
        self.data = data

    async def fall_silent(self) -> None:
        self.data = None

    async def hang_up(self, reason: int) -> None:
        if self.link is not None:
            self.link.end()

    def subscribers(self, gatt: Gatt) -> int:
        return int(self.link is not None and full_uuid(gatt.uuid) in self.link.receivers)

    async def notify(self, gatt: Gatt, value: bytes) -> None:
        link = self.link
        if link is not None:
            await asyncio.sleep(0)
            self._carry(link, gatt, value)

    async def indicate(self, gatt: Gatt, value: bytes, *, confirmed: bool = True) -> None:
        async with self._indicating:
            link = self.link
            if link is None or not self.subscribers(gatt):
                raise Gone
            await asyncio.sleep(LATENCY_S)
            if self.link is not link:
                raise Gone
            self._carry(link, gatt, value)
            if not confirmed:
                link.end()
                raise Gone

    def _carry(self, link: "DirectLink", gatt: Gatt, value: bytes) -> None:
        """A notification longer than the MTU allows loses its end without a word."""
        if self.link is not link:
            return
        cut = value[: self.mtu - 3]
        self.air.sent.append(Sent(asyncio.get_running_loop().time(), self.address, gatt.uuid, cut))
        receive = link.receivers.get(full_uuid(gatt.uuid))
        if receive is None:
            return
        try:
            receive(cut)
        except Exception as surprise:
            # bleak would log it and go on; a test wants to know
            self.air.surprises.append(surprise)

    def forget_bonds(self) -> None:
        self.bond = None


class Port(NamedTuple):
    """A place for one device: given to it as HCI source and sink."""

    source: "DirectAir"
    sink: "DirectAir"


class DirectLink:
    """One connection, as the kit's drivers see it."""

    def __init__(self, air: "DirectAir", station: DirectStation) -> None:
        self._air, self._station = air, station
        self.receivers: dict[str, Receive] = {}
        self.is_encrypted = False
        self._lost = asyncio.Event()

    @property
    def lost(self) -> asyncio.Event:
        return self._lost

    def end(self) -> None:
        """It is gone, for both sides."""
        if self._station.link is self:
            self._station.link = None
            self._lost.set()
            self._station.owner.unlinked()

    def has(self, characteristic: str) -> bool:
        return full_uuid(characteristic) in self._station.gatts

    async def pair(self) -> None:
        await self._event()
        if not self.is_encrypted:
            await self._secure()

    async def read(self, characteristic: str) -> bytes:
        gatt = await self._reach(characteristic)
        if gatt.read is None:
            raise DeviceRefused("att_0x02")
        return gatt.read()

    async def write(self, characteristic: str, data: bytes) -> None:
        gatt = await self._reach(characteristic)
        if gatt.write is None:
            raise DeviceRefused("att_0x03")
        try:
            doing = gatt.write(bytes(data))
            if doing is not None:
                await doing
        except Refused as refusal:
            raise DeviceRefused(str(refusal)) from None
        await self._event()

    async def subscribe(self, characteristic: str, receive: Receive) -> None:
        await self._reach(characteristic)
        self.receivers[full_uuid(characteristic)] = receive
        self._station.owner.subscriptions_changed()
        await self._event()

    async def disconnect(self) -> None:
        self.end()

    async def _event(self) -> None:
        """A connection event: the request travels, and the link may break meanwhile."""
        await asyncio.sleep(LATENCY_S)
        if self._lost.is_set():
            raise DeviceLost("link_broken")

    async def _reach(self, characteristic: str) -> Gatt:
        await self._event()
        uuid = full_uuid(characteristic)
        if uuid not in self._station.gatts:
            raise DeviceRefused("characteristic_missing")
        if uuid in self._station.encrypted and not self.is_encrypted:
            await self._secure()
        return self._station.gatts[uuid]

    async def _secure(self) -> None:
        """Encrypt with the bond, or make one; as BlueZ, a link whose bond is broken is not kept."""
        station, mine = self._station, self._air.bonds.get(self._station.address)
        if mine is not None:
            if station.bond != mine:
                self.end()
                raise DeviceLost("link_broken")
            self.is_encrypted = True
            return
        if station.address not in self._air.admitted or not station.owner.accepts_pairing():
            raise NeedsPairing("refused")
        await self._exchange_keys()
        self.is_encrypted = True

    async def _exchange_keys(self) -> None:
        station = self._station
        if station.owner.shows_passkey():
            number = self._air.draw.randrange(1_000_000)
            station.owner.show_passkey(number)
            typed = await self._air.ask_passkey(station.address) if self._air.ask_passkey else None
            if typed != number:
                raise NeedsPairing("refused")
        await self._event()
        station.bond = self._air.bonds[station.address] = self._air.draw.getrandbits(64)
        station.owner.bonded()


class DirectAir:
    """The air, and the kit's `Radio` on it. `draw` makes keys and passkeys: the same for the same seed."""

    def __init__(self, seed: int = 0, *, mtu: int = MTU) -> None:
        self.mtu = mtu
        self.draw = random.Random(seed)  # noqa: S311 - keys of simulated devices
        self.stations: dict[str, DirectStation] = {}
        self.bonds: dict[str, int] = {}
        """The kit's half."""
        self.admitted: set[str] = set()
        self.ask_passkey: AskPasskey | None = None
        self.sent: list[Sent] = []
        """Everything the devices pushed."""
        self.surprises: list[Exception] = []
        """What a driver raised when it was given a value."""
        self._silent: set[str] = set()

    # for the simulated devices

    def new_hci(self, name: str = "peripheral") -> Port:
        """A place for one more device."""
        return Port(self, self)

    def station(self, owner: Owner) -> DirectStation:
        return DirectStation(self, owner)

    def lose(self, address: str, *, silent_s: float = 0.0) -> None:
        """The link ends as by supervision time-out."""
        station = self.stations.get(address)
        if station is not None and station.link is not None:
            asyncio.get_running_loop().call_later(silent_s, station.link.end)

    # for the kit: `Radio`

    async def scan(self, heard: Callable[[Advert], None]) -> None:
        while True:
            for station in list(self.stations.values()):
                if station.data is not None and station.link is None:
                    heard(_advert(station.address, station.data))
            await asyncio.sleep(ADVERT_EVERY_S)

    async def admit(self, address: str, *, passkey: bool = False) -> None:
        self.admitted.add(address)

    async def connect(self, advert: Advert, *, pair_first: bool = False, bonded: bool = False) -> Link:
        await asyncio.sleep(2 * LATENCY_S)
        station = self.stations.get(advert.address)
        if station is None or station.data is None or station.link is not None:
            raise DeviceSilent("timeout")
        station.link = link = DirectLink(self, station)
        station.data = None
        station.owner.linked()
        if pair_first or self.bonds.get(advert.address) is not None:
            await link.pair()
        await link._event()
        return link

    async def forget(self, address: str) -> None:
        self.bonds.pop(address, None)


def _advert(address: str, data: bytes) -> Advert:
    said = parse_advert(data, address=address, address_type="random", rssi=-60)
    return Advert(
        address,
        said.name or "",
        frozenset(said.service_uuids),
        rssi=said.rssi,
        limited=bool((said.flags or 0) & _LIMITED),
        companies=frozenset(said.manufacturer_data),
    )
