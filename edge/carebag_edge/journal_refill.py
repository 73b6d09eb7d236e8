"""What is left of a damaged journal, put into an empty one; the numbers of what is gone stay taken."""

import sqlite3
from dataclasses import dataclass, field

from carebag_edge.journal_rows import DAMAGED, PCM16
from carebag_edge.journal_tables import STREAMS, note_in_tray
from carebag_edge.sqlite_leaves import Value
from carebag_wire.records import PhotoTaken, SoundRecorded, record_adapter

STREAMS_AHEAD = 1000
"""A listening that left no record may have had a number beyond the last one that is known."""
ROW = (
    "INSERT INTO record (kit_seq, id, type, visit_id, made_at, measurement_id, payload, sha256, signature, received_at,"
    " refusal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
MEDIA = "INSERT INTO media (sha256, kit_seq, media_type, stored, refusal) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
STATE = "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
LOST, AT_HUB = "lost", "1970-01-01T00:00:00+00:00"


@dataclass
class Remains:
    """What a journal still holds that can be proved."""

    records: dict[int, tuple[Value, ...]] = field(default_factory=dict)
    """kit_seq → the columns behind it, as the table has them."""
    media: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    """SHA-256 → media_type, stored, refusal."""
    state: dict[str, str] = field(default_factory=dict)


def refill(db: sqlite3.Connection, found: Remains, given: int) -> int:
    """All of it in one transaction.

    Args:
        db: a journal whose tables are there and empty but for its kit.
        given: up to this number a record may have gone to the hub.

    Returns: how many numbers have lost their record.
    """
    watermark = _number(found.state.get("watermark"))
    last = max([given, watermark, *found.records])
    lost = [number for number in range(1, last + 1) if number not in found.records]
    streams = [0]
    db.execute("BEGIN IMMEDIATE")
    for number, values in sorted(found.records.items()):
        db.execute(ROW, (number, *values))
        record = record_adapter.validate_json(str(values[5]))
        note_in_tray(db, record)
        if isinstance(record, SoundRecorded | PhotoTaken):
            plain = (record.media_type if isinstance(record, PhotoTaken) else PCM16, 0, None)
            db.execute(MEDIA, (record.media_sha256, number, *found.media.get(record.media_sha256, plain)))
        if isinstance(record, SoundRecorded):
            streams.append(record.stream)
    # the hub has everything up to its watermark: its copy is the one that counts
    at_hub = [(number, f"{LOST} {number}", AT_HUB if number <= watermark else None) for number in lost]
    db.executemany(
        ROW, [(number, name, LOST, None, "", None, "", "", "", received, DAMAGED) for number, name, received in at_hub]
    )
    state = {STREAMS: str(max(streams) + STREAMS_AHEAD), **found.state}
    db.executemany(STATE, list(state.items()))
    db.execute("COMMIT")
    return len(lost)


def _number(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0
