"""Makes a backup while the hub runs: first the database, as of one moment, then the files that it names.

A row of `media` is written only after its file is whole, so every file that the copy names is there; what comes later
is of the next backup. Kits that were acknowledged before that moment lose nothing.
"""

import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from uuid import UUID, uuid5

from sqlalchemy import Connection, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from carebag.backup.folder import (
    BackupFault,
    BackupFolder,
    Damaged,
    file_of,
    find_backup,
    forced,
    is_sound,
    is_stale,
    read_only,
    transfer,
)
from carebag.backup.manifest import (
    DATABASE_FILE,
    MANIFEST_FILE,
    MEDIA_FILE,
    AuditAt,
    File,
    Lacking,
    Manifest,
    Rows,
    write_manifest,
    write_media_list,
)
from carebag.backup.rows import copy_to_sqlite, tallies
from carebag.backup.sealed_folder import SealedFolder
from carebag_server.audit import GENESIS
from carebag_server.database import Database, make_engine
from carebag_server.media import MediaAway, MediaStore
from carebag_server.migrate import NewerStore, revision_of, upgrade
from carebag_server.tables import AuditHead, Installation, MediaRow

_HUBS = UUID("0f5b0a52-6c3c-4a57-9a3e-8f3a8d6f0c11")
_PAGES_AT_ONCE = 4096
_CLEAR = ".backup-"

Steps = Callable[[str, int], Callable[[], None]]
"""Told what begins and how many steps it has; gives what to call after each."""


def no_steps(_what: str, _total: int) -> Callable[[], None]:
    return lambda: None


@dataclass(frozen=True, kw_only=True)
class Made:
    path: Path
    manifest: Manifest
    copied: int
    """Files that were not in the pool before."""
    forgotten: list[str]


@dataclass(frozen=True)
class _Copy:
    """What the copied database says."""

    revision: str
    installation: str
    stamped_at: datetime
    audit: AuditAt
    tables: dict[str, Rows]
    media: list[tuple[str, int]]


def make_backup(
    url: str,
    media: MediaStore,
    to: BackupFolder,
    now: datetime,
    *,
    keep: int = 0,
    recheck: bool = False,
    steps: Steps = no_steps,
) -> Made:
    """Write one more backup into a folder; only what the pool lacks is copied of the files.

    Args:
        keep: so many backups stay, this one included; 0: all.
        recheck: read also what the pool has, and copy anew what has rotted there.

    Raises:
        BackupFault: nothing that looks like a backup was left.
    """
    _kind(url)
    try:
        to.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if recheck and isinstance(to, SealedFolder):
            raise BackupFault(
                "what is encrypted cannot be read here: where the key is, carebag restore --check --key FILE does it"
            )
        with to.unfinished() as place, _clear(to, place, media) as clear:
            copy = _copy_database(url, clear / DATABASE_FILE, steps)
            hub_id = uuid5(_HUBS, f"{copy.installation} {copy.stamped_at.isoformat()}")
            _refuse_other_hub(to, hub_id)
            lacking, copied = _copy_media(copy.media, media, to, recheck, steps)
            manifest = _describe(clear, copy, lacking, now.astimezone(UTC), hub_id, _kind(url))
            _write(clear / MANIFEST_FILE, write_manifest(manifest))
            if isinstance(to, SealedFolder):
                to.seal(clear, place, manifest)
            path = to.finish(place, manifest.made_at)
        return Made(path=path, manifest=manifest, copied=copied, forgotten=to.forget(keep))
    except (OSError, MediaAway) as error:
        why = getattr(error, "strerror", None) or error
        raise BackupFault(
            f"{to.path} cannot be written: {why}. No backup was made. Is there room, may this user write?"
        ) from None


@contextmanager
def _clear(to: BackupFolder, place: Path, media: MediaStore) -> Iterator[Path]:
    """Where the backup's parts are made: in their place, or, to be sealed from there, on the hub's own disk."""
    if not isinstance(to, SealedFolder):
        yield place
        return
    media.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in media.folder.glob(f"{_CLEAR}*"):
        if is_stale(left):
            shutil.rmtree(left, ignore_errors=True)  # of a run that was killed
    clear = Path(tempfile.mkdtemp(prefix=_CLEAR, dir=media.folder))
    try:
        yield clear
    finally:
        shutil.rmtree(clear, ignore_errors=True)


def _describe(
    place: Path, copy: _Copy, lacking: list[Lacking], made_at: datetime, hub_id: UUID, engine: str
) -> Manifest:
    gone = {one.sha256 for one in lacking}
    there = [(sha256, size) for sha256, size in copy.media if sha256 not in gone]
    return Manifest(
        carebag=version("carebag"),
        made_at=made_at,
        hub_id=hub_id,
        installation=copy.installation,
        engine=engine,
        revision=copy.revision,
        database=file_of(place / DATABASE_FILE),
        tables=copy.tables,
        audit=copy.audit,
        media_list=_write(place / MEDIA_FILE, write_media_list(sha256 for sha256, _ in there)),
        media_files=len(there),
        media_bytes=sum(size for _, size in there),
        lacking=lacking,
    )


def _kind(url: str) -> str:
    try:
        kind = make_url(url).get_backend_name()
    except ArgumentError:
        kind = ""
    if kind not in {"sqlite", "postgresql"}:
        raise BackupFault("the database's address must be sqlite:///FILE or postgresql+psycopg://…")
    return kind


def _copy_database(url: str, file: Path, steps: Steps) -> _Copy:
    try:
        if _kind(url) == "sqlite":
            tables = None
            _copy_sqlite(make_url(url).database, file, steps)
        else:
            tables = _copy_postgresql(url, file, steps)
        copy = _read_copy(file)
    except NewerStore as newer:
        raise BackupFault(
            f"the database is of a newer Carebag than this program (tables {newer.found}, known up to {newer.known}): "
            "back it up with that one"
        ) from None
    except sqlite3.Error as error:
        raise BackupFault(f"the database cannot be copied: {error}. No backup was made") from None
    except DBAPIError as error:
        raise BackupFault(f"the database cannot be read: {_first_line(error)}. No backup was made") from None
    if tables is not None and tables != copy.tables:
        raise BackupFault("the copy does not have the rows of the database. No backup was made; please report this")
    forced(file)
    return copy


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]


def _copy_sqlite(source: str | None, file: Path, steps: Steps) -> None:
    """By SQLite's own means. The open transaction holds one moment: writers go on, and the copy never begins anew."""
    if not source or not Path(source).is_file():
        raise BackupFault("no database at that address")
    with closing(sqlite3.connect(source, isolation_level=None)) as read, closing(sqlite3.connect(file)) as write:
        read.execute("PRAGMA busy_timeout=20000")
        read.execute("BEGIN")
        read.execute("SELECT count(*) FROM sqlite_master").fetchone()  # only now the transaction holds its moment
        pages = int(read.execute("PRAGMA page_count").fetchone()[0])
        step = steps("database", -(-pages // _PAGES_AT_ONCE))
        write.execute("PRAGMA synchronous=OFF")  # forced as a whole at the end
        read.backup(write, pages=_PAGES_AT_ONCE, progress=lambda *_: step(), sleep=0)
        write.execute("PRAGMA journal_mode=DELETE")  # one file, without -wal and -shm
        said = write.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise BackupFault(
            f"the database itself is damaged: {said}. No backup was made; the earlier ones are as they were"
        )


def _copy_postgresql(url: str, file: Path, steps: Steps) -> dict[str, Rows]:
    """All rows as of one moment (REPEATABLE READ), without pg_dump, whose version would have to fit the server's."""
    step = steps("database", 1)
    source, target = Database(url), make_engine(f"sqlite:///{file}")
    try:
        with source.reading() as session:
            connection = session.connection()
            upgrade(target, _revision(connection))
            with target.connect() as write:
                write.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
                found = copy_to_sqlite(connection, write)
                write.commit()
    finally:
        source.dispose()
        target.dispose()
    with closing(sqlite3.connect(file)) as write:
        write.execute("PRAGMA journal_mode=DELETE")
    step()
    return found


def _revision(connection: Connection) -> str:
    revision = revision_of(connection)
    if revision is None:
        raise BackupFault("that database is none of Carebag's: it has no tables of it")
    return revision


def _read_copy(file: Path) -> _Copy:
    engine = read_only(file)
    try:
        with engine.connect() as connection:
            revision, tables = _revision(connection), tallies(connection)
            installation = connection.execute(select(Installation.kind, Installation.created_at)).first()
            head = connection.execute(select(AuditHead.events, AuditHead.hash)).first()
            rows = connection.execute(select(MediaRow.sha256, MediaRow.bytes_stored).order_by(MediaRow.sha256))
            media = [(row.sha256, row.bytes_stored) for row in rows]
    finally:
        engine.dispose()
    if installation is None:
        raise BackupFault("no hub has ever started on that database: there is nothing to back up")
    events, digest = head or (0, GENESIS)
    return _Copy(
        revision, installation.kind, installation.created_at, AuditAt(events=events, hash=digest), tables, media
    )


def _refuse_other_hub(to: BackupFolder, hub_id: UUID) -> None:
    if isinstance(to, SealedFolder):
        to.refuse_others(hub_id)
    elif to.names() and find_backup(to.path).manifest.hub_id != hub_id:
        raise BackupFault(f"{to.path} holds the backups of another hub: give this one a folder of its own")


def _copy_media(
    named: Iterable[tuple[str, int]], media: MediaStore, to: BackupFolder, recheck: bool, steps: Steps
) -> tuple[list[Lacking], int]:
    pool: MediaStore = to.sealed_pool if isinstance(to, SealedFolder) else to.pool
    writer = to.sealed_pool.writer if isinstance(to, SealedFolder) else None
    wanted = [sha256 for sha256, size in named if pool.size(sha256) != size or (recheck and not is_sound(pool, sha256))]
    step, lacking = steps("files", len(wanted)), []
    for sha256 in wanted:
        try:
            transfer(media, pool, sha256, writer)
        except FileNotFoundError:
            lacking.append(Lacking(sha256=sha256, why="missing"))
        except Damaged:
            lacking.append(Lacking(sha256=sha256, why="damaged"))
        except MediaAway:
            _still_there(media)
            lacking.append(Lacking(sha256=sha256, why="unreadable"))
        step()
    return lacking, len(wanted) - len(lacking)


def _still_there(media: MediaStore) -> None:
    try:
        media.check()
    except MediaAway as away:
        raise BackupFault(f"the media store does not answer ({away}). No backup was made") from None


def _write(path: Path, content: str) -> File:
    path.write_text(content, encoding="ascii", newline="\n")
    forced(path)
    return File(bytes_stored=len(content), sha256=hashlib.sha256(content.encode()).hexdigest())
