"""`python -m carebag.hub_bench`: how many rooms one hub process carries, with sign-in, care relation and audit log on.

Every room has a doctor's and a kit's socket. Each second each room relays one signal, to and fro in turn, as long as a
candidate of a real call. Beside that doctors ask for examinations, which is a signed-in, logged transaction each time,
and kits open their visits, which renews the lists of all doctors of that organisation, each of them logged.
Measured from send to arrival by one clock; hub and rooms share this machine, so the rooms' own work counts in:
`client_late_ms` says how late the rooms' program is for its own clock. It looks for no garbage while it measures.
"""

import argparse
import asyncio
import base64
import gc
import hashlib
import json
import secrets
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from carebag.processes import PartFailed, Parts, free_port
from carebag_server import sessions
from carebag_server.audit import verify_database
from carebag_server.database import Database
from carebag_server.installation import stamp
from carebag_server.migrate import upgrade
from carebag_server.tables import (
    AuditRow,
    CareAgreement,
    Commission,
    Kit,
    Organization,
    PatientRow,
    Practitioner,
    VisitRow,
)
from carebag_wire import PROTOCOL
from carebag_wire.base import uuid7
from carebag_wire.kit_proof import KitProof, proof_text, write_proof
from carebag_wire.records import VisitOpened
from carebag_wire.socket_ticket import PREFIX, SUBPROTOCOL
from carebag_wire.values import Binding, Times

ROOMS_OF_ONE = 10
"""Visits of one home-care organisation: a doctor's list is as long."""
CANDIDATE = {"candidate": "candidate:" + "1" * 90, "sdpMid": "0", "sdpMLineIndex": 0}
OPEN_AT_ONCE = 8
LOOK_S = 0.01
SETTLE_S = 5.0
"""What the coming of a thousand doctors set going is no part of the figures."""


@dataclass
class Room:
    """One visit with what its doctor and its kit need to come in."""

    visit_id: uuid.UUID
    patient_id: uuid.UUID
    kit_id: uuid.UUID
    key: Ed25519PrivateKey
    cookie: str
    doctor: str = ""
    console: ClientWebSocketResponse | None = None
    kit: ClientWebSocketResponse | None = None
    sent: dict[int, float] = field(default_factory=dict)
    lists: int = 0
    """Lists of visits that the doctor was sent."""
    kit_seq: int = 0


def prepare(url: str, rooms: int, now: datetime) -> list[Room]:
    """Organisations, agreements, people, kits and planned visits, and a signed-in doctor for each."""
    database = Database(url)
    try:
        upgrade(database.engine)
        stamp(database, False, now)
        made: list[Room] = []
        while len(made) < rooms:
            with database.transaction() as session:
                made += _organization(session, min(ROOMS_OF_ONE, rooms - len(made)), len(made), now)
        return made
    finally:
        database.dispose()


def _organization(session: Any, rooms: int, first: int, now: datetime) -> list[Room]:
    home, doctors = uuid.uuid4(), uuid.uuid4()
    session.add_all([Organization(id=home, name="Bench home"), Organization(id=doctors, name="Bench doctors")])
    session.flush()
    agreed = CareAgreement(id=uuid.uuid4(), home_organization_id=home, doctor_organization_id=doctors, valid_from=now)
    session.add(agreed)
    return [_room(session, home, doctors, first + number, now) for number in range(rooms)]


def _room(session: Any, home: uuid.UUID, doctors: uuid.UUID, number: int, now: datetime) -> Room:
    key, person, patient, kit = Ed25519PrivateKey.generate(), uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    commission = Commission(id=uuid.uuid4(), practitioner_id=person, organization_id=doctors, unit="u", role="doctor")
    public = key.public_key().public_bytes_raw()
    session.add(Practitioner(id=person, name=f"Doctor {number}", title=""))
    session.add(Kit(id=kit, organization_id=home, name=f"Kit {number}", unit="u", public_key=public, enrolled_at=now))
    session.add(
        PatientRow(
            id=patient,
            name=f"Bench {number}",
            personal_id=f"{number:012}",
            personal_id_system="bench",
            birth_date="1912-12-12",
            place="",
            own_doctor="",
        )
    )
    session.flush()
    visit = VisitRow(
        id=uuid7(int(now.timestamp() * 1000)),
        organization_id=home,
        patient_id=patient,
        kit_id=kit,
        scheduled_at=now,
        reason="",
        background="",
        colour=0,
        state="planned",
    )
    session.add_all([commission, visit])
    session.flush()
    return Room(visit.id, patient, kit, key, sessions.start(session, commission.id, now, "link"))


class Load:
    """All rooms, as one asyncio program."""

    def __init__(self, hub_url: str, rooms: list[Room], client: ClientSession) -> None:
        self.hub_url, self.rooms, self.client = hub_url, rooms, client
        self.latencies_ms: list[float] = []
        self.acts_ms: list[float] = []
        self.late_ms: list[float] = []
        self.problems: dict[str, int] = {}
        self._listeners: list[asyncio.Task[None]] = []

    async def open(self) -> float:
        """Everyone in; gives the seconds that it took."""
        began, gate = time.monotonic(), asyncio.Semaphore(OPEN_AT_ONCE)

        async def one(room: Room) -> None:
            async with gate:
                await self._kit_in(room)
                await self._doctor_in(room)
            # at once: the hub's pings are answered only while somebody listens
            for side in (room.console, room.kit):
                assert side is not None
                self._listeners.append(asyncio.create_task(self._listen(room, side)))

        await asyncio.gather(*(one(room) for room in self.rooms))
        return time.monotonic() - began

    async def _kit_in(self, room: Room) -> None:
        target = "/api/ws/kit"
        headers = {"Authorization": _proof(room, "GET", target)}
        room.kit = await self.client.ws_connect(self.hub_url + target, headers=headers, autoping=True)
        await _say(room.kit, type="hello", protocol=PROTOCOL, client="kit")
        await _until(room, room.kit, "kit_visits")
        status = {"visit_id": str(room.visit_id), "devices": [], "unsent": 0, "nurse_present": True}
        await _say(room.kit, type="kit_status", **status)

    async def _doctor_in(self, room: Room) -> None:
        headers = {"Origin": self.hub_url, "Cookie": f"{sessions.cookie_name('doctor', False)}={room.cookie}"}
        path = f"{self.hub_url}/api/ws/console"
        async with self.client.post(f"{path}/ticket", headers={**headers, "X-Carebag-As": "doctor"}) as answer:
            protocols = (SUBPROTOCOL, PREFIX + (await answer.json())["ticket"])
        room.console = await self.client.ws_connect(f"{path}?as=doctor", headers=headers, protocols=protocols)
        await _say(room.console, type="hello", protocol=PROTOCOL, client="console")
        room.doctor = (await _until(room, room.console, "welcome"))["participant_id"]
        await _say(room.console, type="join", visit_id=str(room.visit_id))
        await _until(room, room.console, "snapshot")

    async def _listen(self, room: Room, side: ClientWebSocketResponse) -> None:
        async for frame in side:
            arrived = time.monotonic()
            message = json.loads(frame.data)
            if message["type"] == "signal":
                self.latencies_ms.append((arrived - room.sent.pop(message["epoch"])) * 1000)
            elif message["type"] == "queue":
                room.lists += 1
            elif message["type"] == "problem":
                self._note(message["code"])

    async def run(self, seconds: float, acts_per_s: float, opens_per_s: float) -> None:
        late = asyncio.create_task(self._watch_oneself())
        acts = [self._every(seconds, acts_per_s, self._ask), self._every(seconds, opens_per_s, self._open_visit)]
        talks = [self._talk(room, number, seconds) for number, room in enumerate(self.rooms)]
        await asyncio.gather(*acts, *talks)
        late.cancel()
        await asyncio.sleep(2)

    async def _watch_oneself(self) -> None:
        """How late this program wakes up: what the hub sends meanwhile waits that long to be seen."""
        while True:
            due = time.monotonic() + LOOK_S
            await asyncio.sleep(LOOK_S)
            self.late_ms.append((time.monotonic() - due) * 1000)

    async def _talk(self, room: Room, number: int, seconds: float) -> None:
        """Rooms speak at different moments of the second, as people do."""
        begins = time.monotonic() + number / len(self.rooms)
        for turn in range(int(seconds)):
            await asyncio.sleep(max(0.0, begins + turn - time.monotonic()))
            up = turn % 2 == 0
            side, to = (room.console, f"kit:{room.kit_id}") if up else (room.kit, room.doctor)
            assert side is not None
            room.sent[turn] = time.monotonic()
            await _say(side, type="signal", visit_id=str(room.visit_id), to=to, epoch=turn, candidate=CANDIDATE)

    async def _every(self, seconds: float, per_s: float, act: Callable[[Room], Awaitable[None]]) -> None:
        """So many acts a second, in one room after the other."""
        begins = time.monotonic()
        for number in range(int(seconds * per_s)):
            await asyncio.sleep(max(0.0, begins + number / per_s - time.monotonic()))
            await act(self.rooms[number % len(self.rooms)])

    async def _ask(self, room: Room) -> None:
        at = time.monotonic()
        cookie = f"{sessions.cookie_name('doctor', False)}={room.cookie}"
        headers = {"Origin": self.hub_url, "X-Carebag-As": "doctor", "Cookie": cookie}
        path = f"{self.hub_url}/api/visits/{room.visit_id}/requests"
        async with self.client.post(path, json={"kind": "crp"}, headers=headers) as answer:
            if answer.status != 201:
                self._note(f"http_{answer.status}")
        self.acts_ms.append((time.monotonic() - at) * 1000)

    async def _open_visit(self, room: Room) -> None:
        path, body = "/api/kit/records", json.dumps({"records": [_opening(room)]}).encode()
        headers = {"Authorization": _proof(room, "POST", path, body), "Content-Type": "application/json"}
        async with self.client.post(self.hub_url + path, data=body, headers=headers) as answer:
            if answer.status != 200 or not (await answer.json())["stored"]:
                self._note(f"record_{answer.status}")

    def _note(self, code: str) -> None:
        self.problems[code] = self.problems.get(code, 0) + 1

    async def close(self) -> None:
        for listener in self._listeners:
            listener.cancel()
        await asyncio.gather(*self._listeners, return_exceptions=True)


async def _say(socket: ClientWebSocketResponse, **message: Any) -> None:
    await socket.send_str(json.dumps(message))


def _proof(room: Room, method: str, target: str, body: bytes = b"") -> str:
    unix_ms, nonce = time.time_ns() // 1_000_000, secrets.token_urlsafe(18)
    text = proof_text(method, target, unix_ms, nonce, hashlib.sha256(body).hexdigest())
    return write_proof(KitProof(room.kit_id, unix_ms, nonce, _signed(room, text)))


def _signed(room: Room, text: bytes) -> str:
    return base64.b64encode(room.key.sign(text)).decode()


def _opening(room: Room) -> dict[str, str]:
    """A signed record: the nurse has opened the visit."""
    room.kit_seq += 1
    payload = VisitOpened(
        id=uuid7(time.time_ns() // 1_000_000),
        binding=Binding(
            visit_id=room.visit_id, patient_id=room.patient_id, nurse_id=None, kit_id=room.kit_id, kit_seq=room.kit_seq
        ),
        times=Times(kit_monotonic_ns=time.monotonic_ns(), kit_utc=datetime.now(UTC)),
        identifiers=["name", "personal_id"],
    ).model_dump_json()
    text = payload.encode()
    return {"payload": payload, "sha256": hashlib.sha256(text).hexdigest(), "signature": _signed(room, text)}


async def _until(room: Room, socket: ClientWebSocketResponse, kind: str) -> Any:
    while True:
        message = json.loads((await socket.receive(60)).data)
        room.lists += message["type"] == "queue"
        if message["type"] == kind:
            return message


def percentile(values: list[float], share: float) -> float:
    """The smallest value that so many (0-1) are not above; NaN of none."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else float("nan")


async def measure(hub_url: str, rooms: list[Room], hub: int, args: argparse.Namespace) -> dict[str, Any]:
    async with ClientSession(connector=TCPConnector(limit=0)) as client:
        load, process = Load(hub_url, rooms, client), psutil.Process(hub)
        opened_s = await load.open()
        await asyncio.sleep(SETTLE_S)
        gc.collect()
        gc.disable()
        before, began = sum(process.cpu_times()[:2]), time.monotonic()
        await load.run(args.seconds, args.acts, args.opens)
        busy = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
        memory = process.memory_info().rss
        await load.close()
    return {
        "rooms": len(rooms),
        "sockets": 2 * len(rooms),
        "opened_s": round(opened_s, 1),
        "signals": len(load.latencies_ms),
        "signals_lost": sum(len(room.sent) for room in rooms),
        "signal_ms": {name: percentile(load.latencies_ms, share) for name, share in _SHARES.items()},
        "acts": len(load.acts_ms),
        "act_ms": {name: percentile(load.acts_ms, share) for name, share in _SHARES.items()},
        "lists": sum(room.lists for room in rooms),
        "client_late_ms": {name: percentile(load.late_ms, share) for name, share in _SHARES.items()},
        "problems": load.problems,
        "hub_core_share": round(busy, 2),
        "hub_mib": round(memory / 2**20),
    }


_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def run(args: argparse.Namespace) -> int:
    """Exit status 0 if no signal was lost and the log is whole, with one row for each list that a doctor was sent; the
    figures are for people to judge."""
    with tempfile.TemporaryDirectory(prefix="carebag-hub-bench-", ignore_cleanup_errors=True) as folder:
        database, port = f"sqlite:///{folder}/hub.db", free_port(0)
        rooms = prepare(database, args.rooms, datetime.now(UTC))
        with Parts(Path(folder) / "logs") as parts:
            options = ["--port", str(port), "--database", database, "--media", f"{folder}/media"]
            parts.start("hub", ["hub", *options])
            hub_url = f"http://localhost:{port}"
            parts.wait_for("hub", f"{hub_url}/api/health")
            load_before = psutil.getloadavg()[0]
            hub = parts.running["hub"].pid
            result = asyncio.run(measure(hub_url, rooms, hub, args))
        check, logged = verify_database(database), lists_logged(database)
    result |= {"lists_logged": logged, "audit_rows": check.events, "audit_whole": check.intact}
    result |= {"machine_load_before": round(load_before, 1)}
    print(json.dumps(result, indent=2))
    whole = check.intact and logged == result["lists"]
    return 0 if whole and result["signals_lost"] == 0 and not result["problems"] else 1


def lists_logged(url: str) -> int:
    """How many lists of visits somebody was shown, as the access log has it."""
    database = Database(url)
    try:
        with database.reading() as session:
            query = select(func.count()).select_from(AuditRow).where(AuditRow.action == "visits_listed")
            return session.scalar(query) or 0
    finally:
        database.dispose()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--acts", type=float, default=10.0, help="examinations asked for a second, all rooms together")
    parser.add_argument("--opens", type=float, default=2.0, help="visits opened a second, all rooms together")
    try:
        return run(parser.parse_args())
    except PartFailed as problem:
        raise SystemExit(f"carebag.hub_bench: {problem}") from None


if __name__ == "__main__":
    sys.exit(main())
