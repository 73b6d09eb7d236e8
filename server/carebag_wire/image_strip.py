"""Photos without what they tell about place and camera: JPEG and PNG taken apart, only the picture put together again.

The kit does it before it signs; the hub looks again before it hands a photo on, and nothing of a kit's changes there.
Pure and small, so that no image library's decoder meets a stranger's bytes. Structure is checked, pixels are not
decoded. What stays of EXIF is the orientation, written anew, so that a wound is not shown upside down.
Sources: ITU-T T.81 annex B (JPEG), JFIF 1.02, Exif 2.32 section 4.6, W3C PNG (third edition) sections 5 and 11.
"""

import re
import struct
import zlib
from dataclasses import dataclass
from typing import Literal

MAX_PHOTO_BYTES = 20 * 1024 * 1024
MAX_SIDE = 20_000
MAX_PIXELS = 100_000_000
MAX_PARTS = 100_000
"""Segments or chunks: whoever makes millions of them wants nothing but our time."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs"}
)
SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
APP0, APP1, APP14, APP15 = 0xE0, 0xE1, 0xEE, 0xEF
NOT_SOF = frozenset({0xC4, 0xC8, 0xCC})
ORIENTATION_TAG = 0x0112
_MARKER_IN_SCAN = re.compile(rb"\xff(?=[\x01-\xcf\xd8-\xfe])")


class NotAnImage(Exception):
    """Bytes that are neither JPEG nor PNG as we accept them; a code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class StrippedImage:
    media_type: Literal["image/jpeg", "image/png"]
    width: int
    height: int
    content: bytes


def strip(data: bytes) -> StrippedImage:
    """The same picture without metadata.

    Raises:
        NotAnImage: `not_an_image`, `image_damaged` or `too_large`.
    """
    if data.startswith(PNG_SIGNATURE):
        return _strip_png(data)
    if data.startswith(bytes((0xFF, SOI))):
        return _strip_jpeg(data)
    raise NotAnImage("not_an_image")


def _strip_png(data: bytes) -> StrippedImage:
    kept = [PNG_SIGNATURE]
    at, size, has_pixels, parts = len(PNG_SIGNATURE), (0, 0), False, 0
    while True:
        if at + 12 > len(data):
            raise NotAnImage("image_damaged")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise NotAnImage("image_damaged")
        if (kind == b"IHDR") != (at == len(PNG_SIGNATURE)) or (kind == b"IHDR" and length != 13):
            raise NotAnImage("image_damaged")
        if kind == b"IHDR":
            size = _checked(*struct.unpack_from(">II", data, at + 8))
        has_pixels |= kind == b"IDAT"
        if kind in PNG_KEPT:
            kept.append(data[at:end])
        at = end
        parts += 1
        if kind == b"IEND":
            break
        if parts > MAX_PARTS:
            raise NotAnImage("image_damaged")
    if not has_pixels:
        raise NotAnImage("image_damaged")
    return StrippedImage("image/png", *size, b"".join(kept))


def _strip_jpeg(data: bytes) -> StrippedImage:
    kept: list[bytes] = []
    at, size, orientation, scans, parts = 2, (0, 0), 1, 0, 0
    while True:
        parts += 1
        if parts > MAX_PARTS:
            raise NotAnImage("image_damaged")
        marker, at = _marker(data, at)
        if marker == EOI:
            break
        segment_end = at + _segment_length(data, at)
        body = data[at + 2 : segment_end]
        if APP0 <= marker <= APP15 or marker == COM:
            orientation = _orientation(body) or orientation if marker == APP1 else orientation
            kept += _kept_app(marker, body)
            at = segment_end
            continue
        if 0xC0 <= marker <= 0xCF and marker not in NOT_SOF:
            size = _frame_size(body)
        start, at = at, segment_end
        if marker == SOS:
            scans += 1
            at = _end_of_scan(data, segment_end)
        kept.append(bytes((0xFF, marker)) + data[start:at])
    if size == (0, 0) or not scans:
        raise NotAnImage("image_damaged")
    head = bytes((0xFF, SOI)) + (_orientation_segment(orientation) if orientation > 1 else b"")
    return StrippedImage("image/jpeg", *size, head + b"".join(kept) + bytes((0xFF, EOI)))


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """The marker at `at`, fill bytes skipped, and where its segment begins."""
    if at >= len(data) or data[at] != 0xFF:
        raise NotAnImage("image_damaged")
    while at < len(data) and data[at] == 0xFF:
        at += 1
    if at >= len(data) or data[at] in (0x00, 0x01, SOI) or 0xD0 <= data[at] <= 0xD7:
        raise NotAnImage("image_damaged")
    return data[at], at + 1


def _segment_length(data: bytes, at: int) -> int:
    length = int.from_bytes(data[at : at + 2], "big")
    if length < 2 or at + length > len(data):
        raise NotAnImage("image_damaged")
    return length


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the entropy-coded data ends: at the next marker that is neither stuffing nor a restart (B.1.1.5)."""
    found = _MARKER_IN_SCAN.search(data, at)
    if found is None:
        raise NotAnImage("image_damaged")
    return found.start()


def _kept_app(marker: int, body: bytes) -> list[bytes]:
    """JFIF without its thumbnail, and Adobe's colour transform; nothing else."""
    if marker == APP0 and body.startswith(b"JFIF\0") and len(body) >= 14:
        return [struct.pack(">BBH", 0xFF, APP0, 16) + body[:12] + b"\0\0"]
    if marker == APP14 and body.startswith(b"Adobe") and len(body) >= 12:
        return [struct.pack(">BBH", 0xFF, APP14, 14) + body[:12]]
    return []


def _frame_size(body: bytes) -> tuple[int, int]:
    if len(body) < 6:
        raise NotAnImage("image_damaged")
    height, width = struct.unpack_from(">HH", body, 1)
    return _checked(width, height)


def _checked(width: int, height: int) -> tuple[int, int]:
    if not width or not height:
        raise NotAnImage("image_damaged")
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise NotAnImage("too_large")
    return width, height


def _orientation(body: bytes) -> int | None:
    """Tag 274 of IFD0, 1 to 8; None if this is no EXIF or does not say."""
    order = {b"Exif\0\0II*\0": "<", b"Exif\0\0MM\0*": ">"}.get(body[:10])
    if order is None or len(body) < 14:
        return None
    ifd = 6 + struct.unpack_from(f"{order}I", body, 10)[0]
    if ifd + 2 > len(body):
        return None
    (count,) = struct.unpack_from(f"{order}H", body, ifd)
    for entry in range(ifd + 2, min(ifd + 2 + 12 * count, len(body) - 11), 12):
        tag, kind = struct.unpack_from(f"{order}HH", body, entry)
        if tag == ORIENTATION_TAG and kind == 3:
            (value,) = struct.unpack_from(f"{order}H", body, entry + 8)
            return int(value) if 1 <= value <= 8 else None
    return None


def _orientation_segment(orientation: int) -> bytes:
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, ORIENTATION_TAG, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + tiff
    return struct.pack(">BBH", 0xFF, APP1, len(body) + 2) + body
