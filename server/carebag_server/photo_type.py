"""What a photo's first bytes say it is. The kit takes pictures apart and puts them together again (`image_strip.py`);
the hub hands out under a picture's name only what begins as one, whoever sent it (ASVS 5.0 V5.2.2).

Sources: ITU-T T.81 B.1.1.3 (SOI, then a marker), W3C PNG (third edition) section 5.2.
"""

from typing import Literal

HEAD_BYTES = 8
PhotoType = Literal["image/jpeg", "image/png"]


def photo_type_of(head: bytes) -> PhotoType | None:
    """The media type of a file that begins with these (at least `HEAD_BYTES`); None if it is neither."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/png" if head.startswith(b"\x89PNG\r\n\x1a\n") else None
