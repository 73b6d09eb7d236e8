"""Files that arrive in pieces: a kit on a bad line goes on where it was, after minutes or days.

A piece is on the disk before its offset is told. The whole is checked against its digest before it is a medium at all.
"""

import contextlib
import hashlib
import os
import time
from pathlib import Path
from uuid import UUID

from carebag_server.media import MAX_MEDIA_BYTES, MediaStore, away_on_faults, checked
from carebag_server.refusals import Refused

MAX_PIECE_BYTES = 1024 * 1024
MAX_UNFINISHED = 50
"""Of one kit; a kit sends one file after the other."""
KEPT_S = 14 * 86_400
"""An unfinished file that nobody went on with is given up; the kit begins it anew."""


class Uploads:
    """Unfinished files of all kits, in a folder of this machine. Blocking: call it in a worker thread."""

    def __init__(self, media: MediaStore) -> None:
        self._media = media
        self._folder = media.folder / "unfinished"

    def offset(self, kit_id: UUID, sha256: str) -> int:
        """How many bytes of this kit's file are here; its size when the medium is whole already."""
        whole = self._media.size(sha256)
        if whole is not None:
            return whole
        with contextlib.suppress(FileNotFoundError):
            return self._path(kit_id, sha256).stat().st_size
        return 0

    def is_whole(self, sha256: str) -> bool:
        return self._media.size(sha256) is not None

    def add(self, kit_id: UUID, sha256: str, offset: int, piece: bytes, *, last: bool) -> int:
        """Write a piece; with the last one the file becomes a medium.

        Returns: how many bytes are here now.

        Raises:
            Refused: 409 `other_offset` (ask for it), 413 `too_large`, 422 `other_content` (begin anew), 429
                `too_many_uploads`.
            MediaAway: the disk or the store does not work; what was here before still is.
        """
        if self.is_whole(sha256):
            return self.offset(kit_id, sha256)
        if len(piece) > MAX_PIECE_BYTES or offset + len(piece) > MAX_MEDIA_BYTES:
            raise Refused(413, "too_large")
        path = self._path(kit_id, sha256)
        if offset == 0 and not path.exists():
            self._make_room(kit_id)
        if offset != self.offset(kit_id, sha256):
            raise Refused(409, "other_offset")
        with away_on_faults():
            _write(path, offset, piece)
        if last:
            self._finish(path, sha256)
        return offset + len(piece)

    def _path(self, kit_id: UUID, sha256: str) -> Path:
        return self._folder / f"{kit_id.hex}-{checked(sha256)}"

    def _make_room(self, kit_id: UUID) -> None:
        with away_on_faults():
            self._folder.mkdir(parents=True, exist_ok=True)
        mine = 0
        for path in self._folder.iterdir():
            if time.time() - path.stat().st_mtime > KEPT_S:
                path.unlink(missing_ok=True)
            else:
                mine += path.name.startswith(kit_id.hex)
        if mine >= MAX_UNFINISHED:
            raise Refused(429, "too_many_uploads")

    def _finish(self, path: Path, sha256: str) -> None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != sha256:
            path.unlink()
            raise Refused(422, "other_content")
        self._media.keep(path, sha256)


def _write(path: Path, offset: int, piece: bytes) -> None:
    with path.open("r+b" if path.exists() else "wb") as file:
        file.seek(offset)
        file.write(piece)
        file.flush()
        os.fsync(file.fileno())
