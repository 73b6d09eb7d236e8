"""A visit as FHIR R4 for the doctor, its access log for the medical lead: what each may read already, as a file.

`docs/fhir.md` is the mapping; an export is one row in the access log, whatever is in it.
"""

from dataclasses import replace
from typing import Literal

from fastapi import Response

from carebag_fhir.accesses import access_bundle
from carebag_fhir.export import MEDIA_TYPE, visit_bundle
from carebag_fhir.json_text import encode
from carebag_server.access import DoctorByQuery, ReviewerByQuery
from carebag_server.api_router import api_router
from carebag_server.audit import append, events_of_visit
from carebag_server.fhir_exports import export_of, media_of
from carebag_server.hub import TheHub
from carebag_server.relations import visible_visit
from carebag_server.visit_views import head_of
from carebag_server.visits import act_on
from carebag_wire.base import Id

router = api_router("/api", "fhir")


class FhirResponse(Response):
    media_type = MEDIA_TYPE


@router.get("/visits/{visit_id}/fhir", response_class=FhirResponse)
def export_visit(
    visit_id: Id, caller: DoctorByQuery, hub: TheHub, media: Literal["links", "inside"] = "links"
) -> FhirResponse:
    """The visit as a Bundle; with `media=inside` its sounds and photos are in it, else their addresses."""
    with hub.database.transaction() as session:
        visit = visible_visit(session, caller, visit_id, hub.now())
        files = media_of(session, visit.id) if media == "inside" else []
        thing = f"visit {visit.id} with_media" if files else f"visit {visit.id}"
        append(session, caller.actor(), act_on(visit, "visit_exported", thing), hub.now())
        export = export_of(hub, session, visit)
    there = {sha256: path for sha256 in files if (path := hub.media.path(sha256)).is_file()}
    inside = {sha256: path.read_bytes() for sha256, path in there.items()}
    return _file(encode(visit_bundle(replace(export, media=inside))), f"visit-{visit_id}")


@router.get("/review/visits/{visit_id}/fhir", response_class=FhirResponse)
def export_access_log(visit_id: Id, caller: ReviewerByQuery, hub: TheHub) -> FhirResponse:
    """The visit's access log as AuditEvents; this reading of it is its last row."""
    with hub.database.transaction() as session:
        visit = visible_visit(session, caller, visit_id, hub.now())
        append(session, caller.actor(), act_on(visit, "audit_exported", f"visit {visit.id}"), hub.now())
        head, events = head_of(session, visit), events_of_visit(session, visit.id)
    return _file(encode(access_bundle(head, events)), f"access-log-{visit_id}")


def _file(content: bytes, name: str) -> FhirResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"', "Cache-Control": "private, no-store"}
    return FhirResponse(content, headers=headers)
