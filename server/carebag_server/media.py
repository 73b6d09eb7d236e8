"""Sounds and photos: content named by its SHA-256, whole and durable before anyone is told that it is there.

Where it is kept is the operator's choice: a folder, or a bucket that speaks S3 (`media_bucket.py`). Both are a
`MediaStore` and do the same; what has not come whole yet is always in a folder of this machine.
"""

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from carebag_server.refusals import Refused

MAX_MEDIA_BYTES = 50 * 1024 * 1024
PIECE_BYTES = 64 * 1024
"""What is read at once."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


class MediaAway(Exception):
    """The store does not answer, or its disk does not work; what was to be kept is not. Never an address."""


class MediaStore(Protocol):
    """Whole files by their digest. Blocking: call it in a worker thread.

    Every method raises `ValueError` for what is no digest, and `MediaAway`.
    """

    @property
    def folder(self) -> Path:
        """On this machine: the scratch of what comes in."""

    def size(self, sha256: str) -> int | None:
        """In bytes; None if it is not there."""

    def read(self, sha256: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Its bytes from `start` to before `stop`, in pieces.

        Raises:
            FileNotFoundError: it is not there.
        """

    def keep(self, part: Path, sha256: str) -> None:
        """Take in a whole, checked and forced file of `folder`, which then is no more; the same twice is no fault."""

    def remove(self, sha256: str) -> None:
        """It is not there any more; that it was not there is no fault. For `carebag retention` alone."""

    def check(self) -> None:
        """Raises `MediaAway` if nothing can be kept here."""


def checked(sha256: str) -> str:
    """A digest as a name: nothing else from outside ever touches a path.

    Raises:
        ValueError: not a lower-case hex SHA-256.
    """
    if not _SHA256.fullmatch(sha256):
        raise ValueError("not a SHA-256")
    return sha256


def place(sha256: str) -> str:
    """Where a file is in its store, in two levels: `ab/abcdef…`."""
    return f"{checked(sha256)[:2]}/{sha256}"


async def take_in(media: MediaStore, sha256: str, chunks: AsyncIterator[bytes]) -> int:
    """Write, check and make durable; the same file twice is no fault.

    Returns:
        Size in bytes.

    Raises:
        Refused: 413 `too_large`, 422 `other_content` if the bytes have another digest.
        MediaAway: nothing was kept.
    """
    part = media.folder / "incoming" / secrets.token_hex(16)
    with away_on_faults():
        await run_in_threadpool(part.parent.mkdir, parents=True, exist_ok=True)
    try:
        with away_on_faults():
            size, digest = await _write(part, chunks)
        if digest != sha256:
            raise Refused(422, "other_content")
        await run_in_threadpool(media.keep, part, sha256)
        return size
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


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


@contextlib.contextmanager
def away_on_faults() -> Iterator[None]:
    """A disk that is full, broken or gone is a store that is away; its own words may hold paths."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise MediaAway(os.strerror(error.errno) if error.errno else type(error).__name__) from None


class MediaFolder:
    """Files in a folder of this machine. See `MediaStore`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where a file is or would be."""
        return self.folder / place(sha256)

    def size(self, sha256: str) -> int | None:
        path = self.path(sha256)
        with away_on_faults():
            try:
                return path.stat().st_size
            except FileNotFoundError:
                return None

    def read(self, sha256: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        with away_on_faults(), self.path(sha256).open("rb") as file:
            file.seek(start)
            at = start
            while piece := file.read(PIECE_BYTES if stop is None else min(PIECE_BYTES, stop - at)):
                yield piece
                at += len(piece)

    def keep(self, part: Path, sha256: str) -> None:
        path = self.path(sha256)
        with away_on_faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            part.replace(path)
            for folder in (path.parent, self.folder):
                force_folder(folder)

    def remove(self, sha256: str) -> None:
        path = self.path(sha256)
        with away_on_faults():
            try:
                path.unlink()
            except FileNotFoundError:
                return
            force_folder(path.parent)

    def check(self) -> None:
        with away_on_faults():
            self.folder.mkdir(parents=True, exist_ok=True)
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise MediaAway("no right to write there")


def force_folder(folder: Path) -> None:
    """Make new names in it durable; Windows has no such thing."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
