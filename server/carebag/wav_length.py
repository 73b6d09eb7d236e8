"""How long a WAV file says it is, and how much of that is there.

RIFF: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft, 1991); RF64: EBU Tech 3306.
"""

import io
import struct
from dataclasses import dataclass
from pathlib import Path

_NO_LENGTH = 0x7FFFF000
"""From here up a size was written by a program that could not go back to fill in the true one (a pipe)."""


@dataclass(frozen=True, slots=True)
class _Data:
    """Of the `data` chunk: where its bytes begin, how many are promised, how many are there, and bytes per frame."""

    begin: int
    promised: int
    there: int
    frame: int
    order: str


def samples_missing(file: Path) -> int:
    """Samples (of all channels at once) that the header promises beyond the end of the file; 0 where it promises none
    or is none that can be read.

    Raises: OSError if the file cannot be read.
    """
    data = _data(file)
    return -(-(data.promised - data.there) // data.frame) if data else 0


def whole_frames(file: Path) -> io.BytesIO:
    """A file that ends early as one that says so: whole frames only, and sizes that hold.

    Raises: ValueError unless `samples_missing` finds some; OSError if it cannot be read.
    """
    data = _data(file)
    if data is None:
        raise ValueError("not cut short")
    size = data.there - data.there % data.frame
    content = bytearray(file.read_bytes()[: data.begin + size])
    content[:4] = b"RIFF" if data.order == "<" else b"RIFX"
    struct.pack_into(f"{data.order}I", content, 4, len(content) - 8)
    struct.pack_into(f"{data.order}I", content, data.begin - 4, size)
    return io.BytesIO(content)


def _data(file: Path) -> _Data | None:
    """None unless the file is a WAV whose data ends early."""
    end = file.stat().st_size
    with file.open("rb") as source:
        head = source.read(12)
        if head[:4] not in (b"RIFF", b"RIFX", b"RF64") or head[8:] != b"WAVE":
            return None
        order, long_size, frame = ">" if head[:4] == b"RIFX" else "<", None, 0
        while len(chunk := source.read(8)) == 8:
            name, size = struct.unpack(f"{order}4sI", chunk)
            begin = source.tell()
            if name == b"data":
                size = long_size if long_size is not None else size
                known = long_size is not None or size < _NO_LENGTH
                return _Data(begin, size, end - begin, frame, order) if known and frame and begin + size > end else None
            if name == b"ds64" and head[:4] == b"RF64" and len(sizes := source.read(16)) == 16:
                long_size = struct.unpack("<8xQ", sizes)[0]
            if name == b"fmt " and len(form := source.read(16)) == 16:
                frame = struct.unpack(f"{order}12xH2x", form)[0]
            source.seek(begin + size + size % 2)
    return None
