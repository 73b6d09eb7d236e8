"""A process is killed on entering its N-th call of one kind, in whichever thread, and at no other."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from carebag.fault_bench.gate import can_gate, hand_over, keep_gate, raise_gate, taken

pytestmark = pytest.mark.skipif(not can_gate(), reason="this kernel asks no parent (seccomp user notification)")

WRITER = """
import os, socket, sys, threading
from carebag.fault_bench.gate import hand_over, raise_gate
fd, path, writes, threads = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
hand_over(raise_gate("pwrite64"), socket.socket(fileno=fd))
def write(start):
    with open(path, "r+b") as file:
        for n in range(writes):
            os.write(file.fileno(), b"")  # of another kind
            os.fsync(file.fileno())
            os.pwrite(file.fileno(), b"x", start + n)
for number in range(threads):
    one = threading.Thread(target=write, args=(number * writes,))
    one.start()
    one.join()
"""


def written(folder: Path, number: int, writes: int, threads: int = 1) -> tuple[int, int]:
    """Bytes that are there in the end, and the exit status."""
    file = folder / "file"
    file.write_bytes(b"")
    hers, its = socket.socketpair()
    command = [sys.executable, "-c", WRITER, str(its.fileno()), str(file), str(writes), str(threads)]
    with subprocess.Popen(command, pass_fds=[its.fileno()]) as process:
        its.close()
        keep_gate(taken(hers), process.pid, number)
    return len(file.read_bytes()), process.returncode


@pytest.mark.parametrize("number", [1, 2, 9])
def test_what_came_before_is_done_and_the_call_itself_is_not(tmp_path: Path, number: int) -> None:
    assert written(tmp_path, number, 20) == (number - 1, -9)


def test_who_does_not_get_that_far_ends_by_itself(tmp_path: Path) -> None:
    assert written(tmp_path, 9, 8) == (8, 0)


def test_each_thread_counts_for_itself(tmp_path: Path) -> None:
    assert written(tmp_path, 9, 8, threads=3) == (24, 0)
    assert written(tmp_path, 8, 8, threads=3) == (7, -9)


def test_a_life_that_ended_before_its_gate_was_there_is_said() -> None:
    hers, its = socket.socketpair()
    its.close()
    with pytest.raises(RuntimeError):
        taken(hers)


def test_a_descriptor_is_handed_over_once() -> None:
    hers, its = socket.socketpair()
    number = os.open(os.devnull, os.O_RDONLY)
    hand_over(number, its)
    got = taken(hers)
    assert os.fstat(got).st_rdev == Path(os.devnull).stat().st_rdev
    os.close(got)
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(number)


def test_the_gate_is_known_before_it_is_raised() -> None:
    with pytest.raises(KeyError):
        raise_gate("no_such_call")
