"""Sounds and photos: files named by their SHA-256, whole and on the disk before anyone is told that they are there."""

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from carebag_server.refusals import Refused

MAX_MEDIA_BYTES = 50 * 1024 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")


class MediaFolder:
    """Content-addressed files in two levels: `ab/abcdef…`. No name from outside ever touches a path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where a file is or would be.

        Raises:
            ValueError: not a lower-case hex SHA-256.
        """
        if not _SHA256.fullmatch(sha256):
            raise ValueError("not a SHA-256")
        return self.folder / sha256[:2] / sha256

    async def store(self, sha256: str, chunks: AsyncIterator[bytes]) -> int:
        """Write, check and make durable; the same file twice is no fault.

        Returns:
            Size in bytes.

        Raises:
            Refused: 413 `too_large`, 422 `other_content` if the bytes have another digest.
        """
        part = self.folder / "incoming" / secrets.token_hex(16)
        await run_in_threadpool(part.parent.mkdir, parents=True, exist_ok=True)
        try:
            size, digest = await _write(part, chunks)
            if digest != sha256:
                raise Refused(422, "other_content")
            await run_in_threadpool(self.put_in_place, part, self.path(sha256))
            return size
        finally:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()

    def put_in_place(self, part: Path, path: Path) -> None:
        """Take a whole, checked and forced file of the same disk in; blocking."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part.replace(path)
        for folder in (path.parent, self.folder):
            _sync_folder(folder)


async def _write(part: Path, chunks: AsyncIterator[bytes]) -> tuple[int, str]:
    size, hasher = 0, hashlib.sha256()
    with part.open("wb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > MAX_MEDIA_BYTES:
                raise Refused(413, "too_large")
            hasher.update(chunk)
            await run_in_threadpool(file.write, chunk)
        file.flush()
        await run_in_threadpool(os.fsync, file.fileno())
    return size, hasher.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make the new name durable; Windows has no such thing."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
