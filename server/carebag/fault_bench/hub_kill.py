"""`kill -9` of a hub's process at a write while kits deliver over HTTP: what it acknowledged is there after.

Records and media, each request signed as a kit signs it. After a death the kits send again what nobody acknowledged.
"""

import hashlib
import http.client
import random
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from carebag.fault_bench.hub_life import FILE, MEDIA, SERVING
from carebag.fault_bench.hub_stand import bench_keys, check_hub, make_store, visits_of
from carebag.fault_bench.kit_sender import KitSender
from carebag.fault_bench.lives import Death, Lives, can_kill, dying, lives
from carebag.fault_bench.outcome import Control, Outcome, Problem
from carebag_edge.keys import KitKey
from carebag_server.app import utc_now
from carebag_server.database import Database
from carebag_server.tables import MediaRow
from carebag_wire.kit_proof import KitProof, proof_text, write_proof
from carebag_wire.records import RecordReceipt

LIVES = 10
"""With one kind of death, before another one and a new store."""
CONTROLS, CONTROL_LIVES = 30, 2
ANSWER_S = 60.0


def hub_kill(seed: int, kills: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """So many kills, and a control: a hub that acknowledges too early must be found."""
    outcome = Outcome("hub-kill", "kill -9 of the hub at its N-th write or force", "kills", skipped=can_kill())
    if outcome.skipped:
        return outcome
    with tempfile.TemporaryDirectory(prefix="carebag-faults-") as place, lives("hub_life") as processes:
        keys = bench_keys(random.Random(seed))
        template = Path(place) / "template.sqlite"
        make_store(template, keys, utc_now())
        _kill_often(outcome, _Lived(template, keys, processes, f"{seed}", "right", LIVES), kills, said)
        control = Outcome("control", "", "kills")
        planted = _Lived(template, keys, processes, f"{seed}/planted", "early", CONTROL_LIVES)
        bad = _kill_often(control, planted, min(CONTROLS, max(8, kills // 4)))
    outcome.controls.append(Control("acknowledges before its commit", control.n, bad))
    return outcome


@dataclass(frozen=True)
class _Lived:
    """Where and how hubs live."""

    template: Path
    keys: list[KitKey]
    processes: Lives
    seed: str
    how: str
    lives: int
    """With one kind of death and over one store."""


def _kill_often(outcome: Outcome, lived: _Lived, kills: int, said: Callable[[int], None] = lambda n: None) -> int:
    """Returns how many kills showed something wrong."""
    bad, block = 0, 0
    while outcome.n < kills:
        rng = random.Random(f"{lived.seed}/{block}")
        death, folder = _death(rng), lived.template.parent / lived.how / str(block)
        folder.mkdir(parents=True)
        shutil.copy(lived.template, folder / FILE)
        hub = _Hub(folder, lived, rng)
        with dying(lived.processes, death):
            for life in range(min(lived.lives, kills - outcome.n)):
                problems = hub.live()
                outcome.note(problems, f"{death}, block {block}, life {life}")
                outcome.n += 1
                outcome.counts[f"killed at {death.call}"] += 1
                said(outcome.n)
                if problems:
                    bad += 1
                    break
        outcome.counts["acknowledged"] += hub.acknowledged
        shutil.rmtree(folder)
        block += 1
    return bad


def _death(rng: random.Random) -> Death:
    """At a write of SQLite, when SQLite forces, when a medium is forced or gets its name."""
    call, most = rng.choice((("pwrite64", 400), ("pwrite64", 400), ("fdatasync", 60), ("fsync", 12), ("rename", 6)))
    return Death(call, rng.randint(1, most))


class _Hub:
    """One store, one process after the other over it, and the kits that send to it."""

    def __init__(self, folder: Path, lived: _Lived, rng: random.Random) -> None:
        self._folder, self._how, self._processes = folder, lived.how, lived.processes
        self._rng = rng
        database = Database(f"sqlite:///{folder / FILE}")
        self._senders = [KitSender(key, visits_of(database, key.kit_id), rng) for key in lived.keys]
        database.dispose()
        self._media: set[str] = set()
        """Digests that the hub said it has."""

    @property
    def acknowledged(self) -> int:
        return len(self._media) + sum(len(sender.said) for sender in self._senders)

    def live(self) -> list[Problem]:
        """Send until it is killed; then what is wrong."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._processes.begin(str(self._folder), str(port), self._how)
        for line in self._processes.until_death():
            if line == SERVING:
                self._send(port)
        return self._check()

    def _send(self, port: int) -> None:
        """Until the line breaks."""
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
        try:
            while True:
                sender = self._rng.choice(self._senders)
                if self._rng.random() < 0.3:
                    self._send_medium(line, sender.key)
                else:
                    body = sender.batch().model_dump_json().encode()
                    answer = send_request(line, sender.key, "POST", "/api/kit/records", body)
                    sender.answered(RecordReceipt.model_validate_json(answer))
        except (OSError, http.client.HTTPException):
            return
        finally:
            line.close()

    def _send_medium(self, line: http.client.HTTPConnection, key: KitKey) -> None:
        """Whole, or in two pieces."""
        content = self._rng.randbytes(self._rng.choice((100, 20_000)))
        sha256 = hashlib.sha256(content).hexdigest()
        if self._rng.random() < 0.5:
            send_request(line, key, "PUT", f"/api/kit/media/{sha256}", content)
        else:
            target, half = f"/api/kit/uploads/{sha256}", len(content) // 2
            send_request(line, key, "PATCH", f"{target}?offset=0&complete=false", content[:half])
            send_request(line, key, "PATCH", f"{target}?offset={half}&complete=true", content[half:])
        self._media.add(sha256)

    def _check(self) -> list[Problem]:
        """Of a copy: the next process finds the WAL as the dead one left it."""
        with tempfile.TemporaryDirectory(prefix="carebag-faults-") as place:
            for file in self._folder.glob(f"{FILE}*"):
                if not file.name.endswith("-shm"):
                    shutil.copy(file, place)
            database = Database(f"sqlite:///{Path(place) / FILE}")
            try:
                problems = [
                    problem
                    for sender in self._senders
                    for problem in check_hub(database, sender.key.kit_id, sender.said, sender.visit_of)
                ]
                with database.reading() as session:
                    noted = set(session.scalars(select(MediaRow.sha256)))
            finally:
                database.dispose()
        problems += [Problem("lost", f"medium {sha256}: no row") for sha256 in self._media - noted]
        return problems + [
            Problem("lost", f"medium {sha256}: no such file, or not whole")
            for sha256 in self._media | noted
            if not any(_digest(file) == sha256 for file in (self._folder / MEDIA).rglob(sha256))
        ]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def send_request(line: http.client.HTTPConnection, key: KitKey, method: str, target: str, body: bytes) -> bytes:
    """One signed request. Raises: OSError, HTTPException: no answer; ValueError: refused."""
    digest = hashlib.sha256(body).hexdigest()
    unix_ms, nonce = int(time.time() * 1000), secrets.token_urlsafe(18)
    proof = KitProof(key.kit_id, unix_ms, nonce, key.sign(proof_text(method, target, unix_ms, nonce, digest)))
    content_type = "application/json" if method == "POST" else "application/octet-stream"
    line.request(method, target, body, {"Authorization": write_proof(proof), "Content-Type": content_type})
    answer = line.getresponse()
    content = answer.read()
    if answer.status >= 300:
        raise ValueError(f"{method} {target}: {answer.status} {content[:100]!r}")
    return content
