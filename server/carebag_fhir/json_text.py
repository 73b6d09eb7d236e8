"""FHIR's JSON as bytes: decimals with all their digits (`128.50` stays so), the same bytes for the same content."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_PIECE = 64 * 1024


@dataclass(frozen=True)
class Base64Text:
    """A file as a text of base64 that is made while it is written: nobody holds the whole of it."""

    pieces: Callable[[], Iterable[bytes]]
    """The file from its beginning, anew at each call."""


def encode(value: Any) -> bytes:
    """UTF-8, keys in the order of the dicts.

    Raises:
        TypeError: a value that JSON does not have, or a float, whose digits nobody measured.
        ValueError: a decimal that is no number.
    """
    return b"".join(pieces_of(value))


def pieces_of(value: Any) -> Iterator[bytes]:
    """As `encode`, in pieces of about 64 KiB; a file within it is read when its turn comes."""
    held = bytearray()
    for part in _parts(value):
        held += part
        if len(held) >= _PIECE:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict):
        yield b"{"
        for place, (name, inner) in enumerate(value.items()):
            yield (("," if place else "") + json.dumps(name, ensure_ascii=False) + ":").encode()
            yield from _parts(inner)
        yield b"}"
    elif isinstance(value, list):
        yield b"["
        for place, inner in enumerate(value):
            yield b"," if place else b""
            yield from _parts(inner)
        yield b"]"
    elif isinstance(value, Base64Text):
        yield from _base64(value)
    else:
        yield _scalar(value).encode()


def _base64(text: Base64Text) -> Iterator[bytes]:
    """Whole groups of three bytes are encoded as they come; what is over waits for the next piece."""
    over = b""
    yield b'"'
    for piece in text.pieces():
        there = over + piece
        whole = len(there) - len(there) % 3
        yield base64.b64encode(there[:whole])
        over = there[whole:]
    yield base64.b64encode(over) + b'"'


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("no number")
        return str(value)
    if isinstance(value, str | int):
        return json.dumps(value, ensure_ascii=False)
    raise TypeError(type(value).__name__)


def decode(text: bytes) -> Any:
    """What `encode` gives, with all digits of its decimals.

    Raises:
        ValueError: not JSON.
    """
    return json.loads(text, parse_float=Decimal)
