"""What a simulated device asks of its radio, so that the same device stands on Bumble's air and on the lab's.

Peripheral  ─ asks ─▶  Station  = bumble_station.BumbleStation   HCI: in-process air, vhci, USB dongle
            ◀─ tells ─  (Owner)  = lab.direct_air.DirectStation   links without packets, for virtual time
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from carebag_devices.codecs.device_information import Udi

UNLIKELY, DATA_FIELD_IGNORED = 0x0E, 0x80
PROCEDURE_ALREADY_IN_PROGRESS, CCCD_IMPROPERLY_CONFIGURED = 0xFE, 0xFD
"""ATT error codes: Core Vol 3 Part F 3.4.1.1; 0x80 is Current Time Service 1.1 section 1.5; Supplement part B."""
USER_ENDED, SUPERVISION_TIMEOUT = 0x13, 0x08


class Gone(Exception):
    """The link ended before the central had confirmed."""


class Refused(Exception):
    """The device answers a write with this ATT error."""

    def __init__(self, code: int) -> None:
        super().__init__(f"att_0x{code:02x}")
        self.code = code


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
    companies: tuple[int, ...] = ()
    """Company identifiers in its manufacturer data."""
    udi: Udi | None = None
    """What it says in 0x2BFF, if it has that."""


@dataclass
class Gatt:
    """One characteristic as the simulators describe it. `read` and `write` get and give its whole value."""

    uuid: str
    read: Callable[[], bytes] | None = None
    write: Callable[[bytes], Awaitable[None] | None] | None = None
    """May raise `Refused`."""
    push: Literal["notify", "indicate"] | None = None
    answers: bool = False
    """What it pushes are answers to commands, not values."""
    attribute: Any = field(default=None, repr=False)
    """The station's own object, once made."""


class Owner(Protocol):
    """What a station tells its device."""

    label: Label

    def linked(self) -> None:
        """A central connected."""

    def unlinked(self) -> None:
        """It is gone."""

    def subscriptions_changed(self) -> None: ...

    def accepts_pairing(self) -> bool:
        """Whether it pairs at this moment."""

    def shows_passkey(self) -> bool:
        """Whether it pairs by six digits on its display."""

    def show_passkey(self, number: int) -> None: ...

    def bonded(self) -> None:
        """A new bond was made."""


class Station(Protocol):
    """One device's radio."""

    @property
    def connected(self) -> bool: ...

    @property
    def mtu(self) -> int:
        """Smallest ATT MTU of the connections; 23 without one."""

    def serve(self, service: str, gatts: Sequence[Gatt], *, encrypted: bool) -> None:
        """Add a service, before the radio is switched on."""

    async def power_on(self) -> None: ...

    async def power_off(self) -> None: ...

    async def advertise(self, data: bytes) -> None:
        """Advertise from now on with these bytes, until somebody connects."""

    async def fall_silent(self) -> None:
        """Stop advertising."""

    async def hang_up(self, reason: int) -> None:
        """End all connections; returns when they are gone."""

    def subscribers(self, gatt: Gatt) -> int:
        """How many centrals listen to this characteristic."""

    async def notify(self, gatt: Gatt, value: bytes) -> None:
        """Push without confirmation; nobody listening is no error."""

    async def indicate(self, gatt: Gatt, value: bytes, *, confirmed: bool = True) -> None:
        """Push and wait for the confirmation. Raises `Gone`.

        With `confirmed` False the value arrives and the link breaks before the confirmation is back: always `Gone`.
        """

    def forget_bonds(self) -> None: ...


@runtime_checkable
class Place(Protocol):
    """Where a device can stand that is no HCI controller: given as its `hci_source`."""

    def station(self, owner: Owner) -> Station: ...
