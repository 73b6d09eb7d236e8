"""The hub's PostgreSQL dies in the middle of deliveries and its standby takes over: what was acknowledged is there.

A real hub process over two real servers with synchronous replication, kits that send over HTTP and send again what
nobody acknowledged. The planted fault is replication that does not wait.
"""

import http.client
import random
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from carebag.fault_bench.hub_kill import send_request
from carebag.fault_bench.hub_stand import bench_keys, check_hub, visits_of
from carebag.fault_bench.kit_sender import KitSender
from carebag.fault_bench.outcome import Control, Outcome, Problem
from carebag.fault_bench.postgres_pair import PostgresPair, cannot_pair
from carebag.processes import Parts, free_port
from carebag_edge.keys import KitKey
from carebag_server.database import Database
from carebag_server.demo_data import ensure_demo
from carebag_wire.records import RecordReceipt

CONTROLS = 3
BACK_S = 30.0
"""So long after a failover a record must have been acknowledged."""
AGAIN_S = 0.05
ANSWER_S = 5.0


def failover(seed: int, number: int, said: Callable[[int], None] = lambda n: None) -> Outcome:
    """So many failovers, and a few with a pair that does not wait for its standby."""
    outcome = Outcome("failover", "PostgreSQL killed with kill -9, its standby promoted, kits sending", "failovers")
    outcome.skipped = cannot_pair()
    if outcome.skipped:
        return outcome
    _fail_often(outcome, seed, number, said, synchronous=True)
    control = Outcome("control", "", "failovers")
    _fail_often(control, seed, CONTROLS, synchronous=False)
    planted = "acknowledges before the standby has it"
    outcome.controls.append(Control(planted, control.n, min(control.n, control.wrong["lost"])))
    return outcome


def _fail_often(
    outcome: Outcome, seed: int, number: int, said: Callable[[int], None] = lambda n: None, *, synchronous: bool
) -> None:
    rng = random.Random(f"{seed}/{synchronous}")
    longest = 0.0
    with (
        tempfile.TemporaryDirectory(prefix="carebag-faults-") as place,
        PostgresPair(Path(place) / "pair", synchronous=synchronous) as pair,
        Parts(Path(place) / "logs") as parts,
    ):
        keys = bench_keys(rng)
        for key in keys:
            ensure_demo(pair.url, key.kit_id, key.private.public_key().public_bytes_raw(), datetime.now(UTC))
        port = free_port(0)
        parts.start("hub", ["hub", "--demo", "--port", str(port), "--database", pair.url, "--media", f"{place}/media"])
        parts.wait_for("hub", f"http://localhost:{port}/api/health")
        with _Kits(pair.url, keys, port, rng) as kits:
            for _ in range(number):
                time.sleep(rng.uniform(0.3, 1.0))
                pair.hold_back()
                time.sleep(rng.uniform(0.0, 0.3))
                failed = time.monotonic()
                pair.fail_over()
                back = kits.back_after(failed)
                problems = kits.check(pair.url) if back is not None else [Problem("not_back", f"after {BACK_S} s")]
                outcome.n += 1
                outcome.note(problems, f"failover {outcome.n}")
                longest = max(longest, back or BACK_S)
                said(outcome.n)
                if problems:
                    break  # what is lost stays lost
                pair.add_standby()
            outcome.counts["acknowledged"] += kits.acknowledged
    outcome.counts["longest until acknowledged again, ms"] = round(longest * 1000)


class _Kits:
    """Send in a thread of their own, whatever happens to the hub, until the block ends."""

    def __init__(self, url: str, keys: list[KitKey], port: int, rng: random.Random) -> None:
        database = Database(url)
        self._senders = [KitSender(key, visits_of(database, key.kit_id), rng) for key in keys]
        database.dispose()
        self._port, self._rng = port, rng
        self._ended = threading.Event()
        self._turn = threading.Lock()
        self._answered_s = 0.0
        self._sending = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> "_Kits":
        self._sending.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._sending.join()

    @property
    def acknowledged(self) -> int:
        return sum(len(sender.said) for sender in self._senders)

    def back_after(self, since_s: float) -> float | None:
        """Seconds until a request that began after this moment was acknowledged; None: it took too long."""
        while time.monotonic() - since_s < BACK_S:
            with self._turn:
                if self._answered_s > since_s:
                    return time.monotonic() - since_s
            time.sleep(0.01)
        return None

    def check(self, url: str) -> list[Problem]:
        """What is wrong in the store, between two requests."""
        with self._turn:
            database = Database(url)
            try:
                return [
                    problem
                    for sender in self._senders
                    for problem in check_hub(database, sender.key.kit_id, sender.said, sender.visit_of)
                ]
            finally:
                database.dispose()

    def _send(self) -> None:
        while not self._ended.is_set():
            with self._turn:
                sender = self._rng.choice(self._senders)
                began = time.monotonic()
                if self._acknowledged_now(sender):
                    self._answered_s = began
                    continue
            self._ended.wait(AGAIN_S)

    def _acknowledged_now(self, sender: KitSender) -> bool:
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_S)
        try:
            body = sender.batch().model_dump_json().encode()
            answer = send_request(line, sender.key, "POST", "/api/kit/records", body)
            sender.answered(RecordReceipt.model_validate_json(answer))
        except (OSError, http.client.HTTPException, ValueError):  # away, or it says 5xx
            return False
        finally:
            line.close()
        return True
