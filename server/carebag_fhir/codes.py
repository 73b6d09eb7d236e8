"""What a value is in LOINC, and in which UCUM unit it then is.

LOINC 76485-2 is CRP in moles and 88330-6 is mobility: both are in common use for CRP in mg/L and for NEWS2, and wrong.
The vital-sign profiles of R4 fix 85354-9, 8480-6, 8462-4, 8867-4, 2708-6, 8310-5 and 29463-7 with these units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from carebag_fhir.elements import LOINC, TERMINOLOGY, Json, coding, concept, own_coding
from carebag_wire.values import QuantityName, ReadingKind


@dataclass(frozen=True)
class Code:
    loinc: str
    display: str

    @property
    def coding(self) -> Json:
        return coding(LOINC, self.loinc, self.display)


@dataclass(frozen=True)
class Meaning:
    """Codes of a quantity, the general one first, and the only unit they may have."""

    text: str
    unit: str
    codes: tuple[Code, ...]
    category: str = "vital-signs"


PANEL = Code("85354-9", "Blood pressure panel with all children optional")
PULSE_BY_OXIMETRY = Code("8889-8", "Heart rate by Pulse oximetry")
_HEART_RATE = Code("8867-4", "Heart rate")
MEANINGS: dict[QuantityName, Meaning] = {
    "systolic": Meaning("Systolic blood pressure", "mm[Hg]", (Code("8480-6", "Systolic blood pressure"),)),
    "diastolic": Meaning("Diastolic blood pressure", "mm[Hg]", (Code("8462-4", "Diastolic blood pressure"),)),
    "mean": Meaning("Mean blood pressure", "mm[Hg]", (Code("8478-0", "Mean blood pressure"),)),
    "pulse": Meaning("Pulse", "/min", (_HEART_RATE,)),
    "spo2": Meaning(
        "Oxygen saturation",
        "%",
        (
            Code("2708-6", "Oxygen saturation in Arterial blood"),
            Code("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
        ),
    ),
    "perfusion": Meaning("Perfusion index", "%", (Code("61006-3", "Perfusion index Tissue by Pulse oximetry"),)),
    "crp": Meaning(
        "CRP", "mg/L", (Code("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma"),), "laboratory"
    ),
    "temperature": Meaning("Body temperature", "Cel", (Code("8310-5", "Body temperature"),)),
    "weight": Meaning("Body weight", "kg", (Code("29463-7", "Body weight"),)),
    "glucose": Meaning("Glucose", "mmol/L", (Code("15074-8", "Glucose [Moles/volume] in Blood"),), "laboratory"),
}
_BY_FLAG: dict[tuple[QuantityName, str], Code] = {
    ("temperature", "site_mouth"): Code("8331-1", "Oral temperature"),
    ("temperature", "site_rectum"): Code("8332-9", "Rectal temperature"),
    ("temperature", "site_armpit"): Code("8328-7", "Axillary temperature"),
    ("temperature", "site_tympanum"): Code("8333-7", "Tympanic membrane temperature"),
    ("glucose", "sample_capillary_whole_blood"): Code(
        "14743-9", "Glucose [Moles/volume] in Capillary blood by Glucometer"
    ),
}
"""A more exact code beside the general one, where the instrument said how it was measured."""
_PLASMA = Code("14749-6", "Glucose [Moles/volume] in Serum or Plasma")
_MAIN: dict[ReadingKind, QuantityName] = {
    "oximetry": "spo2",
    "crp": "crp",
    "temperature": "temperature",
    "weight": "weight",
    "glucose": "glucose",
}
REQUESTED: dict[str, tuple[Code, ...]] = {
    "blood_pressure": (PANEL,),
    "photo": (Code("72170-4", "Photographic image"),),
    **{kind: MEANINGS[name].codes for kind, name in _MAIN.items()},
}
"""What a doctor asks for; `listen` has no code in LOINC."""


def main_quantity(kind: ReadingKind) -> QuantityName | None:
    """What a reading is about; None for blood pressure, which is a panel of several."""
    return _MAIN.get(kind)


def code_of(name: QuantityName, unit: str, kind: ReadingKind, flags: Sequence[str]) -> Json:
    """`Observation.code`. In another unit than LOINC's it is Carebag's name only: a wrong pair misleads.

    Args:
        unit: as measured; the expected one, or another.
    """
    meaning = MEANINGS[name]
    own = own_coding("quantity", name)
    if unit != meaning.unit:
        return concept(own, text=meaning.text)
    return concept(*(code.coding for code in _codes(name, kind, flags)), own, text=meaning.text)


def _codes(name: QuantityName, kind: ReadingKind, flags: Sequence[str]) -> tuple[Code, ...]:
    if name == "glucose" and any(flag.endswith("_plasma") for flag in flags):
        return (_PLASMA,)
    if name == "glucose" and "sample_interstitial_fluid" in flags:
        return ()
    more = [code for flag in flags if (code := _BY_FLAG.get((name, flag)))]
    if name == "pulse" and kind == "oximetry":
        more.append(PULSE_BY_OXIMETRY)
    return (*MEANINGS[name].codes, *more)


def category_of(meaning: str) -> list[Json]:
    return [concept(coding(f"{TERMINOLOGY}/observation-category", meaning))]
