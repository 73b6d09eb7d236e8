"""A journal in which the disk rotted, made whole again as far as it goes: before a kit opens it.

What one turned bit broke is turned back, and the journal is as it was. Where more is gone, every record that still fits
its digest and the kit's signature goes into a new journal; the numbers of the others stay taken, and count as damaged.
The damaged files stay beside it as they are, encrypted or not. See docs/decisions/0029-what-rotted-is-set-aside.md.
"""

import base64
import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature

from carebag_edge.data_key import DataKey
from carebag_edge.errors import WrongJournal
from carebag_edge.journal import Journal
from carebag_edge.journal_file import DATABASE_ERRORS, make_file
from carebag_edge.journal_memory import Remembered
from carebag_edge.journal_refill import Remains, refill
from carebag_edge.journal_rows import entry_of
from carebag_edge.journal_swap import begin_next, complete_next, finish_swap, keep_aside
from carebag_edge.journal_tables import BINDING_STATE
from carebag_edge.keys import KitKey
from carebag_edge.sealed_image import Image, read_image
from carebag_edge.sealed_journal import is_plain, is_there, journal_secret, sealed
from carebag_edge.sealed_pages import PAGE, USABLE
from carebag_edge.sqlite_leaves import Row, Value, rows_of
from carebag_edge.wal_frames import frames

log = logging.getLogger(__name__)
RECORD_COLUMNS, MEDIA_COLUMNS, STATE_COLUMNS = 11, 5, 2
SHA256_CHARS = 64


@dataclass(frozen=True)
class Recovery:
    """What was done, for the log and the tests."""

    mended: int
    """Pages with one bit turned back."""
    records: int
    lost: int
    """Numbers whose record is gone."""


def recover(path: Path, data_key: DataKey, key: KitKey, given: int = 0) -> Recovery | None:
    """Look at every page of a journal that nobody has open; None: nothing was wrong.

    An unencrypted one is here only where it could not be read; what it holds goes into an encrypted one.

    Args:
        given: up to this number a record may have gone to the hub: none of them is given again.

    Raises:
        WrongJournal: damaged, and the disk did not let a new one be written; nothing was changed.
    """
    if not is_there(path):
        return None
    try:
        done = _of_open(path, data_key, key, given) if is_plain(path) else _of_encrypted(path, data_key, key, given)
        if done is None:
            return None
        keep_aside(path)
        complete_next(path)
        finish_swap(path)
    except (OSError, *DATABASE_ERRORS) as error:
        raise WrongJournal(
            f"the journal is damaged and could not be mended ({type(error).__name__}): make room on the disk and start"
            " again. Nothing was changed"
        ) from None
    log.error("the journal was mended: %d records are there, %d are lost", done.records, done.lost)
    return done


def _of_open(path: Path, data_key: DataKey, key: KitKey, given: int) -> Recovery:
    log.error("the journal of an earlier version is damaged")
    return refilled(begin_next(path), open_remains(path.read_bytes(), wal_of(path), key), data_key, key, given)


def _of_encrypted(path: Path, data_key: DataKey, key: KitKey, given: int) -> Recovery | None:
    image = read_image(path.read_bytes(), wal_of(path), journal_secret(data_key))
    if image.is_sound:
        return None
    log.error(
        "the journal is damaged: %d pages mended, %d lost, %d behind a damaged place",
        image.mended,
        len(image.lost),
        image.behind,
    )
    return rebuild(begin_next(path), image, data_key, key, given)


def rebuild(
    part: Path, image: Image, data_key: DataKey, key: KitKey, given: int, kept: Remembered | None = None
) -> Recovery:
    """What the image holds, as a journal in a new file, forced.

    Args:
        kept: what a kit that runs has in memory of it; its states are those of now.

    Raises:
        OSError, a database's errors: the disk did not take it.
    """
    # where frames may be out of date, what they say of an open visit is not believed: records alone are taken
    whole = image.whole if image.knows_free else None
    if kept is not None and is_behind(image, key, kept):
        whole = None
    if whole is None:
        found = remains(image, key)
        if not image.knows_free:
            # a page that is in use no more may say that a visit is open: the nurse opens hers again
            found.state = {name: value for name, value in found.state.items() if name not in BINDING_STATE}
        return refilled(part, found, data_key, key, given, kept, mended=image.mended)
    _write(part, whole)
    return Recovery(image.mended, _count(part, data_key, key), 0)


def is_behind(image: Image, key: KitKey, kept: Remembered) -> bool:
    """Whether the pages lack something that was written, as memory has it; what the hub has is no matter."""
    found = remains(image, key)
    return max(found.records, default=0) < kept.last or found.state != kept.states


def wal_of(path: Path) -> bytes:
    """The write-ahead log beside it; none is empty."""
    with contextlib.suppress(FileNotFoundError):
        return path.with_name(path.name + "-wal").read_bytes()
    return b""


def _write(part: Path, content: bytes) -> None:
    make_file(part)
    with part.open("r+b") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _count(part: Path, data_key: DataKey, key: KitKey) -> int:
    """Also proves that it opens."""
    journal = Journal(part, key, sealed(data_key))
    with contextlib.closing(journal):
        return len(journal.numbers())


# What is left


def remains(image: Image, key: KitKey) -> Remains:
    """Out of every page that is there; a record counts if its digest and the kit's signature fit."""
    found = Remains()
    opened = dict(image.opened())
    broken = {number: image.cipher.opened(number, page) for number, page in image.lost.items()}
    older = [(number, image.cipher.opened(number, page)) for number, page in image.older]

    def rows(pages: Iterable[tuple[int, bytes]], searched: int = 0) -> Iterator[Row]:
        for number, page in pages:
            yield from rows_of(number, page, USABLE, lambda at: opened.get(at) or broken.get(at), searched=searched)

    for row in rows(opened.items()):
        if len(row.values) == RECORD_COLUMNS:
            _take_record(found, row if image.knows_free else as_unsent(row), key)
        _take_other(found, row.values)
    for row in rows(older):
        if len(row.values) == RECORD_COLUMNS:
            _take_record(found, as_unsent(row), key)
    for row in rows(broken.items(), RECORD_COLUMNS):
        _take_record(found, as_unsent(row, is_true=False), key)
    return found


def open_remains(file: bytes, wal: bytes, key: KitKey) -> Remains:
    """What an unencrypted journal still holds: the records whose signature fits, of any page, old ones too. Pure.

    No page tells whether it is as it was written, so nothing else is believed: the hub is asked what it has.
    """
    pages = {at // PAGE + 1: file[at : at + PAGE] for at in range(0, len(file) - PAGE + 1, PAGE)}
    older = list(pages.items())
    pages |= {one.number: one.page for one in frames(wal) if one.follows}
    found = Remains()
    for searched in (0, RECORD_COLUMNS):
        for number, page in [*pages.items(), *older]:
            for row in rows_of(number, page, PAGE, pages.get, searched=searched):
                if len(row.values) == RECORD_COLUMNS and row.rowid not in found.records:
                    unsent = as_unsent(row, is_true=False)
                    if is_proved(unsent, key):
                        found.records[row.rowid] = unsent.values[1:]
    return found


def _take_other(found: Remains, values: tuple[Value, ...]) -> None:
    """A file, or what the kit remembers."""
    if len(values) == MEDIA_COLUMNS and isinstance(values[0], str) and len(values[0]) == SHA256_CHARS:
        found.media[values[0]] = values[2:]
    elif len(values) == STATE_COLUMNS and isinstance(values[0], str) and isinstance(values[1], str):
        found.state[values[0]] = values[1]


def _take_record(found: Remains, row: Row, key: KitKey) -> None:
    if row.rowid not in found.records and is_proved(row, key):
        found.records[row.rowid] = row.values[1:]


def as_unsent(row: Row, *, is_true: bool = True) -> Row:
    """Of a page that may be out of date: the hub is asked again what it has. Of one that is not true only what the
    signature proves, which the device's own number of a measurement is not."""
    return Row(row.rowid, (*row.values[:5], row.values[5] if is_true else None, *row.values[6:9], None, None))


def is_proved(row: Row, key: KitKey) -> bool:
    """Whether this row of `record` holds what the kit signed under this number."""
    record_id, payload, sha256, signature, received_at = (row.values[at] for at in (1, 6, 7, 8, 9))
    if not all(isinstance(one, str) for one in (record_id, payload, sha256, signature)):
        return False
    received = received_at if isinstance(received_at, str) else None
    entry = entry_of((row.rowid, str(record_id), str(payload), str(sha256), str(signature), received))
    if entry is None:
        return False
    try:
        key.private.public_key().verify(base64.b64decode(str(signature)), str(payload).encode())
    except (InvalidSignature, ValueError):
        return False
    return True


# Into a new journal


def refilled(
    part: Path,
    found: Remains,
    data_key: DataKey,
    key: KitKey,
    given: int,
    kept: Remembered | None = None,
    *,
    mended: int = 0,
) -> Recovery:
    """What is left, and what memory has beside it, as `rebuild`."""
    if kept is not None:
        found.state = dict(kept.states)
        found.records = {**kept.records, **found.records}
        given = max(given, kept.last)
    Journal(part, key, sealed(data_key)).close()
    with contextlib.closing(sealed(data_key)(part)) as db:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        lost = refill(db, found, given)
    if kept is not None:
        kept.last = max(kept.last, len(found.records) + lost)  # the next number is behind all that are taken
    with part.open("r+b") as file:
        os.fsync(file.fileno())
    return Recovery(mended, len(found.records), lost)
