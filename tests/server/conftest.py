"""Stores for the hub's tests: SQLite always, PostgreSQL where its programs are found; a database for each test."""

import base64
import hashlib
import json
import secrets
import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text
from starlette.testclient import TestClient

from carebag_server.app import create_app
from carebag_server.database import Database, make_engine
from carebag_server.demo_data import demo_id, ensure_demo
from carebag_server.migrate import upgrade
from carebag_server.settings import Settings
from carebag_server.tables import AuditRow, Kit
from carebag_wire.base import uuid7
from carebag_wire.kit_proof import KitProof, proof_text, write_proof
from carebag_wire.socket_ticket import PREFIX, SUBPROTOCOL

Json = dict[str, Any]


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """A migrated database to copy from: 50 ms instead of a migration for each test."""
    _administer(postgres_server, "CREATE DATABASE carebag_template")
    _migrate(postgres_server + "carebag_template")
    return "carebag_template"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "template.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    file = tmp_path / "hub.db"
    shutil.copy(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    _administer(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield postgres_server + name
    _administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database of either kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    made = Database(store_url)
    yield made
    made.dispose()


def _migrate(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()


def _administer(server: str, statement: str) -> None:
    engine = make_engine(server + "postgres")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()


A_PHOTO = bytes.fromhex("ffd8 ffc0000b080001000101011100 ffda0008010100003f00") + b"photo" + bytes.fromhex("ffd9")
"""The least that is taken apart as a JPEG: a frame header, a scan, an end."""


class Clock:
    """The hub's time, moved by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **how_far: float) -> None:
        self.at += timedelta(**how_far)


class KitSide:
    """A kit as the hub sees one: signs requests and records with its own key. `send` is a TestClient's `request`."""

    def __init__(self, clock: Clock, client: TestClient | None = None, kit_id: uuid.UUID | None = None) -> None:
        self.clock, self.client = clock, client
        self.kit_id = kit_id or uuid.uuid4()
        self.key = Ed25519PrivateKey.generate()
        self.seq = 0

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def sign(self, text: bytes) -> str:
        return base64.b64encode(self.key.sign(text)).decode()

    def proof(self, method: str, target: str, body: bytes = b"", **changes: Any) -> str:
        ms, nonce = int(self.clock().timestamp() * 1000), secrets.token_urlsafe(18)
        ms, nonce = changes.get("unix_ms", ms), changes.get("nonce", nonce)
        digest = changes.get("body_sha256", hashlib.sha256(body).hexdigest())
        text = proof_text(method, target, ms, nonce, digest)
        return write_proof(KitProof(self.kit_id, ms, nonce, self.sign(text)))

    def request(self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Any:
        assert self.client is not None
        sent = {
            "Authorization": self.proof(method, target, body),
            "Content-Type": "application/json",
            **(headers or {}),
        }
        return self.client.request(method, target, content=body, headers=sent)

    def binding(self, visit: Json | None, request_id: str | None = None) -> Json:
        self.seq += 1
        return {
            "visit_id": visit["id"] if visit else None,
            "patient_id": visit["patient"]["id"] if visit else None,
            "nurse_id": str(demo_id("Anna Lind")),
            "kit_id": str(self.kit_id),
            "kit_seq": self.seq,
            "request_id": request_id,
        }

    def record(self, record_type: str, visit: Json | None, request_id: str | None = None, **more: Any) -> Json:
        """A record's JSON object with everything it needs; `more` adds to it or replaces."""
        now = self.clock()
        common = {
            "type": record_type,
            "id": str(uuid7(int(now.timestamp() * 1000))),
            "binding": self.binding(visit, request_id),
            "times": {"kit_monotonic_ns": 5, "kit_utc": now.isoformat()},
        }
        return {**common, **RECORD_PARTS[record_type], **more}

    def envelope(self, record: Json) -> Json:
        payload = json.dumps(record, ensure_ascii=False)
        return {
            "payload": payload,
            "sha256": hashlib.sha256(payload.encode()).hexdigest(),
            "signature": self.sign(payload.encode()),
        }

    def send(self, *records: Json) -> Json:
        """Store records; returns the receipt."""
        return self.send_envelopes(*(self.envelope(record) for record in records))

    def send_envelopes(self, *envelopes: Json) -> Json:
        answer = self.request("POST", "/api/kit/records", json.dumps({"records": envelopes}).encode())
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def store(self, record_type: str, visit: Json | None, request_id: str | None = None, **more: Any) -> Json:
        record = self.record(record_type, visit, request_id, **more)
        receipt = self.send(record)
        assert receipt["stored"] == [record["id"]], receipt
        return record


CUFF = {"id": "aa:bb", "kind": "cuff", "maker": "synthetic", "model": "bp", "simulated": True}
RECORD_PARTS: dict[str, Json] = {
    "visit_opened": {"identifiers": ["name", "personal_id"]},
    "visit_closed": {"plan_read": True},
    "visit_taken_over": {},
    "question_put": {"text": "Vad tror du?"},
    "page_lock_changed": {"change": "locked", "how": "idle"},
    "request_progressed": {"state": "started"},
    "reading": {
        "kind": "blood_pressure",
        "quantities": [
            {"name": "systolic", "value": "128.50", "unit": "mm[Hg]"},
            {"name": "diastolic", "value": "81", "unit": "mm[Hg]"},
        ],
        "quality": {"word": "good"},
        "device": CUFF,
        "provenance": "live",
    },
    "sound_recorded": {
        "device": {**CUFF, "kind": "stethoscope"},
        "stream": 1,
        "circumstances": {"point": "mitral"},
        "rate_hz": 4000,
        "samples": 4,
        "media_sha256": hashlib.sha256(b"\x01\x00\x02\x00\x03\x00\x04\x00").hexdigest(),
        "quality": {"word": "good"},
    },
    "reading_filed": {"reading_id": str(uuid.UUID(int=0)), "decision": "this_patient"},
    "reading_withdrawn": {"reading_id": str(uuid.UUID(int=0))},
    "photo_taken": {
        "media_sha256": hashlib.sha256(A_PHOTO).hexdigest(),
        "media_type": "image/jpeg",
        "width": 4,
        "height": 3,
    },
}
HOME = "http://localhost:8470"


class Browser(TestClient):
    """A browser with one of our pages: it fetches a ticket before it opens a socket."""

    def websocket_connect(self, url: str, subprotocols: Any = None, **more: Any) -> Any:
        at = urlsplit(url)
        if subprotocols is None and at.path in ("/api/ws/console", "/api/ws/guest"):
            subprotocols = self.ticket(at.path, at.query.removeprefix("as="), more.get("headers"))
        # a copy: the client writes what is offered into the headers that it is given
        return super().websocket_connect(url, subprotocols, **{**more, "headers": dict(more.get("headers") or {})})

    def ticket(self, path: str, slot: str = "", headers: Any = None) -> list[str]:
        """What the page then offers; nothing where it gets no ticket."""
        sent = {**(headers or {}), "X-Carebag-As": slot}
        answer = self.post(f"{path}/ticket", headers=sent)
        return [SUBPROTOCOL, PREFIX + answer.json()["ticket"]] if answer.status_code == 201 else []


class DemoHub:
    """A running demo hub with a TestClient as the browser, one kit, and its people signed in when asked."""

    def __init__(self, url: str, media: Path, clock: Clock) -> None:
        self.url, self.clock = url, clock
        self.kit = KitSide(clock)
        ensure_demo(url, self.kit.kit_id, self.kit.public_key, clock())
        self.settings = Settings(database_url=url, media_folder=media, demo=True, origins=(HOME,))
        self.app = create_app(self.settings, clock)
        self.client = self.browser()
        self.kit.client = self.client
        self.database: Database = self.app.state.hub.database

    def browser(self, **options: Any) -> Browser:
        return Browser(self.app, base_url=HOME, client=("127.0.0.1", 50000), **options)

    def sign_in(self, role: str, client: TestClient | None = None) -> dict[str, str]:
        """Through the demo's door; returns the headers that name the slot."""
        browser = client or self.client
        door = next(door for door in browser.get("/api/demo/doors").json() if door["role"] == role)
        token = door["url"].split("#token=")[1]
        answer = browser.post("/api/session/link", json={"token": token}, headers={"Origin": HOME})
        assert answer.status_code == 200, answer.text
        return {"Origin": HOME, "X-Carebag-As": role}

    def enrol(self, name: str, organization: str = "Timrå kommun", client: TestClient | None = None) -> KitSide:
        """One more kit."""
        kit = KitSide(self.clock, client or self.client)
        with self.database.transaction() as session:
            session.add(
                Kit(
                    id=kit.kit_id,
                    organization_id=demo_id(organization),
                    name=name,
                    unit="u",
                    public_key=kit.public_key,
                    enrolled_at=self.clock(),
                )
            )
        return kit

    def visits(self) -> list[Json]:
        """Heads of the kit's visits."""
        answer = self.kit.request("GET", "/api/kit/visits")
        assert answer.status_code == 200, answer.text
        return [snapshot["visit"] for snapshot in answer.json()]

    def consent(self, headers: dict[str, str], visit: Json, days: int = 1) -> Json:
        """The patient of a visit lets the doctor's care provider read the earlier ones."""
        said = {"asked_by": "doctor", "how": "spoken", "days": days}
        answer = self.client.post(f"/api/visits/{visit['id']}/consent", headers=headers, json=said)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def actions(self, visit_id: str | None = None) -> list[str]:
        """Actions of the access log, in order."""
        with self.database.reading() as session:
            query = select(AuditRow).order_by(AuditRow.seq)
            if visit_id:
                query = query.where(AuditRow.visit_id == uuid.UUID(visit_id))
            return [row.action for row in session.scalars(query)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hub(store_url: str, tmp_path: Path, clock: Clock) -> Iterator[DemoHub]:
    """A demo hub on each kind of store."""
    made = DemoHub(store_url, tmp_path / "media", clock)
    with made.client:
        yield made


@pytest.fixture
def small_hub(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[DemoHub]:
    """A demo hub on SQLite only, for what does not touch the store's kind."""
    made = DemoHub(sqlite_url, tmp_path / "media", clock)
    with made.client:
        yield made


@pytest.fixture
def doctor(hub: DemoHub) -> dict[str, str]:
    return hub.sign_in("doctor")


@pytest.fixture
def visit(hub: DemoHub) -> Json:
    """Tolvan's visit, opened by the nurse."""
    head = hub.visits()[0]
    hub.kit.store("visit_opened", head)
    return head


@pytest.fixture(scope="module")
def fuzz_hub(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoHub]:
    """One hub for all examples of a property."""
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copy(sqlite_template, folder / "hub.db")
    made = DemoHub(f"sqlite:///{folder / 'hub.db'}", folder / "media", Clock())
    with made.client:
        yield made


@pytest.fixture
def make_kit() -> type[KitSide]:
    """Kits for tests that bring their own hub."""
    return KitSide
