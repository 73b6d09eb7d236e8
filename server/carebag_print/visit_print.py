"""What a print is made from: the visit as it is exported, and who prints it, when, in which language."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from carebag_fhir.visit_export import VisitExport
from carebag_print.words import Language
from carebag_wire.visit import Person


@dataclass(frozen=True, kw_only=True)
class VisitPrint:
    export: VisitExport
    """With the photos and sounds that are to be shown in its `media`."""
    printed_by: Person
    printed_at: datetime
    zone: tzinfo
    """Of all times on the paper: where the care is given."""
    language: Language = "sv"
