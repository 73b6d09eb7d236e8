"""The bag's own instruments, kept across restarts: which they are, how far their memory was read, what their clock did.

One small JSON file, replaced as a whole, so that a power cut leaves the old or the new one. It names instruments, never
a patient. A damaged file is set aside, not overwritten: the instruments are then paired anew.
"""

import json
import logging
import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from carebag_devices.catalog import SIMULATOR_MAKER
from carebag_devices.events import Bond, Identity, Kind, UdiSaid

log = logging.getLogger(__name__)

VERSION = 1


@dataclass(frozen=True)
class Entry:
    """One instrument."""

    id: str
    """Bluetooth address."""
    kind: Kind
    model_key: str = ""
    """Key in the catalog; empty until it was heard once."""
    name: str = ""
    maker: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    udi: UdiSaid | None = None
    bond: Bond = "none"
    last_sequence: int | None = None
    """Highest record number that was read from its memory."""
    doubtful_until: str = ""
    """Stamps of its clock up to this one may be from before the clock was changed: their age is not known."""
    clock_minus_utc_s: float | None = None
    """Its clock minus the kit's UTC when it was read last: a jump since then is a clock that somebody changed."""

    def identity(self, *, simulated: bool) -> Identity:
        named = self.model or self.name
        simulated = simulated or self.maker == SIMULATOR_MAKER
        return Identity(self.id, self.kind, self.maker, named, self.serial, self.firmware, simulated, self.udi)


class DeviceBook:
    """`path` None: kept in memory only, for tests and for the demo's wireless bag."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._entries: dict[str, Entry] = {}
        self.forgotten: set[str] = set()
        """Taken out of the bag by hand: not taken back until the nurse pairs them."""
        if path is not None and path.exists():
            self._load(path)

    def __contains__(self, device_id: str) -> bool:
        return device_id in self._entries

    def __iter__(self) -> Any:
        return iter(list(self._entries.values()))

    def get(self, device_id: str) -> Entry | None:
        return self._entries.get(device_id)

    def put(self, entry: Entry) -> None:
        """Add or replace; durable when it returns."""
        if self._entries.get(entry.id) == entry and entry.id not in self.forgotten:
            return
        self._entries[entry.id] = entry
        self.forgotten.discard(entry.id)
        self._save()

    def change(self, device_id: str, **known: Any) -> None:
        """Change what is known of an instrument of the bag; nothing for any other."""
        if (entry := self._entries.get(device_id)) is not None:
            self.put(replace(entry, **known))

    def forget(self, device_id: str) -> None:
        self._entries.pop(device_id, None)
        self.forgotten.add(device_id)
        self._save()

    def _load(self, path: Path) -> None:
        names = {field.name for field in fields(Entry)}
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["version"] != VERSION:
                raise ValueError
            entries = [_entry({key: one[key] for key in one if key in names}) for one in data["devices"]]
            self.forgotten = {str(one) for one in data["forgotten"]}
        except (ValueError, KeyError, TypeError):
            aside = path.with_suffix(".damaged")
            log.error("the list of instruments cannot be read; it was kept as %s", aside.name)
            path.replace(aside)
            return
        self._entries = {entry.id: entry for entry in entries}

    def _save(self) -> None:
        if self._path is None:
            return
        data = {
            "version": VERSION,
            "devices": [asdict(entry) for entry in self._entries.values()],
            "forgotten": sorted(self.forgotten),
        }
        part = self._path.with_suffix(".part")
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)


def _entry(saved: dict[str, Any]) -> Entry:
    """Raises: TypeError."""
    udi = saved.pop("udi", None)
    return Entry(**saved, udi=UdiSaid(**udi) if udi else None)
