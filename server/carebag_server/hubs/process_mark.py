"""A process told from all others, also of other machines, containers and times, where Linux tells them apart."""

import os
from pathlib import Path

UNKNOWN = ""
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STATE, _STARTED = 0, 19
"""Of what follows the name in /proc/PID/stat (proc(5): fields 3 and 22)."""


def own_mark() -> str:
    """Boot, PID namespace, number and start of this process; `UNKNOWN` where /proc does not say."""
    place, started = _place(), _started(os.getpid())
    return f"{place} {os.getpid()} {started}" if place and started else UNKNOWN


def is_surely_dead(mark: str) -> bool:
    """Whether the process ran in this boot and PID namespace and runs no more; False if that cannot be known."""
    parts = mark.split(" ")
    if len(parts) != 4 or " ".join(parts[:2]) != _place() or not parts[2].isdecimal():
        return False
    return _started(int(parts[2])) != parts[3]


def _place() -> str:
    try:
        return f"{_BOOT.read_text('ascii').strip()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When it began, in ticks since the boot; empty for none, and for one that only waits to be buried."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[_STATE] in "ZX" else fields[_STARTED]
