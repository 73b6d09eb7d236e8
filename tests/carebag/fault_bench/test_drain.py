"""72 hours without a network drained over a link: a slice of the bench over a faster one."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carebag.fault_bench.drain import Course, check, drain
from carebag.fault_bench.drain_fill import Filled, Load, fill
from carebag.fault_bench.hub_life import FILE
from carebag.link_emulator.namespaces import missing

SMALL = Load(readings=200, photos=10, visits=6)
LACKING = missing()
AT = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


@pytest.mark.skipif(LACKING is not None, reason=f"no link can be made here: {LACKING}")
def test_what_piled_up_arrives_once_in_its_visits_though_link_and_kit_break() -> None:
    # starting the kit again takes longer than these bytes do: here only that it ends is judged, the pace by the bench
    course = Course(rate_kbit=8000, still_out_s=3, cut_at_s=0.3, cut_s=1, line_times=40)
    outcome = drain(seed=1, load=SMALL, course=course)
    assert not outcome.wrong, outcome.examples
    assert outcome.n == 200 + 10 + 2 * 6 + 10
    assert (outcome.counts["readings"], outcome.counts["photos"], outcome.counts["kills of the kit"]) == (200, 10, 1)
    assert 0 < outcome.counts["s until all readings were stored"] <= outcome.counts["s until all photos were whole"]


def below(parent: int) -> dict[int, str]:
    """Every process that came of this one, by number: when it started (proc(5), fields 4 and 22)."""
    found: dict[int, tuple[int, str]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text("ascii", "replace").rpartition(")")[2].split()
            if fields[0] not in "ZX":
                found[int(stat.parent.name)] = (int(fields[1]), fields[19])
    family, grown = {parent}, True
    while grown:
        more = {number for number, (above, _) in found.items() if above in family} - family
        family, grown = family | more, bool(more)
    return {number: found[number][1] for number in family - {parent} if number in found}


def alive(processes: dict[int, str]) -> set[int]:
    left = set()
    for number, started in processes.items():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{number}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
            if fields[0] not in "ZX" and fields[19] == started:
                left.add(number)
    return left


@pytest.mark.skipif(LACKING is not None, reason=f"no link can be made here: {LACKING}")
def test_told_to_end_it_leaves_no_process_behind(tmp_path: Path) -> None:
    words = ["bench", "faults", "--only", "drain", "--photos", "30"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with (tmp_path / "said").open("wb") as said:
        bench = subprocess.Popen(
            [sys.executable, "-m", "carebag.cli", *words], stdout=said, stderr=said, env=environment
        )
    started: dict[int, str] = {}
    try:
        # forwarder, door, hub, probe and kit; however slow the machine is
        while len(started) < 4:
            assert bench.poll() is None, (tmp_path / "said").read_text()
            time.sleep(0.2)
            started |= below(bench.pid)
        bench.send_signal(signal.SIGTERM)
        bench.send_signal(signal.SIGTERM)
        while bench.poll() is None:
            started |= below(bench.pid)
            time.sleep(0.05)
        assert bench.returncode == 143
        assert not alive(started)
        assert not list(tmp_path.glob("carebag-faults-*"))
    finally:
        bench.kill()
        bench.wait()
        for number in alive(started):
            os.kill(number, signal.SIGKILL)


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    (tmp_path / "kit").mkdir()
    load = Load(readings=13, photos=3, visits=4, photo_bytes=2000)
    return fill(tmp_path / "kit", f"sqlite:///{tmp_path / FILE}", load, AT, random.Random(2))


def test_the_outage_is_three_days_of_visits_with_everything_shared_out(filled: Filled) -> None:
    assert sorted(filled.readings.values()) == [3, 3, 3, 4]
    assert len(set(filled.photos)) == 3
    assert len(filled.made) == 13 + 3 + 2 * 4
    assert filled.photo_bytes == 3 * 2000
    assert not filled.problems


def test_what_did_not_arrive_is_found(filled: Filled, tmp_path: Path) -> None:
    kinds = [problem.kind for problem in check(tmp_path, filled)]
    assert kinds.count("lost") == 13 + 3 + 2 * 4 + 3
    assert kinds.count("wrong_visit") == 4
    assert kinds.count("unsent") == 1
