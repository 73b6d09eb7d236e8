"""The visit as an Encounter, and what the doctor asked for as ServiceRequests."""

from collections.abc import Iterator

from carebag_fhir.codes import REQUESTED
from carebag_fhir.elements import (
    TERMINOLOGY,
    Json,
    coding,
    concept,
    extension,
    extension_group,
    filled,
    instant,
    named,
    own_coding,
    plain,
    reference,
    resource,
    words,
)
from carebag_fhir.parties import Parties, guest_left, guest_reference, own_identifier, was_let_in
from carebag_fhir.visit_export import CareProvider
from carebag_wire.guests import Guest
from carebag_wire.values import Circumstances
from carebag_wire.visit import Patient, Request, VisitHead, VisitSnapshot

_STATES = {"planned": "planned", "open": "in-progress", "closed": "finished"}
_REQUEST_STATES = {"done": "completed", "declined": "revoked", "cancelled": "revoked"}
_AT_HOME = coding(f"{TERMINOLOGY}/v3-ActCode", "HH", "home health")


def patient_reference(patient: Patient) -> Json:
    return reference("Patient", patient.id, patient.name)


def visit_reference(visit: VisitHead) -> Json:
    return reference("Encounter", visit.id)


def encounter_of(snapshot: VisitSnapshot, provider: CareProvider, parties: Parties) -> Json:
    """`class` HH: the patient is at home, and so is the nurse; the doctor is not."""
    visit = snapshot.visit
    opened, closed = (instant(at) if at else None for at in (visit.opened_at, visit.closed_at))
    told = [
        *extension("scheduled", "DateTime", instant(visit.scheduled_at)),
        *extension("doctor-joined", "DateTime", instant(visit.doctor_joined_at) if visit.doctor_joined_at else None),
        *extension("background", "String", plain(visit.background)),
    ]
    fields: Json = {
        "extension": told,
        "identifier": [own_identifier("visit", visit.id)],
        "status": _STATES[visit.state],
        "class": _AT_HOME,
        "subject": patient_reference(visit.patient),
        "participant": list(_participants(snapshot, parties)),
        "period": filled({"start": opened, "end": closed}),
        "reasonCode": [concept(text=visit.reason)] if plain(visit.reason) else [],
        "serviceProvider": reference("Organization", provider.id, provider.name),
    }
    return resource("Encounter", visit.id, **fields)


def _participants(snapshot: VisitSnapshot, parties: Parties) -> Iterator[Json]:
    for own_id, person in {one.practitioner_id: one for one in parties.people}.items():
        roles = sorted({one.role for one in parties.people if one.practitioner_id == own_id})
        types = [concept(own_coding("role", role)) for role in roles]
        yield {"type": types, "individual": reference("Practitioner", own_id, person.name)}
    for guest in snapshot.guests:
        if was_let_in(guest):
            yield _guest(guest, snapshot.visit)


def _guest(guest: Guest, visit: VisitHead) -> Json:
    end = guest_left(guest, visit)
    period = {"start": instant(guest.admitted_at) if guest.admitted_at else None}
    period["end"] = instant(end) if end else None
    role = concept(own_coding("guest-role", guest.role))
    return {"type": [role], "period": filled(period), "individual": guest_reference(guest)}


def circumstances_of(circumstances: Circumstances) -> list[Json]:
    """Side, posture and place to listen, as an extension: the same words for what was asked and what was done."""
    return extension_group(
        "circumstances",
        ("site", "Code", circumstances.site),
        ("posture", "Code", circumstances.posture),
        ("point", "Code", circumstances.point),
    )


def body_site(circumstances: Circumstances) -> Json:
    place = circumstances.site or circumstances.point
    return concept(own_coding("body-site", place)) if place else {}


def request_of(request: Request, visit: VisitHead) -> Json:
    """`active` until there is an answer that a doctor decided on; the exact state is an extension."""
    codes = [code.coding for code in REQUESTED.get(request.kind, ())]
    site = body_site(request.circumstances)
    notes = [plain(request.note), plain(request.reason)]
    return resource(
        "ServiceRequest",
        request.id,
        extension=[
            *extension("request-state", "Code", request.state),
            *extension("changed", "DateTime", instant(request.changed_at)),
            *circumstances_of(request.circumstances),
        ],
        identifier=[own_identifier("request", request.id)],
        replaces=[reference("ServiceRequest", request.again_of)] if request.again_of else [],
        status=_REQUEST_STATES.get(request.state, "active"),
        intent="order",
        code=concept(*codes, own_coding("request", request.kind), text=words(request.kind)),
        subject=patient_reference(visit.patient),
        encounter=visit_reference(visit),
        authoredOn=instant(request.asked_at),
        requester=named("Practitioner", request.asked_by),
        bodySite=[site] if site else [],
        note=[{"text": text} for text in notes if text],
    )
