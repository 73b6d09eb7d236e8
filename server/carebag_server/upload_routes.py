"""Media in pieces, resumable: ask how much is here, send what comes next. Each piece is signed by the kit."""

from typing import Annotated

from fastapi import Path, Query, Request
from starlette.concurrency import run_in_threadpool

from carebag_server.access import TheKit
from carebag_server.api_router import api_router
from carebag_server.hub import TheHub
from carebag_server.kit_routes import note_media
from carebag_server.media import MAX_MEDIA_BYTES
from carebag_server.uploads import Uploads
from carebag_wire.api import UploadState

router = api_router("/api/kit/uploads", "kit")
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Offset = Annotated[int, Query(ge=0, le=MAX_MEDIA_BYTES)]


@router.get("/{sha256}")
def upload_state(sha256: Digest, caller: TheKit, hub: TheHub) -> UploadState:
    """How many bytes are durable here: the next piece begins there."""
    uploads = Uploads(hub.media)
    return UploadState(offset=uploads.offset(caller.kit_id, sha256), complete=uploads.is_whole(sha256))


@router.patch("/{sha256}")
async def upload_piece(
    sha256: Digest, offset: Offset, complete: bool, request: Request, caller: TheKit, hub: TheHub
) -> UploadState:
    """Take the bytes from `offset` on; `complete` with the last of them. The body is the bytes alone."""
    piece = await request.body()
    uploads = Uploads(hub.media)
    there = await run_in_threadpool(uploads.add, caller.kit_id, sha256, offset, piece, last=complete)
    whole = await run_in_threadpool(uploads.is_whole, sha256)
    if whole:
        await run_in_threadpool(note_media, hub, caller, sha256, there)
    return UploadState(offset=there, complete=whole)
