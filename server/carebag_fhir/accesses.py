"""The access log of a visit as AuditEvents, after IHE BALP: who read or did what, when, why, from where."""

from collections.abc import Sequence

from carebag_fhir.access_actions import ACTIONS
from carebag_fhir.elements import (
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
from carebag_fhir.parties import own_identifier, patient_of
from carebag_wire.api import AuditEvent
from carebag_wire.visit import VisitHead

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_BALP = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
_PURPOSES = {
    "care": coding(f"{TERMINOLOGY}/v3-ActReason", "TREAT", "treatment"),
    "emergency": coding(f"{TERMINOLOGY}/v3-ActReason", "ETREAT", "Emergency Treatment"),
    "review": coding(f"{TERMINOLOGY}/v3-ActReason", "HCOMPL", "health compliance"),
}


def access_bundle(visit: VisitHead, events: Sequence[AuditEvent]) -> Json:
    """The rows of a visit in order, with the chain of their hashes."""
    rows = [_event(visit, event) for event in events]
    return bundle(own_identifier("access-log", visit.id), [patient_of(visit.patient), *rows])


def _event(visit: VisitHead, event: AuditEvent) -> Json:
    # a row of another version of the hub must not keep the whole log from being told
    known = ACTIONS.get(event.action)
    return resource(
        "AuditEvent",
        part_id(visit.id, f"access {event.seq}"),
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
        entity=list(_entities(visit, event)),
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


def _entities(visit: VisitHead, event: AuditEvent) -> list[Json]:
    person = coding(f"{TERMINOLOGY}/audit-entity-type", "1", "Person")
    system = coding(f"{TERMINOLOGY}/audit-entity-type", "2", "System Object")
    patient = coding(f"{TERMINOLOGY}/object-role", "1", "Patient")
    domain = coding(f"{TERMINOLOGY}/object-role", "4", "Domain Resource")
    identifier = own_identifier("visit", visit.id)
    request = {"what": {"identifier": {"value": plain(event.request_ref)}}, "type": coding(_BALP, "XrequestId")}
    of_patient = event.patient_id == visit.patient.id
    return [
        *([{"what": patient_reference(visit.patient), "type": person, "role": patient}] if of_patient else []),
        filled(
            {
                "what": {"type": "Encounter", "identifier": identifier},
                "type": system,
                "role": domain,
                "description": plain(event.object),
            }
        ),
        *([request] if plain(event.request_ref) else []),
    ]
