"""The hub's store with two kits and their visits, without HTTP: what a kit sends goes into the hub's own `take_in`."""

import random
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from carebag.fault_bench.outcome import Problem
from carebag_edge.binding import Whom
from carebag_edge.keys import KitKey
from carebag_server.app import create_app
from carebag_server.audit import verify
from carebag_server.callers import KitCaller
from carebag_server.database import Database
from carebag_server.demo_data import demo_id, ensure_demo
from carebag_server.hub import Hub
from carebag_server.records import take_in
from carebag_server.settings import Settings
from carebag_server.tables import Kit, RecordRow, VisitRow
from carebag_wire.records import RecordBatch, RecordReceipt

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KITS = 2


def bench_keys(rng: random.Random, number: int = KITS) -> list[KitKey]:
    """Keys of a seed: a bench's signatures are the same again."""
    return [
        KitKey(UUID(int=0x0192_0000_0000_7000_8000_0000_0000_0001 + n), private)
        for n, private in enumerate(Ed25519PrivateKey.from_private_bytes(rng.randbytes(32)) for _ in range(number))
    ]


def make_store(file: Path, kits: Sequence[KitKey], at: datetime = AT) -> None:
    """A migrated SQLite store in which these kits are enrolled, with three visits each."""
    for key in kits:
        ensure_demo(f"sqlite:///{file}", key.kit_id, key.private.public_key().public_bytes_raw(), at)


def copy_store(template: Path, file: Path) -> None:
    shutil.copy(template, file)


class HubStand:
    """A hub's parts over one database; `restart` is what a new process sees."""

    def __init__(self, folder: Path, database: Database) -> None:
        settings = Settings(database_url="sqlite://", media_folder=folder / "hub-media", demo=True)
        self._hub: Hub = create_app(settings, lambda: AT).state.hub
        self._hub.database.dispose()
        self._hub.database = database
        self._callers: dict[UUID, KitCaller] = {}

    @property
    def database(self) -> Database:
        return self._hub.database

    def restart(self, database: Database) -> None:
        self._hub.database = database

    def deliver(self, kit_id: UUID, body: bytes) -> RecordReceipt:
        """What the route `POST /api/kit/records` does after the proof: parsed, taken in, committed, receipt."""
        batch = RecordBatch.model_validate_json(body)
        with self.database.transaction() as session:
            return take_in(self._hub, session, self._caller(kit_id), batch)

    def _caller(self, kit_id: UUID) -> KitCaller:
        return KitCaller(
            kit_id=kit_id,
            name="Väska",
            unit="bench",
            organization_id=demo_id("Timrå kommun"),
            organization="Timrå kommun",
            address="127.0.0.1",
            request_ref="bench",
        )


def visits_of(database: Database, kit_id: UUID) -> list[Whom]:
    """Whom this kit's nurse may have open: its visits with their patients."""
    with database.reading() as session:
        rows = session.scalars(select(VisitRow).where(VisitRow.kit_id == kit_id).order_by(VisitRow.id))
        return [Whom(row.id, row.patient_id, demo_id("Anna Lind")) for row in rows]


def check_hub(
    database: Database, kit_id: UUID, said: dict[int, str], visit_of: dict[int, UUID | None]
) -> list[Problem]:
    """Everything that is wrong with what the hub keeps of one kit.

    Args:
        said: kit_seq → SHA-256 of every record that a receipt named as stored.
        visit_of: kit_seq → the visit that the schedule meant, of every record there ever was.
    """
    problems = []
    with database.reading() as session:
        sqlite = session.connection().dialect.name == "sqlite"
        if sqlite and session.connection().exec_driver_sql("PRAGMA integrity_check(1)").scalar() != "ok":
            problems.append(Problem("corrupt", "integrity_check"))
        rows = list(session.scalars(select(RecordRow).where(RecordRow.kit_id == kit_id).order_by(RecordRow.kit_seq)))
        watermark = session.get_one(Kit, kit_id).watermark
        chain = verify(session, AT)
    found = {row.kit_seq: row.sha256 for row in rows}
    if len(found) != len(rows) or len({row.id for row in rows}) != len(rows):
        problems.append(Problem("doubled", f"{len(rows)} rows, {len(found)} numbers"))
    problems += [Problem("lost", f"kit_seq {seq}") for seq, sha256 in said.items() if found.get(seq) != sha256]
    problems += [
        Problem("wrong_visit", f"kit_seq {row.kit_seq}") for row in rows if row.visit_id != visit_of[row.kit_seq]
    ]
    if any(seq not in found for seq in range(1, watermark + 1)):
        problems.append(Problem("watermark", f"{watermark} over a hole"))
    if not chain.intact:
        problems.append(Problem("corrupt", f"access log: {chain.why} at {chain.broken_at}"))
    return problems
