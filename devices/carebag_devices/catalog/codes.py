"""LOINC and UCUM for every value that an instrument of the bag can send."""

from collections.abc import Mapping
from types import MappingProxyType

from carebag_devices.events import ValueName

CRP_CAPILLARY = "48421-2"
CRP_WHOLE_BLOOD = "71426-1"

LOINC: Mapping[ValueName, str] = MappingProxyType(
    {
        "systolic": "8480-6",
        "diastolic": "8462-4",
        "mean": "8478-0",
        "pulse": "8867-4",
        "spo2": "59408-5",
        "perfusion": "61006-3",
        "crp": CRP_CAPILLARY,
        "temperature": "8310-5",
        "weight": "29463-7",
        "glucose": "14743-9",
        "respiration": "9279-1",
        "oxygen_flow": "3151-8",
    }
)
"""Value name → LOINC. CRP from a finger prick; 1988-5 and 30522-7 are serum or plasma and never used here. Glucose is
capillary blood by glucometer, moles per volume (mass per volume: 41653-7)."""

UCUM: Mapping[str, str] = MappingProxyType(
    {
        "mmHg": "mm[Hg]",
        "kPa": "kPa",
        "mg/L": "mg/L",
        "mg/l": "mg/L",
        "mg/dL": "mg/dL",
        "mg/dl": "mg/dL",
        "mmol/L": "mmol/L",
        "mmol/l": "mmol/L",
        "°C": "Cel",
        "°F": "[degF]",
        "kg": "kg",
        "lb": "[lb_av]",
    }
)
"""Unit as devices write it → UCUM. A unit that is not here is not guessed."""

UCUM_OF: Mapping[ValueName, tuple[str, ...]] = MappingProxyType(
    {
        "systolic": ("mm[Hg]", "kPa"),
        "diastolic": ("mm[Hg]", "kPa"),
        "mean": ("mm[Hg]", "kPa"),
        "pulse": ("/min",),
        "spo2": ("%",),
        "perfusion": ("%",),
        "crp": ("mg/L", "mg/dL"),
        "temperature": ("Cel", "[degF]"),
        "weight": ("kg", "[lb_av]"),
        "glucose": ("mmol/L", "mg/dL"),
        "respiration": ("/min",),
        "oxygen_flow": ("L/min",),
    }
)
"""Units in which each value may be sent or typed, the usual one first."""
