"""The journal's tables, how an entry is asked for, and what the tray makes of a record."""

from typing import Any, Protocol

from carebag_wire.records import Reading, ReadingFiled, Record

OPEN, ARMED, HEARING, STREAMS = "open_visit", "armed", "hearing", "streams"
"""State: whom values are bound to, which requests wait for one, what is being recorded, the last stream's number."""
BINDING_STATE = frozenset({OPEN, ARMED, HEARING})
TABLES = """
CREATE TABLE record (
    kit_seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    visit_id TEXT,
    made_at TEXT NOT NULL,
    measurement_id TEXT UNIQUE,
    payload TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    signature TEXT NOT NULL,
    received_at TEXT,
    refusal TEXT
) STRICT;
CREATE INDEX record_unsent ON record (kit_seq) WHERE received_at IS NULL AND refusal IS NULL;
CREATE INDEX record_visit ON record (visit_id, kit_seq);
CREATE TABLE media (
    sha256 TEXT NOT NULL PRIMARY KEY,
    kit_seq INTEGER NOT NULL REFERENCES record (kit_seq),
    media_type TEXT NOT NULL,
    stored INTEGER NOT NULL DEFAULT 0,
    refusal TEXT
) STRICT;
CREATE TABLE state (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""
TRAY = """
CREATE TABLE tray (
    kit_seq INTEGER PRIMARY KEY REFERENCES record (kit_seq),
    reading_id TEXT NOT NULL UNIQUE,
    decision TEXT,
    decided_seq INTEGER REFERENCES record (kit_seq)
) STRICT;
INSERT INTO tray (kit_seq, reading_id) SELECT kit_seq, id FROM record
    WHERE type = 'reading' AND visit_id IS NULL AND json_extract(payload, '$.problem') IS NULL;
"""
"""What was decided last about each value that belonged to no visit. Made of the records, for finding them quickly."""
OF_VISIT = "SELECT kit_seq, id, payload, sha256, signature, received_at FROM record WHERE visit_id = ? ORDER BY kit_seq"
BY_ID = "SELECT kit_seq, id, payload, sha256, signature, received_at FROM record WHERE id = ?"
BY_NUMBER = "SELECT kit_seq, id, payload, sha256, signature, received_at FROM record WHERE kit_seq = ?"
UNSENT = (
    "SELECT kit_seq, id, payload, sha256, signature, received_at FROM record"
    " WHERE received_at IS NULL AND refusal IS NULL ORDER BY kit_seq LIMIT ?"
)


class Statements(Protocol):
    """A connection, or one that is watched."""

    def execute(self, statement: str, values: tuple[str | int, ...], /) -> Any: ...


def note_in_tray(db: Statements, record: Record) -> None:
    """A device's error is no value: it waits for nobody's decision."""
    if isinstance(record, Reading) and record.binding.visit_id is None and record.problem is None:
        db.execute("INSERT INTO tray (kit_seq, reading_id) VALUES (?, ?)", (record.binding.kit_seq, str(record.id)))
    elif isinstance(record, ReadingFiled):
        db.execute(
            "UPDATE tray SET decision = ?, decided_seq = ? WHERE reading_id = ?",
            (record.decision, record.binding.kit_seq, str(record.reading_id)),
        )
