"""A disk as it is when the power goes: what was forced is there, of the rest anything may be. Pure, no files.

A write that was not forced may survive whole, not at all, or in part, sector by sector; a later one may survive an
earlier one. A sector of a grown file that was never written holds zeros or what was there before. A file's new name
survives if its folder was forced, a removed one may come back. After D. R. Hipp's test6.c of SQLite and the
crash-consistency literature (Pillai et al., OSDI 2014), of which this is the part that a database can meet.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

SECTOR = 512
"""Bytes that a disk writes whole."""
Fate = Literal["kept", "lost", "torn"]
Trouble = Literal["full", "eio"]


@dataclass(frozen=True)
class Write:
    """Bytes at an offset."""

    offset: int
    data: bytes


@dataclass(frozen=True)
class Truncate:
    """A new, shorter or longer, size."""

    size: int


@dataclass
class File:
    """What is safe of one file, what is seen of it, and the changes between the two."""

    safe: bytearray = field(default_factory=bytearray)
    seen: bytearray = field(default_factory=bytearray)
    unsynced: list[Write | Truncate] = field(default_factory=list)

    def write(self, offset: int, data: bytes) -> None:
        _put(self.seen, offset, data)
        self.unsynced.append(Write(offset, data))

    def truncate(self, size: int) -> None:
        _resize(self.seen, size)
        self.unsynced.append(Truncate(size))

    def sync(self) -> None:
        """Everything so far is safe."""
        for change in self.unsynced:
            if isinstance(change, Truncate):
                _resize(self.safe, change.size)
            else:
                _put(self.safe, change.offset, change.data)
        self.unsynced.clear()

    def sync_failed(self) -> None:
        """As Linux does: what could not be written stays in sight, is held for written, and is not tried again."""
        self.unsynced.clear()

    def after_cut(self, rng: random.Random) -> bytearray:
        """One of the contents that may be found when the power is back."""
        found = bytearray(self.safe)
        likely = rng.random()
        for change in self.unsynced:
            fate = _fate(rng, likely)
            if isinstance(change, Truncate):
                if fate == "kept":
                    _resize(found, change.size)
                continue
            for at, piece in surviving(change, fate, rng):
                _put(found, at, piece, rng)
        return found


def surviving(write: Write, fate: Fate, rng: random.Random) -> Iterator[tuple[int, bytes]]:
    """What reached the disk of one write: offsets and bytes; sectors are whole or not there."""
    if fate == "lost":
        return
    if fate == "kept":
        yield write.offset, write.data
        return
    at, end = write.offset, write.offset + len(write.data)
    while at < end:
        until = min(end, (at // SECTOR + 1) * SECTOR)
        if rng.random() < 0.5:
            yield at, write.data[at - write.offset : until - write.offset]
        at = until


def _fate(rng: random.Random, likely: float) -> Fate:
    """Kept with the probability `likely`, which differs from cut to cut: nearly all, half, nearly nothing."""
    if rng.random() < likely:
        return "kept"
    return "torn" if rng.random() < 0.5 else "lost"


def _put(content: bytearray, offset: int, data: bytes, rng: random.Random | None = None) -> None:
    """Write, and fill a hole before it: with zeros, or on a disk that lost power with what happened to be there."""
    hole = offset - len(content)
    if hole > 0:
        content.extend(rng.randbytes(hole) if rng is not None and rng.random() < 0.5 else bytes(hole))
    content[offset : offset + len(data)] = data


def _resize(content: bytearray, size: int) -> None:
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))


@dataclass
class Disk:
    """Files by name.

    `budget`: so many more changes are carried out, then the power goes (None: never). `trouble`: kind, and between
    which numbers of changes: a full disk takes no byte more and overwrites, a failing one cannot force.
    """

    files: dict[str, File] = field(default_factory=dict)
    safe_names: dict[str, File] = field(default_factory=dict)
    """The folder as it was forced last."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Old name → new name since then: a file system carries out both halves or none."""
    budget: int | None = None
    trouble: tuple[Trouble, int, int] | None = None
    is_off: bool = False
    changes: int = 0

    def spend(self) -> None:
        """One more change is asked for.

        Raises:
            PowerCut: it is not carried out, nor is anything after it.
        """
        self.changes += 1
        if self.is_off or self.budget == 0:
            self.is_off = True
            raise PowerCut
        if self.budget is not None:
            self.budget -= 1

    def has(self, kind: Trouble) -> bool:
        """Whether the disk is in this trouble now."""
        return (
            self.trouble is not None and self.trouble[0] == kind and self.trouble[1] <= self.changes < self.trouble[2]
        )

    def write(self, name: str, offset: int, data: bytes) -> None:
        """Raises: PowerCut, or DiskFull if the file would grow."""
        self.spend()
        file = self.files[name]
        if self.has("full") and offset + len(data) > len(file.seen):
            raise DiskFull
        file.write(offset, data)

    def truncate(self, name: str, size: int) -> None:
        self.spend()
        self.files[name].truncate(size)

    def open(self, name: str) -> File:
        """The file, made if it is not there."""
        if name not in self.files:
            self.spend()
            self.files[name] = File()
        return self.files[name]

    def sync(self, name: str) -> None:
        """Force a file; with a new one its whole folder, as SQLite does with each new WAL and rollback journal."""
        self.spend()
        if self.has("eio"):
            self.files[name].sync_failed()
            raise SyncFailed
        self.files[name].sync()
        if self.safe_names.get(name) is not self.files[name]:
            self.force_names()

    def force_names(self) -> None:
        """Force the folder, and not what its files hold."""
        self.safe_names = dict(self.files)
        self.renamed.clear()

    def rename(self, name: str, to: str) -> None:
        self.files[to] = self.files.pop(name)
        self.renamed[name] = to

    def delete(self, name: str, *, sync_folder: bool) -> None:
        self.spend()
        self.files.pop(name, None)
        if sync_folder:
            self.safe_names.pop(name, None)

    def after_cut(self, rng: random.Random) -> "Disk":
        """The disk of the next start: one of those that are possible."""
        names, together = dict(self.safe_names), {to: rng.random() < 0.5 for to in self.renamed.values()}
        for name in sorted({*self.files, *self.safe_names}):
            if self.files.get(name) is self.safe_names.get(name):
                continue
            one_act = self.renamed.get(name, name)
            if together[one_act] if one_act in together else rng.random() < 0.5:
                names.pop(name, None)
                if name in self.files:
                    names[name] = self.files[name]
        found = Disk()
        for name in sorted(names):
            content = names[name].after_cut(rng)
            found.files[name] = File(content, bytearray(content))
        found.safe_names = dict(found.files)
        return found


class PowerCut(Exception):
    """The power went."""


class DiskFull(Exception):
    """No byte more."""


class SyncFailed(Exception):
    """Could not be forced."""
