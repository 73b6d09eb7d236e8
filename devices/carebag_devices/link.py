"""The small part of Bluetooth that drivers need: hear, connect, pair, read, write, subscribe.

Characteristics are named by UUID: `2A35` or all 128 bits.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

Receive = Callable[[bytes], None]
"""Called with each notification or indication, synchronously, in order."""

_BASE = "-0000-1000-8000-00805f9b34fb"


def full_uuid(uuid: str) -> str:
    """128 bits in lower case, also for the 16-bit form (`2A35`)."""
    lower = uuid.lower()
    return f"0000{lower}{_BASE}" if len(lower) == 4 else lower


@dataclass(frozen=True)
class Advert:
    """One advertisement. `services` are full UUIDs. `device` is for the radio: use it once and soon."""

    address: str
    name: str
    services: frozenset[str]
    device: Any = field(default=None, compare=False, repr=False)
    rssi: int | None = field(default=None, compare=False)
    """dBm; None where the system does not say."""
    limited: bool = False
    """AD flag "LE Limited Discoverable": it asks to be paired now (Core Specification Supplement, part A 1.3)."""
    companies: frozenset[int] = frozenset()
    """Company identifiers of its manufacturer data."""


class Link(Protocol):
    """One connection. Every call ends, else with `DeviceLost`, `DeviceSilent`, `DeviceRefused` or `NeedsPairing`."""

    @property
    def lost(self) -> asyncio.Event:
        """Set once the link is gone, for whatever reason; it never comes back."""

    def has(self, characteristic: str) -> bool:
        """Whether the device offers it."""

    async def pair(self) -> None:
        """Bond and encrypt; at once where a bond exists."""

    async def read(self, characteristic: str) -> bytes: ...

    async def write(self, characteristic: str, data: bytes) -> None:
        """With response: the device has it when this returns."""

    async def subscribe(self, characteristic: str, receive: Receive) -> None: ...

    async def disconnect(self) -> None:
        """Let go; never raises."""


AskPasskey = Callable[[str], Awaitable[int | None]]
"""The six digits that the device at this address shows; None when nobody types them."""


class Radio(Protocol):
    """The adapter: one scanner and any number of links."""

    ask_passkey: AskPasskey | None
    """Set by whoever can ask a person."""

    async def scan(self, heard: Callable[[Advert], None]) -> None:
        """Report every advertisement until cancelled. Raises `RadioMissing`."""

    async def admit(self, address: str, *, passkey: bool = False) -> None:
        """Pairing with this device is wanted now, and for the next minute; others are refused.

        `passkey`: it will show six digits, which `ask_passkey` asks the nurse for.
        """

    async def connect(self, advert: Advert, *, pair_first: bool = False, bonded: bool = False) -> Link:
        """Connect and discover.

        `pair_first`: bond before discovery, for devices that want it so. `bonded`: there is a bond; a device that does
        not know it any more ends with `DeviceLost("bond_lost")` where that can be told.
        """

    async def forget(self, address: str) -> None:
        """Remove the bond, so that pairing starts anew. Not having one is no error."""
