"""Starts the demo's parts as processes of their own, waits until each answers, and stops all of them together."""

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from carebag.tied_children import tied

READY_WITHIN_S = 60.0


class PartFailed(Exception):
    """A part ended or did not answer in time; the text names it and its log."""


class Parts:
    """Child processes with a log file each; `with Parts(folder) as parts:` leaves none behind."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Parts":
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(list(self.running)):
            self.stop(name)

    def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """`carebag ARGUMENTS…` as a child, its output in `NAME.log`."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603
                self.command(name, arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=tied(),
            )

    def command(self, name: str, arguments: Sequence[str]) -> list[str]:
        """What is really run; a bench runs some parts in another network."""
        return [sys.executable, "-m", "carebag.cli", *arguments]

    def answers(self, name: str, url: str) -> bool:
        """Whether `url`, as seen from where the part runs, gives a success now."""
        return answers(url)

    def stop(self, name: str, *, kill: bool = False) -> None:
        """Ask it to end, insist after 10 s; with `kill` it gets no chance to tidy up."""
        process = self.running.pop(name, None)
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def failed(self) -> str | None:
        """Name of a part that ended by itself."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def wait_for(self, name: str, url: str) -> None:
        """Until `url` answers 200.

        Raises:
            PartFailed: the part ended, or did not answer within 60 s.
        """
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            if self.running[name].poll() is not None:
                raise PartFailed(self.obituary(name))
            if self.answers(name, url):
                return
            time.sleep(0.05)
        raise PartFailed(f"{name} did not answer at {url} within {READY_WITHIN_S:.0f} s{self.last_words(name)}")

    def wait_for_file(self, name: str, path: Path) -> str:
        """Until the part has written `path` whole (it renames it into place); gives its text."""
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            if path.exists():
                return path.read_text()
            if self.running[name].poll() is not None:
                raise PartFailed(self.obituary(name))
            time.sleep(0.02)
        raise PartFailed(f"{name} was not ready within {READY_WITHIN_S:.0f} s{self.last_words(name)}")

    def obituary(self, name: str) -> str:
        """How a part that ended by itself did so, and its last words."""
        return f"{name} {how_it_ended(self.running[name].poll())}{self.last_words(name)}"

    def last_words(self, name: str) -> str:
        """Where its log is, and how that ends; begins with a full stop."""
        log, said = self.logs / f"{name}.log", self.tail(name)
        return f". Its log, {log}, ends:\n{said}" if said else f". It wrote nothing into its log, {log}"

    def tail(self, name: str, lines: int = 20) -> str:
        text = (self.logs / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def how_it_ended(status: int | None) -> str:
    """In words, from a process's exit status; negative for a signal, None while it runs."""
    if status is None:
        return "still runs"
    if status >= 0:
        return f"ended by itself with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = " (the system does that when memory is short)" if name == "SIGKILL" else ""
    return f"was ended by {name}{hint}"


def answers(url: str) -> bool:
    """Whether `url` (our own loopback address) gives a success now.

    Who dials a free port of his own machine again and again may be given that very port and hear himself: no answer.
    """
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310
            return True
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError):
        return False


PICKED = range(20_000, 32_000)
"""Below the ports that systems give to outgoing connections (Linux from 32768, others from 49152): one of those can be
taken by a connection before a part listens there."""
TRIES = 50


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else one by chance from `PICKED`; 0: by chance."""
    for port in (wanted, *random.sample(PICKED, TRIES)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if port:
                probe.bind(("127.0.0.1", port))
                return port
    raise PartFailed("no free port on 127.0.0.1")
