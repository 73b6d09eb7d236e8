"""Words of foreign origin made fit for the wire: a device's odd text must never cost a measurement."""

import re

_NOT_CODE = re.compile(r"[^a-z0-9_]+")


def as_code(text: str) -> str:
    """A catalogue code (1 to 64 of `a-z0-9_`) from whatever a driver said; `unknown` if nothing is left."""
    return _NOT_CODE.sub("_", text.lower())[:64].strip("_") or "unknown"


def short(text: str) -> str:
    """At most 500 characters, none of them NUL, all of them writable as UTF-8."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:500]
