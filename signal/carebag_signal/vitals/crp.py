"""C-reactive protein as the analyser said it, and the bands of a guideline as that guideline's text. No advice of ours.

Bands: NICE clinical guideline CG191, Pneumonia in adults: diagnosis and management (2014), recommendation on
point-of-care CRP in lower respiratory tract infection in primary care where no clinical diagnosis of pneumonia has
been made and the need of antibiotics is unclear. Later NICE guidance on acute respiratory infection (NG237, 2023)
stands beside it: whoever reads the band must look up what holds now.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Relation = Literal["=", "<", ">"]

_WRITTEN = re.compile(r"\s*([<>]?)\s*(\d{1,4}(?:[.,]\d{1,2})?)\s*(mg/l)?\s*", re.IGNORECASE)
_LARGEST = Decimal(1000)


@dataclass(frozen=True, slots=True)
class Crp:
    """A concentration in mg/l, or the edge of the analyser's range that it lies beyond.

    Raises: ValueError if it is not within 0 and 1000, or lies beyond either.
    """

    mg_per_l: Decimal
    relation: Relation = "="

    def __post_init__(self) -> None:
        if self.relation not in ("=", "<", ">"):
            raise ValueError("relation must be =, < or >")
        if not self.mg_per_l.is_finite() or not 0 <= self.mg_per_l <= _LARGEST:
            raise ValueError("mg_per_l must be within 0 and 1000")
        if self.relation == "<" and self.mg_per_l == 0:
            raise ValueError("nothing is below 0 mg/l")

    @classmethod
    def parse(cls, text: str) -> "Crp":
        """Reads `5`, `5.2`, `<5`, `> 200 mg/L`; decimals as they were written.

        Raises: ValueError for anything else.
        """
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise ValueError("a CRP value is a number, perhaps behind < or >")
        relation: Relation = "<" if match[1] == "<" else ">" if match[1] == ">" else "="
        return cls(Decimal(match[2].replace(",", ".")), relation)

    def __str__(self) -> str:
        """`<5` stays `<5`: it is neither 5 nor 0."""
        return f"{'' if self.relation == '=' else self.relation}{self.mg_per_l:f}"


@dataclass(frozen=True, slots=True)
class Band:
    """What a source says of a range of concentrations; shown with all of it or not at all."""

    says: str
    range: str
    applies_to: str
    source: str


_SOURCE = "NICE CG191 (2014), recommendation on point-of-care C-reactive protein"
_APPLIES_TO = (
    "Adults with a lower respiratory tract infection in primary care, no clinical diagnosis of pneumonia, "
    "when it is unclear after clinical assessment whether antibiotics should be prescribed"
)
_BELOW = Band("antibiotics are not routinely offered", "below 20 mg/l", _APPLIES_TO, _SOURCE)
_BETWEEN = Band("a delayed prescription is considered", "20 to 100 mg/l", _APPLIES_TO, _SOURCE)
_ABOVE = Band("antibiotics are offered", "above 100 mg/l", _APPLIES_TO, _SOURCE)


def band(crp: Crp) -> Band | None:
    """The band of CG191 in which the concentration surely lies; None if `<` or `>` leaves more than one."""
    if crp.relation == "<":
        return _BELOW if crp.mg_per_l <= 20 else None
    if crp.relation == ">":
        return _ABOVE if crp.mg_per_l >= 100 else None
    if crp.mg_per_l < 20:
        return _BELOW
    return _BETWEEN if crp.mg_per_l <= 100 else _ABOVE
