"""Which device is what: model → how to recognise it, how to treat it, what its numbers mean. Data, not code.

The first entry that matches an advertisement wins, so that named models stand before the standard profiles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from carebag_devices.codecs import auscultation
from carebag_devices.events import Kind
from carebag_devices.link import Advert, full_uuid

UART_SERVICE = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
UART_RX = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
UART_TX = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
"""Nordic's serial port over GATT: written by the kit (RX) and notified by the device (TX)."""

SIMULATOR_MAKER = "Carebag simulator"
"""In Device Information of everything simulated: on whatever radio it comes, no body was measured."""

CRP_CAPILLARY = "48421-2"
CRP_WHOLE_BLOOD = "71426-1"
LOINC: Mapping[str, str] = MappingProxyType(
    {
        "systolic": "8480-6",
        "diastolic": "8462-4",
        "mean": "8478-0",
        "pulse": "8867-4",
        "spo2": "59408-5",
        "perfusion": "61006-3",
        "crp": CRP_CAPILLARY,
    }
)
"""Value name → LOINC. CRP from a finger prick; 1988-5 and 30522-7 are serum or plasma and never used here."""

UCUM: Mapping[str, str] = MappingProxyType(
    {"mmHg": "mm[Hg]", "kPa": "kPa", "mg/L": "mg/L", "mg/l": "mg/L", "mg/dL": "mg/dL", "mg/dl": "mg/dL"}
)
"""Unit as devices write it → UCUM. A unit that is not here is not guessed."""


@dataclass(frozen=True)
class Model:
    """How to recognise a device and how to treat it. `source` says where each peculiarity is documented."""

    key: str
    kind: Kind
    service: str
    """Full UUID in its advertisement."""
    name_prefix: str = ""
    pairing: Literal["before_discovery", "after_connect", "never"] = "never"
    settle_s: float = 0.0
    """Pause between subscribing and reading: some devices need it."""
    sleeps: bool = True
    """An idle link that ends is sleep, not loss."""
    tests: Mapping[str, Literal["crp"]] = field(default_factory=dict)
    """Analysers: the instrument's test code → value name. What is not listed is not charted."""
    quirks: frozenset[str] = frozenset()
    source: str = ""

    def matches(self, advert: Advert) -> bool:
        return full_uuid(self.service) in advert.services and advert.name.startswith(self.name_prefix)


CATALOG: tuple[Model, ...] = (
    Model(
        key="and_ua651",
        kind="cuff",
        service="1810",
        name_prefix="A&D_UA-651",
        pairing="after_connect",
        source="A&D UA-651BLE sample code: bonds after connecting, leaves when it is not served quickly",
    ),
    Model(
        key="omron",
        kind="cuff",
        service="1810",
        name_prefix="BLESmart_",
        pairing="after_connect",
        settle_s=1.5,
        source="Omron connect devices: 1.5 s before anything else; one bond only",
    ),
    Model(
        key="blood_pressure_service",
        kind="cuff",
        service="1810",
        pairing="after_connect",
        source="Blood Pressure Service 1.1.1",
    ),
    Model(
        key="pulse_oximeter_service",
        kind="oximeter",
        service="1822",
        source="Pulse Oximeter Service 1.0.1",
    ),
    Model(
        key="open_auscultation_stream",
        kind="stethoscope",
        service=auscultation.SERVICE,
        pairing="after_connect",
        sleeps=False,
        source="our profile, codecs/auscultation.py",
    ),
    Model(
        key="lis2_over_nordic_uart",
        kind="crp_analyser",
        service=UART_SERVICE,
        name_prefix="CB CRP",
        tests=MappingProxyType({CRP_CAPILLARY: "crp", CRP_WHOLE_BLOOD: "crp"}),
        source="CLSI LIS01-A2 and LIS2-A2 over Nordic UART; the name keeps other Nordic devices out",
    ),
)


def identify(advert: Advert, catalog: Sequence[Model] = CATALOG) -> Model | None:
    """The model an advertisement comes from, None for everything that is not ours."""
    return next((model for model in catalog if model.matches(advert)), None)
