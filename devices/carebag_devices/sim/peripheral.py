"""What all simulated devices share: advertising, services, sleep, pairing, and what may go wrong with a value sent.

A device knows nothing of its radio but its `Station`: the same code stands on Bumble and in the lab's virtual time.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from carebag_devices.catalog import SIMULATOR_MAKER
from carebag_devices.codecs import device_information
from carebag_devices.codecs.battery import BatteryLevel
from carebag_devices.sim.advertising import advertising_data
from carebag_devices.sim.mischief import Mischief, PushFault
from carebag_devices.sim.station import (
    SUPERVISION_TIMEOUT,
    USER_ENDED,
    Gatt,
    Gone,
    Label,
    Place,
    Refused,
    Station,
)

__all__ = ["Clock", "Departure", "Gatt", "Label", "Peripheral", "Refused"]

log = logging.getLogger(__name__)

PAIRING_MODE_S = 60.0

Clock = Callable[[], float]
"""Unix time in seconds."""


@dataclass(frozen=True)
class Departure:
    """When bytes left for the radio, for measuring latency from outside."""

    unix: float
    raw: bytes


class Peripheral:
    """One device on the air. Subclasses add their `Gatt`s with `serve` before `start`.

    `hci_source` and `hci_sink` are the two ends of a controller, or a `Place` given as both. Attributes that a hand or
    a fault may change: `battery`, `strict_pairing` (pair only after `hold_key`), `passkey_display`, `mischief`.
    """

    def __init__(self, hci_source: Any, hci_sink: Any, label: Label, *, now: Clock, battery: int = 90) -> None:
        self.label = label
        self.battery = battery
        self.strict_pairing = False
        self.passkey_display = False
        self.passkey: int | None = None
        """What its display shows while pairing."""
        self.mischief = Mischief()
        self.bent = False
        """The value that left last was not as the device made it."""
        self.departures: deque[Departure] = deque(maxlen=4096)
        """Indications, newest last."""
        self._now = now
        self._subscribed = asyncio.Condition()
        self._on_air = False
        self._inviting: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.station: Station = _station(hci_source, hci_sink, self)
        self._describe_itself()

    @property
    def device(self) -> Any:
        """Bumble's device, where there is one."""
        return getattr(self.station, "device", None)

    def _describe_itself(self) -> None:
        texts = {"2A29": SIMULATOR_MAKER, "2A24": self.label.model, "2A25": self.label.serial, "2A26": "1.0"}
        told = [Gatt(uuid, read=device_information.Text(text).__bytes__) for uuid, text in texts.items()]
        if self.label.udi is not None:
            told.append(Gatt("2BFF", read=self.label.udi.__bytes__))
        self.serve("180A", told, encrypted=False)
        self._battery = Gatt("2A19", read=lambda: bytes(BatteryLevel(self.battery)), push="notify")
        self.serve("180F", [self._battery], encrypted=False)

    def serve(self, service: str, gatts: Sequence[Gatt], *, encrypted: bool | None = None) -> None:
        """Add a service. `encrypted` None: as the label says."""
        self.station.serve(service, gatts, encrypted=self.label.encrypted if encrypted is None else encrypted)

    async def start(self) -> None:
        """Switch on and advertise."""
        await self.station.power_on()
        await self.wake()

    async def stop(self) -> None:
        """Switch off: what was going on ends, the link drops."""
        self._on_air = False
        self._stop_inviting()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.sleep()
        await self.station.power_off()

    async def wake(self) -> None:
        """Be on the air: advertise now, and again after each connection."""
        self._on_air = True
        await self._advertise()

    async def sleep(self) -> None:
        """Leave the air as devices do to save their battery: the link is closed properly."""
        self._on_air = False
        await self.station.fall_silent()
        await self.station.hang_up(USER_ENDED)

    async def vanish(self, seconds: float, drop: Callable[[str], None] | None = None) -> None:
        """Out of reach for a while. `drop(address)` makes the air lose the link; without it the host ends it."""
        self._on_air = False
        await self.station.fall_silent()
        if drop is None:
            await self.station.hang_up(SUPERVISION_TIMEOUT)
        else:
            drop(self.label.address)
        await asyncio.sleep(seconds)
        await self.wake()

    async def hold_key(self) -> None:
        """A hand holds the key: for a minute it asks to be paired, and on the air it is in any case."""
        self._stop_inviting()
        self._inviting = asyncio.get_running_loop().call_later(PAIRING_MODE_S, self._invited_in_vain)
        if self.connected:
            await self.station.hang_up(USER_ENDED)
        await self.wake()

    def forget_bond(self) -> None:
        """It lost its keys, as after a change of battery: with whom it was paired no longer matters."""
        self.station.forget_bonds()

    @property
    def inviting(self) -> bool:
        """In pairing mode."""
        return self._inviting is not None

    def _stop_inviting(self) -> None:
        if self._inviting is not None:
            self._inviting.cancel()
            self._inviting = None

    def _invited_in_vain(self) -> None:
        self._stop_inviting()
        self._spawn(self._advertise())

    async def _advertise(self) -> None:
        if self._on_air and not self.connected:
            await self.station.advertise(advertising_data(self.label, limited=self.inviting))

    @property
    def connected(self) -> bool:
        return self.station.connected

    @property
    def mtu(self) -> int:
        """Smallest ATT MTU of the connections; 23 without one."""
        return self.station.mtu

    # what the station tells

    def linked(self) -> None:
        """For subclasses: a central connected."""

    def unlinked(self) -> None:
        self._spawn(self._disconnected())

    async def _disconnected(self) -> None:
        self.link_lost()
        await self._notice_subscription()
        await self._advertise()

    def link_lost(self) -> None:
        """For subclasses: the central is gone."""

    def subscriptions_changed(self) -> None:
        """For subclasses too: somebody began or ceased to listen."""
        self._spawn(self._notice_subscription())

    def accepts_pairing(self) -> bool:
        return self.inviting or not self.strict_pairing

    def shows_passkey(self) -> bool:
        return self.passkey_display

    def show_passkey(self, number: int) -> None:
        self.passkey = number

    def bonded(self) -> None:
        self.passkey = None
        self._stop_inviting()

    async def _notice_subscription(self) -> None:
        async with self._subscribed:
            self._subscribed.notify_all()

    # sending

    def subscribers(self, gatt: Gatt) -> int:
        """How many centrals listen to this characteristic."""
        return self.station.subscribers(gatt)

    async def until_subscribed(self, gatt: Gatt) -> None:
        """Wait until a central listens."""
        async with self._subscribed:
            await self._subscribed.wait_for(lambda: self.subscribers(gatt) > 0)

    async def notify(self, gatt: Gatt, value: bytes) -> bool:
        """Push without confirmation; nobody listening is no error. Whether it left."""
        if not self.subscribers(gatt):
            return False
        fault = self.mischief.next_push()
        self.bent = fault.bent(value) != value
        if fault.breaks != "unsent":
            for _ in range(2 if fault.twice else 1):
                await self.station.notify(gatt, fault.bent(value))
        if fault.breaks:
            await self.break_link()
        return fault.breaks != "unsent"

    async def indicate(self, gatt: Gatt, value: bytes) -> None:
        """Push until a central has confirmed it; a link that breaks in between means once more on the next one."""
        while True:
            await self.until_subscribed(gatt)
            if await self.indicate_once(gatt, value):
                return

    async def indicate_once(self, gatt: Gatt, value: bytes) -> bool:
        """Whether it was confirmed, as far as the device can know."""
        fault = self.mischief.next_push()
        try:
            await self._try_to_indicate(gatt, value, fault)
        except Gone:
            return False
        if fault.breaks == "confirmed":
            await self.break_link()
        return True

    async def _try_to_indicate(self, gatt: Gatt, value: bytes, fault: PushFault) -> None:
        if fault.breaks == "unsent":
            await self.break_link()
            raise Gone
        sent = fault.bent(value)
        self.bent = sent != value
        if not gatt.answers:
            self.departures.append(Departure(self._now(), sent))
        if fault.twice:
            await self.station.indicate(gatt, sent)
        await self.station.indicate(gatt, sent, confirmed=fault.breaks != "unconfirmed")

    async def break_link(self) -> None:
        """The link ends without a word from the device."""
        await self.station.hang_up(SUPERVISION_TIMEOUT)

    async def set_battery(self, percent: int) -> None:
        self.battery = percent
        await self.station.notify(self._battery, bytes(BatteryLevel(percent)))

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("simulated %s stumbled", self.label.name, exc_info=error)


def _station(hci_source: Any, hci_sink: Any, owner: Peripheral) -> Station:
    if isinstance(hci_source, Place):
        return hci_source.station(owner)
    from carebag_devices.sim.bumble_station import BumbleStation  # Bumble is in the demo's extra only

    return BumbleStation(hci_source, hci_sink, owner)
