"""The first program of the User Mode Linux machine, and the only one: `init.py RESULTS`.

Mounts what must be writable in memory, starts the system bus, runs the command of `RESULTS/job.json`, leaves its exit
status in `RESULTS/status`, switches off. The root is the host's, read only; of the host only RESULTS can be written.
"""
# ruff: noqa: S108, S603, S607, T201 - this is a command: it starts programs and prints

import ctypes
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

POWER_OFF = 0x4321FEDC
SYSTEM_BUS = Path("/run/dbus/system_bus_socket")
RESULTS = Path("/run/results")
IN_MEMORY = ("/run", "/var/lib/bluetooth", "/dev/shm")


def mount(kind: str, where: str, options: str = "") -> None:
    Path(where).mkdir(parents=True, exist_ok=True)
    extra = ["-o", options] if options else []
    subprocess.run(["mount", "-t", kind, *extra, "none", where], check=True)


def mount_all(results: str) -> None:
    mount("proc", "/proc")
    mount("sysfs", "/sys")
    mount("devtmpfs", "/dev")
    for where in IN_MEMORY:
        mount("tmpfs", where)
    mount("hostfs", str(RESULTS), results)


def raise_loopback() -> None:
    """127.0.0.1, for tests of instruments that speak TCP."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS, UP and RUNNING


def start_system_bus() -> None:
    SYSTEM_BUS.parent.mkdir()
    with (RESULTS / "dbus-daemon.log").open("wb") as log:
        subprocess.Popen(["dbus-daemon", "--system", "--nofork", "--nopidfile", "--nosyslog"], stdout=log, stderr=log)
    give_up = time.monotonic() + 20
    while not SYSTEM_BUS.exists():
        if time.monotonic() > give_up:
            raise TimeoutError("no system bus")
        time.sleep(0.02)


def run(results: str) -> int:
    mount_all(results)
    socket.sethostname("carebag")
    raise_loopback()
    start_system_bus()
    job = json.loads((RESULTS / "job.json").read_text(encoding="utf-8"))
    home = Path("/run/home")
    home.mkdir()
    folders = {"HOME": home, "TMPDIR": home, "CAREBAG_RESULTS": RESULTS}
    environment = dict(os.environ) | job["environment"] | {name: str(folder) for name, folder in folders.items()}
    environment["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={SYSTEM_BUS}"
    return subprocess.run(job["command"], cwd=job["folder"], env=environment, timeout=job["seconds"]).returncode


def main() -> None:
    status = 70
    try:
        status = run(sys.argv[1])
    except BaseException as error:
        print(f"init: {type(error).__name__}: {error}", flush=True)
    finally:
        if RESULTS.is_mount():
            (RESULTS / "status").write_text(str(status), encoding="utf-8")
            if dmesg := shutil.which("dmesg"):
                with (RESULTS / "kernel.log").open("wb") as log:
                    subprocess.run([dmesg], stdout=log, check=False)
        os.sync()
        ctypes.CDLL(None).reboot(POWER_OFF)


main()
