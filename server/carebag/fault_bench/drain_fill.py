"""72 hours without a network at a kit: visits, values and photos by the kit's own bedside, on a played clock."""

import random
import struct
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from carebag.fault_bench.outcome import Problem
from carebag_devices.events import Identity, Measured, MeasurementKind, Value
from carebag_edge.bedside import Bedside
from carebag_edge.clock import Clock
from carebag_edge.journal_rows import Entry
from carebag_edge.keys import load_or_create
from carebag_edge.nurse_sessions import NurseSessions
from carebag_edge.settings import KitSettings
from carebag_edge.store import open_store
from carebag_server.app import create_app
from carebag_server.callers import KitCaller
from carebag_server.demo_data import demo_id, ensure_demo
from carebag_server.people import commissioned
from carebag_server.sessions import AT_THE_KIT
from carebag_server.settings import Settings
from carebag_server.tables import VisitRow
from carebag_server.visits import AHEAD, kit_snapshots
from carebag_wire.api import NurseIdentity
from carebag_wire.base import uuid7
from carebag_wire.image_strip import strip
from carebag_wire.messages import KitVisits
from carebag_wire.nurse_messages import OpenVisit

OUTAGE = AHEAD
"""Over it the visits are planned at even distances: the hub tells a kit of all of them before."""
PAUSE = timedelta(seconds=20)
"""Between two values of a visit."""
KINDS: tuple[tuple[MeasurementKind, str, str, tuple[Value, ...]], ...] = (
    (
        "blood_pressure",
        "cuff",
        "1e80005000600007ea0b170900002c0100000000",
        (
            Value("systolic", Decimal(128), "mm[Hg]"),
            Value("diastolic", Decimal(80), "mm[Hg]"),
            Value("mean", Decimal(96), "mm[Hg]"),
            Value("pulse", Decimal(72), "/min"),
        ),
    ),
    ("temperature", "thermometer", "0677010fff", (Value("temperature", Decimal("37.5"), "Cel"),)),
    ("crp", "crp_analyser", "0c000d0a", (Value("crp", Decimal(12), "mg/L"),)),
    ("weight", "scale", "02d837", (Value("weight", Decimal(71), "kg"),)),
)


@dataclass(frozen=True)
class Load:
    """What was taken in the outage.

    Args:
        visits: over the whole of it, at even distances.
        photo_bytes: size of one photo.
    """

    readings: int = 2000
    photos: int = 300
    visits: int = 24
    photo_bytes: int = 100_000

    @classmethod
    def of_photos(cls, number: int) -> "Load":
        """As many readings to them as in 2,000 to 300."""
        return cls(readings=number * 20 // 3, photos=number)


@dataclass
class Filled:
    """What a kit's journal holds, by the schedule and not by the journal."""

    kit_id: UUID
    made: dict[int, str] = field(default_factory=dict)
    """kit_seq → SHA-256 of each record."""
    visit_of: dict[int, UUID | None] = field(default_factory=dict)
    readings: Counter[UUID] = field(default_factory=Counter)
    """Of each visit."""
    photos: list[str] = field(default_factory=list)
    """Their SHA-256."""
    record_bytes: int = 0
    """Of all records as they go: payload, digest and signature in JSON."""
    photo_bytes: int = 0
    problems: list[Problem] = field(default_factory=list)

    def note(self, entry: Entry, visit_id: UUID) -> None:
        self.made[entry.kit_seq], self.visit_of[entry.kit_seq] = entry.signed.sha256, visit_id
        self.record_bytes += len(entry.signed.model_dump_json())


def fill(kit: Path, hub: str, load: Load, ends: datetime, rng: random.Random) -> Filled:
    """A kit's folder as it is when the network comes back, and the hub that it was enrolled at before.

    Args:
        hub: URL of the hub's database, which is made.
        ends: when the outage ends; it began 72 hours before.
    """
    began = ends - OUTAGE
    settings = KitSettings(data=kit)
    key = load_or_create(kit, None, int(began.timestamp() * 1000))
    told, nurse = _before(hub, kit.parent, key.kit_id, key.private.public_key().public_bytes_raw(), load, began)
    journal, media, _ = open_store(settings, key)
    now = began
    clock = Clock(utc=lambda: now, monotonic_ns=lambda: int((now - began).total_seconds() * 1e9))
    bedside, sessions = Bedside(journal, media, clock), NurseSessions(journal, clock)
    bedside.hub_said(told)
    cookie, _ = sessions.enter(nurse)
    filled = Filled(key.kit_id)
    try:
        for number, snapshot in enumerate(told.visits):
            visit_id = snapshot.visit.id
            now = began + number * OUTAGE / load.visits
            bedside.open(OpenVisit(visit_id=visit_id, identifiers=["name", "personal_id"]), nurse.person)
            for one in range(_share(load.readings, load.visits, number)):
                now += PAUSE
                entry = bedside.keep_measured(_measured(rng, f"{number}-{one}"))
                if entry is None:
                    filled.problems.append(Problem("lost", f"value {one} of visit {number}, at the kit"))
                    continue
                filled.note(entry, visit_id)
                filled.readings[visit_id] += 1
            for _ in range(_share(load.photos, load.visits, number)):
                now += PAUSE
                photo = strip(_jpeg(rng, load.photo_bytes))
                entry = bedside.keep_photo(visit_id, photo)
                filled.note(entry, visit_id)
                filled.photo_bytes += len(photo.content)
                filled.photos.append(entry.record.media_sha256)  # type: ignore[union-attr]
            bedside.close(plan_read=True)
            for entry in journal.of_visit(visit_id):
                if entry.kit_seq not in filled.made:
                    filled.note(entry, visit_id)  # opened and closed
            if sessions.who(cookie) != nurse.person:
                filled.problems.append(Problem("signed_out", f"the nurse, {now - began} after the network went"))
    finally:
        journal.close()
    return filled


def _share(whole: int, parts: int, number: int) -> int:
    return whole * (number + 1) // parts - whole * number // parts


def _before(
    url: str, folder: Path, kit_id: UUID, public_key: bytes, load: Load, at: datetime
) -> tuple[KitVisits, NurseIdentity]:
    """The hub's last words before the outage: the kit's visits, and who its nurse is."""
    ensure_demo(url, kit_id, public_key, at)
    app = create_app(Settings(database_url=url, media_folder=folder / "hub-media", demo=True), lambda: at)
    hub = app.state.hub
    nurse = demo_id("Anna Lind nurse")
    caller = KitCaller(
        kit_id=kit_id,
        name="Väska",
        unit="bench",
        organization_id=demo_id("Timrå kommun"),
        organization="Timrå kommun",
        address="127.0.0.1",
        request_ref="bench",
    )
    with hub.database.transaction() as session:
        there = list(session.scalars(select(VisitRow).where(VisitRow.kit_id == kit_id).order_by(VisitRow.id)))
        for number in range(len(there), load.visits):
            like = there[number % len(there)]
            session.add(
                VisitRow(
                    id=uuid7(int(at.timestamp() * 1000)),
                    organization_id=like.organization_id,
                    patient_id=like.patient_id,
                    kit_id=kit_id,
                    nurse_commission_id=nurse,
                    scheduled_at=at + number * OUTAGE / load.visits,
                    reason=like.reason,
                    background=like.background,
                    colour=like.colour,
                )
            )
        session.flush()
        visits = kit_snapshots(hub, session, caller)[: load.visits]
        who = commissioned(session, nurse)
    hub.database.dispose()
    if who is None or len(visits) < load.visits:
        raise RuntimeError(f"the hub told of {len(visits)} visits")
    return KitVisits(visits=visits), NurseIdentity(person=who.person, expires_at=at + AT_THE_KIT)


def _measured(rng: random.Random, name: str) -> Measured:
    """A value with as many raw bytes as its instrument sends."""
    kind, instrument, raw, values = KINDS[rng.randrange(len(KINDS))]
    return Measured(
        identity=Identity(f"bench-{instrument}", instrument, simulated=True),  # type: ignore[arg-type]
        kind=kind,
        values=values,
        problem=None,
        flags=(),
        device_time=None,
        raw=bytes.fromhex(raw),
        measurement_id=name,
    )


def _jpeg(rng: random.Random, size: int) -> bytes:
    """A file with a JPEG's structure and as many bytes; what would be its pixels is chance, as compressed ones are."""
    frame = b"\x08" + struct.pack(">HH", 960, 1280) + b"\x01\x01\x11\0"
    head = b"\xff\xd8" + _segment(0xDB, b"\0" * 65) + _segment(0xC0, frame) + _segment(0xDA, b"\x01\x01\0\0\x3f\0")
    return head + rng.randbytes(size - len(head) - 2).replace(b"\xff", b"\xfe") + b"\xff\xd9"


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
