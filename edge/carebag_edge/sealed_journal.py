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
from carebag_edge.errors import WrongJournal
from carebag_edge.journal_file import Connect, connect, force_again, make_file
from carebag_edge.journal_swap import begin_next, complete_next, finish_swap

log = logging.getLogger(__name__)
PLAIN = b"SQLite format 3\x00"
"""How an unencrypted journal begins; an encrypted one begins with its salt."""


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
    """Whether the journal lies there unencrypted."""
    try:
        with path.open("rb") as file:
            return file.read(len(PLAIN)) == PLAIN
    except FileNotFoundError:
        return False


def is_there(path: Path) -> bool:
    """Whether there is a journal at all; a file of no bytes is none yet."""
    return path.exists() and path.stat().st_size > 0


def take_over(path: Path, key: DataKey) -> bool:
    """Encrypt a journal of before, whole or not at all; True: it is encrypted now, or there was nothing to do.

    At each moment one whole journal lies there under its name. The power may go anywhere: the next start finishes it or
    begins anew.

    Returns: False if the disk did not let it; the journal is as it was.
    """
    finish_swap(path)
    if not is_plain(path):
        return True
    connect(path).close()  # what an earlier process left in the WAL is forced, as at any start
    try:
        part = begin_next(path)
        _copy(path, part, key)
        _prove_equal(path, part, key)
        complete_next(path)
    except (OSError, sqlite3.Error, sqlcipher.Error) as error:
        log.error("the journal could not be encrypted and stays as it was: %s", type(error).__name__)
        return False
    finish_swap(path)
    return True


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
