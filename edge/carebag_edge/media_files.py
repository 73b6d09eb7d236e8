"""Sounds and photos on the kit: files named by the SHA-256 of their content, durable before anybody hears of them.

With a seal they are encrypted, each bound to its name; those from before are taken over at the start.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from carebag_edge.errors import KitError

if TYPE_CHECKING:
    from carebag_edge.data_key import Seal

SEALED = ".sealed"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class MediaFiles:
    """A folder of content-addressed files. The same content twice is one file."""

    def __init__(self, folder: Path, seal: "Seal | None" = None) -> None:
        self.folder = folder
        self._seal = seal
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / (sha256 + SEALED if self._seal else sha256)

    def keep(self, content: bytes) -> str:
        """Durable when it returns; gives the SHA-256 in hex."""
        sha256 = hashlib.sha256(content).hexdigest()
        part = self.folder / f"{sha256}.part"
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(self._seal.close(sha256, content) if self._seal else content)
            file.flush()
            os.fsync(file.fileno())
        self._move_in(part, sha256)
        return sha256

    def take_over(self) -> int:
        """Encrypt what lies here open; gives how many. One that is damaged stays as it is, for the refusal to name."""
        if self._seal is None:
            return 0
        taken = 0
        for file in [one for one in self.folder.glob("??/*") if _SHA256.fullmatch(one.name)]:
            content = file.read_bytes()
            if hashlib.sha256(content).hexdigest() == file.name:
                self.keep(content)
                file.unlink()
                taken += 1
        for part in self.folder.glob("*.part"):
            part.unlink()
        return taken

    def read(self, sha256: str) -> bytes:
        """Content, checked against its name.

        Raises:
            KitError: missing, or the disk no longer holds what was written.
        """
        try:
            content = self.path(sha256).read_bytes()
        except OSError:
            raise KitError("media file missing") from None
        if self._seal:
            content = self._seal.open(sha256, content)
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
