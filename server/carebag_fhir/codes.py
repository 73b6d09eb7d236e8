"""What a value is in LOINC, in each UCUM unit in which an instrument may say it. Nothing is converted.

LOINC 76485-2 is CRP in moles and 88330-6 is mobility: both are in common use for CRP in mg/L and for NEWS2, and wrong.
The vital-sign profiles of R4 fix codes and units of pressure, heart rate, saturation, temperature and weight:
temperature in Cel or [degF], weight in kg or [lb_av], pressure in mm[Hg] alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from carebag_fhir.elements import LOINC, TERMINOLOGY, Json, coding, concept, own_coding
from carebag_wire.values import Breathes, Consciousness, ObservedKind, QuantityName, ReadingKind

SNOMED = "http://snomed.info/sct"


@dataclass(frozen=True)
class Code:
    loinc: str
    display: str

    @property
    def coding(self) -> Json:
        return coding(LOINC, self.loinc, self.display)


@dataclass(frozen=True)
class Meaning:
    """A quantity: its UCUM units, the usual first, each with the codes that demand it, the general one first."""

    text: str
    units: Mapping[str, tuple[Code, ...]]
    category: str = "vital-signs"

    @property
    def unit(self) -> str:
        return next(iter(self.units))


PANEL = Code("85354-9", "Blood pressure panel with all children optional")
PULSE_BY_OXIMETRY = Code("8889-8", "Heart rate by Pulse oximetry")
_TEMPERATURE = (Code("8310-5", "Body temperature"),)
_WEIGHT = (Code("29463-7", "Body weight"),)
_CRP = (Code("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma"),)
_SATURATION = (
    Code("2708-6", "Oxygen saturation in Arterial blood"),
    Code("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
)
_PERFUSION = (Code("61006-3", "Perfusion index Tissue by Pulse oximetry"),)
_GLUCOSE = {
    "mmol/L": (Code("15074-8", "Glucose [Moles/volume] in Blood"),),
    "mg/dL": (Code("2339-0", "Glucose [Mass/volume] in Blood"),),
}


_OXYGEN_FLOW = (Code("3151-8", "Inhaled oxygen flow rate"),)
_LEVEL_OF_CONSCIOUSNESS = Code("80288-4", "Level of consciousness")


def _pressure(name: str, loinc: str) -> Meaning:
    text = f"{name} blood pressure"
    return Meaning(text, {"mm[Hg]": (Code(loinc, text),), "kPa": ()})


MEANINGS: dict[QuantityName, Meaning] = {
    "systolic": _pressure("Systolic", "8480-6"),
    "diastolic": _pressure("Diastolic", "8462-4"),
    "mean": _pressure("Mean", "8478-0"),
    "pulse": Meaning("Pulse", {"/min": (Code("8867-4", "Heart rate"),)}),
    "spo2": Meaning("Oxygen saturation", {"%": _SATURATION}),
    "perfusion": Meaning("Perfusion index", {"%": _PERFUSION}),
    "crp": Meaning("CRP", {"mg/L": _CRP, "mg/dL": _CRP}, "laboratory"),
    "temperature": Meaning("Body temperature", {"Cel": _TEMPERATURE, "[degF]": _TEMPERATURE}),
    "weight": Meaning("Body weight", {"kg": _WEIGHT, "[lb_av]": _WEIGHT}),
    "glucose": Meaning("Glucose", _GLUCOSE, "laboratory"),
    "respiration": Meaning("Respiratory rate", {"/min": (Code("9279-1", "Respiratory rate"),)}),
    "oxygen_flow": Meaning("Inhaled oxygen flow rate", {"L/min": _OXYGEN_FLOW}),
}
_BY_SITE = {
    "site_mouth": Code("8331-1", "Oral temperature"),
    "site_rectum": Code("8332-9", "Rectal temperature"),
    "site_armpit": Code("8328-7", "Axillary temperature"),
    "site_tympanum": Code("8333-7", "Tympanic membrane temperature"),
}
_FINGERTIP = {
    "mmol/L": Code("14743-9", "Glucose [Moles/volume] in Capillary blood by Glucometer"),
    "mg/dL": Code("41653-7", "Glucose [Mass/volume] in Capillary blood by Glucometer"),
}
_PLASMA = {
    "mmol/L": Code("14749-6", "Glucose [Moles/volume] in Serum or Plasma"),
    "mg/dL": Code("2345-7", "Glucose [Mass/volume] in Serum or Plasma"),
}
_MAIN: dict[ReadingKind, QuantityName] = {
    "oximetry": "spo2",
    "crp": "crp",
    "temperature": "temperature",
    "weight": "weight",
    "glucose": "glucose",
    "respiration": "respiration",
}
CHOSEN: dict[ObservedKind, tuple[Code, ...]] = {"consciousness": (_LEVEL_OF_CONSCIOUSNESS,), "oxygen": ()}
"""Kinds whose value is a choice and no number; whether oxygen is given has no code in LOINC, its flow has."""
CONSCIOUSNESS: dict[Consciousness, tuple[str, str]] = {
    "A": ("248234008", "Mentally alert"),
    "C": ("130987000", "Acute confusion"),
    "V": ("300202002", "Responds to voice"),
    "P": ("450847001", "Responds to pain"),
    "U": ("422768004", "Unresponsive"),
}
"""SNOMED CT, as the value set ACVPU of HL7 UK names them."""
BREATHES: dict[Breathes, tuple[str, str]] = {
    "air": ("722742002", "Breathing room air"),
    "oxygen": ("371825009", "Patient on oxygen"),
}
REQUESTED: dict[str, tuple[Code, ...]] = {
    "blood_pressure": (PANEL,),
    "photo": (Code("72170-4", "Photographic image"),),
    "consciousness": (_LEVEL_OF_CONSCIOUSNESS,),
    "oxygen": _OXYGEN_FLOW,
    **{kind: MEANINGS[name].units[MEANINGS[name].unit] for kind, name in _MAIN.items()},
}
"""What a doctor asks for; `listen` has no code in LOINC."""


def main_quantity(kind: ReadingKind) -> QuantityName | None:
    """The number a reading is about; None for blood pressure, a panel of several, and for what is chosen."""
    return _MAIN.get(kind)


def code_of(name: QuantityName, unit: str, kind: ReadingKind, flags: Sequence[str]) -> Json:
    """`Observation.code`. In a unit that LOINC's code does not have it is Carebag's name only: a wrong pair misleads.

    Args:
        unit: as measured.
    """
    codes = _codes(name, unit, kind, flags)
    return concept(*(code.coding for code in codes), own_coding("quantity", name), text=MEANINGS[name].text)


def _codes(name: QuantityName, unit: str, kind: ReadingKind, flags: Sequence[str]) -> tuple[Code, ...]:
    general = MEANINGS[name].units.get(unit, ())
    if not general:
        return ()
    if name == "glucose":
        return _glucose(unit, general, flags)
    if name == "temperature":
        return (*general, *(_BY_SITE[flag] for flag in flags if flag in _BY_SITE))
    return (*general, PULSE_BY_OXIMETRY) if name == "pulse" and kind == "oximetry" else general


def _glucose(unit: str, general: tuple[Code, ...], flags: Sequence[str]) -> tuple[Code, ...]:
    """By what the meter said of the sample; plasma and tissue fluid are not blood."""
    if "sample_interstitial_fluid" in flags:
        return ()
    if any(flag.startswith("sample_") and flag.endswith("_plasma") for flag in flags):
        return (_PLASMA[unit],)
    return (*general, _FINGERTIP[unit]) if "sample_capillary_whole_blood" in flags else general


def category_of(category: str) -> list[Json]:
    return [concept(coding(f"{TERMINOLOGY}/observation-category", category))]
