"""`python -m carebag.ingest_bench`: how many readings a second one hub process takes in, durable and in the access log.

Each kit sends signed blood pressures over HTTP, the next request when the last was answered, as kits do after an
outage. A reading counts when it was acknowledged: signature verified, row, finding, audit row and watermark committed.
Then the hub is killed (SIGKILL) and its database read: every acknowledged reading must be there, the access log whole.
Kits and hub share this machine, so the kits' own work counts in; their records are signed before the clock starts.
"""

import argparse
import asyncio
import hashlib
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from aiohttp import ClientSession, TCPConnector
from sqlalchemy import select

from carebag.hub_bench import Room, _opening, _proof, _signed, percentile, prepare
from carebag.processes import PartFailed, Parts, free_port
from carebag_server.audit import verify_database
from carebag_server.database import Database
from carebag_server.tables import RecordRow
from carebag_wire.base import uuid7
from carebag_wire.records import Reading
from carebag_wire.values import Binding, DeviceIdentity, Quality, Quantity, Times

TARGET = "/api/kit/records"
CUFF = DeviceIdentity(id="aa:bb", kind="cuff", maker="synthetic", model="bp", simulated=True)
_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def reading_of(room: Room) -> dict[str, str]:
    """The next blood pressure of a kit, signed."""
    room.kit_seq += 1
    payload = Reading(
        id=uuid7(time.time_ns() // 1_000_000),
        binding=Binding(
            visit_id=room.visit_id, patient_id=room.patient_id, nurse_id=None, kit_id=room.kit_id, kit_seq=room.kit_seq
        ),
        times=Times(kit_monotonic_ns=time.monotonic_ns(), kit_utc=datetime.now(UTC)),
        kind="blood_pressure",
        quantities=[
            Quantity(name="systolic", value=Decimal(128), unit="mm[Hg]"),
            Quantity(name="diastolic", value=Decimal(81), unit="mm[Hg]"),
        ],
        quality=Quality(word="good"),
        device=CUFF,
        provenance="live",
    ).model_dump_json()
    text = payload.encode()
    return {"payload": payload, "sha256": hashlib.sha256(text).hexdigest(), "signature": _signed(room, text)}


class Ingest:
    """All kits, as one asyncio program."""

    def __init__(self, hub_url: str, client: ClientSession) -> None:
        self._url, self._client = hub_url + TARGET, client
        self.acknowledged: list[str] = []
        self.answers_ms: list[float] = []
        self.refused = 0

    async def send(self, room: Room, records: list[dict[str, str]]) -> None:
        body = json.dumps({"records": records}).encode()
        headers = {"Authorization": _proof(room, "POST", TARGET, body), "Content-Type": "application/json"}
        began = time.monotonic()
        async with self._client.post(self._url, data=body, headers=headers) as answer:
            receipt: dict[str, Any] = await answer.json()
            self.answers_ms.append((time.monotonic() - began) * 1000)
            self.refused += len(receipt.get("refused", records))
            self.acknowledged += receipt.get("stored", [])


async def measure(hub_url: str, rooms: list[Room], readings: int, batch: int) -> tuple[Ingest, float]:
    """Everyone sends their share; gives also the seconds that it took."""
    async with ClientSession(connector=TCPConnector(limit=0)) as client:
        openings, share = [_opening(room) for room in rooms], -(-readings // len(rooms))
        ready = {room.kit_id: [reading_of(room) for _ in range(share)] for room in rooms}
        opening, ingest = Ingest(hub_url, client), Ingest(hub_url, client)
        for room, record in zip(rooms, openings, strict=True):
            await opening.send(room, [record])

        async def one(room: Room) -> None:
            for start in range(0, share, batch):
                await ingest.send(room, ready[room.kit_id][start : start + batch])

        began = time.monotonic()
        await asyncio.gather(*(one(room) for room in rooms))
        return ingest, time.monotonic() - began


def missing(url: str, acknowledged: list[str]) -> int:
    """How many acknowledged readings are not in the database."""
    database = Database(url)
    try:
        with database.reading() as session:
            there = set(session.scalars(select(RecordRow.id)))
    finally:
        database.dispose()
    return sum(UUID(one) not in there for one in acknowledged)


def run(args: argparse.Namespace) -> int:
    """Exit status 0 if nothing acknowledged is missing and the log is whole; the figures are for people to judge."""
    with tempfile.TemporaryDirectory(prefix="carebag-ingest-", ignore_cleanup_errors=True) as folder:
        database, port = args.database or f"sqlite:///{folder}/hub.db", free_port(0)
        rooms = prepare(database, args.kits, datetime.now(UTC))
        with Parts(Path(folder) / "logs") as parts:
            options = ["--port", str(port), "--database", database, "--media", f"{folder}/media"]
            parts.start("hub", ["hub", *options])
            parts.wait_for("hub", f"http://localhost:{port}/api/health")
            load, hub = psutil.getloadavg()[0], psutil.Process(parts.running["hub"].pid)
            before = sum(hub.cpu_times()[:2])
            ingest, seconds = asyncio.run(measure(f"http://localhost:{port}", rooms, args.readings, args.batch))
            busy = (sum(hub.cpu_times()[:2]) - before) / seconds
            parts.stop("hub", kill=True)
        check, lost = verify_database(database), missing(database, ingest.acknowledged)
    result = {
        "engine": "sqlite" if database.startswith("sqlite") else "postgresql",
        "kits": args.kits,
        "batch": args.batch,
        "readings": len(ingest.acknowledged),
        "seconds": round(seconds, 2),
        "durable_readings_per_s": round(len(ingest.acknowledged) / seconds, 1),
        "answer_ms": {name: percentile(ingest.answers_ms, share) for name, share in _SHARES.items()},
        "refused": ingest.refused,
        "lost_after_kill": lost,
        "audit_rows": check.events,
        "audit_whole": check.intact,
        "hub_core_share": round(busy, 2),
        "machine_load_before": round(load, 1),
    }
    print(json.dumps(result, indent=2))
    return 0 if check.intact and lost == ingest.refused == 0 else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kits", type=int, default=20)
    parser.add_argument("--readings", type=int, default=4000, help="of all kits together")
    parser.add_argument("--batch", type=int, default=1, choices=range(1, 101), metavar="1-100", help="in one request")
    parser.add_argument("--database", help="an empty postgresql+psycopg://…; default: SQLite, temporary")
    try:
        return run(parser.parse_args())
    except PartFailed as problem:
        raise SystemExit(f"carebag.ingest_bench: {problem}") from None


if __name__ == "__main__":
    sys.exit(main())
