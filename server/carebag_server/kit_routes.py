"""The kit's routes, each request signed by its key: records, media, today's visits, and who the nurse is."""

from typing import Annotated

from fastapi import Path, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from carebag_server import records, sessions, visits
from carebag_server.access import TheKit, TheKitUploading
from carebag_server.announcements import announce_changed
from carebag_server.api_router import api_router
from carebag_server.audit import Act, append
from carebag_server.callers import KitCaller
from carebag_server.hub import Hub, TheHub
from carebag_server.media import take_in
from carebag_server.people import commissioned
from carebag_server.refusals import Refused
from carebag_server.tables import Finding, MediaRow, VisitRow
from carebag_server.visit_views import finding_of, part_of
from carebag_wire.api import NurseCode, NurseIdentity
from carebag_wire.records import RecordBatch, RecordReceipt
from carebag_wire.visit import VisitSnapshot

router = api_router("/api/kit", "kit")
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


@router.post("/records")
def store_records(batch: RecordBatch, caller: TheKit, hub: TheHub) -> RecordReceipt:
    with hub.database.transaction() as session:
        return records.take_in(hub, session, caller, batch)


@router.put("/media/{sha256}", status_code=204)
async def store_media(sha256: Digest, request: Request, caller: TheKitUploading, hub: TheHub) -> Response:
    size = await take_in(hub.media, sha256, request.stream())
    await run_in_threadpool(note_media, hub, caller, sha256, size)
    return Response(status_code=204)


def note_media(hub: Hub, caller: KitCaller, sha256: str, size: int) -> None:
    """A medium is whole and on the disk: say so to whom it concerns, once."""
    with hub.database.transaction() as session:
        if session.get(MediaRow, sha256) is not None:
            return
        session.add(MediaRow(sha256=sha256, bytes_stored=size, kit_id=caller.kit_id, received_at=hub.now()))
        session.flush()
        visits_told = _tell_that_it_is_there(session, sha256)
        concerned: list[VisitRow | None] = [*visits_told] or [None]
        for visit in concerned:
            act = Act(
                action="media_stored",
                object=f"media {sha256}",
                patient_id=visit.patient_id if visit else None,
                visit_id=visit.id if visit else None,
            )
            append(session, caller.actor(), act, hub.now())


def _tell_that_it_is_there(session: Session, sha256: str) -> list[VisitRow]:
    visits_told = []
    for row in session.scalars(select(Finding).where(Finding.media_sha256 == sha256)):
        visit = session.get_one(VisitRow, row.visit_id)
        announce_changed(session, visit, part_of(finding_of(session, row)))
        visits_told.append(visit)
    return visits_told


@router.get("/visits")
def kit_visits(caller: TheKit, hub: TheHub) -> list[VisitSnapshot]:
    with hub.database.transaction() as session:
        return visits.kit_snapshots(hub, session, caller)


@router.post("/nurse")
def redeem_nurse_code(code: NurseCode, caller: TheKit, hub: TheHub) -> NurseIdentity:
    """Who signed in on the hub a moment ago; the code works once, at a kit of the nurse's own organisation."""
    with hub.database.transaction() as session:
        who = commissioned(session, sessions.redeem_nurse_code(session, code.code, hub.now()))
        if who is None or who.organization_id != caller.organization_id:
            raise Refused(403, "nurse_of_another_organization")
        act = Act(action="nurse_at_kit", object=f"kit {caller.kit_id}")
        append(session, caller.actor(who.person.name), act, hub.now())
        return NurseIdentity(person=who.person, expires_at=hub.now() + sessions.AT_THE_KIT)
