"""A visit's sounds and photos, for who may see the visit. Ranges work, so a sound can be played from its middle."""

from typing import Annotated

from fastapi import Header, Path
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from carebag_server.access import DoctorByQuery
from carebag_server.api_router import api_router
from carebag_server.audit import append
from carebag_server.callers import PersonCaller
from carebag_server.hub import Hub, TheHub
from carebag_server.media_answer import file_answer
from carebag_server.photo_out import stripped_photo
from carebag_server.refusals import not_found
from carebag_server.relations import readable_visit
from carebag_server.tables import Finding, MediaRow, RecordRow
from carebag_server.visits import act_on
from carebag_wire.base import Id
from carebag_wire.records import PhotoTaken, record_adapter

router = api_router("/api/media", "media")
_SOUND = "application/octet-stream"  # PCM16 little-endian has no registered name
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Range = Annotated[str | None, Header(alias="Range", include_in_schema=False)]


@router.get("/{visit_id}/{sha256}", response_class=StreamingResponse)
def read_media(visit_id: Id, sha256: Digest, caller: DoctorByQuery, hub: TheHub, asked: Range = None) -> Response:
    size = hub.media.size(sha256)  # another machine may answer it: not while all writers wait
    with hub.database.transaction() as session:
        media_type = _readable(hub, session, caller, visit_id, sha256)
        if size is None:
            raise not_found()
    stripped = stripped_photo(hub.media, sha256, size, media_type) if media_type != _SOUND else None
    headers = {"Content-Disposition": f'attachment; filename="{sha256}"', "Cache-Control": "private, no-store"}
    if stripped is not None:
        return Response(stripped, headers=headers, media_type=media_type)
    return file_answer(hub.media, sha256, size, asked, media_type, headers)


def _readable(hub: Hub, session: Session, caller: PersonCaller, visit_id: Id, sha256: str) -> str:
    reading = readable_visit(session, caller, visit_id, hub.now())
    visit = reading.visit
    query = select(Finding).where(Finding.visit_id == visit.id, Finding.media_sha256 == sha256)
    finding = session.scalars(query).first()
    if finding is None or session.get(MediaRow, sha256) is None:
        raise not_found()
    append(session, reading.actor, act_on(visit, "media_read", f"media {sha256}"), hub.now())
    record = record_adapter.validate_json(session.get_one(RecordRow, finding.record_id).payload)
    return record.media_type if isinstance(record, PhotoTaken) else _SOUND
