"""Rows out of single pages of an SQLite file, without the tree above them (sqlite.org/fileformat2.html). Pure.

For a file in which pages are lost: what the others hold is read all the same. Whoever asks must prove each row on his
own; a page that is not what was written may give anything.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

MOST_COLUMNS = 100
VARINT = 9
"""Bytes at most."""
LEAF_OF_TABLE = 0x0D
HEADER_OF_FILE = 100
Value = int | float | str | bytes | None
NUMBERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Serial type → bytes of a big-endian integer (section 2.1)."""
MOST_BYTES = 1 << 21
"""No row of ours is larger; a length that rotted may be."""


@dataclass(frozen=True)
class Row:
    rowid: int
    values: tuple[Value, ...]
    """An INTEGER PRIMARY KEY stands here as None: its value is the rowid."""


class NoRow(ValueError):
    """The bytes there are no row."""


def rows_of(
    number: int, page: bytes, usable: int, overflow: Callable[[int], bytes | None], *, searched: int = 0
) -> Iterator[Row]:
    """Each row that begins on this page.

    Args:
        usable: bytes of a page without its reserved end.
        overflow: gives a page by its number; None where there is none.
        searched: 0: the page is as it was written; else its own list of rows is not believed, and a row of so many
            columns is looked for at every place.
    """
    start = HEADER_OF_FILE if number == 1 else 0
    for at in range(start, usable) if searched else _listed(page, start):
        try:
            yield _row(page, at, usable, overflow, searched)
        except (NoRow, struct.error, IndexError, UnicodeDecodeError, OverflowError):
            continue


def _listed(page: bytes, start: int) -> Iterable[int]:
    if page[start] != LEAF_OF_TABLE:
        return ()
    (count,) = struct.unpack_from(">H", page, start + 3)
    return struct.unpack_from(f">{min(count, (len(page) - start - 8) // 2)}H", page, start + 8)


def _row(page: bytes, at: int, usable: int, overflow: Callable[[int], bytes | None], searched: int) -> Row:
    size, at = _varint(page, at)
    rowid, at = _varint(page, at)
    # before a chain is followed that may be none
    if searched:
        # most places fail at the first byte, and are not worth more
        may_be = 0 < size <= MOST_BYTES and rowid > 0 and searched < page[at] <= VARINT * searched + 1
        if not may_be or len(_types(page[at : at + VARINT * searched + 1], searched)[0]) != searched:
            raise NoRow
    return Row(rowid, tuple(_values(_payload(page, at, size, usable, overflow))))


def _payload(page: bytes, at: int, size: int, usable: int, overflow: Callable[[int], bytes | None]) -> bytes:
    """Section 1.6: what does not fit goes into a chain of pages."""
    most = usable - 35
    if not 0 < size <= MOST_BYTES or (size <= most and at + size > usable):
        raise NoRow
    if size <= most:
        return page[at : at + size]
    least = (usable - 12) * 32 // 255 - 23
    here = least + (size - least) % (usable - 4)
    here = here if here <= most else least
    if at + here + 4 > usable:
        raise NoRow
    parts, have = [page[at : at + here]], here
    (following,) = struct.unpack_from(">I", page, at + here)
    seen: set[int] = set()
    while have < size:
        chained = overflow(following)
        if chained is None or following in seen:
            raise NoRow
        seen.add(following)
        parts.append(chained[4 : min(usable, 4 + size - have)])
        have += len(parts[-1])
        (following,) = struct.unpack_from(">I", chained)
    return b"".join(parts)


def _types(payload: bytes, most: int = MOST_COLUMNS) -> tuple[list[int], int]:
    """Serial types of the columns, and where the first value begins."""
    length, at = _varint(payload, 0)
    types: list[int] = []
    while at < length and len(types) < most:
        kind, at = _varint(payload, at)
        types.append(kind)
    if at != length or not types:
        raise NoRow
    return types, at


def _values(payload: bytes) -> Iterator[Value]:
    types, at = _types(payload)
    for kind in types:
        size = _size(kind)
        if at + size > len(payload):
            raise NoRow
        yield _value(kind, payload[at : at + size])
        at += size
    if at != len(payload):
        raise NoRow


def _size(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    if kind in (10, 11):
        raise NoRow
    return 8 if kind == 7 else NUMBERS.get(kind, 0)


def _value(kind: int, data: bytes) -> Value:
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        return float(struct.unpack(">d", data)[0])
    if kind < 7:
        return int.from_bytes(data, signed=True)
    return data.decode() if kind % 2 else data


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Up to nine bytes, seven bits each, the ninth with eight; signed where it is a rowid of such a length."""
    number = 0
    for length in range(8):
        byte = data[at + length]
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, at + length + 1
    number = number << 8 | data[at + 8]
    return number - (1 << 64) if number >> 63 else number, at + 9
