"""A visit on paper for the doctor: what she may read already, as a PDF, with its row in the access log."""

import asyncio
from dataclasses import replace
from typing import Annotated, cast

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from carebag_print.paper import MEDIA_TYPE, visit_pdf
from carebag_print.recordings import MOST_PHOTOS
from carebag_print.visit_print import VisitPrint
from carebag_print.words import Language
from carebag_server.access import DoctorByQuery
from carebag_server.api_router import api_router
from carebag_server.audit import append
from carebag_server.callers import PersonCaller
from carebag_server.fhir_exports import export_of, stored_files
from carebag_server.hub import Hub, TheHub
from carebag_server.relations import readable_visit
from carebag_server.visits import act_on, zone_of
from carebag_wire.base import Id

router = api_router("/api", "print")
_POLICY = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Chrome shows a PDF by an `<embed>` of its own with inline styles, which the pages' policy forbids."""


class PdfResponse(Response):
    media_type = MEDIA_TYPE


def _turn(request: Request) -> asyncio.Lock:
    """One print is laid out at a time: photos are decoded for it."""
    state = request.app.state
    if not hasattr(state, "print_turn"):
        state.print_turn = asyncio.Lock()
    return cast("asyncio.Lock", state.print_turn)


@router.get("/visits/{visit_id}/pdf", response_class=PdfResponse)
async def print_visit(
    visit_id: Id,
    caller: DoctorByQuery,
    hub: TheHub,
    turn: Annotated[asyncio.Lock, Depends(_turn)],
    lang: Language = "sv",
) -> PdfResponse:
    """The visit as it is now, on A4: signed notes only, rejected values struck through, shown in the browser."""
    async with turn:
        made = await run_in_threadpool(_print, hub, caller, visit_id, lang)
    headers = {
        "Content-Disposition": f'inline; filename="visit-{visit_id}.pdf"',
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": _POLICY,
    }
    return PdfResponse(made, headers=headers)


def _print(hub: Hub, caller: PersonCaller, visit_id: Id, language: Language) -> bytes:
    now = hub.now()
    with hub.database.transaction() as session:
        reading = readable_visit(session, caller, visit_id, now)
        visit = reading.visit
        append(session, reading.actor, act_on(visit, "visit_printed", f"visit {visit.id} {language}"), now)
        export = export_of(hub, session, visit)
    snapshot = export.snapshot
    digests = {view.sound.media_sha256 for view in snapshot.sounds}
    digests |= {view.photo.media_sha256 for view in snapshot.photos[:MOST_PHOTOS]}
    export = replace(export, media=stored_files(hub, sorted(digests)))
    return visit_pdf(
        VisitPrint(export=export, printed_by=caller.person, printed_at=now, zone=zone_of(hub), language=language)
    )
