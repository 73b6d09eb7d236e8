"""Room on the kit's disk: some is kept for values, and it is said before it runs out.

A photo is as large as a thousand values. A file of the size of a long day's values lies there for nothing; when the
disk is full it goes, values find room in its place, and photos are refused. A sound may still be heard and kept: it is
small beside the room that was kept.
"""

import contextlib
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from carebag_edge.media_files import sync_folder

log = logging.getLogger(__name__)
FILE = "reserve"
FILLING = 0.8
"""Of the disk: from here on it is said."""
LITTLE_BYTES = 4 * 2**20
"""Less than this is full: the journal's log grows by as much before it is written back."""
ZEROS = bytes(2**20)
DiskWord = Literal["ok", "filling", "full"]


class Usage(Protocol):
    """As `shutil.disk_usage` gives it, bytes."""

    @property
    def total(self) -> int: ...
    @property
    def free(self) -> int: ...


class DiskRoom:
    """Of one data folder. No call raises: a disk that does not answer is a full one."""

    def __init__(self, folder: Path, reserve_bytes: int, usage: Callable[[Path], Usage] = shutil.disk_usage) -> None:
        self._folder, self._file = folder, folder / FILE
        self._bytes = reserve_bytes
        self._usage = usage
        self._total, self._free = 1, 0
        self.look()

    def look(self) -> None:
        """Measure anew, and keep the reserve where there is room for it; at the start and now and then."""
        try:
            usage = self._usage(self._folder)
            self._total, self._free = max(1, usage.total), usage.free
        except OSError:
            self._total, self._free = 1, 0
        if not self.is_kept and self._free >= 2 * self._bytes + LITTLE_BYTES:
            self._make()

    @property
    def is_kept(self) -> bool:
        try:
            return self._file.stat().st_size >= self._bytes
        except OSError:
            return False

    @property
    def used_percent(self) -> int:
        """Of the disk, 0-100; the reserve counts as free."""
        free = self._free + (self._bytes if self.is_kept else 0)
        return max(0, min(100, round(100 * (1 - free / self._total))))

    @property
    def word(self) -> DiskWord:
        """`full`: values are saved, in what was kept for them; photos are not."""
        if not self.takes_photos:
            return "full"
        return "filling" if self.used_percent >= 100 * FILLING else "ok"

    @property
    def takes_photos(self) -> bool:
        return self.is_kept and self._free >= LITTLE_BYTES

    def let_go(self, needed: int = LITTLE_BYTES) -> bool:
        """The journal could not be written: give it the room that was kept, if that is what it lacks.

        Args:
            needed: bytes; where so many are free it is not.

        Returns: whether it is worth trying again.
        """
        self.look()
        if self._free >= needed or not self._file.exists():
            return False
        try:
            self._file.unlink()
            sync_folder(self._folder)
        except OSError:
            return False
        log.error("the disk is full: values are saved in the room that was kept for them, photos are not")
        self.look()
        return True

    def _make(self) -> None:
        """Really there, not a hole; one that was begun and not finished is made anew."""
        part = self._file.with_suffix(".part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, self._bytes)
                else:
                    for at in range(0, self._bytes, len(ZEROS)):
                        file.write(ZEROS[: self._bytes - at])
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._file)
            sync_folder(self._folder)
            self._free -= self._bytes
        except OSError as error:
            log.warning("no room could be kept for values: %s", error.strerror)
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
