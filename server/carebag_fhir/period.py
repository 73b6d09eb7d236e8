"""A patient's visits of a period in one Bundle: the Bundles of the visits, and what they share once."""

from collections.abc import Iterable, Sequence
from datetime import date

from carebag_fhir.elements import CANONICAL, Json
from carebag_fhir.encounters import patient_reference
from carebag_fhir.export import bundle, visit_bundle
from carebag_fhir.parties import patient_of
from carebag_fhir.visit_export import VisitExport
from carebag_wire.visit import Patient


def period_bundle(
    patient: Patient, first: date, last: date, exports: Iterable[VisitExport], also: Sequence[Patient] = ()
) -> Json:
    """All visits of a patient between two days, both included; of no visit at all only the patient is told.

    Args:
        exports: in the order of their time. What two of them tell differently under one id (a kit that has got another
            owner) is as the later tells it.
        also: other identities of the same person, such as the temporary one of somebody who was unknown. Visits stay
            under the identity with which they were made; `Patient.link` says who turned out to be whom.

    Raises:
        ValueError: a visit of somebody else.
    """
    identities = {one.id: one for one in (patient, *also)}
    resources = {str(one): patient_of(told) for one, told in identities.items()}
    for export in exports:
        if export.snapshot.visit.patient.id not in identities:
            raise ValueError("a visit of another patient")
        resources |= {entry["resource"]["id"]: entry["resource"] for entry in visit_bundle(export)["entry"]}
    for one, told in identities.items():
        links = _links(told, identities.values())
        resources[str(one)] = {**patient_of(told), **({"link": links} if links else {})}
    value = f"{patient.id}/{first.isoformat()}/{last.isoformat()}"
    return bundle({"system": f"{CANONICAL}/identifier/period-export", "value": value}, resources.values())


def _links(patient: Patient, everyone: Iterable[Patient]) -> list[Json]:
    """To the identities of the same Bundle: who this one turned out to be, and who turned out to be this one."""
    links = []
    for other in everyone:
        if patient.turned_out is not None and patient.turned_out.id == other.id:
            links.append({"other": patient_reference(other), "type": "replaced-by"})
        elif other.turned_out is not None and other.turned_out.id == patient.id:
            links.append({"other": patient_reference(other), "type": "replaces"})
    return links
