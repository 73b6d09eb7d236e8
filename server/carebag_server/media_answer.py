"""Answers with a stored file or a part of it, from whatever store: one range (RFC 9110 ch. 14), else the whole."""

import re
from collections.abc import Mapping
from itertools import chain

from starlette.responses import Response, StreamingResponse

from carebag_server.media import MediaStore

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


class Unsatisfiable(Exception):
    """A range that begins behind the end."""


def part_asked(text: str | None, size: int) -> tuple[int, int] | None:
    """From which byte to before which; None: all of it, also for several ranges or what is none, as RFC 9110 allows.

    Raises:
        Unsatisfiable: no byte of it is there.
    """
    match = _RANGE.fullmatch((text or "").strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:  # the last so many bytes
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < int(first):
            return None
    if start >= stop:
        raise Unsatisfiable
    return start, stop


def file_answer(
    media: MediaStore, sha256: str, size: int, asked: str | None, media_type: str, headers: Mapping[str, str]
) -> Response:
    """200, 206 or 416. Blocking: the first bytes are read before it is said that there are any.

    Args:
        asked: the request's `Range`.

    Raises:
        FileNotFoundError, MediaAway: see `MediaStore.read`.
    """
    try:
        part = part_asked(asked, size)
    except Unsatisfiable:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    start, stop = part or (0, size)
    pieces = media.read(sha256, start, stop)
    first = next(pieces, b"")
    told = {**headers, "Accept-Ranges": "bytes", "Content-Length": str(stop - start)}
    if part is not None:
        told["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return StreamingResponse(chain((first,), pieces), 206 if part else 200, told, media_type)
