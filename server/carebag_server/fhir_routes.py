"""A visit, or a patient's visits of a period, as FHIR R4 for the doctor; a visit's access log for the medical lead.

What each may read already, as a file. `docs/fhir.md` is the mapping; an export is one row in the log of each visit in
it, and that of a period one of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal, cast

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from carebag_fhir.accesses import access_bundle
from carebag_fhir.export import MEDIA_TYPE, visit_bundle
from carebag_fhir.json_text import pieces_of
from carebag_fhir.period import period_bundle
from carebag_server.access import DoctorByQuery, ReviewerByQuery
from carebag_server.api_router import api_router
from carebag_server.audit import Act, append, append_all, events_of_visit
from carebag_server.callers import PersonCaller
from carebag_server.fhir_exports import export_of, media_of, stored_files, visits_of_period
from carebag_server.hub import Hub, TheHub
from carebag_server.patients import turned_out
from carebag_server.refusals import Refused
from carebag_server.relations import readable_visit, visible_visit
from carebag_server.tables import PatientRow, VisitRow
from carebag_server.visit_views import head_of, patient_of
from carebag_server.visits import act_on
from carebag_wire.base import Id
from carebag_wire.visit import Patient

router = api_router("/api", "fhir")
Media = Literal["links", "inside", "inside_or_links"]
Json = dict[str, Any]
_EARLIEST, _LATEST = date(1900, 1, 1), date(2199, 12, 31)


class FhirResponse(StreamingResponse):
    media_type = MEDIA_TYPE


def _turn(request: Request) -> asyncio.Lock:
    """Held by the export that works, not by one whose receiver is slow: the hub makes a piece of one at a time."""
    state = request.app.state
    if not hasattr(state, "fhir_turn"):
        state.fhir_turn = asyncio.Lock()
    return cast("asyncio.Lock", state.fhir_turn)


Turn = Annotated[asyncio.Lock, Depends(_turn)]


@router.get("/visits/{visit_id}/fhir", response_class=FhirResponse)
async def export_visit(
    visit_id: Id, caller: DoctorByQuery, hub: TheHub, turn: Turn, media: Media = "links"
) -> FhirResponse:
    """The visit as a Bundle; with `media=inside` its sounds and photos are in it, else their addresses.

    `inside_or_links`: inside, or all by their addresses if together they are more than a Bundle can carry.
    """
    async with turn:
        made = await run_in_threadpool(_visit, hub, caller, visit_id, media)
    return _file(made, f"visit-{visit_id}", turn)


def _visit(hub: Hub, caller: PersonCaller, visit_id: Id, media: Media) -> Json:
    with hub.database.transaction() as session:
        reading = readable_visit(session, caller, visit_id, hub.now())
        visit = reading.visit
        files = _files(session, [visit], media)
        thing = f"visit {visit.id} with_media" if files else f"visit {visit.id}"
        append(session, reading.actor, act_on(visit, "visit_exported", thing), hub.now())
        export = export_of(hub, session, visit)
    return visit_bundle(replace(export, media=stored_files(hub, files)))


def _files(session: Session, visits: Sequence[VisitRow], media: Media) -> list[str]:
    """Digests of what is to be inside."""
    files = media_of(session, [visit.id for visit in visits]) if media != "links" else []
    if files is None and media == "inside":
        raise Refused(413, "too_large")
    return files or []


@router.get("/patients/{patient_id}/fhir", response_class=FhirResponse)
async def export_period(
    patient_id: Id,
    first: Annotated[date, Query(alias="from", ge=_EARLIEST, le=_LATEST)],
    last: Annotated[date, Query(alias="to", ge=_EARLIEST, le=_LATEST)],
    caller: DoctorByQuery,
    hub: TheHub,
    turn: Turn,
    media: Media = "links",
) -> FhirResponse:
    """All visits of a patient between two days, both included, that the caller may see; `media` as for one visit."""
    if last < first:
        raise Refused(422, "bad_period")
    async with turn:
        made = await run_in_threadpool(_period, hub, caller, patient_id, first, last, media)
    return _file(made, f"patient-{patient_id}-{first}-{last}", turn)


def _period(hub: Hub, caller: PersonCaller, patient_id: Id, first: date, last: date, media: Media) -> Json:
    days = f"{first}/{last}"
    with hub.database.transaction() as session:
        readings = visits_of_period(hub, session, caller, patient_id, first, last)
        visits = [reading.visit for reading in readings]
        files = _files(session, visits, media)
        thing = f"patient {patient_id} {days} visits {len(visits)}{' with_media' if files else ''}"
        as_emergency = any(reading.ground == "emergency" for reading in readings)
        whole = caller.actor("emergency" if as_emergency else None)
        acts = [(whole, Act(action="period_exported", object=thing, patient_id=patient_id))]
        for reading in readings:
            each = f"visit {reading.visit.id} period {days}"
            acts.append((reading.actor, act_on(reading.visit, "visit_exported", each)))
        append_all(session, acts, hub.now())
        exports = [export_of(hub, session, visit) for visit in visits]
        patient, *also = _identities(session, patient_id, visits)
    inside = stored_files(hub, files)
    return period_bundle(patient, first, last, [replace(export, media=inside) for export in exports], also)


def _identities(session: Session, asked: Id, visits: Sequence[VisitRow]) -> list[Patient]:
    """The patient that was asked for, then the other identities under which the visits are."""
    ids = [asked, *sorted({visit.patient_id for visit in visits} - {asked})]
    ends = turned_out(session, ids)
    return [patient_of(session, session.get_one(PatientRow, one), 0, ends.get(one)) for one in ids]


@router.get("/review/visits/{visit_id}/fhir", response_class=FhirResponse)
async def export_access_log(visit_id: Id, caller: ReviewerByQuery, hub: TheHub, turn: Turn) -> FhirResponse:
    """The visit's access log as AuditEvents; this reading of it is its last row."""
    async with turn:
        made = await run_in_threadpool(_access_log, hub, caller, visit_id)
    return _file(made, f"access-log-{visit_id}", turn)


def _access_log(hub: Hub, caller: PersonCaller, visit_id: Id) -> Json:
    with hub.database.transaction() as session:
        visit = visible_visit(session, caller, visit_id, hub.now())
        append(session, caller.actor(), act_on(visit, "audit_exported", f"visit {visit.id}"), hub.now())
        head, events = head_of(session, visit), events_of_visit(session, visit.id)
    return access_bundle(head, events)


def _file(made: Json, name: str, turn: asyncio.Lock) -> FhirResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"', "Cache-Control": "private, no-store"}
    return FhirResponse(_written(pieces_of(made), turn), headers=headers)


async def _written(pieces: Iterator[bytes], turn: asyncio.Lock) -> AsyncIterator[bytes]:
    while True:
        async with turn:
            piece = await run_in_threadpool(next, pieces, None)
        if piece is None:
            return
        yield piece
