"""What stands in the journal, as it is handed out: entries, and whether a row still is what was written. Pure."""

from dataclasses import dataclass
from datetime import datetime

from carebag_wire.records import Record, SignedRecord, payload_sha256, record_adapter

PCM16 = "application/octet-stream"
"""Raw PCM16 little-endian has no registered name (audio/L16 is big-endian)."""
DAMAGED, MEDIA_DAMAGED = "damaged", "media_damaged"
"""In place of the hub's refusal: the disk no longer holds what was written."""
Row = tuple[int, str, str, str, str, str | None]
"""kit_seq, id, payload, sha256, signature, received_at."""


@dataclass(frozen=True)
class Entry:
    """A record as it stands in the journal."""

    kit_seq: int
    record: Record
    signed: SignedRecord
    received_at: datetime | None = None


@dataclass(frozen=True)
class TrayEntry:
    """A value of the unassigned tray, and what was decided about it last, if anything."""

    reading: Entry
    decided: Entry | None


@dataclass(frozen=True)
class Unsent:
    """What the hub does not have yet: records and media."""

    count: int
    oldest_at: datetime | None


@dataclass(frozen=True)
class MediaRow:
    sha256: str
    media_type: str


def entry_of(row: Row) -> Entry | None:
    """A row as it was appended; None if its payload no longer fits its digest, its number, or any record at all.

    The signature is the hub's to verify; here it must only look like one.
    """
    kit_seq, record_id, payload, sha256, signature, received_at = row
    if payload_sha256(payload) != sha256:
        return None
    try:
        record = record_adapter.validate_json(payload)
        signed = SignedRecord(payload=payload, sha256=sha256, signature=signature)
        received = datetime.fromisoformat(received_at) if received_at else None
    except ValueError:
        return None
    if (record.binding.kit_seq, str(record.id)) != (kit_seq, record_id):
        return None
    return Entry(kit_seq, record, signed, received)
