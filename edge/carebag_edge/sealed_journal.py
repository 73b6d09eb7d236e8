"""The journal as it lies on the disk: SQLCipher, which is SQLite with every page encrypted and authenticated.

AES-256 with an HMAC for each page, in the file and in its WAL. A journal from before is taken over once: copied, proved
equal, and only then put in its place.
"""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from sqlcipher3 import dbapi2 as sqlcipher

from carebag_edge.data_key import DataKey
from carebag_edge.errors import NoRoomToEncrypt, WrongJournal
from carebag_edge.journal_file import Connect, connect, force_again, make_file
from carebag_edge.journal_swap import begin_next, complete_next, finish_swap

log = logging.getLogger(__name__)
PLAIN = b"SQLite format 3\x00"
"""How an unencrypted journal begins; an encrypted one begins with its salt."""
ROTTEN_BITS = 16
"""A salt of 128 random bits is nearer to `PLAIN` than this once in 10 ** 18 journals; a beginning that rotted is."""
PERMISSION, BUSY, LOCKED, NO_MEMORY, READONLY, IO_ERROR, FULL, CANNOT_OPEN = 3, 5, 6, 7, 8, 10, 13, 14
CORRUPT, CONSTRAINT, NOT_A_DATABASE = 11, 19, 26
"""Result codes (sqlite.org/rescode.html)."""
TAKES_NOTHING = frozenset({PERMISSION, BUSY, LOCKED, NO_MEMORY, READONLY, IO_ERROR, FULL, CANNOT_OPEN})
"""Of a disk or system that does not let it; every other error of reading says that the journal is damaged."""
UNREADABLE = frozenset({CORRUPT, CONSTRAINT, NOT_A_DATABASE, None})
"""Of the copying, whose full disk is a plain error (1): what was read is damaged."""


def sealed(key: DataKey) -> Connect:
    """Opens journals with this key. A wrong key shows at the first statement that reads."""

    def connect_sealed(path: Path) -> sqlite3.Connection:
        make_file(path)
        connection = open_sealed(path, key)
        force_again(connection, path.with_name(path.name + "-wal"))
        return connection

    return connect_sealed


def open_sealed(path: Path, key: DataKey) -> sqlite3.Connection:
    """A connection and nothing else; the words of `sqlite3`, the errors of sqlcipher3."""
    connection = sqlcipher.connect(str(path), isolation_level=None)
    connection.execute("PRAGMA cipher_log_level = NONE")  # it would write of damaged pages to standard error
    connection.execute(f"PRAGMA key = {_raw(key)}")
    return cast("sqlite3.Connection", connection)


def opens(path: Path, key: DataKey) -> bool:
    """Whether this key opens the journal as far as its first page."""
    with contextlib.closing(open_sealed(path, key)) as db:
        try:
            db.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
        except sqlcipher.Error:
            return False
    return True


def is_plain(path: Path) -> bool:
    """Whether the journal lies there unencrypted; also where some bits of its beginning rotted."""
    try:
        with path.open("rb") as file:
            begins = file.read(len(PLAIN)).ljust(len(PLAIN), b"\0")
    except FileNotFoundError:
        return False
    return (int.from_bytes(begins) ^ int.from_bytes(PLAIN)).bit_count() <= ROTTEN_BITS


def is_there(path: Path) -> bool:
    """Whether there is a journal at all; a file of no bytes is none yet."""
    return path.exists() and path.stat().st_size > 0


def take_over(path: Path, key: DataKey, given: int = 0) -> bool:
    """Encrypt a journal of before, whole or not at all; True: it is encrypted now, or there was nothing to do.

    At each moment one whole journal lies there under its name. The power may go anywhere: the next start finishes it or
    begins anew.

    Args:
        given: up to this number a record may have gone to the hub.

    Returns: False if it can no longer be read: it is as it was, and to be mended (`journal_recovery.py`).

    Raises:
        NoRoomToEncrypt: the disk did not let it. No kit runs on an open journal: no page of it tells that it rotted.
        WrongJournal: the copy is not equal to it.
    """
    finish_swap(path)
    if not is_plain(path):
        return True
    try:
        if not _is_read(path, given):
            return False
        part = begin_next(path)
        _copy(path, part, key)
        _prove_equal(path, part, key)
        complete_next(path)
    except (OSError, sqlite3.Error, sqlcipher.Error) as error:
        if isinstance(error, OSError) or _code(error) not in UNREADABLE:
            raise _no_room(path) from None
        log.error("the journal, which is not encrypted, is damaged: %s", type(error).__name__)
        return False
    finish_swap(path)
    return True


def _is_read(path: Path, given: int) -> bool:
    """Whether every row can be read, and no number is missing: rows that SQLite leaves out without a word show as
    holes, those at the end by what the hub may have.

    Raises:
        OSError, sqlite3.Error: the disk does not let it be opened.
    """
    try:
        with contextlib.closing(connect(path)) as db:  # what an earlier process left in the WAL is forced
            tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            for table in tables:
                db.execute(f'SELECT * FROM "{table}" NOT INDEXED').fetchall()  # noqa: S608
            if not tables:
                return given == 0  # nothing was ever written
            count, last = db.execute("SELECT COUNT(*), COALESCE(MAX(kit_seq), 0) FROM record NOT INDEXED").fetchone()
    except sqlite3.Error as error:
        if _code(error) in TAKES_NOTHING:
            raise
        log.error("the journal, which is not encrypted, is damaged: %s", type(error).__name__)
        return False
    if not count == last >= given:
        log.error("the journal, which is not encrypted, has lost records")
        return False
    return True


def _code(error: Exception) -> int | None:
    """None of an error that is not SQLite's own: text that is none."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _no_room(path: Path) -> NoRoomToEncrypt:
    with contextlib.suppress(OSError):
        begin_next(path)  # what was written of the copy goes, and leaves its room
    size = sum(file.stat().st_size for file in (path, path.with_name(path.name + "-wal")) if file.exists())
    return NoRoomToEncrypt(
        "the journal of an earlier version is not encrypted, and the disk takes no encrypted copy of it: make"
        f" {2 * size // 2**20 + 8} MB of room and start again. Nothing was changed"
    )


def _copy(plain: Path, part: Path, key: DataKey) -> None:
    make_file(part)
    with _both(plain, part, key) as db:
        db.execute("SELECT sqlcipher_export('other')").fetchall()
        [(version,)] = db.execute("PRAGMA main.user_version").fetchall()
        db.execute(f"PRAGMA other.user_version = {version}")
    with contextlib.closing(open_sealed(part, key)) as db:
        db.execute("REINDEX")  # the export copies indexes as they lie there, also a rotten one
    with part.open("r+b") as file:
        os.fsync(file.fileno())


def _prove_equal(plain: Path, part: Path, key: DataKey) -> None:
    """Every table and index, every row, read anew.

    Raises:
        WrongJournal: something differs.
    """
    if not opens(part, key):
        raise WrongJournal("the encrypted copy of the journal does not open")
    schema = "SELECT type, name, tbl_name, sql FROM {}.sqlite_schema"
    with _both(plain, part, key) as db:
        damaged = db.execute("PRAGMA other.cipher_integrity_check").fetchall()
        tables = [name for (name,) in db.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'")]
        queries = [schema, *(f'SELECT * FROM {{}}."{name}"' for name in tables)]  # noqa: S608
        same = all(_rows(db, query.format("main")) == _rows(db, query.format("other")) for query in queries)
        same &= db.execute("PRAGMA main.user_version").fetchall() == db.execute("PRAGMA other.user_version").fetchall()
    if damaged or not same:
        raise WrongJournal("the encrypted copy of the journal is not equal to it")


def _rows(db: sqlite3.Connection, query: str) -> list[str]:
    return sorted(map(repr, db.execute(query).fetchall()))


@contextlib.contextmanager
def _both(plain: Path, part: Path, key: DataKey) -> Iterator[sqlite3.Connection]:
    """`main` is the one of before, `other` the encrypted one."""
    with contextlib.closing(sqlcipher.connect(str(plain), isolation_level=None)) as db:
        db.execute("PRAGMA cipher_log_level = NONE")
        db.execute(f"ATTACH ? AS other KEY {_raw(key)}", (str(part),))
        yield cast("sqlite3.Connection", db)


def _raw(key: DataKey) -> str:
    """A raw key needs no derivation from a passphrase, which would cost a quarter of a second at each opening."""
    return f"\"x'{journal_secret(key).hex()}'\""


def journal_secret(key: DataKey) -> bytes:
    """The raw key of its pages, 32 bytes."""
    return key.derived("journal")
