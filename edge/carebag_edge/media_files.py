"""Sounds and photos on the kit: files named by the SHA-256 of their content, durable before anybody hears of them."""

import hashlib
import os
from pathlib import Path

from carebag_edge.errors import KitError


class MediaFiles:
    """A folder of content-addressed files. The same content twice is one file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

    def keep(self, content: bytes) -> str:
        """Durable when it returns; gives the SHA-256 in hex."""
        sha256 = hashlib.sha256(content).hexdigest()
        part = self.folder / f"{sha256}.part"
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._move_in(part, sha256)
        return sha256

    def adopt(self, file: Path, sha256: str) -> None:
        """Take a finished, fsynced file of the same disk in under its digest."""
        self._move_in(file, sha256)

    def read(self, sha256: str) -> bytes:
        """Content, checked against its name.

        Raises:
            KitError: missing, or the disk no longer holds what was written.
        """
        try:
            content = self.path(sha256).read_bytes()
        except OSError:
            raise KitError("media file missing") from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise KitError("media file damaged")
        return content

    def _move_in(self, file: Path, sha256: str) -> None:
        target = self.path(sha256)
        if not target.parent.exists():
            target.parent.mkdir(mode=0o700)
            sync_folder(self.folder)
        file.replace(target)
        sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable; where a folder cannot be opened (Windows) the rename already is."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
