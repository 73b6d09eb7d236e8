"""A measured value and everything that must travel with it: unit, comparator, device, times, binding."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from carebag_wire.base import Code, Count, Id, ShortText, Utc, Wire
from carebag_wire.udi import Udi

InstrumentKind = Literal["cuff", "oximeter", "stethoscope", "crp_analyser", "thermometer", "scale", "glucose_meter"]
MeasuredKind = Literal["blood_pressure", "oximetry", "crp", "temperature", "weight", "glucose"]
"""What an instrument measures."""
ObservedKind = Literal["respiration", "consciousness", "oxygen"]
"""What a nurse counts or sees, with no instrument."""
ReadingKind = Literal[MeasuredKind, ObservedKind]
Comparator = Literal["<", ">"]
Provenance = Literal["live", "stored", "manual", "observed"]
"""`live`: measured in the visit it is bound to. `stored`: from an instrument's memory. `manual`: read off a display.
`observed`: counted or seen by the nurse, with no instrument."""
Point = Literal["aortic", "pulmonic", "erb", "tricuspid", "mitral", "lung_left", "lung_right"]
"""Where on the chest to listen."""
QuantityName = Literal[
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
Consciousness = Literal["A", "C", "V", "P", "U"]
"""ACVPU of NEWS2 (RCP 2017): alert, new confusion, responds to voice, to pain, unresponsive."""
Breathes = Literal["air", "oxygen"]
OxygenDevice = Literal["nasal_cannula", "simple_mask", "venturi_mask", "reservoir_mask", "other"]


class Quantity(Wire):
    """One number as the device said it. `<5` is comparator `<` and value 5, never the number 5 alone."""

    name: QuantityName
    value: Annotated[Decimal, Field(allow_inf_nan=False)]
    unit: ShortText
    """UCUM code: `mm[Hg]`, `/min`, `%`, `mg/L`, `Cel`, `kg`, `mmol/L`, `L/min`."""
    comparator: Comparator | None = None


class DeviceIdentity(Wire):
    """Which device measured. `simulated` marks everything that did not come from a body.

    `observer`: none did, a person counted or looked.
    """

    id: ShortText
    """Address or serial number by which the kit knows it."""
    kind: InstrumentKind | Literal["camera", "observer"]
    maker: ShortText = ""
    model: ShortText = ""
    serial: ShortText = ""
    firmware: ShortText = ""
    simulated: bool = False
    udi: Annotated[Udi | None, Field(exclude_if=lambda value: value is None)] = None
    """Left out while it is not known: an older hub refuses fields it does not know."""


class Times(Wire):
    """The kit's share of the four times; the hub adds `received_at`. Nothing here is ever corrected afterwards."""

    device: ShortText | None = None
    """The device's own clock, raw, without zone, exactly as sent; None if it sent none."""
    kit_monotonic_ns: Count
    kit_utc: Utc
    device_offset_s: float | None = None
    """Kit UTC minus device clock, as estimated at this connection; None if unknown."""
    device_offset_uncertainty_s: float | None = None


class Binding(Wire):
    """Whom a record is about, decided when it was taken and never re-derived. No visit open: the unassigned tray."""

    visit_id: Id | None
    patient_id: Id | None
    nurse_id: Id | None
    kit_id: Id
    kit_seq: Annotated[int, Field(ge=1)]
    """Gap-free number of the record on this kit: a hole shows that something is missing."""
    request_id: Id | None = None


class Circumstances(Wire):
    """What the doctor asked for and how it was done: side, posture, place to listen."""

    site: Literal["left_arm", "right_arm"] | None = None
    posture: Literal["sitting", "lying", "standing"] | None = None
    point: Point | None = None


class Quality(Wire):
    """How far to trust the value: a word, the reasons as codes, and flags that never block."""

    word: Literal["good", "questionable", "invalid"]
    reasons: list[Code] = []


BY_HAND: tuple[Provenance, ...] = ("manual", "observed")
"""Origins of what a nurse said herself, and may take back."""


class Seen(Wire):
    """What a nurse saw, counted or was told, as she chose it: the part of an observation that is no quantity."""

    consciousness: Consciousness | None = None
    breathes: Breathes | None = None
    oxygen_device: OxygenDevice | None = None
    """By what the oxygen comes, where she said so."""
    breaths: Annotated[int, Field(ge=0, le=200)] | None = None
    """As many as she tapped; None where she typed the rate."""
    counted_s: Literal[30, 60] | None = None
    """For how long."""
