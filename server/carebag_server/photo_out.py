"""A kit's photo as it is handed to a person: its picture and nothing else, whoever put what into the file.

A kit takes pictures apart before it signs them, so its photos leave as they were signed. What came otherwise (an old or
broken kit, one that somebody opened) stays sealed as it is, for whoever has to look into it; what is handed out is made
of it without place, camera, hidden files. See docs/decisions/0003.
"""

import logging

from carebag_server.media import MediaStore
from carebag_server.refusals import Refused
from carebag_wire.image_strip import MAX_PHOTO_BYTES, NotAnImage, strip

log = logging.getLogger("carebag.hub")


def stripped_photo(media: MediaStore, sha256: str, size: int, media_type: str) -> bytes | None:
    """What to hand out in place of the file; None: the file itself is nothing but its picture. Blocking.

    Args:
        media_type: as the kit's record says.

    Raises:
        Refused: 410 `media_damaged`, no picture of that type can be made of it.
        FileNotFoundError, MediaAway: see `MediaStore.read`.
    """
    if size > MAX_PHOTO_BYTES:
        raise Refused(410, "media_damaged")
    content = b"".join(media.read(sha256))
    try:
        image = strip(content)
    except NotAnImage:
        raise Refused(410, "media_damaged") from None
    if image.media_type != media_type:
        raise Refused(410, "media_damaged")
    if image.content == content:
        return None
    log.warning("a kit's photo held more than its picture: it was handed out without that")
    return image.content
