"""Processes that live until they are killed at the N-th call of one kind, one after the other, over one folder.

A mother process has everything imported and forks one child for each life, so that a life costs a tenth of a second.
The child is killed on entering its N-th call, by its mother (`gate.py`), or by strace where she is not asked:
SQLite writes with `pwrite64` and forces with `fdatasync`.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from carebag.fault_bench.gate import can_gate, hand_over, keep_gate, raise_gate, taken
from carebag.tied_children import tie, tied

DIED, READY = "died", "ready"
NO_GATE = "-"
ENDS_WITHIN_S = 60.0


@dataclass(frozen=True)
class Death:
    """When a child is killed: on entering its `number`-th call of `call` (each thread counts for itself)."""

    call: str
    number: int

    def __str__(self) -> str:
        return f"{self.number}. {self.call}"


def can_kill() -> str:
    """Empty if a process can be killed at a call here; else why not."""
    return "" if can_gate() else can_trace()


def can_trace() -> str:
    """Empty if strace can kill here; else why not."""
    if shutil.which("strace") is None:
        return "needs strace (Linux)"
    words = ["strace", "-f", "-o", "/dev/null", "-e", "trace=pwrite64", "true"]
    tried = subprocess.run(words, capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()[:80]}"


class Lives:
    """The mother's pipes."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.death: Death | None = None
        """How the mother herself kills the next child."""

    @property
    def mother_id(self) -> int:
        return self._process.pid

    def expect(self, word: str) -> None:
        """The next line is this. Raises: RuntimeError: it is not."""
        line = self.line()
        if line != word:
            raise RuntimeError(f"{line} in place of {word}")

    def begin(self, *words: str) -> None:
        """Let the next child live, as the words say."""
        gate = f"{self.death.call}:{self.death.number}" if self.death is not None else NO_GATE
        _pipe(self._process.stdin).write(" ".join((gate, *words)) + "\n")
        _pipe(self._process.stdin).flush()

    def line(self) -> str:
        """The next line of the child or of its mother.

        Raises:
            RuntimeError: the mother ended.
        """
        line = _pipe(self._process.stdout).readline()
        if not line.endswith("\n"):
            raise RuntimeError(f"the processes under test ended: {self._process.poll()}")
        return line.rstrip("\n")

    def until_death(self) -> Iterator[str]:
        """Lines of this life; ends with it.

        Raises:
            RuntimeError: it ended otherwise than by being killed.
        """
        for line in iter(self.line, ""):
            if line.startswith(DIED):
                if line != f"{DIED} 9":
                    raise RuntimeError(f"a life ended by itself: {line}")
                return
            yield line


@contextmanager
def lives(module: str, *arguments: str) -> Iterator[Lives]:
    """A mother process of `carebag.fault_bench.MODULE`; its children die as `dying` says."""
    command = [sys.executable, "-m", f"carebag.fault_bench.{module}", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=tied()
    ) as process:
        made = Lives(process)
        try:
            made.expect(READY)
            yield made
        finally:
            _pipe(process.stdin).close()
            try:
                process.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def dying(processes: Lives, death: Death, *, by_tracer: bool = not can_gate()) -> Iterator[None]:
    """While this lasts the mother's children are killed so."""
    if not by_tracer:
        processes.death = death
        try:
            yield
        finally:
            processes.death = None
        return
    mother_id = processes.mother_id
    inject = ["-e", f"trace={death.call}", "-e", f"inject={death.call}:signal=KILL:when={death.number}"]
    # not --seccomp-bpf: with it strace 6.1 injects no signal
    command = ["strace", "-f", "-qq", "-o", "/dev/null", *inject, "-p", str(mother_id)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=tied()) as tracer:
        try:
            _wait(lambda: _tracer(mother_id) == tracer.pid)
            yield
        finally:
            tracer.terminate()  # lets go of whom it traces
            tracer.wait(ENDS_WITHIN_S)
            _wait(lambda: _tracer(mother_id) == 0)


def _tracer(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii", errors="replace")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("TracerPid:"))


def _wait(until: Callable[[], bool]) -> None:
    ends = time.monotonic() + ENDS_WITHIN_S
    while not until():
        if time.monotonic() > ends:
            raise RuntimeError("strace does not take hold of the processes under test, or does not let go")
        time.sleep(0.01)


def mother(live: Callable[[list[str]], None]) -> None:
    """What a module under test runs: for each line of standard input a child that lives until it is killed."""
    say(READY)
    while line := sys.stdin.readline():
        gate, *words = line.split()
        call, _, number = gate.partition(":")
        hers, its = socket.socketpair()
        mother_id = os.getpid()
        child = os.fork()
        if child == 0:
            try:
                tie(mother_id)
                hers.close()
                if gate != NO_GATE:
                    hand_over(raise_gate(call), its)
                live(words)
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        its.close()
        if gate != NO_GATE:
            keep_gate(taken(hers), child, int(number))
        hers.close()
        _, status = os.waitpid(child, 0)
        ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"
        say(f"{DIED} {ended}")


def say(line: str) -> None:
    """One line on standard output, at once: what was said before a death was said."""
    os.write(1, f"{line}\n".encode())


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
