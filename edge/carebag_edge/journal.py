"""The kit's journal: nothing that was measured is shown, sent or forgotten before it is here.

SQLite, WAL, `synchronous=FULL`: a commit that returned survives a power cut (0 of 132 simulated cuts lost one;
`NORMAL` lost rows in half of them). One connection, one thread: sequence number, binding, signature and row are made
inside one transaction, so `kit_seq` has no hole and no record exists unsigned.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from carebag_edge.errors import WrongJournal
from carebag_edge.journal_file import connect
from carebag_edge.keys import KitKey
from carebag_wire.records import (
    PhotoTaken,
    Reading,
    ReadingFiled,
    Record,
    RecordReceipt,
    SignedRecord,
    SoundRecorded,
    payload_sha256,
    record_adapter,
)

VERSION = 2
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
OF_VISIT = "SELECT kit_seq, payload, sha256, signature, received_at FROM record WHERE visit_id = ? ORDER BY kit_seq"
BY_ID = "SELECT kit_seq, payload, sha256, signature, received_at FROM record WHERE id = ?"
BY_NUMBER = "SELECT kit_seq, payload, sha256, signature, received_at FROM record WHERE kit_seq = ?"
PCM16 = "application/octet-stream"
"""Raw PCM16 little-endian has no registered name (audio/L16 is big-endian)."""


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


class Journal:
    """The durable memory of one kit. Not thread-safe: it lives on the event loop's thread."""

    def __init__(self, path: Path, key: KitKey, connect: Callable[[Path], sqlite3.Connection] = connect) -> None:
        """Open or create.

        Args:
            connect: opens the file; another one where the disk is played (docs/decisions/0025).

        Raises:
            WrongJournal: written by a newer program or by another kit; or on a disk that takes no WAL.
        """
        self.key = key
        self._db = connect(path)
        # to the end: the row comes before the commit, and a mode that was not reached promises less
        [(mode,)] = self._db.execute("PRAGMA journal_mode = WAL").fetchall()
        if mode not in ("wal", "memory"):
            raise WrongJournal("the disk does not take a write-ahead log")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._prepare()

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing, durable when it ends; a transaction inside one belongs to the outer one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # Records

    def append(self, build: Callable[[int], Record], *, measurement_id: str = "", media_type: str = "") -> Entry:
        """Number, sign and keep one record; durable when it returns (unless inside a transaction, then at its end).

        Args:
            build: makes the record for the sequence number it is given.
            measurement_id: the device's identity of a measurement, against its being delivered twice.
            media_type: for a record with media: how its file is to be announced to the hub.
        """
        with self.transaction():
            (kit_seq,) = self._db.execute("SELECT COALESCE(MAX(kit_seq), 0) + 1 FROM record").fetchone()
            record = build(kit_seq)
            payload = record.model_dump_json()
            signed = SignedRecord(
                payload=payload, sha256=payload_sha256(payload), signature=self.key.sign(payload.encode())
            )
            self._insert(kit_seq, record, signed, measurement_id)
            if isinstance(record, SoundRecorded | PhotoTaken):
                self._db.execute(
                    "INSERT INTO media (sha256, kit_seq, media_type) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (record.media_sha256, kit_seq, media_type or PCM16),
                )
            self._note_in_tray(record)
        return Entry(kit_seq, record, signed)

    def has_measurement(self, measurement_id: str) -> bool:
        found = self._db.execute("SELECT 1 FROM record WHERE measurement_id = ?", (measurement_id,)).fetchone()
        return found is not None

    def unsent_records(self, limit: int, max_chars: int = 1_000_000) -> list[SignedRecord]:
        """The oldest ones that the hub has not acknowledged, in order; at least one however large it is."""
        rows = self._db.execute(
            "SELECT payload, sha256, signature FROM record WHERE received_at IS NULL AND refusal IS NULL"
            " ORDER BY kit_seq LIMIT ?",
            (limit,),
        )
        batch: list[SignedRecord] = []
        chars = 0
        for payload, sha256, signature in rows:
            chars += len(payload)
            if batch and chars > max_chars:
                break
            batch.append(SignedRecord(payload=payload, sha256=sha256, signature=signature))
        return batch

    def acknowledge(self, receipt: RecordReceipt) -> None:
        """Believe the hub's receipt. A watermark that fell back means it lost records: send those again."""
        received_at = receipt.received_at.isoformat()
        with self.transaction():
            self._db.executemany(
                "UPDATE record SET received_at = ?, refusal = NULL WHERE id = ? AND received_at IS NULL",
                [(received_at, str(record_id)) for record_id in receipt.stored],
            )
            for sha256, code in receipt.refused.items():
                self.refuse(sha256, code)
            known = int(self.state("watermark") or 0)
            if receipt.watermark < known:
                self._db.execute("UPDATE record SET received_at = NULL WHERE kit_seq > ?", (receipt.watermark,))
                # a hub that came back from a backup may have a record and not its file; what it has it says at once
                self._db.execute("UPDATE media SET stored = 0")
            if receipt.watermark != known:
                self.put_state("watermark", str(receipt.watermark))

    def refuse(self, sha256: str, code: str) -> None:
        """The hub will not take this record; it stays, and a person has to look at it."""
        self._db.execute("UPDATE record SET refusal = ? WHERE sha256 = ? AND received_at IS NULL", (code, sha256))

    def retry_refused(self) -> None:
        """Offer what was refused once more; done at start, since the reason may have been mended."""
        self._db.execute("UPDATE record SET refusal = NULL WHERE refusal IS NOT NULL")
        self._db.execute("UPDATE media SET refusal = NULL WHERE refusal IS NOT NULL")

    def refused(self) -> dict[int, str]:
        """kit_seq → code of what the hub would not take; a person has to look at these."""
        return dict(self._db.execute("SELECT kit_seq, refusal FROM record WHERE refusal IS NOT NULL"))

    def unsent(self) -> Unsent:
        count, oldest = self._db.execute(
            "SELECT COUNT(*), MIN(made_at) FROM (SELECT made_at FROM record WHERE received_at IS NULL"
            " UNION ALL SELECT made_at FROM media JOIN record USING (kit_seq) WHERE stored = 0)"
        ).fetchone()
        return Unsent(count, datetime.fromisoformat(oldest) if oldest else None)

    def of_visit(self, visit_id: UUID) -> list[Entry]:
        rows = self._db.execute(OF_VISIT, (str(visit_id),))
        return [_entry(row) for row in rows]

    def record(self, record_id: UUID) -> Entry | None:
        row = self._db.execute(BY_ID, (str(record_id),)).fetchone()
        return _entry(row) if row else None

    def numbers(self) -> list[int]:
        """Every kit_seq there is, in order: for those who check that there is no hole."""
        return [number for (number,) in self._db.execute("SELECT kit_seq FROM record ORDER BY kit_seq")]

    # The unassigned tray

    def in_tray(self, decision: Literal["set_aside"] | None, limit: int) -> list[TrayEntry]:
        """Values nobody decided about, the newest first; or those set aside, the last decided first."""
        rows = self._db.execute(
            "SELECT kit_seq, decided_seq FROM tray WHERE decision IS ?"
            " ORDER BY COALESCE(decided_seq, kit_seq) DESC LIMIT ?",
            (decision, limit),
        ).fetchall()
        return [TrayEntry(self._numbered(seq), self._numbered(by) if by else None) for seq, by in rows]

    def tray_count(self) -> int:
        """Values nobody decided about."""
        (count,) = self._db.execute("SELECT COUNT(*) FROM tray WHERE decision IS NULL").fetchone()
        return int(count)

    def of_tray(self, reading_id: UUID) -> TrayEntry | None:
        """One value of the tray, also after somebody decided; None for what never was there."""
        row = self._db.execute(
            "SELECT kit_seq, decided_seq FROM tray WHERE reading_id = ?", (str(reading_id),)
        ).fetchone()
        return TrayEntry(self._numbered(row[0]), self._numbered(row[1]) if row[1] else None) if row else None

    # Media

    def unsent_media(self) -> MediaRow | None:
        """The oldest file whose record the hub has and whose content it has not."""
        row = self._db.execute(
            "SELECT media.sha256, media_type FROM media JOIN record USING (kit_seq)"
            " WHERE stored = 0 AND media.refusal IS NULL AND received_at IS NOT NULL ORDER BY kit_seq LIMIT 1"
        ).fetchone()
        return MediaRow(*row) if row else None

    def media_type(self, sha256: str) -> str | None:
        row = self._db.execute("SELECT media_type FROM media WHERE sha256 = ?", (sha256,)).fetchone()
        return str(row[0]) if row else None

    def media_is_stored(self, sha256: str) -> bool:
        row = self._db.execute("SELECT stored FROM media WHERE sha256 = ?", (sha256,)).fetchone()
        return bool(row and row[0])

    def media_stored(self, sha256: str) -> None:
        self._db.execute("UPDATE media SET stored = 1 WHERE sha256 = ?", (sha256,))

    def media_refused(self, sha256: str, code: str) -> None:
        self._db.execute("UPDATE media SET refusal = ? WHERE sha256 = ?", (code, sha256))

    # State: what must outlive a restart and is not a record

    def state(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def put_state(self, key: str, value: str | None) -> None:
        """Durable when it returns, or with its transaction; None takes the row away."""
        if value is None:
            self._db.execute("DELETE FROM state WHERE key = ?", (key,))
        else:
            self._db.execute(
                "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )

    def json_state(self, key: str) -> Any:
        text = self.state(key)
        return None if text is None else json.loads(text)

    def put_json_state(self, key: str, value: Mapping[str, Any] | list[Any] | None) -> None:
        self.put_state(key, None if value is None else json.dumps(value))

    def _prepare(self) -> None:
        """Nothing is written where nothing is new: a kit whose disk is full starts."""
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise WrongJournal("the journal was written by a newer program")
        if version < VERSION:
            with self.transaction():
                self._upgrade(version)
        if self.state("kit_id") != str(self.key.kit_id):
            raise WrongJournal("the journal belongs to another kit")

    def _upgrade(self, version: int) -> None:
        if version == 0:
            self._execute(TABLES)
            self.put_state("kit_id", str(self.key.kit_id))
        if version < 2:
            self._execute(TRAY)
        self._db.execute(f"PRAGMA user_version = {VERSION}")

    def _execute(self, statements: str) -> None:
        for statement in statements.split(";\n"):
            self._db.execute(statement)

    def _numbered(self, kit_seq: int) -> Entry:
        return _entry(self._db.execute(BY_NUMBER, (kit_seq,)).fetchone())

    def _note_in_tray(self, record: Record) -> None:
        """A device's error is no value: it waits for nobody's decision."""
        if isinstance(record, Reading) and record.binding.visit_id is None and record.problem is None:
            self._db.execute(
                "INSERT INTO tray (kit_seq, reading_id) VALUES (?, ?)", (record.binding.kit_seq, str(record.id))
            )
        elif isinstance(record, ReadingFiled):
            self._db.execute(
                "UPDATE tray SET decision = ?, decided_seq = ? WHERE reading_id = ?",
                (record.decision, record.binding.kit_seq, str(record.reading_id)),
            )

    def _insert(self, kit_seq: int, record: Record, signed: SignedRecord, measurement_id: str) -> None:
        visit_id = record.binding.visit_id
        self._db.execute(
            "INSERT INTO record (kit_seq, id, type, visit_id, made_at, measurement_id, payload, sha256, signature)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                kit_seq,
                str(record.id),
                record.type,
                str(visit_id) if visit_id else None,
                record.times.kit_utc.isoformat(),
                measurement_id or None,
                signed.payload,
                signed.sha256,
                signed.signature,
            ),
        )


def _entry(row: tuple[int, str, str, str, str | None]) -> Entry:
    kit_seq, payload, sha256, signature, received_at = row
    return Entry(
        kit_seq,
        record_adapter.validate_json(payload),
        SignedRecord(payload=payload, sha256=sha256, signature=signature),
        datetime.fromisoformat(received_at) if received_at else None,
    )
