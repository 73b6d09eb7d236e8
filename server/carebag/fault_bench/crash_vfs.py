"""SQLite on the played disk: a VFS that keeps every file in a `Disk` and says so when the power goes.

Only apsw lets Python be a VFS. It brings an SQLite of its own (newer than Python's), and its files know no shared
memory: WAL is kept in exclusive mode, where the index of the WAL is in memory and every byte goes through here.
"""

import contextlib
import itertools
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from carebag.fault_bench.disk import Disk, DiskFull, PowerCut, SyncFailed

_numbers = itertools.count(1)
_POWERSAFE_OVERWRITE = 0x1000
"""As SQLite's own VFS on Linux: bytes beside those being written are not harmed."""


class CrashVfs(apsw.VFS):
    """Registered until `close`."""

    def __init__(self, disk: Disk, *, force_again: bool = True) -> None:
        self.disk = disk
        self.force_again = force_again
        self.name = f"crash-{next(_numbers)}"
        super().__init__(self.name, base="")

    def close(self) -> None:
        self.unregister()

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802
        filename = name.filename() if isinstance(name, apsw.URIFilename) else name
        flags[1] = flags[0]
        temporary = filename is None
        return _CrashFile(Disk() if temporary else self.disk, Path(filename or "temporary").name)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        # apsw cannot hand on what is raised here while SQLite closes; nothing is acknowledged after a deletion in WAL
        with contextlib.suppress(PowerCut):
            self.disk.delete(Path(filename).name, sync_folder=syncdir)

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802
        return Path(pathname).name in self.disk.files

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name


class _CrashFile:
    def __init__(self, disk: Disk, name: str) -> None:
        self._disk, self._name = disk, name
        try:
            self._file = disk.open(name)
        except PowerCut:
            raise apsw.CantOpenError from None

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        return bytes(self._file.seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        try:
            self._disk.write(self._name, offset, bytes(data))
        except DiskFull:
            raise apsw.FullError from None
        except PowerCut:
            raise apsw.IOError from None

    def xTruncate(self, size: int) -> None:  # noqa: N802
        try:
            self._disk.truncate(self._name, size)
        except PowerCut:
            raise apsw.IOError from None

    def xSync(self, flags: int) -> None:  # noqa: N802
        try:
            self._disk.sync(self._name)
        except (PowerCut, SyncFailed):
            raise apsw.IOError from None

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._file.seen)

    def xLock(self, level: int) -> None:  # noqa: N802
        """One process, one connection."""

    def xUnlock(self, level: int) -> None:  # noqa: N802
        """One process, one connection."""

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, operation: int, pointer: int) -> bool:  # noqa: N802
        return False

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return _POWERSAFE_OVERWRITE

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096

    def xClose(self) -> None:  # noqa: N802
        """Closing forces nothing."""


def open_on(vfs: CrashVfs, name: str) -> apsw.Connection:
    """A connection in exclusive mode, which WAL needs without shared memory; a WAL that is there is forced again, as
    `carebag_edge.journal_file` and the hub's start do with files.
    """
    wal = f"{name}-wal"
    if vfs.force_again and wal in vfs.disk.files:
        try:
            vfs.disk.write(wal, 0, bytes(vfs.disk.files[wal].seen))
            vfs.disk.sync(wal)
        except (PowerCut, SyncFailed):
            raise apsw.IOError from None
    connection = apsw.Connection(name, vfs=vfs.name)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    return connection


def let_go(opened: Iterable[apsw.Connection]) -> None:
    """Close a dead machine's connections; what they still want to write fails."""
    for connection in opened:
        with contextlib.suppress(apsw.Error):
            connection.close(True)


@contextmanager
def failures_expected() -> Iterator[None]:
    """SQLite goes on writing after the power is off; of those failures apsw can raise the first only."""
    before, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = before
