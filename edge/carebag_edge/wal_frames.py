"""The frames of a write-ahead log, valid or not (sqlite.org/fileformat2.html, section 4). Pure.

SQLite ends its log at the first frame that does not fit. After a power cut that is right; after rot it silently leaves
out what stands behind. A running checksum tells which frame follows which, and the HMAC of the page in it, if it is as
it was written.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from carebag_edge.sealed_pages import PAGE, Cipher4

HEADER, FRAME_HEADER = 32, 24
FRAME = FRAME_HEADER + PAGE
MAGICS = {0x377F0682: "<", 0x377F0683: ">"}
"""Which byte order the checksums are made in."""
Sum = tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """A page in the log."""

    number: int
    pages_after: int
    """Of the whole file, if this frame ends a transaction; else 0."""
    page: bytes = field(repr=False)
    salt_bits_off: int
    """0: it bears the salts of the log's header; others are of an earlier round."""
    before: Sum
    """The checksum that the frame before has noted."""
    noted: Sum
    order: str

    @property
    def follows(self) -> bool:
        """Whether it goes on from the one before, as that is noted."""
        return self.computed == self.noted

    @property
    def fits(self) -> bool:
        return self.salt_bits_off == 0 and self.follows

    @property
    def computed(self) -> Sum:
        return checksum(struct.pack(">II", self.number, self.pages_after) + self.page, self.before, self.order)

    def is_true(self, cipher: Cipher4) -> bool:
        return cipher.is_true(self.number, self.page)


def frames(wal: bytes) -> Iterator[Frame]:
    """Every whole frame that lies there, in the order of their places."""
    if len(wal) < HEADER + FRAME:
        return
    known = _pair(wal[24:32])
    order = _order(wal, known)
    salts = wal[16:24] if has_true_header(wal) else wal[HEADER + 8 : HEADER + 16]
    for at in range(HEADER, len(wal) - FRAME + 1, FRAME):
        head = wal[at : at + FRAME_HEADER]
        number, pages_after = _pair(head[:8])
        noted = _pair(head[16:24])
        page = wal[at + FRAME_HEADER : at + FRAME]
        yield Frame(number, pages_after, page, _bits_off(head[8:16], salts), known, noted, order)
        known = noted


def _order(wal: bytes, known: Sum) -> str:
    """As the header says; if that rotted, the one by which the first frame follows."""
    first = wal[HEADER : HEADER + 8] + wal[HEADER + FRAME_HEADER : HEADER + FRAME]
    noted = _pair(wal[HEADER + 16 : HEADER + 24])
    said = MAGICS.get(int.from_bytes(wal[:4]), "<")
    return next((one for one in (said, "<", ">") if checksum(first, known, one) == noted), said)


def has_true_header(wal: bytes) -> bool:
    """Whether SQLite would read this log at all; an empty one has nothing to be read."""
    if len(wal) < HEADER + FRAME:
        return True
    order = MAGICS.get(int.from_bytes(wal[:4]))
    return order is not None and checksum(wal[:24], (0, 0), order) == _pair(wal[24:32])


def mended(frame: Frame, cipher: Cipher4) -> Frame | None:
    """The frame with the one bit turned back that makes it fit; None: more than one is wrong, or it never was of this
    log."""
    if frame.salt_bits_off == 1 and frame.follows:
        return replace(frame, salt_bits_off=0)
    if frame.salt_bits_off:
        return None
    if frame.is_true(cipher):
        return _with_sum(frame) or _with_bit(frame, "pages_after")
    if (turned := _with_bit(frame, "number")) is not None and turned.is_true(cipher):
        return turned
    page = cipher.mended(frame.number, frame.page)
    whole = replace(frame, page=page) if page is not None else None
    return whole if whole is not None and whole.follows else None


def _with_sum(frame: Frame) -> Frame | None:
    first, second = (one ^ two for one, two in zip(frame.computed, frame.noted, strict=True))
    return replace(frame, noted=frame.computed) if first.bit_count() + second.bit_count() == 1 else None


def _with_bit(frame: Frame, name: str) -> Frame | None:
    for bit in range(32):
        turned = replace(frame, **{name: getattr(frame, name) ^ 1 << bit})
        if turned.follows:
            return turned
    return None


def _pair(data: bytes) -> Sum:
    first, second = struct.unpack(">II", data)
    return int(first), int(second)


def _bits_off(one: bytes, two: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(two)).bit_count()


def checksum(data: bytes, start: Sum, order: str) -> Sum:
    """SQLite's running sum over pairs of words of 32 bits (file format, section 4.2)."""
    first, second = start
    for one, two in struct.iter_unpack(f"{order}II", data):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second
