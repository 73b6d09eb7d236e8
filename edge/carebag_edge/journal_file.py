"""The one place where the journal's file is opened: private, its name on the disk, and nothing in it half forced."""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from carebag_edge.media_files import sync_folder

Connect = Callable[[Path], sqlite3.Connection]
DATABASE_ERRORS = (sqlite3.Error, sqlcipher.Error)
"""What a journal raises that could not read or write; sqlcipher3 has a tree of its own, of the same shape."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection that begins no transaction on its own, to a file that is made if it is not there."""
    make_file(path)
    connection = sqlite3.connect(path, isolation_level=None)
    # what rotted to no text any more must not fail the whole query: the digest finds it
    connection.text_factory = lambda text: text.decode(errors="replace")
    force_again(connection, path.with_name(path.name + "-wal"))
    return connection


def make_file(path: Path) -> None:
    """Its name is on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # the file holds patient data: its owner's alone, and so are the WAL files, which take over its mode
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    sync_folder(path.parent)  # SQLite forces the names of its WAL files, and never that of the database


def force_again(connection: sqlite3.Connection, wal: Path) -> None:
    """Write the WAL that an earlier process left once more, byte for byte, and force it.

    After a failed force Linux shows pages that are not on the disk and holds them for written. Whoever starts then
    finds a whole WAL; what is appended behind such a page would be lost with it when the power goes.
    """
    if not wal.exists():
        return
    connection.execute("BEGIN IMMEDIATE")  # nobody else appends meanwhile
    try:
        # SQLite removes one that lies beside a database which never came to the disk
        with contextlib.suppress(FileNotFoundError), wal.open("r+b") as file:
            content = file.read()
            file.seek(0)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    finally:
        connection.execute("ROLLBACK")
