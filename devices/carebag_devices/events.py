"""What the instruments tell the kit: frozen facts, handed over synchronously from the Bluetooth callback.

Event
 ├─ StateChanged     an instrument woke, slept, pairs, measures, vanished
 ├─ Measured         a finished measurement, or a device's error in words
 ├─ OximeterSample   one continuous SpO2/pulse value, with the pulse wave where the device sends it
 ├─ ClockRead        what an instrument's own clock says
 ├─ SoundStarted     an auscultation stream begins
 ├─ SoundFrame       numbered samples
 ├─ SoundLevel       how loud it is
 ├─ SoundStopped     the stream ended, by request or by loss
 ├─ PairingChanged   where the search for a new instrument stands
 └─ RadioChanged     Bluetooth itself is there, or why not
"""

import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["cuff", "oximeter", "stethoscope", "crp_analyser", "thermometer", "scale", "glucose_meter"]
MeasurementKind = Literal["blood_pressure", "oximetry", "crp", "temperature", "weight", "glucose"]
ValueName = Literal[
    "systolic",
    "diastolic",
    "mean",
    "pulse",
    "spo2",
    "perfusion",
    "crp",
    "temperature",
    "weight",
    "glucose",
    "respiration",
    "oxygen_flow",
]
"""The last two no instrument of the bag sends: a nurse counts or reads them."""
Bond = Literal["none", "bonded", "lost"]
"""`none` also for instruments that need no bond."""


class DeviceState(enum.Enum):
    """What the nurse reads on the instrument's card."""

    UNSEEN = "unseen"
    ASLEEP = "asleep"
    CONNECTING = "connecting"
    PAIRING = "pairing"
    READY = "ready"
    MEASURING = "measuring"
    SYNCING = "syncing"
    LOST = "lost"
    NEEDS_PAIRING = "needs_pairing"


@dataclass(frozen=True)
class UdiSaid:
    """A unique device identification as somebody said it, not looked into."""

    entry: Literal["self_reported", "barcode", "manual", "catalog"]
    """Who: the instrument (0x2BFF), the nurse's camera or hands on the label, the kit's catalog of models."""
    label: str = ""
    """The whole carrier as people read it."""
    device: str = ""
    """UDI-DI."""
    issuer: str = ""
    authority: str = ""
    """As `issuer` an object identifier."""


@dataclass(frozen=True)
class Identity:
    """Which device: address or serial as `id`, the rest from Device Information where it answers."""

    id: str
    kind: Kind
    maker: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    simulated: bool = False
    udi: UdiSaid | None = None


@dataclass(frozen=True)
class Value:
    """One number as sent; `comparator` keeps `<5` what it is. Unit is a UCUM code."""

    name: ValueName
    value: Decimal
    unit: str
    comparator: Literal["<", ">"] | None = None


@dataclass(frozen=True)
class StateChanged:
    identity: Identity
    state: DeviceState
    detail: str = ""
    """A code: `inflating`, `cassette_reading`, `bond_lost`, … or empty."""
    progress: float | None = None
    battery_percent: int | None = None
    bond: Bond = "none"
    press: str = ""
    """What invites it to be paired, of the catalog's `press`; empty where only its kind is known."""


@dataclass(frozen=True)
class Measured:
    identity: Identity
    kind: MeasurementKind
    values: tuple[Value, ...]
    problem: str | None
    """A code (`cuff_too_loose`, `body_moved`, `measurement_failed`, `not_readable`); then `values` may be empty."""
    flags: tuple[str, ...]
    device_time: str | None
    """The device's clock as sent, ISO without zone; `2026-00-00T00:00:00` where it sent zeros."""
    raw: bytes
    provenance: Literal["live", "stored"] = "live"
    measurement_id: str = ""
    """Identity against duplicates: device + sequence or time + content."""
    age_s: float | None = None
    """How old it was when it arrived, by the device's own clock as read on this connection; None: not known."""
    age_uncertainty_s: float | None = None
    user: int | None = None
    """Index of the person in the device's memory; None where it sent none, or 255 (unknown user)."""


@dataclass(frozen=True)
class OximeterSample:
    """One 2A5F notification. `spo2`/`pulse` are None when the device says it has no valid value; `problem` says why."""

    identity: Identity
    spo2: Decimal | None
    pulse: Decimal | None
    problem: str | None
    flags: tuple[str, ...] = ()
    raw: bytes = b""
    pleth: tuple[int, ...] = ()
    """Pulse wave since the sample before, in the device's own units; empty where it sends none."""


@dataclass(frozen=True)
class ClockRead:
    """An instrument's clock at this moment, as sent, without zone."""

    identity: Identity
    device_time: str | None
    """ISO without zone; None where it has no time (`problem` says why)."""
    uncertainty_s: float
    """Half its resolution, and the time the question took."""
    was_set: bool = False
    """The kit had just set it, by the catalog's policy."""
    problem: str | None = None
    """`device_clock_not_set`, `device_clock_refused`, `not_readable`."""


@dataclass(frozen=True)
class SoundStarted:
    identity: Identity
    stream: int
    rate_hz: int


@dataclass(frozen=True)
class SoundFrame:
    """`samples` int16 mono; `first_sample` counts from 0 in this stream. A jump in it is a gap."""

    identity: Identity
    stream: int
    first_sample: int
    samples: NDArray[np.int16] = field(compare=False)
    overrun: bool = False
    clipped: bool = False
    no_contact: bool = False
    retransmitted: bool = False


@dataclass(frozen=True)
class SoundLevel:
    """How loud the last moment was, in dB of full scale."""

    identity: Identity
    stream: int
    peak_dbfs: float
    rms_dbfs: float
    word: Literal["quiet", "good", "hot", "clipped"]


@dataclass(frozen=True)
class SoundStopped:
    identity: Identity
    stream: int
    reason: Literal["asked", "lost", "device"]
    samples: int


@dataclass(frozen=True)
class Found:
    """An instrument that was heard while the nurse looks for one."""

    id: str
    name: str
    model: str
    """Key of the catalog."""
    signal: Literal["strong", "fair", "weak"]
    inviting: bool
    """It says that it wants to be paired now."""
    known: bool
    """It is one of the bag's own already."""
    press: str = ""
    """What invites it to be paired, of the catalog's `press`; empty where only its kind is known."""


@dataclass(frozen=True)
class PairingChanged:
    """The pairing guide: searching → pairing → done or failed; `stage` idle ends it."""

    stage: Literal["idle", "searching", "pairing", "passkey", "done", "failed"]
    kind: Kind | None = None
    seconds_left: float = 0.0
    """Until the window closes; then nothing may pair any more."""
    found: tuple[Found, ...] = ()
    device_id: str = ""
    problem: str | None = None
    """`not_found`, `refused`, `out_of_reach`, `too_late`, `not_a_stethoscope`, …"""


@dataclass(frozen=True)
class RadioChanged:
    """Bluetooth works (`problem` None), or why it does not: `radio_missing`, `bluetooth_off`, …"""

    problem: str | None


Event = (
    StateChanged
    | Measured
    | OximeterSample
    | ClockRead
    | SoundStarted
    | SoundFrame
    | SoundLevel
    | SoundStopped
    | PairingChanged
    | RadioChanged
)
