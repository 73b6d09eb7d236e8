"""Who kills a bench leaves nothing behind that it had started."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody tells a child that its parent ended")
WITHIN_S = 30
PARENT = """
import subprocess, sys
from carebag.tied_children import tied
with subprocess.Popen(["sleep", "600"], preexec_fn=tied(), start_new_session=True) as child:
    print(child.pid, flush=True)
"""
MOTHERED = """
import sys
from carebag.fault_bench.lives import lives
with lives("test_life") as mother:
    mother.begin()
    print(mother.mother_id, mother.line(), flush=True)
    sys.stdin.read()
"""
MOTHER = """
import os, sys, time
from carebag.fault_bench.lives import mother, say
def live(words):
    say(str(os.getpid()))
    time.sleep(600)
mother(live)
"""
GUARDED = """
import subprocess, sys
command = [sys.executable, "-m", "carebag.fault_bench.postgres_guard", sys.argv[1]]
with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as guard:
    print("started", flush=True)
    sys.stdin.read()
"""


def killed(program: str, *words: str) -> list[int]:
    """Descriptors of the processes that the program told of, after it was killed."""
    command = [sys.executable, "-c", program, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline().split()
        watched = [os.pidfd_open(int(one)) for one in said if one.isdigit()]
        process.kill()
    return watched


def ends(watched: int) -> bool:
    try:
        return bool(select.select([watched], [], [], WITHIN_S)[0])
    finally:
        os.close(watched)


def test_a_child_ends_with_its_killed_parent() -> None:
    watched = killed(PARENT)
    assert len(watched) == 1
    assert all(map(ends, watched))


def test_a_mother_and_her_living_child_end_with_the_killed_bench(tmp_path: Path) -> None:
    package = tmp_path / "more"
    package.mkdir()
    (package / "test_life.py").write_text(MOTHER)
    inside = f"import carebag.fault_bench; carebag.fault_bench.__path__.append({str(package)!r})\n"
    (tmp_path / "sitecustomize.py").write_text(inside)
    watched = killed(f"import os; os.environ['PYTHONPATH'] = {str(tmp_path)!r}\n" + MOTHERED)
    assert len(watched) == 2
    ended = [ends(one) for one in watched]
    assert all(ended)


def test_a_database_server_ends_with_the_killed_bench(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as server:
        try:
            (tmp_path / "postmaster.pid").write_text(f"{server.pid}\n/data\n")
            killed(GUARDED, str(tmp_path))
            assert server.wait(WITHIN_S) == -signal.SIGKILL
        finally:
            server.kill()
