"""The User Mode Linux kernel: built once from Debian's own sources, into a cache folder outside the project."""
# ruff: noqa: S603, T201 - this is a command: it starts programs and prints

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

CONFIG = Path(__file__).with_name("kernel.config")
PACKAGES = {
    "linux-source-6.1": "/usr/src/linux-source-6.1.tar.xz",
    "bc": "/usr/bin/bc",
    "bison": "/usr/bin/bison",
    "bluez": "/usr/libexec/bluetooth/bluetoothd",
    "dbus": "/usr/bin/dbus-daemon",
    "flex": "/usr/bin/flex",
    "gcc": "/usr/bin/gcc",
    "make": "/usr/bin/make",
    "xz-utils": "/usr/bin/xz",
}
"""Debian 12's name of each, and a file that shows that it is there."""
SOURCE = Path(PACKAGES["linux-source-6.1"])
CHANGES = {
    # Room for the vector registers of a processor with AMX (CPUID leaf 0xD). User Mode Linux 6.1 reserves 2696 bytes,
    # and then no process runs on such processors; from 6.13 on it asks the processor.
    "arch/x86/um/user-offsets.c": ("(HOST_FP_SIZE, 2696)", "(HOST_FP_SIZE, 11008)"),
    # 6.1.192 frees a link's channel twice when its socket outlives the link: by chance harmless, else the kernel panics
    # (a device that has forgotten its bond does it each time). The link frees its channels itself.
    "net/bluetooth/l2cap_core.c": (
        "\thci_chan_del(conn->hchan);\n\thci_conn_put(conn->hcon);\n\tkfree(conn);\n",
        "\thci_conn_put(conn->hcon);\n\tkfree(conn);\n",
    ),
}
"""Where the source must be changed to work: file, what stands there, what shall. Elsewhere it is left as it is."""
BUILD_S = 3600


class Missing(Exception):
    """Something this machine does not have, in words for the person at the terminal."""


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "carebag-bluez"


def install_packages() -> None:
    """Install what is missing where this user may. Raises `Missing` with the command where not."""
    missing = [name for name, file in PACKAGES.items() if not Path(file).exists()]
    if not missing:
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Missing(f"packages of Debian 12 are missing; as root: {' '.join(install)}")
    print("installing", *missing, flush=True)
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["apt-get", "update", "--quiet"], install):
        if subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, timeout=BUILD_S, check=False).returncode:
            raise Missing(f"this failed: {' '.join(command)}")


def kernel(cache: Path) -> Path:
    """The kernel program for this source and configuration; built when it is not there yet (some minutes)."""
    source = SOURCE.stat()
    recipe = f"{source.st_size} {source.st_mtime_ns} {CHANGES}\n{CONFIG.read_text(encoding='utf-8')}"
    program = cache / f"linux-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if not program.exists():
        _build(cache, program)
    return program


def _build(cache: Path, program: Path) -> None:
    began = time.monotonic()
    log = cache / "build.log"
    print(f"building the kernel, once; some minutes; {log}", flush=True)
    folder = cache / "source"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with log.open("wb") as out:

        def step(*command: str | Path) -> None:
            _run(command, folder, out.fileno(), log)

        step("tar", "xf", SOURCE, "--strip-components=1")
        _change(folder)
        step("make", "ARCH=um", f"KCONFIG_ALLCONFIG={CONFIG}", "allnoconfig")
        _check_config(folder)
        step("nice", "-n", "19", "make", "ARCH=um", f"-j{os.cpu_count() or 1}", "linux")
        step("strip", "-o", program.with_suffix(".new"), "linux")
    program.with_suffix(".new").rename(program)
    shutil.rmtree(folder)
    print(f"kernel built in {time.monotonic() - began:.0f} s", flush=True)


def _run(command: Sequence[str | Path], folder: Path, out: int, log: Path) -> None:
    done = subprocess.run(command, cwd=folder, stdout=out, stderr=out, timeout=BUILD_S, check=False)
    if done.returncode:
        raise Missing(f"the kernel could not be built: {command[0]} ended with {done.returncode}, see {log}")


def _change(folder: Path) -> None:
    """A newer source may have been mended: then there is nothing to change."""
    for name, (before, after) in CHANGES.items():
        file = folder / name
        file.write_text(file.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")


def _check_config(folder: Path) -> None:
    """kconfig drops in silence what depends on something that is off."""
    chosen = (folder / ".config").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in CONFIG.read_text(encoding="utf-8").splitlines() if line.startswith("CONFIG_")]
    if dropped := sorted(set(wanted) - set(chosen)):
        raise Missing(f"the kernel's configuration lost: {', '.join(dropped)}")
