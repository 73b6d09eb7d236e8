"""What a real process asked of one folder, as strace saw it, and the same done to a played disk. The parser is pure.

A Python VFS can only be put under an SQLite that takes one, and SQLCipher's Python package takes none. So the process
runs as it is, and what it wrote, forced, renamed and removed is played afterwards, with the power cut anywhere.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from carebag.fault_bench.disk import Disk, File
from carebag.tied_children import tied

_OF_FILES = "openat,read,write,pwrite64,lseek,ftruncate,fsync,fdatasync"
CALLS = f"{_OF_FILES},unlink,unlinkat,rename,renameat,renameat2,link,linkat"
Kind = Literal["create", "write", "truncate", "force", "force_folder", "rename", "link", "unlink", "said"]
_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")
_HEX = re.compile(r"\"((?:\\x[0-9a-f]{2})*)\"")
_DESCRIPTOR = re.compile(r"^(\d+)<((?:\\x[0-9a-f]{2})*)>")


@dataclass(frozen=True)
class Change:
    """One thing done to the folder, or said on standard output."""

    kind: Kind
    name: str = ""
    to: str = ""
    offset: int = 0
    data: bytes = b""


def trace(command: Sequence[str], into: Path) -> None:
    """Run to its end and write down what it asked for.

    Raises:
        RuntimeError: it failed.
    """
    strace = ["strace", "-f", "-y", "-qq", "-xx", "-s", "1000000", "-o", str(into), "-e", f"trace={CALLS}"]
    ran = subprocess.run([*strace, *command], capture_output=True, text=True, check=False, preexec_fn=tied())
    if ran.returncode:
        raise RuntimeError(f"the process under test failed: {ran.stderr.strip()[-300:]}")


def changes(lines: Iterator[str], folder: Path) -> list[Change]:
    """What was done to files of `folder` itself, in order; shared memory, which no power cut outlives, left out."""
    reader = _Reader(str(folder))
    return [change for line in lines for change in reader.read(line)]


def play(disk: Disk, change: Change) -> None:
    """Do it."""
    match change.kind:
        case "create":
            disk.files.setdefault(change.name, File())
        case "write":
            disk.files[change.name].write(change.offset, change.data)
        case "truncate":
            disk.files[change.name].truncate(change.offset)
        case "force":
            disk.files[change.name].sync()
        case "force_folder":
            disk.force_names()
        case "rename":
            disk.rename(change.name, change.to)
        case "link":
            disk.files[change.to] = disk.files[change.name]
        case "unlink":
            disk.files.pop(change.name, None)


def disk_of(folder: Path) -> Disk:
    """The folder's own files as they are, all of it safe."""
    found = Disk()
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.endswith("-shm"):
            content = path.read_bytes()
            found.files[path.name] = File(bytearray(content), bytearray(content))
    found.force_names()
    return found


def put_down(disk: Disk, folder: Path) -> None:
    """Write what is seen of a disk into an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    for name, file in disk.files.items():
        (folder / name).write_bytes(bytes(file.seen))


class _Reader:
    """Keeps where each descriptor stands, for `write` does not say it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._at: dict[int, int] = {}

    def read(self, line: str) -> Iterator[Change]:
        found = _CALL.match(line)
        if found is None or int(found[3]) < 0:
            return
        call, arguments, result = found[1], found[2], int(found[3])
        if call == "openat":
            yield from self._opened(arguments, result)
        elif call.startswith(("unlink", "rename", "link")):
            yield from self._named(call, arguments)
        else:
            yield from self._described(call, arguments, result)

    def _opened(self, arguments: str, result: int) -> Iterator[Change]:
        self._at[result] = 0
        name = self._inside(_texts(arguments)[0].decode())
        if name and "O_CREAT" in arguments:
            yield Change("create", name)
        if name and "O_TRUNC" in arguments:
            yield Change("truncate", name)

    def _named(self, call: str, arguments: str) -> Iterator[Change]:
        names = [self._inside(text.decode()) for text in _texts(arguments)]
        if not names or not names[0]:
            return
        if call.startswith("unlink"):
            yield Change("unlink", names[0])
        else:
            yield Change("rename" if call.startswith("rename") else "link", names[0], names[1])

    def _described(self, call: str, arguments: str, result: int) -> Iterator[Change]:
        found = _DESCRIPTOR.match(arguments)
        if found is None:
            return
        descriptor, path = int(found[1]), _bytes(found[2]).decode(errors="replace")
        at = self._at.get(descriptor, 0)
        if call in ("read", "write"):
            self._at[descriptor] = at + result
        elif call == "lseek":
            self._at[descriptor] = result
        if call == "write" and descriptor == 1:
            yield Change("said", data=_texts(arguments)[0])
        elif path == self._folder and call in ("fsync", "fdatasync"):
            yield Change("force_folder")
        elif name := self._inside(path):
            yield from _done(call, name, arguments, at)

    def _inside(self, path: str) -> str:
        """The file's name if it is one of the folder's own; else empty."""
        folder, _, name = path.rpartition("/")
        return name if folder == self._folder and not name.endswith("-shm") else ""


def _done(call: str, name: str, arguments: str, at: int) -> Iterator[Change]:
    if call == "write":
        yield Change("write", name, offset=at, data=_texts(arguments)[0])
    elif call == "pwrite64":
        yield Change("write", name, offset=int(arguments.rpartition(", ")[2]), data=_texts(arguments)[0])
    elif call == "ftruncate":
        yield Change("truncate", name, offset=int(arguments.rpartition(", ")[2]))
    elif call in ("fsync", "fdatasync"):
        yield Change("force", name)


def _texts(arguments: str) -> list[bytes]:
    return [_bytes(text) for text in _HEX.findall(arguments)]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
