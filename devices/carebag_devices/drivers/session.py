"""What all drivers share: who the device is, what it said last, and how that is told."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from carebag_devices.catalog import SIMULATOR_MAKER, Model
from carebag_devices.events import DeviceState, Event, Identity, Measured, StateChanged
from carebag_devices.link import Link

Clock = Callable[[], float]
"""Monotonic seconds."""

REMEMBERED = 500
SAME_WITHIN_S = 60.0
"""Without a device time two equal measurements are one only if they come this close together."""


@dataclass
class Ledger:
    """Measurements already told, so that a repeated indication is not a second measurement."""

    monotonic: Clock
    _told: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def is_repeat(self, measurement: Measured) -> bool:
        told = self._told.get(measurement.measurement_id)
        if told is None:
            return False
        return measurement.device_time is not None or self.monotonic() - told <= SAME_WITHIN_S

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
    _last: StateChanged | None = None

    def enter(self, state: DeviceState, detail: str = "", progress: float | None = None) -> None:
        """Tell a state; the same one twice in a row is told once."""
        self.state, self.detail = state, detail
        event = StateChanged(self.identity, state, detail, progress, self.battery_percent)
        if event != self._last:
            self._last = event
            self.tell(event)

    def battery(self, percent: int) -> None:
        self.battery_percent = percent
        self.enter(self.state, self.detail)

    def measured(self, measurement: Measured) -> bool:
        """Tell a measurement unless it was told before; true when it was new. Noted only once the kit has it."""
        if self.ledger.is_repeat(measurement):
            return False
        if self.tell(measurement):
            self.ledger.note(measurement)
        return True

    def describe(self, **known: str) -> None:
        """Add what Device Information told; a simulator gives itself away there."""
        simulated = self.identity.simulated or known.get("maker") == SIMULATOR_MAKER
        self.identity = replace(self.identity, **known, simulated=simulated)  # type: ignore[arg-type]

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

    def close(self) -> None:
        """The link is gone: end what was going on."""
