"""The journal's tables, and how an entry is asked for."""

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
