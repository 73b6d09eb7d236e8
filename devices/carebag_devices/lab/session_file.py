"""A session of real instruments as a file: what was heard, asked, answered and pushed, each line with its time.

JSON lines, readable by this user only: what instruments say may be patient data. The first line says so. Times are
seconds from the beginning; links are numbered from 1; values are hex. Digits typed for pairing are never in it.

    {"session": 1, "began": "2026-11-26T08:00:00+00:00", "note": "may hold patient data"}
    {"at_s": 0.42, "what": "advert", "address": "C6:00:…", "name": "CB Cuff", "services": ["00001810-…"]}
    {"at_s": 0.61, "what": "connect", "link": 1, "address": "C6:00:…"}
    {"at_s": 0.72, "what": "push", "link": 1, "uuid": "00002a35-…", "value": "1e8000…"}
"""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any, Literal, Self, get_args

from carebag_devices.errors import (
    DeviceError,
    DeviceLost,
    DeviceRefused,
    DeviceSilent,
    Malformed,
    NeedsPairing,
    RadioMissing,
)
from carebag_devices.link import Advert

VERSION = 1
NOTE = "may hold patient data: keep it as you keep a record"
What = Literal["advert", "connect", "has", "pair", "read", "write", "subscribe", "push", "lost"]
WHATS: tuple[What, ...] = get_args(What)
_ERRORS: dict[str, type[DeviceError]] = {
    kind.code: kind for kind in (DeviceLost, DeviceRefused, DeviceSilent, Malformed, NeedsPairing, RadioMissing)
}
_TEXTS, _NUMBERS = ("address", "name", "uuid", "value", "error", "reason"), ("link", "rssi")


class BadSession(ValueError):
    """Not a session file; the text names the line and why."""


@dataclass(frozen=True)
class Line:
    """One event. `error` is a code of `errors` with its `reason`: then what was asked for did not come."""

    at_s: float
    what: What
    link: int = 0
    address: str = ""
    uuid: str = ""
    value: bytes = b""
    yes: bool = False
    """Answer to `has`."""
    error: str = ""
    reason: str = ""
    name: str = ""
    services: tuple[str, ...] = ()
    rssi: int | None = None
    limited: bool = False
    companies: tuple[int, ...] = ()

    def as_data(self) -> dict[str, Any]:
        said = {**vars(self), "value": self.value.hex(), "services": list(self.services)}
        said["companies"] = list(self.companies)
        return {name: value for name, value in said.items() if value not in ("", 0, None, False, []) or name == "at_s"}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """Raises `BadSession`."""
        fields = dict(data)
        if set(fields) - set(cls.__dataclass_fields__) or fields.get("what") not in WHATS:
            raise BadSession("unknown kind of line")
        at_s = fields.get("at_s")
        if not isinstance(at_s, int | float) or isinstance(at_s, bool) or not isfinite(at_s):
            raise BadSession("at_s is a number")
        texts = all(isinstance(fields.get(name, ""), str) for name in _TEXTS)
        numbers = all(type(fields.get(name, 0)) is int for name in _NUMBERS)
        lists = all(isinstance(fields.get(name, []), list) for name in ("services", "companies"))
        if not (texts and numbers and lists):
            raise BadSession("a field is of the wrong type")
        try:
            fields["value"] = bytes.fromhex(fields.get("value", ""))
        except ValueError:
            raise BadSession("value is hex digits") from None
        fields["services"] = tuple(map(str, fields.get("services", [])))
        fields["companies"] = tuple(one for one in fields.get("companies", []) if type(one) is int)
        fields["yes"], fields["limited"] = bool(fields.get("yes")), bool(fields.get("limited"))
        return cls(**{**fields, "at_s": float(at_s)})

    def raise_error(self) -> None:
        """Raise what was raised then, if anything was."""
        if self.error:
            raise _ERRORS.get(self.error, DeviceSilent)(self.reason)

    def advert(self) -> Advert:
        """Of an `advert` line."""
        return Advert(
            self.address,
            self.name,
            frozenset(self.services),
            rssi=self.rssi,
            limited=self.limited,
            companies=frozenset(self.companies),
        )


@dataclass(frozen=True)
class Session:
    """A whole file."""

    began: str
    lines: tuple[Line, ...]

    def addresses(self) -> tuple[str, ...]:
        """Instruments that were connected to at least once, in that order."""
        return tuple(dict.fromkeys(line.address for line in self.lines if line.what == "connect" and not line.error))

    def adverts(self, address: str) -> list[Line]:
        return [line for line in self.lines if line.what == "advert" and line.address == address]

    def connects(self, address: str) -> list[Line]:
        return [line for line in self.lines if line.what == "connect" and line.address == address]

    def link(self, number: int) -> list[Line]:
        """All of one link after its connection."""
        return [line for line in self.lines if line.link == number and line.what not in ("advert", "connect")]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `BadSession`. A last line that was cut off by a power failure is left out."""
        rows = text.splitlines()
        head = _data(1, rows[0] if rows else "")
        if head.get("session") != VERSION:
            raise BadSession("line 1: no session file of version 1")
        if not text.endswith("\n"):
            rows = rows[:-1]
        lines = []
        for number, row in enumerate(rows[1:], 2):
            try:
                lines.append(Line.from_data(_data(number, row)))
            except BadSession as error:
                raise BadSession(f"line {number}: {str(error).removeprefix(f'line {number}: ')}") from None
        return cls(str(head.get("began", "")), tuple(lines))


def read_session(path: Path) -> Session:
    """Raises `BadSession`, `OSError`."""
    return Session.parse(path.read_text(encoding="utf-8", errors="replace"))


def _data(number: int, row: str) -> dict[str, Any]:
    try:
        data = json.loads(row)
    except ValueError:
        raise BadSession(f"line {number}: no JSON") from None
    if not isinstance(data, dict):
        raise BadSession(f"line {number}: no JSON object")
    return data


class SessionWriter:
    """A new file at `path`, mode 0600, one line for each event as it happens. Raises `OSError`."""

    def __init__(self, path: Path, began: datetime) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")
        self._put({"session": VERSION, "began": began.isoformat(timespec="seconds"), "note": NOTE})

    def __call__(self, line: Line) -> None:
        if not self._file.closed:
            self._put(line.as_data())

    def _put(self, data: dict[str, Any]) -> None:
        self._file.write(json.dumps(data) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


Write = Callable[[Line], None]


def as_text(lines: Iterable[Line], began: str = "") -> str:
    """A file's text."""
    rows = [{"session": VERSION, "began": began, "note": NOTE}, *(line.as_data() for line in lines)]
    return "".join(json.dumps(row) + "\n" for row in rows)
