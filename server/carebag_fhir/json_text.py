"""FHIR's JSON as bytes: decimals with all their digits (`128.50` stays so), the same bytes for the same content."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any


def encode(value: Any) -> bytes:
    """UTF-8, keys in the order of the dicts.

    Raises:
        TypeError: a value that JSON does not have, or a float, whose digits nobody measured.
        ValueError: a decimal that is no number.
    """
    return "".join(_parts(value)).encode()


def _parts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for place, (name, inner) in enumerate(value.items()):
            yield ("," if place else "") + json.dumps(name, ensure_ascii=False) + ":"
            yield from _parts(inner)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for place, inner in enumerate(value):
            yield "," if place else ""
            yield from _parts(inner)
        yield "]"
    else:
        yield _scalar(value)


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
