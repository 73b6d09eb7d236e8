"""What an export is made from: the visit as the pages see it, and what the kit signed."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from carebag_wire.records import Record, SignedRecord
from carebag_wire.review import Outcome
from carebag_wire.visit import Person, VisitSnapshot


@dataclass(frozen=True, kw_only=True)
class StoredRecord:
    """A record as the kit signed it and as it was read, and when the hub had it durably."""

    signed: SignedRecord
    record: Record
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A sound or photo that is not held in memory."""

    size: int
    """Bytes."""
    pieces: Callable[[], Iterable[bytes]]
    """From its beginning, anew at each call."""


@dataclass(frozen=True, kw_only=True)
class CareProvider:
    id: uuid.UUID
    name: str


@dataclass(frozen=True, kw_only=True)
class SaidOutcome:
    """What a doctor answered after signing; said again, the last word."""

    outcome: Outcome
    by: str
    """Name of the doctor; it is stored by name only."""
    at: datetime


@dataclass(frozen=True, kw_only=True)
class VisitExport:
    """Nothing here depends on by whom it is exported, and on when only by what has ended since: guests, commissions."""

    snapshot: VisitSnapshot
    """With signed notes only; who is in the room and whether the kit is online is not exported."""
    provider: CareProvider
    """Whose visit it is."""
    providers: Sequence[CareProvider] = ()
    """Those for whom `people` act."""
    people: Sequence[Person] = ()
    """Whoever took part, as far as the hub knows them by id and not by name only."""
    outcome: SaidOutcome | None = None
    note_authors: Mapping[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    """Note → the practitioner who wrote it; of the others only the author's name is known."""
    records: Sequence[StoredRecord] = ()
    """All that belong to the visit and its readings, in the kit's order."""
    kit_public_key: bytes = b""
    """Ed25519, 32 bytes."""
    kit_former_keys: Sequence[bytes] = ()
    """Those that it had before: each record was signed by one of all these."""
    media: Mapping[str, StoredFile] = field(default_factory=dict)
    """Sounds and photos to put into the Bundle, by SHA-256; the others are named by their address on the hub."""
    hub_url: str = ""
    """How the hub is reached, such as `https://carebag.region.se`."""
