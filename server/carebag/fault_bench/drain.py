"""What piled up at a kit in 72 hours without a network goes over a narrow link: in which time, and is all of it right.

A real journal and real files, a hub's and a kit's process of their own with 1 Mbit/s between them. Meanwhile the link
is cut once, and the kit killed once and started again.
"""

import contextlib
import hashlib
import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from carebag.fault_bench.drain_fill import Filled, Load, fill
from carebag.fault_bench.hub_life import FILE, MEDIA
from carebag.fault_bench.hub_stand import check_hub
from carebag.fault_bench.outcome import Outcome, Problem
from carebag.link_emulator.link import HOSPITAL, Link
from carebag.link_emulator.model import Outage, Way
from carebag.link_emulator.namespaces import Namespace, missing
from carebag.link_emulator.profiles import Profile
from carebag.processes import answers
from carebag.tied_children import noted, tied
from carebag_edge.keys import load_or_create
from carebag_edge.settings import KitSettings
from carebag_edge.store import open_store
from carebag_server.database import Database
from carebag_server.tables import Finding, RecordRow

PORT = 8470
ALL_READINGS_WITHIN_S = 60.0
LOOK_EVERY_S = 0.1
STARTS_WITHIN_S = 60.0
LAST_ANSWER_S = 2.0
"""So long the kit has for hearing that its last photo is whole."""


@dataclass(frozen=True)
class Course:
    """What happens on the way; seconds count from the return of the network.

    Args:
        still_out_s: so long the kit runs without a network before, so that it has grown slow to try again.
        cut_at_s, cut_s: when nothing passes, either way, for how long.
        kill_after: the kit is killed when so large a share of the photos is whole at the hub.
        line_times: the goal, as a multiple of the time that the bytes alone need.
    """

    rate_kbit: float = 1000.0
    still_out_s: float = 25.0
    cut_at_s: float = 12.0
    cut_s: float = 10.0
    kill_after: float = 0.5
    line_times: float = 1.5

    def profile(self) -> Profile:
        way = Way(rate_kbit=self.rate_kbit)
        cut = Outage(self.still_out_s + self.cut_at_s, self.cut_s)
        what = f"40 ms each way, ±5 ms, {self.rate_kbit:.0f} kbit/s with 300 ms of queue"
        return Profile("drain", what, way, way, outages=(Outage(0.0, self.still_out_s), cut))


@dataclass
class Times:
    """Seconds after the network came back."""

    readings_s: float = math.inf
    """The last reading was stored at the hub."""
    photos_s: float = math.inf
    """The last photo was whole at the hub."""
    kills: int = 0


def drain(
    seed: int, load: Load | None = None, course: Course | None = None, said: Callable[[int], None] = lambda n: None
) -> Outcome:
    """One outage, drained. `wrong` also counts what took too long."""
    load, course = load or Load(), course or Course()
    what = (
        f"72 h without a network drained over {course.rate_kbit / 1000:g} Mbit/s; the link cut for"
        f" {course.cut_s:.0f} s, the kit killed once"
    )
    outcome = Outcome("drain", what, "sent", skipped=missing() or "")
    if outcome.skipped:
        return outcome
    with tempfile.TemporaryDirectory(prefix="carebag-faults-") as place:
        folder = Path(place)
        (folder / "kit").mkdir()
        database = f"sqlite:///{folder / FILE}"
        filled = fill(folder / "kit", database, load, datetime.now(UTC), random.Random(seed))
        line_s = (filled.record_bytes + filled.photo_bytes) * 8 / (course.rate_kbit * 1000)
        with Link(course.profile(), seed) as link, _Processes(folder) as processes:
            times = _drained(link, processes, filled, course, line_s, said)
            sent = link.report()["up"]["bytes"]
        outcome.n = len(filled.made) + len(filled.photos)
        outcome.note([*filled.problems, *_slow(times, course.line_times * line_s), *check(folder, filled)], "drain")
    outcome.counts.update(
        {
            "readings": sum(filled.readings.values()),
            "photos": len(filled.photos),
            "visits": len(filled.readings),
            "kB of records": filled.record_bytes // 1000,
            "kB of photos": filled.photo_bytes // 1000,
            "kB up the link, headers and what went again included": sent // 1000,
            "s until all readings were stored": _whole(times.readings_s),
            "s until all photos were whole": _whole(times.photos_s),
            "s of line time": _whole(line_s),
            "% of line time": _whole(100 * times.photos_s / line_s),
            "kills of the kit": times.kills,
        }
    )
    return outcome


def _whole(number: float) -> int:
    """Rounded up; -1 for never."""
    return math.ceil(number) if math.isfinite(number) else -1


def _slow(times: Times, most_s: float) -> list[Problem]:
    """What misses the goal."""
    problems = []
    if times.readings_s > ALL_READINGS_WITHIN_S:
        problems.append(Problem("late", f"all readings after {times.readings_s:.1f} s"))
    if times.photos_s > most_s:
        problems.append(Problem("slow", f"all photos after {times.photos_s:.1f} s, not {most_s:.1f} s"))
    return problems


def _drained(
    link: Link,
    processes: "_Processes",
    filled: Filled,
    course: Course,
    line_s: float,
    said: Callable[[int], None],
) -> Times:
    """Let it happen, and look at the hub's database all the while."""
    port = str(PORT)
    link.open_door(link.hospital, HOSPITAL, PORT, "127.0.0.1", PORT)
    for child in link.children:
        put_ahead(child.pid)
    media = str(processes.folder / MEDIA)
    words = ["hub", "--demo", "--port", port, "--database", f"sqlite:///{processes.folder / FILE}", "--media", media]
    processes.start("hub", link.hospital, ["carebag.cli", *words])
    processes.wait_for_hub(link.hospital)
    link.begin(packets=0)
    began = time.monotonic() + course.still_out_s
    kit = ["carebag.fault_bench.drain_kit", str(processes.folder / "kit"), f"http://{HOSPITAL}:{PORT}"]
    processes.start("kit", link.kitchen, kit)
    times = Times()
    ends = began + 3 * line_s + course.cut_s + ALL_READINGS_WITHIN_S
    with contextlib.closing(sqlite3.connect(f"file:{processes.folder / FILE}?mode=ro", uri=True)) as hub:
        while math.isinf(times.photos_s) and time.monotonic() < ends:
            time.sleep(LOOK_EVERY_S)
            [(readings, photos)] = hub.execute(
                "SELECT (SELECT COUNT(*) FROM record WHERE kind = 'reading'), (SELECT COUNT(*) FROM media)"
            )
            now_s = time.monotonic() - began
            said(readings + photos)
            if math.isinf(times.readings_s) and readings == sum(filled.readings.values()):
                times.readings_s = now_s
            if photos == len(filled.photos):
                times.photos_s = now_s
            if not times.kills and photos >= course.kill_after * len(filled.photos):
                times.kills = 1
                processes.stop("kit", signal.SIGKILL)
                processes.start("kit", link.kitchen, kit)
    time.sleep(LAST_ANSWER_S)
    return times


def check(folder: Path, filled: Filled) -> list[Problem]:
    """Everything that is wrong at the hub and at the kit after all of it has gone."""
    database = Database(f"sqlite:///{folder / FILE}")
    try:
        problems = check_hub(database, filled.kit_id, filled.made, filled.visit_of)
        with database.reading() as session:
            stored, shown = _by_visit(session, RecordRow), _by_visit(session, Finding)
    finally:
        database.dispose()
    problems += [
        Problem("wrong_visit", f"{visit_id}: {stored[visit_id]} readings stored, {shown[visit_id]} shown, of {number}")
        for visit_id, number in filled.readings.items()
        if not stored[visit_id] == shown[visit_id] == number
    ]
    files = [file for file in (folder / MEDIA).rglob("*") if file.is_file() and "unfinished" not in file.parts]
    found = Counter(file.name for file in files if hashlib.sha256(file.read_bytes()).hexdigest() == file.name)
    problems += [Problem("lost", f"photo {sha256}") for sha256 in filled.photos if not found[sha256]]
    problems += [Problem("doubled", file.name) for file in files if found[file.name] != 1]
    return problems + _of_kit(folder / "kit")


def _of_kit(folder: Path) -> list[Problem]:
    settings = KitSettings(data=folder)
    journal, _, _ = open_store(settings, load_or_create(folder, None, 0))
    unsent, refused = journal.unsent().count, journal.refused()
    journal.close()
    problems = [Problem("refused", f"kit_seq {seq}: {code}") for seq, code in refused.items()]
    return [*problems, *([Problem("unsent", f"{unsent} at the kit")] if unsent else [])]


def _by_visit(session: Session, of: type[RecordRow] | type[Finding]) -> Counter[UUID | None]:
    """How many readings there are of each visit."""
    rows = session.execute(select(of.visit_id, func.count()).where(of.kind == "reading").group_by(of.visit_id))
    found: Counter[UUID | None] = Counter()
    for visit_id, number in rows:
        found[visit_id] = number
    return found


def put_ahead(process_id: int) -> None:
    """Before others on a shared machine, where that is allowed: the link is measured, not the neighbours. The processes
    need a twentieth of a processor."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{process_id}/autogroup").write_text("-20")  # a session's of its own, where the kernel has them
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, process_id, -15)


class _Processes:
    """Hub and kit, each on its side of the link, with a log file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "_Processes":
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("kit", "hub"):
            self.stop(name, signal.SIGTERM)

    def start(self, name: str, side: Namespace, words: Sequence[str]) -> None:
        """`python -m WORDS…` there."""
        with (self.folder / f"{name}.log").open("ab") as log, noted():
            self._running[name] = subprocess.Popen(
                side.command([sys.executable, "-m", *words]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=tied(),
            )
        put_ahead(self._running[name].pid)

    def stop(self, name: str, number: signal.Signals) -> None:
        process = self._running.pop(name, None)
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STARTS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait_for_hub(self, side: Namespace) -> None:
        """Raises: RuntimeError: it does not answer."""
        ends = time.monotonic() + STARTS_WITHIN_S
        while not side.run(lambda: answers(f"http://127.0.0.1:{PORT}/api/health")):
            if time.monotonic() > ends or self._running["hub"].poll() is not None:
                raise RuntimeError(f"the hub did not start: {(self.folder / 'hub.log').read_text()[-500:]}")
            time.sleep(0.1)
