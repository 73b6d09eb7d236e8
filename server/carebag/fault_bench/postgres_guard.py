"""Ends the PostgreSQL servers of a bench that was killed: they are daemons, nobody's children.

    python -m carebag.fault_bench.postgres_guard DATA_FOLDER …

Waits for the end of its standard input, which comes when the bench ends, however it does.
"""

import contextlib
import os
import signal
import sys
from pathlib import Path


def end_server(data: Path) -> None:
    """`kill -9` of the server over this data folder and of all its processes; nothing if there is none."""
    try:
        server = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    # each is the leader of a session of its own; one that was stopped would stay for good
    for process in (server, *(int(one.parent.name) for one in children_of(server))):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    (data / "postmaster.pid").unlink(missing_ok=True)


def children_of(pid: int) -> list[Path]:
    """`/proc/N/cmdline` of the processes whose parent this is."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == pid:
            found.append(status.with_name("cmdline"))
    return found


if __name__ == "__main__":
    sys.stdin.read()
    for folder in sys.argv[1:]:
        end_server(Path(folder))
