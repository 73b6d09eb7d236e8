"""What the instruments tell the kit: frozen facts, handed over synchronously from the Bluetooth callback.

Event
 ├─ StateChanged     an instrument woke, slept, pairs, measures, vanished
 ├─ Measured         a finished measurement, or a device's error in words
 ├─ OximeterSample   one continuous SpO2/pulse value
 ├─ SoundStarted     an auscultation stream begins
 ├─ SoundFrame       numbered samples
 └─ SoundStopped     the stream ended, by request or by loss
"""

import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["cuff", "oximeter", "stethoscope", "crp_analyser"]


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
class Identity:
    """Which device: address or serial as `id`, the rest from Device Information where it answers."""

    id: str
    kind: Kind
    maker: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    simulated: bool = False


@dataclass(frozen=True)
class Value:
    """One number as sent; `comparator` keeps `<5` what it is. Unit is a UCUM code."""

    name: Literal["systolic", "diastolic", "mean", "pulse", "spo2", "perfusion", "crp"]
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


@dataclass(frozen=True)
class Measured:
    identity: Identity
    kind: Literal["blood_pressure", "oximetry", "crp"]
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


@dataclass(frozen=True)
class OximeterSample:
    """One 2A5F notification. `spo2`/`pulse` are None when the device says it has no valid value; `problem` says why."""

    identity: Identity
    spo2: Decimal | None
    pulse: Decimal | None
    problem: str | None
    flags: tuple[str, ...] = ()
    raw: bytes = b""


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
class SoundStopped:
    identity: Identity
    stream: int
    reason: Literal["asked", "lost", "device"]
    samples: int


Event = StateChanged | Measured | OximeterSample | SoundStarted | SoundFrame | SoundStopped
