"""What all drivers share: who the device is, what it said last, and how that is told."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from carebag_devices.catalog import SIMULATOR_MAKER, Model
from carebag_devices.device_clock import DeviceClock, moment
from carebag_devices.events import Bond, DeviceState, Event, Identity, Measured, StateChanged
from carebag_devices.link import Link

Clock = Callable[[], float]
"""Monotonic seconds."""

REMEMBERED = 500
SAME_WITHIN_S = 60.0
"""Without a usable device time two equal live measurements are one only if they come this close together."""


@dataclass
class Ledger:
    """Measurements already told, so that a repeated indication is not a second measurement."""

    monotonic: Clock
    _told: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def is_repeat(self, measurement: Measured) -> bool:
        told = self._told.get(measurement.measurement_id)
        if told is None:
            return False
        if moment(measurement.device_time) is not None or measurement.provenance == "stored":
            return True
        # measured before our eyes, and stamped by nothing or by a clock that was never set
        return self.monotonic() - told <= SAME_WITHIN_S

    def note(self, measurement: Measured) -> None:
        self._told[measurement.measurement_id] = self.monotonic()
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)


@dataclass
class Reporter:
    """Tells the kit about one device. Lives as long as the device is known, across connections."""

    identity: Identity
    tell: Callable[[Event], bool]
    """False when the kit could not take the event."""
    ledger: Ledger
    state: DeviceState = DeviceState.UNSEEN
    detail: str = ""
    battery_percent: int | None = None
    bond: Bond = "none"
    press: str = ""
    """What invites it to be paired, where its model is known."""
    last_sequence: int | None = None
    """Number of the newest record in its memory when all up to it had been taken."""
    began_at: float | None = None
    """When a measurement was last seen to begin whose result did not come yet; it outlives a broken link."""
    clock_minus_utc_s: float | None = None
    """How far its clock was from UTC when it was read last; None if never."""
    measurements: int = 0
    """So many were told since the kit started: a link that brought one was of use."""
    remember: Callable[..., None] = lambda **_known: None
    """Writes what must outlive a restart into the bag's book."""
    clock: DeviceClock = field(init=False)
    _last: StateChanged | None = None

    def __post_init__(self) -> None:
        self.clock = DeviceClock(self.ledger.monotonic)

    def enter(self, state: DeviceState, detail: str = "", progress: float | None = None) -> None:
        """Tell a state; the same one twice in a row is told once."""
        self.state, self.detail = state, detail
        event = StateChanged(self.identity, state, detail, progress, self.battery_percent, self.bond, self.press)
        if event != self._last:
            self._last = event
            self.tell(event)

    def battery(self, percent: int) -> None:
        self.battery_percent = percent
        self.enter(self.state, self.detail)

    def bonded(self, bond: Bond) -> None:
        if bond != self.bond:
            self.bond = bond
            self.remember(bond=bond)

    def measured(self, measurement: Measured) -> bool:
        """Tell a measurement unless it was told before. False when the kit could not take it: it must come again."""
        if self.ledger.is_repeat(measurement):
            return True
        if not self.tell(measurement):
            return False
        self.measurements += 1
        self.ledger.note(measurement)
        return True

    def describe(self, **known: Any) -> None:
        """Add what Device Information told, fields of `Identity`; a simulator gives itself away there."""
        simulated = self.identity.simulated or known.get("maker") == SIMULATOR_MAKER
        self.identity = replace(self.identity, **known, simulated=simulated)
        if known:
            self.remember(**known)

    def measurement_id(self, *parts: str, raw: bytes = b"") -> str:
        """Device, then sequence or time, then content."""
        content = [hashlib.sha256(raw).hexdigest()[:16]] if raw else []
        return "/".join([self.identity.id, *parts, *content])


class Driver(Protocol):
    """One connection's work. Made anew for each link."""

    def __init__(self, link: Link, report: Reporter, model: Model) -> None: ...

    @property
    def busy(self) -> bool:
        """In the middle of something: if the link ends now, it is a loss and not sleep."""

    async def subscribe(self) -> None:
        """Listen to everything the device pushes. Raises `DeviceError`."""

    def ready(self) -> None:
        """All is set up: tell the state."""

    async def synchronise(self) -> bool:
        """Take what the device had stored; true when nothing is left to come. Raises `DeviceError`."""

    def close(self) -> None:
        """The link is gone: end what was going on."""
