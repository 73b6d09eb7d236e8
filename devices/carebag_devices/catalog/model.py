"""What the catalog says of one model. Every field is data: a driver asks it, nothing else knows a device's name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from carebag_devices.events import Kind
from carebag_devices.link import Advert, full_uuid

UART_SERVICE = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
UART_RX = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
UART_TX = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
"""Nordic's serial port over GATT: written by the kit (RX) and notified by the device (TX)."""

SIMULATOR_MAKER = "Carebag simulator"
"""In Device Information of everything simulated: on whatever radio it comes, no body was measured."""

DriverName = Literal[
    "blood_pressure",
    "pulse_oximeter",
    "berry_oximeter",
    "thermometer",
    "weight_scale",
    "glucose",
    "auscultation",
    "lis2_uart",
    "lis2_wired",
    "afinion_wired",
    "poct1a_wired",
    "sound_card",
    "private",
]
"""`private`: recognised, but it speaks its maker's own protocol: the nurse is told to type the value."""
Quirk = Literal[
    "big_endian",
    "user_without_flag",
    "newest_last",
    "spot_only",
    "leaves_quickly",
    "one_bond",
    "silent_without_pause",
    "clock_write_refused",
    "battery_in_steps",
    "unit_by_exponent",
]
Press = Literal[
    "start",
    "hold_start",
    "hold_bluetooth",
    "hold_memory",
    "hold_set",
    "hold_menu",
    "hold_bell",
    "finger",
    "step_on",
    "switch_on",
]
"""What invites an instrument to be paired: `press.*` in the pages' catalogues."""
BYTE_QUIRKS: frozenset[Quirk] = frozenset({"big_endian", "user_without_flag", "unit_by_exponent"})
"""Those that change what bytes mean: each needs bytes that show it."""
Pairing = Literal["before_discovery", "after_connect", "never"]
Memory = Literal["none", "racp", "pushes", "command"]
"""Where stored readings come from: never; asked for by RACP; pushed unasked after subscribing; after a command."""
ClockSetting = Literal["never", "when_unset", "when_off"]


@dataclass(frozen=True)
class Evidence:
    """Where a peculiarity is documented. `about` is a quirk or a field's name; empty: the whole entry."""

    about: str
    source: str


@dataclass(frozen=True)
class Vector:
    """Bytes and what they mean by this entry. `quirk` empty: the plain case."""

    quirk: str
    characteristic: str
    raw: bytes
    origin: str
    """`synthetic`, or which device and firmware."""
    values: tuple[str, ...] = ()
    """`systolic 138 mm[Hg]`, with a comparator before the number."""
    problem: str = ""
    flags: tuple[str, ...] = ()
    time: str = ""
    user: int | None = None


@dataclass(frozen=True)
class Uart:
    """A serial port over GATT: service, characteristic to write, characteristic that notifies."""

    service: str = UART_SERVICE
    rx: str = UART_RX
    tx: str = UART_TX


@dataclass(frozen=True)
class Model:
    """How to recognise a device and how to treat it."""

    key: str
    kind: Kind
    driver: DriverName
    maker: str = ""
    name: str = ""
    """As it is sold; empty for a standard profile."""
    gtin: str = ""
    """Its device identifier (UDI-DI) where all of this model have the same one; needs evidence of its own."""
    services: frozenset[str] = frozenset()
    """Full UUIDs; one of them in its advertisement is enough. Empty: recognised by name or company alone."""
    name_prefixes: tuple[str, ...] = ()
    companies: frozenset[int] = frozenset()
    """Company identifiers in manufacturer data."""
    pairing: Pairing = "never"
    press: Press = "start"
    """What the nurse does to make it pair."""
    passkey: bool = False
    """It shows six digits when it pairs."""
    pause_s: float = 0.0
    """Pause between discovery and subscribing: some devices stay silent without."""
    settle_s: float = 0.0
    """Pause between subscribing and reading: some devices need it."""
    sleeps: bool = True
    """An idle link that ends is sleep, not loss."""
    clock: str = ""
    """Characteristic of its clock, `2A2B` or `2A08`; empty: it has none that can be read."""
    clock_set: ClockSetting = "never"
    clock_tolerance_s: float = 600.0
    """With `when_off`: set only if it is further off than this."""
    memory: Memory = "none"
    memory_command: tuple[str, bytes] | None = None
    """With `command`: characteristic and bytes that ask for everything stored."""
    deletes: bool = False
    """It forgets a reading once it was transferred: what is not journaled in the callback is lost for ever."""
    farewell: tuple[str, bytes] | None = None
    """Characteristic and bytes that tell it to hang up when all is said."""
    uart: Uart = Uart()
    tests: Mapping[str, Literal["crp", "glucose"]] = field(default_factory=lambda: MappingProxyType({}))
    """Analysers: the instrument's test code → value name. What is not listed is not charted."""
    quirks: frozenset[str] = frozenset()
    evidence: tuple[Evidence, ...] = ()
    vectors: tuple[Vector, ...] = ()

    @property
    def invites_by(self) -> Press | None:
        """What is pressed on this very model; None for a standard profile, where only the kind is known."""
        return self.press if self.name else None

    def matches(self, advert: Advert) -> bool:
        """Whether an advertisement comes from it. A wired model matches none."""
        if not (self.services or self.name_prefixes or self.companies):
            return False
        if self.services and not self.services & advert.services:
            return False
        if self.companies and not self.companies & advert.companies:
            return False
        return not self.name_prefixes or advert.name.startswith(self.name_prefixes)

    def has(self, quirk: Quirk) -> bool:
        return quirk in self.quirks


def uuids(*services: str) -> frozenset[str]:
    """Full UUIDs of services given in either form."""
    return frozenset(map(full_uuid, services))
