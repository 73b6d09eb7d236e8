"""The Bundle of a visit. `collection`: `docs/decisions/0024-a-visit-leaves-as-a-collection.md` says why."""

from collections.abc import Iterable, Sequence

from carebag_fhir.devices import device_of, kit_of
from carebag_fhir.early_warning import early_warning_resource
from carebag_fhir.elements import Json, reference
from carebag_fhir.encounters import encounter_of, patient_reference, request_of
from carebag_fhir.notes import note_resources
from carebag_fhir.observations import Surroundings, observations_of
from carebag_fhir.parties import Parties, consent_of, guest_of, own_identifier, patient_of, was_let_in
from carebag_fhir.questionnaires import questionnaire_resources
from carebag_fhir.questions import question_resources
from carebag_fhir.recordings import Files, photo_resources, sound_resources
from carebag_fhir.signatures import signature_resources, targets_by_record
from carebag_fhir.visit_export import VisitExport

MEDIA_TYPE = "application/fhir+json"


def visit_bundle(export: VisitExport) -> Json:
    """All that Carebag has of a visit, values that were rejected or withdrawn included, as what they are."""
    snapshot, parties = export.snapshot, Parties(export)
    around = Surroundings.of(snapshot.visit, parties, snapshot.requests)
    taken, asked = _taken(export, around), list(questionnaire_resources(export, around))
    resources = [
        patient_of(snapshot.visit.patient),
        *parties.resources(),
        *_devices(export),
        *_guests(export),
        encounter_of(snapshot, export.provider, parties),
        *(request_of(request, snapshot.visit) for request in snapshot.requests),
        *taken,
        *asked,
        *note_resources(snapshot.notes, export.note_authors, around),
    ]
    put = list(question_resources(export.records, around))
    resources += put
    targets = targets_by_record([*taken, *asked, *put])
    for stored in export.records:
        resources += signature_resources(stored, around, targets)
    return bundle(own_identifier("visit-export", snapshot.visit.id), resources)


def bundle(identifier: Json, resources: Iterable[Json]) -> Json:
    entries = [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources]
    return {"resourceType": "Bundle", "identifier": identifier, "type": "collection", "entry": entries}


def _taken(export: VisitExport, around: Surroundings) -> Sequence[Json]:
    files = Files(export.media, export.hub_url)
    taken: list[Json] = []
    for reading in export.snapshot.readings:
        taken += observations_of(reading, around)
    taken += early_warning_resource(export.snapshot)
    for sound in export.snapshot.sounds:
        taken += sound_resources(sound, around, files)
    for photo in export.snapshot.photos:
        taken += photo_resources(photo, around, files)
    return taken


def _devices(export: VisitExport) -> list[Json]:
    """The kit, then each instrument once."""
    visit = export.snapshot.visit
    owner = reference("Organization", export.provider.id, export.provider.name)
    used = [view.reading.device for view in export.snapshot.readings]
    used += [view.sound.device for view in export.snapshot.sounds]
    year = visit.scheduled_at.year
    made = {
        one["id"]: one
        for device in used
        if device.kind != "observer"
        for one in [device_of(visit.kit_id, device, year)]
    }
    return [
        kit_of(visit.kit_id, visit.kit_name, owner, [export.kit_public_key, *export.kit_former_keys]),
        *made.values(),
    ]


def _guests(export: VisitExport) -> list[Json]:
    visit = export.snapshot.visit
    patient = patient_reference(visit.patient)
    guests = [one for one in export.snapshot.guests if was_let_in(one)]
    return [*(guest_of(one, patient) for one in guests), *(consent_of(one, visit, patient) for one in guests)]
