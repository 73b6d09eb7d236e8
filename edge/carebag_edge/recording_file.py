"""A sound as it is recorded: PCM16 little-endian in a file that grows, and beside it a list of what is missing.

The list is written before the hole and after its repair, so that a crash at any moment leaves a gap called a gap. It
also says how far the sound was forced to the disk: after a power cut only that much is believed; after a mere crash of
the program (same boot of the machine) all of it. With a seal what is written is encrypted, by place; the list is not,
it says nothing of the patient.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from carebag_edge.sample_ledger import Placement, SampleLedger, Span

if TYPE_CHECKING:
    from carebag_edge.data_key import Seal, Stream

MAX_JUMP_S = 120
SALT_BYTES = 32
PIECE_BYTES = 1 << 20
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SALT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class FinishedSound:
    path: Path
    sha256: str
    samples: int
    gaps: tuple[Span, ...]


def paths(folder: Path, stream: int, *, is_sealed: bool = False) -> tuple[Path, Path]:
    ending = "pcm.sealed" if is_sealed else "pcm"
    return folder / f"stream-{stream}.{ending}", folder / f"stream-{stream}.holes"


class RecordingFile:
    """One stream on its way to the disk."""

    def __init__(self, folder: Path, stream: int, rate_hz: int, seal: "Seal | None" = None) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path, self._holes_path = paths(folder, stream, is_sealed=seal is not None)
        self.ledger = SampleLedger(MAX_JUMP_S * rate_hz)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._holes = os.open(self._holes_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._note("boot", boot_id())
        self._sealing: Stream | None = None
        if seal is not None:
            salt = os.urandom(SALT_BYTES)
            self._note("salt", salt.hex())
            self._sealing = seal.stream(salt)

    def add(self, first: int, samples: NDArray[np.int16]) -> Placement:
        """Write what is new of a frame.

        Raises:
            Implausible: its number cannot be right; nothing was written.
        """
        before = self.ledger.end
        placement = self.ledger.place(first, samples.size)
        if placement.hole:
            self._note("hole", *placement.hole)
        little_endian = samples.astype("<i2", copy=False)
        for start, count in placement.writes:
            piece = little_endian[start - first : start - first + count].tobytes()
            os.pwrite(self._file, self._sealing.at(start * 2, piece) if self._sealing else piece, start * 2)
            if start < before:
                self._note("filled", start, count)
        return placement

    def forcing(self) -> Callable[[], None]:
        """What forces all of now to the disk, to be run once, in a thread; it outlives this object's closing."""
        samples, file, holes = self.ledger.end, os.dup(self._file), os.dup(self._holes)

        def force() -> None:
            try:
                os.fsync(file)
                os.write(holes, f"forced {samples}\n".encode())
                os.fsync(holes)
            finally:
                os.close(file)
                os.close(holes)

        return force

    def finish(self, total: int) -> FinishedSound:
        """The stream had `total` samples in all, as far as the device says; durable when it returns."""
        hole = self.ledger.open_hole(total) if total - self.ledger.end <= self.ledger.max_jump else None
        if hole:
            self._note("hole", *hole)
        os.ftruncate(self._file, self.ledger.end * 2)
        os.fsync(self._file)
        os.fsync(self._holes)
        self.close()
        return _finished(self.path, self.ledger, self._sealing)

    def close(self) -> None:
        os.close(self._file)
        os.close(self._holes)

    def _note(self, word: str, *values: object) -> None:
        os.write(self._holes, (" ".join([word, *map(str, values)]) + "\n").encode())


def salvage(folder: Path, stream: int, seal: "Seal | None" = None) -> FinishedSound | None:
    """What a crash left of a recording, cut to what can be believed; None if nothing, or nothing that opens."""
    path, holes_path = _there(folder, stream)
    ledger, forced, same_boot, salt = _read_notes(holes_path)
    if not path.exists() or not _can_open(path, seal, salt):
        return None
    on_disk = path.stat().st_size // 2
    samples = on_disk if same_boot else min(on_disk, forced)
    ledger.end = samples
    ledger.holes = [(start, min(count, samples - start)) for start, count in ledger.holes if start < samples]
    with path.open("r+b") as file:
        file.truncate(samples * 2)
        os.fsync(file.fileno())
    return _finished(path, ledger, _stream(path, seal, salt)) if samples else None


def content(folder: Path, stream: int, seal: "Seal | None", gaps: Sequence[Span]) -> bytes | None:
    """The samples of a finished sound, open, its gaps as zeros; None: it was moved already, or cannot be opened."""
    path, holes_path = _there(folder, stream)
    *_, salt = _read_notes(holes_path)
    if not path.exists() or not _can_open(path, seal, salt):
        return None
    return b"".join(_pieces(path, gaps, _stream(path, seal, salt)))


def discard(folder: Path, stream: int) -> None:
    """Remove what belongs to a stream that was taken over, or in which nothing was heard."""
    for path in {*paths(folder, stream), *paths(folder, stream, is_sealed=True)}:
        path.unlink(missing_ok=True)


def boot_id() -> str:
    """Names this boot of the machine; empty where that is not to be had."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _there(folder: Path, stream: int) -> tuple[Path, Path]:
    """The sealed one if there is one; an open one is of an earlier program."""
    found = paths(folder, stream, is_sealed=True)
    return found if found[0].exists() else paths(folder, stream)


def _can_open(path: Path, seal: "Seal | None", salt: bytes) -> bool:
    return path.suffix != ".sealed" or (seal is not None and bool(salt))


def _stream(path: Path, seal: "Seal | None", salt: bytes) -> "Stream | None":
    return seal.stream(salt) if seal is not None and path.suffix == ".sealed" else None


def _read_notes(path: Path) -> tuple[SampleLedger, int, bool, bytes]:
    """Replay the list; a torn last line is left out."""
    ledger, forced, boot, salt = SampleLedger(0), 0, "", b""
    text = path.read_text(errors="replace") if path.exists() else ""
    lines = [line.split() for line in text.split("\n")[:-1]]
    believed = max((number for number, words in enumerate(lines) if words[:1] == ["forced"]), default=-1)
    for number, words in enumerate(lines):
        match words:
            case ["boot", name]:
                boot = name
            case ["hole", start, count] if start.isdecimal() and count.isdecimal():
                ledger.holes.append((int(start), int(count)))
            case ["filled", start, count] if start.isdecimal() and count.isdecimal():
                if boot == boot_id() or number < believed:
                    ledger.fill(int(start), int(count))
            case ["forced", samples] if samples.isdecimal():
                forced = int(samples)
            case ["salt", text] if _SALT.fullmatch(text):
                salt = bytes.fromhex(text)
    return ledger, forced, bool(boot) and boot == boot_id(), salt


def _finished(path: Path, ledger: SampleLedger, sealing: "Stream | None") -> FinishedSound:
    gaps, digest = tuple(_joined(ledger.holes)), hashlib.sha256()
    for piece in _pieces(path, gaps, sealing):
        digest.update(piece)
    return FinishedSound(path, digest.hexdigest(), ledger.end, gaps)


def _pieces(path: Path, gaps: Sequence[Span], sealing: "Stream | None") -> Iterator[bytes]:
    """The file, opened; what was never written is zeros, which the seal would turn into noise."""
    at = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            opened = bytearray(sealing.at(at, piece) if sealing else piece)
            for start, count in gaps if sealing else ():
                begins, ends = max(start * 2, at), min((start + count) * 2, at + len(opened))
                if begins < ends:
                    opened[begins - at : ends - at] = bytes(ends - begins)
            yield bytes(opened)
            at += len(piece)


def _joined(holes: list[Span]) -> list[Span]:
    """In order, touching ones as one."""
    joined: list[Span] = []
    for start, count in sorted(holes):
        if joined and joined[-1][0] + joined[-1][1] == start:
            joined[-1] = (joined[-1][0], joined[-1][1] + count)
        else:
            joined.append((start, count))
    return joined
