"""A patient's visits of a period in one Bundle: the Bundles of the visits, and what they share once."""

from collections.abc import Iterable
from datetime import date

from carebag_fhir.elements import CANONICAL, Json
from carebag_fhir.export import bundle, visit_bundle
from carebag_fhir.parties import patient_of
from carebag_fhir.visit_export import VisitExport
from carebag_wire.visit import Patient


def period_bundle(patient: Patient, first: date, last: date, exports: Iterable[VisitExport]) -> Json:
    """All visits of a patient between two days, both included; of no visit at all only the patient is told.

    Args:
        exports: in the order of their time. What two of them tell differently under one id (a kit that has got another
            owner) is as the later tells it.

    Raises:
        ValueError: a visit of somebody else.
    """
    told = patient_of(patient)
    resources = {told["id"]: told}
    for export in exports:
        if export.snapshot.visit.patient.id != patient.id:
            raise ValueError("a visit of another patient")
        resources |= {entry["resource"]["id"]: entry["resource"] for entry in visit_bundle(export)["entry"]}
    value = f"{patient.id}/{first.isoformat()}/{last.isoformat()}"
    return bundle({"system": f"{CANONICAL}/identifier/period-export", "value": value}, resources.values())
