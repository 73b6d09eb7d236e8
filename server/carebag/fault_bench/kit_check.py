"""Whether a kit's journal is whole: everything it ever said it had, signed, without a hole, and in step with itself."""

import base64
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from carebag.fault_bench.outcome import Problem
from carebag_wire.records import payload_sha256

PAIR = "bench_pair"
"""State that the bench writes in one transaction with a record whose `raw` says so too."""
_RECORDS = "SELECT kit_seq, payload, sha256, signature FROM record ORDER BY kit_seq"
_IN_STEP = {
    "tray without its reading, or reading without its tray row": (
        "SELECT COUNT(*) FROM (SELECT kit_seq FROM record WHERE type = 'reading' AND visit_id IS NULL"
        " AND json_extract(payload, '$.problem') IS NULL) full_of"
        " FULL OUTER JOIN tray ON tray.kit_seq = full_of.kit_seq WHERE tray.kit_seq IS NULL OR full_of.kit_seq IS NULL"
    ),
    "media row and photo record differ": (
        "SELECT COUNT(*) FROM (SELECT kit_seq FROM record WHERE type = 'photo_taken') photo"
        " FULL OUTER JOIN media ON media.kit_seq = photo.kit_seq WHERE media.kit_seq IS NULL OR photo.kit_seq IS NULL"
    ),
    "a decision without its record": (
        "SELECT COUNT(*) FROM tray WHERE decided_seq IS NOT NULL"
        " AND decided_seq NOT IN (SELECT kit_seq FROM record WHERE type = 'reading_filed')"
    ),
    "state and record of one transaction differ": (
        "SELECT COALESCE((SELECT MAX(kit_seq) FROM record WHERE json_extract(payload, '$.raw') = 'pair'), 0)"
        " <> COALESCE((SELECT CAST(value AS INTEGER) FROM state WHERE key = 'bench_pair'), 0)"
    ),
    "watermark above what was received": (
        "SELECT COUNT(*) FROM record WHERE received_at IS NULL AND kit_seq <="
        " COALESCE((SELECT CAST(value AS INTEGER) FROM state WHERE key = 'watermark'), 0)"
    ),
}


def check_kit(db: Any, public_key: Ed25519PublicKey, said: Mapping[int, str], known: set[str]) -> list[Problem]:
    """Everything that is wrong with a journal.

    Args:
        db: a connection (of sqlite3 or apsw) to it.
        said: kit_seq → SHA-256 of every append that returned.
        known: digests whose signature was verified before; those verified now are added.
    """
    try:
        problems = _whole(db)
        rows = db.execute(_RECORDS).fetchall()
        problems += [Problem("torn", what) for what, query in _IN_STEP.items() if db.execute(query).fetchone()[0]]
    except Exception as error:  # sqlite3's and apsw's errors have no common parent
        return [Problem("corrupt", f"{type(error).__name__}: {error}")]
    found = {seq: sha256 for seq, _, sha256, _ in rows}
    problems += [Problem("lost", f"kit_seq {seq}") for seq, sha256 in said.items() if found.get(seq) != sha256]
    if list(found) != list(range(1, len(found) + 1)):
        problems.append(Problem("hole", f"{len(found)} records up to {max(found)}"))
    for seq, payload, sha256, signature in rows:
        if sha256 in known:
            continue
        if payload_sha256(payload) != sha256 or not _signed(public_key, signature, payload):
            problems.append(Problem("unsigned", f"kit_seq {seq}"))
        known.add(sha256)
    return problems


def _whole(db: Any) -> list[Problem]:
    problems = []
    (word,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if word != "ok":
        problems.append(Problem("corrupt", str(word)))
    if db.execute("PRAGMA foreign_key_check").fetchone() is not None:
        problems.append(Problem("torn", "a row refers to none"))
    return problems


def _signed(public_key: Ed25519PublicKey, signature: str, payload: str) -> bool:
    try:
        public_key.verify(base64.b64decode(signature), payload.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
