"""The access log as AuditEvents, after IHE BALP: who read or did what, when, why, from where.

Of a visit as a Bundle; of a period as NDJSON, a resource in each line, as FHIR Bulk Data has it.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence

from carebag_fhir.access_actions import ACTIONS
from carebag_fhir.elements import (
    CANONICAL,
    TERMINOLOGY,
    Json,
    coding,
    concept,
    extension,
    extension_group,
    filled,
    instant,
    own_coding,
    part_id,
    plain,
    resource,
    words,
)
from carebag_fhir.encounters import patient_reference
from carebag_fhir.export import bundle
from carebag_fhir.json_text import encode
from carebag_fhir.parties import own_identifier, patient_of
from carebag_wire.api import AuditEvent
from carebag_wire.visit import Patient, VisitHead

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_BALP = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
_LOG = uuid.uuid5(uuid.NAMESPACE_URL, f"{CANONICAL}/access-log")
"""Owner of the ids of events of no visit; their hashes tell one hub's from another's."""
NDJSON = "application/fhir+ndjson"
_PURPOSES = {
    "care": coding(f"{TERMINOLOGY}/v3-ActReason", "TREAT", "treatment"),
    "emergency": coding(f"{TERMINOLOGY}/v3-ActReason", "ETREAT", "Emergency Treatment"),
    "review": coding(f"{TERMINOLOGY}/v3-ActReason", "HCOMPL", "health compliance"),
}


def access_bundle(visit: VisitHead, events: Sequence[AuditEvent]) -> Json:
    """The rows of a visit in order, with the chain of their hashes."""
    told = patient_reference(visit.patient)
    rows = [_event(event, visit.id, told if event.patient_id == visit.patient.id else None) for event in events]
    return bundle(own_identifier("access-log", visit.id), [patient_of(visit.patient), *rows])


def access_lines(events: Iterable[AuditEvent]) -> Iterator[bytes]:
    """One AuditEvent in each line, in the order of the events: `application/fhir+ndjson`.

    What was of a visit has the id that it has in the visit's Bundle. The patient is named by Carebag's id alone, as
    `Patient/ID`: beside it there may be a file of Patients, or not.
    """
    for event in events:
        yield encode(_event(event, event.visit_id, _by_id(event.patient_id))) + b"\n"


def patient_lines(patients: Iterable[Patient]) -> Iterator[bytes]:
    """One Patient in each line."""
    return (encode(patient_of(patient)) + b"\n" for patient in patients)


def _by_id(patient_id: uuid.UUID | None) -> Json | None:
    if patient_id is None:
        return None
    return {
        "reference": f"Patient/{patient_id}",
        "type": "Patient",
        "identifier": own_identifier("patient", patient_id),
    }


def _event(event: AuditEvent, visit_id: uuid.UUID | None, patient: Json | None) -> Json:
    # a row of another version of the hub must not keep the whole log from being told
    known = ACTIONS.get(event.action)
    return resource(
        "AuditEvent",
        part_id(visit_id, f"access {event.seq}") if visit_id else part_id(_LOG, f"access {event.seq} {event.hash}"),
        extension=[*extension("seq", "Decimal", event.seq), *extension("sha256", "String", event.hash)],
        type=coding(f"{TERMINOLOGY}/audit-event-type", "rest", "RESTful Operation"),
        subtype=[own_coding("access", event.action)],
        action=known.kind if known else "E",
        recorded=instant(event.at),
        outcome=known.outcome if known else None,
        outcomeDesc=known.refused if known else None,
        purposeOfEvent=[_purpose(event.purpose)],
        agent=[_user(event), _client(event)],
        source={"observer": {"type": "Device", "display": "Carebag hub"}},
        entity=list(_entities(event, visit_id, patient)),
    )


def _purpose(purpose: str) -> Json:
    known = [_PURPOSES[purpose]] if purpose in _PURPOSES else []
    return concept(*known, own_coding("purpose", purpose), text=words(purpose))


def _user(event: AuditEvent) -> Json:
    """Who acted, in which role and for which care unit."""
    unit = extension_group(
        "acting-for", ("unit", "String", plain(event.care_unit)), ("organization", "String", plain(event.organization))
    )
    return filled(
        {
            "extension": unit,
            "type": concept(coding(f"{TERMINOLOGY}/v3-ParticipationType", "IRCP", "information recipient")),
            "role": [concept(own_coding("role", event.role))],
            "who": filled({"display": plain(event.practitioner)}),
            "requestor": True,
        }
    )


def _client(event: AuditEvent) -> Json:
    """The machine from which the request came."""
    network = {"address": plain(event.origin), "type": "2"} if plain(event.origin) else {}
    kind = concept(coding(_DICOM, "110153", "Source Role ID"))
    return filled({"type": kind, "who": {"display": "Page or kit"}, "requestor": False, "network": network})


def _entities(event: AuditEvent, visit_id: uuid.UUID | None, told: Json | None) -> list[Json]:
    person = coding(f"{TERMINOLOGY}/audit-entity-type", "1", "Person")
    system = coding(f"{TERMINOLOGY}/audit-entity-type", "2", "System Object")
    patient = coding(f"{TERMINOLOGY}/object-role", "1", "Patient")
    domain = coding(f"{TERMINOLOGY}/object-role", "4", "Domain Resource")
    visit = {"type": "Encounter", "identifier": own_identifier("visit", visit_id)} if visit_id else None
    request = {"what": {"identifier": {"value": plain(event.request_ref)}}, "type": coding(_BALP, "XrequestId")}
    return [
        *([{"what": told, "type": person, "role": patient}] if told else []),
        filled(
            {
                "what": visit,
                "type": system,
                "role": domain,
                "description": plain(event.object),
            }
        ),
        *([request] if plain(event.request_ref) else []),
    ]
