"""`make test-bluez`: the device tests against real bluetoothd and a real kernel. See README.md beside this file.

Arguments go to pytest; where they name no test, all that can run on a real BlueZ do.
"""
# ruff: noqa: S603, T201 - this is a command: it starts programs and prints

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import kernel

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
RADIO = ("test_radio_bleak.py", "test_radio_bluez.py", "test_radio_object_tree.py")
TESTS = ("tests/devices/drivers", *(f"tests/devices/radio/{name}" for name in RADIO))
TESTS_S = int(os.environ.get("CAREBAG_BLUEZ_SECONDS", "2400"))
"""The tests are stopped after this time. `pytest_bluez` stops a single one; `HUNG_S` is for one that it cannot stop."""
HUNG_S = 180
BOOT_S = 120
MEMORY = "768M"


def job(arguments: list[str]) -> dict[str, object]:
    """What `init.py` runs inside the machine."""
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "pytest_bluez"]
    pytest += ["-o", f"faulthandler_timeout={HUNG_S}", "-o", "faulthandler_exit_on_timeout=true"]
    pytest += ["--durations=10", "-o", "log_level=INFO", "--junitxml=/run/results/junit.xml"]
    environment = {
        "CAREBAG_RADIO": "bluez",
        "HYPOTHESIS_STORAGE_DIRECTORY": "/run/home/hypothesis",
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": f"{HERE}:{os.environ.get('PYTHONPATH', '')}".rstrip(":"),
        "PYTHONUNBUFFERED": "1",
    }
    pytest += ["-o", f"testpaths={' '.join(TESTS)}"]
    return {"command": [*pytest, *arguments], "environment": environment, "folder": str(PROJECT), "seconds": TESTS_S}


def command_line(program: Path, results: Path) -> list[str]:
    """The kernel and its parameters; what stands after `--` is for init."""
    words = ["quiet", f"mem={MEMORY}", "rootfstype=hostfs", "rootflags=/", "ro", "con=null", "con0=null,fd:1"]
    ours = [f"init={sys.executable}", "--", str(HERE / "init.py"), str(results)]
    if any(len(word.split()) != 1 for word in ours):
        raise kernel.Missing("the kernel's command line takes no path with blanks: move the project or the cache")
    return [str(program), *words, *ours]


def boot(command: list[str]) -> None:
    """Run the machine until it switches itself off. It is ended in any case, with all its processes."""
    machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        machine.wait(BOOT_S + TESTS_S)
    except subprocess.TimeoutExpired:
        print(f"the machine did not end within {BOOT_S + TESTS_S} s", flush=True)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(machine.pid, signal.SIGKILL)
        machine.wait()


@contextlib.contextmanager
def alone(cache: Path) -> Iterator[None]:
    """One run at a time: they share the kernel and the results."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise kernel.Missing("another run is going on") from None
        yield


def run(arguments: list[str]) -> int:
    """Build, boot, test. Gives pytest's exit status; 70 when the machine broke before it had one."""
    cache = kernel.cache_folder()
    with alone(cache), tempfile.TemporaryDirectory(prefix="carebag-bluez-") as passing:
        kernel.install_packages()
        program = kernel.kernel(cache)
        results = cache / "results"
        shutil.rmtree(results, ignore_errors=True)
        results.mkdir()
        (results / "job.json").write_text(json.dumps(job(arguments)), encoding="utf-8")
        began = time.monotonic()
        os.environ["HOME"] = passing  # the kernel keeps a folder ~/.uml
        boot(command_line(program, results))
        figures = results / "figures.jsonl"
        print(figures.read_text(encoding="utf-8") if figures.exists() else "", end="")
        status = results / "status"
        code = int(status.read_text(encoding="utf-8")) if status.exists() else 70
        print(f"{'passed' if code == 0 else f'FAILED ({code})'} in {time.monotonic() - began:.0f} s; {results}")
        return code


def main() -> int:
    # a terminated run must end its machine too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(sys.argv[1:])
    except kernel.Missing as missing:
        print(f"test-bluez: {missing}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
