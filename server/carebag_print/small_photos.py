"""A photo as small as paper needs it, made anew: nothing of the file but its picture gets into the print."""

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from carebag_fhir.visit_export import StoredFile

_SIDE = 900
"""Pixels of the longer side: about 400 a line of 25 mm at the size on paper."""
_MOST_PIXELS = 60_000_000
_MOST_BYTES = 50 * 1024 * 1024
_QUALITY = 82


@dataclass(frozen=True)
class SmallPhoto:
    jpeg: bytes
    width: int
    height: int


def small_photo(file: StoredFile) -> SmallPhoto | None:
    """None for what is no JPEG or PNG, is damaged, or would fill the memory (its size is read before its pixels)."""
    if file.size > _MOST_BYTES:
        return None
    try:
        with Image.open(BytesIO(b"".join(file.pieces())), formats=("JPEG", "PNG")) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                return None
            picture.draft("RGB", (_SIDE, _SIDE))
            picture.thumbnail((_SIDE, _SIDE))
            plain = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    made = BytesIO()
    plain.save(made, "JPEG", quality=_QUALITY)
    return SmallPhoto(made.getvalue(), plain.width, plain.height)
