"""Encrypted backups in a folder: the same parts as open ones, each sealed, and a pool whose names say nothing.

What anyone may read is `about.json`: when, of which hub, for which key. Nothing in the clear is ever written into the
folder; the database is copied on the hub's own disk and sealed from there.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from carebag.backup.folder import Backup, BackupFault, BackupFolder, forced
from carebag.backup.manifest import (
    ABOUT_FILE,
    DATABASE_FILE,
    MANIFEST_FILE,
    MEDIA_FILE,
    BadManifest,
    Manifest,
    read_manifest,
    read_media_list,
)
from carebag.backup.sealing import Address, BackupKey, NotOpened, SealingFile, clear_size, opened, seal_file
from carebag_server.media import MediaFolder

POOL_FOLDER, SEALED = "sealed-media", ".sealed"


class About(BaseModel):
    """In the clear, beside the sealed parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["carebag-sealed-backup-1"] = "carebag-sealed-backup-1"
    made_at: datetime
    hub_id: UUID
    key: str
    """`Address.mark` of whom it is sealed for."""


class SealedPool:
    """A `MediaStore` that anyone with the address fills, and only the key reads."""

    def __init__(self, folder: Path, address: Address, key: BackupKey | None = None) -> None:
        self.folder = folder
        self._files = MediaFolder(folder)
        self._address, self._key = address, key

    def size(self, sha256: str) -> int | None:
        size = self._files.size(self._address.blinded(sha256))
        return None if size is None else clear_size(size)

    def read(self, sha256: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Raises: FileNotFoundError: not there, or it does not open: of a backup that is the same."""
        if self._key is None:
            raise FileNotFoundError(sha256)
        clear, at = opened(self._files.path(self._address.blinded(sha256)), self._key, f"media {sha256}"), 0
        try:
            for piece in clear:
                yield piece[max(0, start - at) : None if stop is None else max(0, stop - at)]
                at += len(piece)
        except NotOpened:
            raise FileNotFoundError(sha256) from None

    def writer(self, part: Path, sha256: str) -> SealingFile:
        """Where its clear bytes go, for `keep`."""
        return SealingFile(part.open("xb"), self._address, f"media {sha256}")

    def keep(self, part: Path, sha256: str) -> None:
        self._files.keep(part, self._address.blinded(sha256))

    def remove(self, sha256: str) -> None:
        self._files.remove(self._address.blinded(sha256))

    def check(self) -> None:
        self._files.check()


class SealedFolder(BackupFolder):
    """What `--to` names, with `--encrypt-to`."""

    def __init__(self, path: Path, address: Address) -> None:
        super().__init__(path)
        self.address = address
        self.pool = MediaFolder(path / POOL_FOLDER)
        self.sealed_pool = SealedPool(path / POOL_FOLDER, address)

    def seal(self, clear: Path, place: Path, manifest: Manifest) -> None:
        """The parts of a backup, from where they lie in the clear to where they are put together."""
        for name in (DATABASE_FILE, MEDIA_FILE, MANIFEST_FILE):
            seal_file(clear / name, place / (name + SEALED), self.address, name)
        about = About(made_at=manifest.made_at, hub_id=manifest.hub_id, key=self.address.mark)
        (place / ABOUT_FILE).write_text(about.model_dump_json(indent=2) + "\n", encoding="ascii")
        forced(place / ABOUT_FILE)

    def refuse_others(self, hub_id: UUID) -> None:
        """Raises: BackupFault: open backups are here, another hub's, or such for another key."""
        for name in self.names()[-1:]:
            about = read_about(self.backups / name)
            if about is None:
                raise BackupFault(f"{self.path} holds backups that are not encrypted: give these a folder of their own")
            if about.key != self.address.mark:
                raise BackupFault(f"{self.path} is encrypted for another key ({about.key}): give this one a new folder")
            if about.hub_id != hub_id:
                raise BackupFault(f"{self.path} holds the backups of another hub: give this one a folder of its own")


def read_about(path: Path) -> About | None:
    """Of a backup; None: it is not an encrypted one, or what it says can no longer be read."""
    try:
        return About.model_validate_json((path / ABOUT_FILE).read_text("ascii"))
    except (FileNotFoundError, NotADirectoryError, ValidationError, UnicodeDecodeError):
        return None


def newest(path: Path) -> Path:
    """The newest backup of a folder of them; else the path itself."""
    folder = BackupFolder(path)
    names = folder.names()
    return folder.backups / names[-1] if names else path


class OpenedBackup(Backup):
    """An encrypted backup whose database lies opened in a scratch folder; files are opened as they are read."""

    def __init__(self, path: Path, key: BackupKey, scratch: Path) -> None:
        """Raises: BadManifest, NotOpened, OSError."""
        self.path = path.resolve()
        self._scratch, self._key = scratch, key
        about = read_about(self.path)
        if about is None:
            raise BadManifest("what it says about itself is damaged")
        if about.key != key.address.mark:
            raise BadManifest(
                f"it is encrypted for the key {about.key}, and this one is {key.address.mark}: another file is needed"
            )
        self.manifest: Manifest = read_manifest(self._text(MANIFEST_FILE))
        if (self.manifest.made_at, self.manifest.hub_id) != (about.made_at, about.hub_id):
            raise BadManifest("what it says about itself was changed")
        self.pool = SealedPool(self.path.parents[1] / POOL_FOLDER, key.address, key)  # type: ignore[assignment]
        with os.fdopen(os.open(self.database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for piece in opened(self.path / (DATABASE_FILE + SEALED), key, DATABASE_FILE):
                file.write(piece)

    @property
    def database(self) -> Path:
        return self._scratch / DATABASE_FILE

    def media(self) -> list[str]:
        text = self._text(MEDIA_FILE)
        if hashlib.sha256(text.encode()).hexdigest() != self.manifest.media_list.sha256:
            raise BadManifest("its list of files is damaged")
        return read_media_list(text)

    def _text(self, name: str) -> str:
        try:
            return b"".join(opened(self.path / (name + SEALED), self._key, name)).decode("ascii")
        except NotOpened as fault:
            raise BadManifest(f"its {name} does not open: {fault}") from None


@contextmanager
def opened_backup(path: Path, key: BackupKey, scratch: Path | None = None) -> Iterator[Backup]:
    """An encrypted backup, or the newest of a folder of them; what was opened of it is gone at the end.

    Args:
        scratch: where its database is put meanwhile, in the clear; None: the system's place for such.

    Raises:
        BackupFault: none is there, another key is needed, or it is damaged.
    """
    chosen = newest(path)
    if (chosen / MANIFEST_FILE).is_file():
        raise BackupFault(f"the backup {chosen} is not encrypted: leave out --key")
    if not (chosen / ABOUT_FILE).is_file():
        raise BackupFault(f"there is no whole backup at {path}")
    place = Path(tempfile.mkdtemp(prefix="carebag-restore-", dir=scratch))
    try:
        try:
            backup = OpenedBackup(chosen, key, place)
        except (BadManifest, NotOpened) as bad:
            raise BackupFault(f"the backup {chosen} cannot be used: {bad}. Nothing was changed") from None
        except OSError as error:
            raise BackupFault(f"the backup {chosen} cannot be read: {error.strerror}. Nothing was changed") from None
        yield backup
    finally:
        shutil.rmtree(place, ignore_errors=True)
