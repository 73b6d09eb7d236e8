"""An encrypted journal as it stood after its last commit, page by page, from its file and its write-ahead log. Pure.

Each page tells by its HMAC whether it is as it was written.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from carebag_edge.sealed_pages import PAGE, SALT, Cipher4
from carebag_edge.wal_frames import Frame, frames, has_true_header, mended

SALT_TRIES = 8
"""So many pages must deny a salt before it is believed to be rotten."""
MENDING_TRIES = 40
"""Where more than so many pages are lost, the others are not tried: each takes a quarter of a second."""
SIZE_AT, FREELIST_AT = 28, 32
"""Where page 1 notes how many pages there are, and the first trunk of the freelist (section 1.3)."""


@dataclass
class Image:
    """What was found. A page of `pages` is as it was written; of one in `lost` the last version is gone."""

    cipher: Cipher4
    size: int = 0
    knows_salt: bool = True
    """Without it no page can be told to be true, and none be mended."""
    pages: dict[int, bytes] = field(default_factory=dict)
    lost: dict[int, bytes] = field(default_factory=dict)
    older: list[tuple[int, bytes]] = field(default_factory=list)
    """True pages that were written over since, by number; the oldest first."""
    mended: int = 0
    """Pages in which one bit was turned back."""
    knows_free: bool = False
    """The freelist could be read to its end: every page of `pages` is in use."""
    behind: int = 0
    """Frames that SQLite would leave out, behind one that rotted."""

    log_is_read: bool = True
    """SQLite would read the log: its header is as it was written."""
    salt_stands: bool = True
    """The file begins with its salt; it is read from there also where the log has page 1."""

    @property
    def is_sound(self) -> bool:
        return self.log_is_read and self.salt_stands and not (self.mended or self.behind or self.lost)

    @property
    def whole(self) -> bytes | None:
        """The file as it would be with nothing in its log; None: pages are lost."""
        if self.lost:
            return None
        # what only the freelist knows may be anything
        pages = (self.pages.get(number, bytes(PAGE)) for number in range(1, self.size + 1))
        return self.cipher.salt + b"".join(pages)[SALT:]

    def opened(self) -> Iterator[tuple[int, bytes]]:
        """The pages of now, as SQLite would see them."""
        for number, page in self.pages.items():
            yield number, self.cipher.opened(number, page)


def read_image(file: bytes, wal: bytes, key: bytes, tries: int = MENDING_TRIES) -> Image:
    """The journal of this raw key; whatever the bytes are, without an error.

    Args:
        tries: of how many pages that are not true the bit is looked for.
    """
    log = list(frames(wal))
    salt = _salt(file, log, key)
    cipher = Cipher4(key, salt or file[:SALT].ljust(SALT, b"\0"))
    image = Image(cipher, knows_salt=salt is not None, salt_stands=file[:SALT] == salt)
    committed = _committed(log)
    committed += _behind(log[len(committed) :], image)
    current: dict[int, bytes] = {at // PAGE + 1: file[at : at + PAGE] for at in range(0, len(file) - PAGE + 1, PAGE)}
    image.log_is_read = has_true_header(wal) or not committed
    for one in committed:
        if one.number in current and cipher.is_true(one.number, current[one.number]):
            image.older.append((one.number, current[one.number]))
        current[one.number] = one.page
    logged = next((one.pages_after for one in reversed(committed) if one.pages_after and one.fits), 0)
    image.size = logged or max(len(current), _noted_size(cipher, current), bool(file))
    for number in range(1, image.size + 1):
        _judge(image, number, current.get(number, bytes(PAGE)), tries)
    # one that is not as it was may have been any page; one that follows nothing may be from before a power cut
    unknown = not all(one.fits for one in committed)
    for number in _free(image):
        image.lost.pop(number, None)
        image.pages.pop(number, None)
    image.knows_free &= not unknown
    return image


def _noted_size(cipher: Cipher4, current: dict[int, bytes]) -> int:
    """How many pages the file should have, as its first one says; 0: that one is not true."""
    if 1 not in current or not cipher.is_true(1, current[1]):
        return 0
    (size,) = struct.unpack_from(">I", cipher.opened(1, current[1]), SIZE_AT)
    return int(size)


def _judge(image: Image, number: int, page: bytes, tries: int) -> None:
    if image.cipher.is_true(number, page):
        image.pages[number] = page
        return
    tried = image.knows_salt and len(image.lost) < tries and any(page)
    whole = image.cipher.mended(number, page) if tried else None
    if whole is None:
        image.lost[number] = page
    else:
        image.pages[number] = whole
        image.mended += 1


def _committed(log: list[Frame]) -> list[Frame]:
    """What SQLite believes: an unbroken row from the first, up to the last end of a transaction."""
    valid = 0
    for place, one in enumerate(log):
        if not one.fits:
            break
        if one.pages_after:
            valid = place + 1
    return log[:valid]


def _behind(rest: list[Frame], image: Image) -> list[Frame]:
    """What SQLite would leave out although it was committed: behind a frame that rotted the row goes on.

    After a power cut the frame that tore is the last one, or what stands behind it was never acknowledged: keeping that
    too is no loss.
    """
    found: list[Frame] = []
    last = turned = tried = 0
    for place, one in enumerate(rest):
        if place:
            one = replace(one, before=found[-1].noted)
        if not one.fits and image.knows_salt and tried < MENDING_TRIES:
            whole = mended(one, image.cipher)
            turned += whole is not None
            tried += whole is None and one.salt_bits_off == 0
            one = whole or one
        found.append(one)
        if one.fits and one.pages_after and one.is_true(image.cipher):
            last = len(found)
            image.behind, image.mended = last, turned
    return [one for one in found[:last] if one.salt_bits_off == 0 or one.is_true(image.cipher)]


def _salt(file: bytes, log: list[Frame], key: bytes) -> bytes | None:
    """Of the file: where it begins, in the log's copies of page 1, or with one bit turned back. None: no page fits."""
    stands = file[:SALT].ljust(SALT, b"\0")
    samples = [(at // PAGE + 1, file[at : at + PAGE]) for at in range(0, len(file) - PAGE + 1, PAGE)]
    samples = [*((one.number, one.page) for one in log[:SALT_TRIES]), *samples[:SALT_TRIES]]
    turned = (_turned(stands, bit) for bit in range(SALT * 8))
    for salt in (stands, *(one.page[:SALT] for one in log if one.number == 1), *turned):
        cipher = Cipher4(key, salt)
        if any(cipher.is_true(number, page) for number, page in samples):
            return salt
    return None


def _turned(salt: bytes, bit: int) -> bytes:
    return (int.from_bytes(salt) ^ 1 << bit).to_bytes(SALT)


def _free(image: Image) -> set[int]:
    """Pages that hold nothing: leaves of the freelist (file format, section 1.5). Its trunks must be true."""
    free: set[int] = set()
    if 1 not in image.pages:
        return free
    (trunk,) = struct.unpack_from(">I", image.cipher.opened(1, image.pages[1]), FREELIST_AT)
    seen: set[int] = set()
    while trunk in image.pages and trunk not in seen:
        seen.add(trunk)
        page = image.cipher.opened(trunk, image.pages[trunk])
        trunk_next, count = struct.unpack_from(">II", page)
        free |= set(struct.unpack_from(f">{min(count, PAGE // 4 - 2)}I", page, 8))
        trunk = trunk_next
    image.knows_free = trunk == 0
    return free
