"""A folder of backups: `backups/TIME/` for each, and one pool of files, `media/ab/abcdef…`, that all of them share.

A backup is put together under a name that is none (`.unfinished-…`) and gets its own by one rename, when all of it is
on the disk. One that is taken away loses its name first.
"""

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, create_engine

from carebag.backup.manifest import (
    ABOUT_FILE,
    DATABASE_FILE,
    MANIFEST_FILE,
    MEDIA_FILE,
    MEDIA_FOLDER,
    BadManifest,
    File,
    Manifest,
    read_manifest,
    read_media_list,
)
from carebag_server.media import MediaAway, MediaFolder, MediaStore, force_folder

_UNFINISHED = ".unfinished-"
_STALE_S = 86_400
_AT_ONCE = 1024 * 1024


class BackupFault(Exception):
    """It cannot be done; the text says why, what was left as it was, and what to do."""


class Damaged(Exception):
    """A file has other bytes than its name says."""


class Backup:
    """One whole backup.

    Raises:
        BadManifest, OSError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path = path.resolve()
        self.manifest: Manifest = read_manifest(_text(path / MANIFEST_FILE))
        self.pool = MediaFolder(path.parents[1] / MEDIA_FOLDER)

    @property
    def database(self) -> Path:
        return self.path / DATABASE_FILE

    def media(self) -> list[str]:
        """Digests of its files.

        Raises:
            BadManifest: the list is not as it was written.
        """
        text = _text(self.path / MEDIA_FILE)
        if hashlib.sha256(text.encode()).hexdigest() != self.manifest.media_list.sha256:
            raise BadManifest("its list of files is damaged")
        return read_media_list(text)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except UnicodeDecodeError:
        raise BadManifest(f"its {path.name} is damaged") from None


class BackupFolder:
    """What `carebag backup --to` names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.backups = path / "backups"
        self.pool = MediaFolder(path / MEDIA_FOLDER)

    def names(self) -> list[str]:
        """Of the whole backups, the oldest first."""
        if not self.backups.is_dir():
            return []
        return sorted(one.name for one in self.backups.iterdir() if one.is_dir() and not one.name.startswith("."))

    @contextmanager
    def unfinished(self) -> Iterator[Path]:
        """A place to put a backup together; whatever is left in it at the end goes."""
        place = self.backups / f"{_UNFINISHED}{secrets.token_hex(8)}"
        place.mkdir(parents=True, mode=0o700)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def finish(self, place: Path, made_at: datetime) -> Path:
        """Give it its name; from now on it is a backup."""
        force_folder(place)
        name = made_at.strftime("%Y-%m-%dT%H-%M-%SZ")
        path, number = self.backups / name, 1
        while path.exists():
            number += 1
            path = self.backups / f"{name}-{number}"
        place.rename(path)
        for folder in (self.backups, self.path):
            force_folder(folder)
        return path

    def forget(self, keep: int) -> list[str]:
        """Take away all but the newest `keep`, and what interrupted runs left; the pool stays."""
        names = self.names()
        old = names[:-keep] if keep else []
        for name in old:
            (self.backups / name).rename(self.backups / f"{_UNFINISHED}{name}")
        for one in self.backups.iterdir():
            if one.name.startswith(_UNFINISHED) and (one.name.removeprefix(_UNFINISHED) in old or is_stale(one)):
                shutil.rmtree(one, ignore_errors=True)
        for part in (self.pool.folder / "incoming").glob("*"):
            if is_stale(part):
                part.unlink(missing_ok=True)
        return old


def is_stale(path: Path) -> bool:
    """Nobody works on it any more."""
    return time.time() - path.stat().st_mtime > _STALE_S


def find_backup(path: Path) -> Backup:
    """A backup, or the newest whole one of a folder of them.

    Raises:
        BackupFault: there is none, or it is damaged.
    """
    folder = BackupFolder(path)
    names = folder.names()
    chosen = folder.backups / names[-1] if names else path
    if (chosen / ABOUT_FILE).is_file():
        raise BackupFault(f"the backup {chosen} is encrypted: give the key that opens it, --key FILE")
    try:
        return Backup(chosen)
    except BadManifest as bad:
        others = f" Others are there: {', '.join(names[:-1][-3:])}." if names[:-1] else ""
        raise BackupFault(f"the backup {chosen} cannot be used: {bad}. Nothing was changed.{others}") from None
    except OSError:
        raise BackupFault(f"there is no whole backup at {path}") from None


def file_of(path: Path) -> File:
    """Size and digest of a file as it is."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(bytes_stored=path.stat().st_size, sha256=digest)


def forced(path: Path) -> None:
    """Have it on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def read_only(file: Path) -> Engine:
    """A database file that nobody changes, and that reading does not touch either."""
    address = f"sqlite:///file:{quote(str(file.resolve()))}?mode=ro&immutable=1&uri=true"
    return create_engine(address, hide_parameters=True, poolclass=NullPool)


def copy_file(source: Path, target: Path) -> str:
    """Copy and force; gives the digest of what was copied."""
    hasher = hashlib.sha256()
    with source.open("rb") as read, target.open("xb") as write:
        while piece := read.read(_AT_ONCE):
            hasher.update(piece)
            write.write(piece)
        write.flush()
        os.fsync(write.fileno())
    return hasher.hexdigest()


def is_sound(media: MediaStore, sha256: str) -> bool:
    """Whether the store has it, can read it, and its bytes are those of its name."""
    hasher = hashlib.sha256()
    try:
        for piece in media.read(sha256):
            hasher.update(piece)
    except (FileNotFoundError, MediaAway):
        return False
    return hasher.hexdigest() == sha256


class Writer(Protocol):
    """A new file: whole and forced after `close`, of no worth after `abandon`."""

    def write(self, content: bytes, /) -> object: ...

    def close(self) -> None: ...

    def abandon(self) -> None: ...


class ClearFile:
    """As it comes."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self.write = self._file.write

    def close(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        self._file.close()


def transfer(
    source: MediaStore, target: MediaStore, sha256: str, writer: Callable[[Path, str], Writer] | None = None
) -> int:
    """Copy a file from one store to another, checked on the way; gives its size.

    Args:
        writer: how it is written in the target; None: as it is.

    Raises:
        FileNotFoundError, Damaged, MediaAway: of the source.
        OSError: of the target.
    """
    part, hasher, size = target.folder / "incoming" / secrets.token_hex(16), hashlib.sha256(), 0
    part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = writer(part, sha256) if writer else ClearFile(part)
    try:
        for piece in source.read(sha256):
            hasher.update(piece)
            file.write(piece)
            size += len(piece)
        if hasher.hexdigest() != sha256:
            raise Damaged(sha256)
        file.close()
        try:
            target.keep(part, sha256)
        except MediaAway as away:
            raise OSError(str(away)) from None
    finally:
        file.abandon()
        part.unlink(missing_ok=True)
    return size
