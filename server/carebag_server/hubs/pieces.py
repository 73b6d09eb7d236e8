"""Texts in pieces for a bus that takes short ones only, and whole again. Pure."""

import re
from dataclasses import dataclass, field

_PIECE = re.compile(r"([0-9a-f]{1,32}) (\d{1,18}) (\d{1,9})/(\d{1,9}) ", re.ASCII)
_HEAD_BYTES = 75


def cut(text: str, speaker: str, count: int, limit: int) -> list[str]:
    """Pieces of at most `limit` bytes of UTF-8, to be said one after the other.

    Args:
        speaker: up to 32 hexadecimal digits that no other speaker uses.
        count: of this speaker's texts, so that no two pieces are the same: PostgreSQL would tell of them once.
    """
    parts = list(_parts(text.encode(), limit - _HEAD_BYTES))
    return [f"{speaker} {count} {number}/{len(parts)} {part}" for number, part in enumerate(parts, 1)]


def _parts(content: bytes, size: int) -> list[str]:
    parts, start = [], 0
    while True:
        end = start + size
        while end < len(content) and content[end] & 0xC0 == 0x80:  # not within a character
            end -= 1
        parts.append(content[start:end].decode())
        start = end
        if start >= len(content):
            return parts


@dataclass
class _Unfinished:
    count: int
    of: int
    parts: list[str] = field(default_factory=list)


class Whole:
    """Makes texts of the pieces of many speakers. A text of which a piece is missing never comes."""

    def __init__(self) -> None:
        self._unfinished: dict[str, _Unfinished] = {}

    def take(self, piece: str) -> str | None:
        """The text that ends with this piece; None while it goes on, or for what is no piece."""
        head = _PIECE.match(piece)
        if head is None:
            return None
        speaker, count, number, of = head[1], int(head[2]), int(head[3]), int(head[4])
        if number == 1:
            self._unfinished[speaker] = _Unfinished(count, of)
        text = self._unfinished.get(speaker)
        if text is None or (text.count, text.of) != (count, of) or number != len(text.parts) + 1:
            self._unfinished.pop(speaker, None)
            return None
        text.parts.append(piece[head.end() :])
        if number < of:
            return None
        del self._unfinished[speaker]
        return "".join(text.parts)
