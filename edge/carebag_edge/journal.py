"""The kit's journal: nothing that was measured is shown, sent or forgotten before it is here.

SQLite, WAL, `synchronous=FULL`: a commit that returned survives a power cut (0 of 132 simulated cuts lost one;
`NORMAL` lost rows in half of them). One connection, one thread: sequence number, binding, signature and row are made
inside one transaction, so `kit_seq` has no hole and no record exists unsigned.
"""

import contextlib
import json
import logging
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from carebag_edge import journal_rows
from carebag_edge.errors import WrongJournal
from carebag_edge.journal_connection import MendedConnection
from carebag_edge.journal_file import DATABASE_ERRORS, connect
from carebag_edge.journal_rows import DAMAGED, MEDIA_DAMAGED, PCM16, Entry, MediaRow, Row, TrayEntry, Unsent
from carebag_edge.journal_tables import BY_ID, BY_NUMBER, OF_VISIT, TABLES, TRAY, UNSENT, note_in_tray
from carebag_edge.keys import KitKey
from carebag_wire.records import (
    PhotoTaken,
    Record,
    RecordReceipt,
    SignedRecord,
    SoundRecorded,
    payload_sha256,
)

log = logging.getLogger(__name__)
VERSION = 2


class Journal(MendedConnection):
    """The durable memory of one kit. Not thread-safe: it lives on the event loop's thread."""

    def __init__(self, path: Path, key: KitKey, connect: Callable[[Path], sqlite3.Connection] = connect) -> None:
        """Open or create.

        Args:
            connect: opens the file; another one where the disk is played (docs/decisions/0025).

        Raises:
            WrongJournal: written by a newer program or by another kit; or on a disk that takes no WAL.
        """
        super().__init__(path, connect)
        self.key = key
        self.when_set_aside: Callable[[], None] = lambda: None
        self.when_offered: Callable[[int], None] = lambda kit_seq: None
        """Told the highest number of a batch before it leaves."""
        self._offered: dict[UUID, int] = {}
        self._is_any_damaged = False
        self._prepare()
        self._kept.states = dict(self._db.execute("SELECT key, value FROM state").fetchall())
        (self._kept.last,) = self._db.execute("SELECT COALESCE(MAX(kit_seq), 0) FROM record").fetchone()

    # Records

    def append(self, build: Callable[[int], Record], *, measurement_id: str = "", media_type: str = "") -> Entry:
        """Number, sign and keep one record; durable when it returns (unless inside a transaction, then at its end).

        Args:
            build: makes the record for the sequence number it is given.
            measurement_id: the device's identity of a measurement, against its being delivered twice.
            media_type: for a record with media: how its file is to be announced to the hub.
        """
        renewals, alone = self.renewals, not self._db.in_transaction
        try:
            return self._append(build, measurement_id, media_type)
        except DATABASE_ERRORS:
            if not alone or self.renewals == renewals:
                raise
            return self._append(build, measurement_id, media_type)  # what it could not read was mended

    def _append(self, build: Callable[[int], Record], measurement_id: str, media_type: str) -> Entry:
        with self.transaction():
            (kit_seq,) = self._db.execute("SELECT COALESCE(MAX(kit_seq), 0) + 1 FROM record").fetchone()
            if kit_seq != self._kept.last + 1 and not self._is_written(kit_seq - 1):
                self._db.rotted = True  # where no page tells that it rotted
                raise sqlite3.DatabaseError("the end of the journal is not the one that was written")
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
            note_in_tray(self._db, record)
        return Entry(kit_seq, record, signed)

    def has_measurement(self, measurement_id: str) -> bool:
        found = self._db.execute("SELECT 1 FROM record WHERE measurement_id = ?", (measurement_id,)).fetchone()
        return found is not None

    def unsent_records(self, limit: int, max_chars: int = 1_000_000) -> list[SignedRecord]:
        """The oldest ones that the hub has not acknowledged, in order; at least one however large it is."""
        entries: list[Entry] = []
        known = -1
        while not entries and known != len(self._set_aside):  # all of them may have been damaged
            known = len(self._set_aside)
            entries = self._entries(self._db.execute(UNSENT, (limit + known,)).fetchall())[:limit]
        self._offered = {one.record.id: one.kit_seq for one in entries}
        if entries:
            self.when_offered(entries[-1].kit_seq)
        batch: list[SignedRecord] = []
        chars = 0
        for entry in entries:
            chars += len(entry.signed.payload)
            if batch and chars > max_chars:
                break
            batch.append(entry.signed)
        return batch

    def acknowledge(self, receipt: RecordReceipt) -> None:
        """Believe the hub's receipt. A watermark that fell back means it lost records: send those again."""
        received_at = receipt.received_at.isoformat()
        with self.transaction():
            self._db.executemany(
                "UPDATE record SET received_at = ?, refusal = NULL WHERE id = ? AND received_at IS NULL",
                [(received_at, str(record_id)) for record_id in receipt.stored],
            )
            # by number too: an index that rotted must not have a record sent for ever
            self._db.executemany(
                "UPDATE record SET received_at = ?, refusal = NULL WHERE kit_seq = ? AND received_at IS NULL",
                [(received_at, self._offered[one]) for one in receipt.stored if one in self._offered],
            )
            self.damages += self._is_any_damaged
            for one in receipt.stored:
                self._kept.at_hub(self._offered.get(one, 0))
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
        log.error("the hub refuses record %s: %s", sha256[:16], code)
        self.damages += 1

    def retry_refused(self) -> None:
        """Offer what was refused once more; done at start, since the reason may have been mended."""
        self._db.execute("UPDATE record SET refusal = NULL WHERE refusal <> ?", (DAMAGED,))
        self._db.execute("UPDATE media SET refusal = NULL WHERE refusal IS NOT NULL")

    def not_taken(self) -> tuple[int, str | None]:
        """How many records and files the hub refused, damaged ones apart, and why the first of them."""
        codes = self._db.execute(
            "SELECT refusal FROM record WHERE received_at IS NULL AND refusal IS NOT NULL AND refusal <> ?"
            " UNION ALL SELECT refusal FROM media WHERE stored = 0 AND refusal IS NOT NULL AND refusal <> ?",
            (DAMAGED, MEDIA_DAMAGED),
        ).fetchall()
        self._is_any_damaged |= bool(codes)
        return len(codes), codes[0][0] if codes else None

    def refused(self) -> dict[int, str]:
        """kit_seq → code of what the hub would not take; a person has to look at these."""
        return dict(self._db.execute("SELECT kit_seq, refusal FROM record WHERE refusal IS NOT NULL"))

    def unsent(self) -> Unsent:
        count, oldest = self._db.execute(
            "SELECT COUNT(*), MIN(made_at) FROM (SELECT made_at FROM record WHERE received_at IS NULL"
            " AND refusal IS NOT ?1 UNION ALL SELECT made_at FROM media JOIN record USING (kit_seq)"
            " WHERE stored = 0 AND media.refusal IS NOT ?2)",
            (DAMAGED, MEDIA_DAMAGED),
        ).fetchone()
        return Unsent(count, datetime.fromisoformat(oldest) if oldest else None)

    def damaged(self) -> int:
        """Records and files that the disk no longer holds as they were written, and that the hub does not have."""
        return len(self.what_is_damaged())

    def what_is_damaged(self) -> list[str]:
        """Each of them by its number or digest."""
        rows = self._db.execute(
            "SELECT CAST(kit_seq AS TEXT) FROM record WHERE refusal = ?1 AND received_at IS NULL"
            " UNION ALL SELECT sha256 FROM media WHERE refusal = ?2 AND stored = 0",
            (DAMAGED, MEDIA_DAMAGED),
        )
        found = [one for (one,) in rows]
        self._is_any_damaged = bool(found)
        return found

    def of_visit(self, visit_id: UUID) -> list[Entry]:
        """Those that are as they were written; others are set aside, and shown to nobody."""
        return self._entries(self._db.execute(OF_VISIT, (str(visit_id),)).fetchall())

    def record(self, record_id: UUID) -> Entry | None:
        row = self._db.execute(BY_ID, (str(record_id),)).fetchone()
        return self._entry(row) if row else None

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
        found = [self._tray_entry(*row) for row in rows]
        return [one for one in found if one is not None]

    def tray_count(self) -> int:
        """Values nobody decided about."""
        (count,) = self._db.execute("SELECT COUNT(*) FROM tray WHERE decision IS NULL").fetchone()
        return int(count)

    def of_tray(self, reading_id: UUID) -> TrayEntry | None:
        """One value of the tray, also after somebody decided; None for what never was there."""
        row = self._db.execute(
            "SELECT kit_seq, decided_seq FROM tray WHERE reading_id = ?", (str(reading_id),)
        ).fetchone()
        return self._tray_entry(*row) if row else None

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
        self.damages += 1

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
        self._kept.put(key, value)

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

    def _tray_entry(self, kit_seq: int, decided_seq: int | None) -> TrayEntry | None:
        """None where the value or the decision about it is damaged: it is offered for no other patient."""
        reading, decided = self._numbered(kit_seq), self._numbered(decided_seq) if decided_seq else None
        return None if reading is None or (decided_seq and decided is None) else TrayEntry(reading, decided)

    def _is_written(self, kit_seq: int) -> bool:
        """Whether a record beyond those that are known has it: of a commit whose end was not told."""
        row = self._db.execute(BY_NUMBER, (kit_seq,)).fetchone() if kit_seq > self._kept.last else None
        return row is not None and journal_rows.entry_of(row) is not None

    def _numbered(self, kit_seq: int) -> Entry | None:
        row = self._db.execute(BY_NUMBER, (kit_seq,)).fetchone()
        return self._entry(row) if row else None

    def _entries(self, rows: list[Row]) -> list[Entry]:
        found = [self._entry(row) for row in rows]
        return [one for one in found if one is not None]

    def _entry(self, row: Row) -> Entry | None:
        """What the row holds, if it is what was written; else it is set aside: neither shown nor sent."""
        entry = journal_rows.entry_of(row)
        if entry is None and row[0] not in self._set_aside:
            self._set_aside.add(row[0])
            self.damages += 1
            log.error("record %d of the journal is damaged and set aside", row[0])
            self.when_set_aside()
            # a disk that takes no byte: this start knows, the next one finds it again
            with contextlib.suppress(*DATABASE_ERRORS):
                self._db.execute("UPDATE record SET refusal = ? WHERE kit_seq = ?", (DAMAGED, row[0]))
        return entry

    def _insert(self, kit_seq: int, record: Record, signed: SignedRecord, measurement_id: str) -> None:
        visit_id = record.binding.visit_id
        columns = (
            str(record.id),
            record.type,
            str(visit_id) if visit_id else None,
            record.times.kit_utc.isoformat(),
            measurement_id or None,
            signed.payload,
            signed.sha256,
            signed.signature,
        )
        self._db.execute(
            "INSERT INTO record (kit_seq, id, type, visit_id, made_at, measurement_id, payload, sha256, signature)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (kit_seq, *columns),
        )
        self._kept.wrote(kit_seq, (*columns, None, None))
