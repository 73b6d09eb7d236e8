"""Network namespaces without a name: they live as long as this process holds them, and nothing is left behind."""

import contextlib
import ctypes
import fcntl
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

_CLONE_NEWNET = 0x4000_0000
_TUNSETIFF = 0x4004_54CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
DEVICE = "eth0"

T = TypeVar("T")


class NoNamespaces(Exception):
    """This machine cannot make the link; the text says what is missing."""


def missing() -> str | None:
    """What this machine lacks for a link, in words; None: nothing."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    if not Path("/dev/net/tun").exists():
        return "/dev/net/tun is not there (modprobe tun)"
    if not all(any((Path(place) / word).exists() for place in _PLACES) for word in ("ip", "nsenter")):
        return "the commands ip (iproute2) and nsenter (util-linux) are needed"
    try:
        Namespace().close()
    except NoNamespaces as problem:
        return str(problem)
    return None


_PLACES = (*os.environ.get("PATH", "").split(":"), "/sbin", "/usr/sbin")


class Namespace:
    """A network namespace of its own, with its loopback up and without IPv6.

    Raises:
        NoNamespaces: the kernel gives none.
    """

    def __init__(self) -> None:
        self._fd = _in_thread(_make)
        self.run(_without_ipv6)
        self.ip("link", "set", "lo", "up")

    def run(self, act: Callable[[], T]) -> T:
        """`act()` within; sockets and devices made there stay there."""

        def within() -> T:
            _enter(self._fd)
            return act()

        return _in_thread(within)

    def command(self, words: Sequence[str]) -> list[str]:
        """The same command within; the process keeps its id, so that it can be watched and ended."""
        return ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self._fd}", "--", *words]

    def ip(self, *words: str) -> None:
        """`ip …` within.

        Raises:
            NoNamespaces: it did not work.
        """
        done = subprocess.run(  # noqa: S603
            self.command(["ip", *words]), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NoNamespaces(f"ip {' '.join(words)}: {done.stderr.strip()}")

    def tun(self) -> int:
        """Make the namespace's one device; gives the descriptor of its other side."""
        return self.run(_tun)

    def close(self) -> None:
        """The kernel ends it when its last process is gone."""
        os.close(self._fd)


def _in_thread(act: Callable[[], T]) -> T:
    """In a thread that ends with it: a namespace is a thread's, and no other work may stray into it."""
    with ThreadPoolExecutor(1) as one:
        return one.submit(act).result()


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _make() -> int:
    if _libc().unshare(_CLONE_NEWNET) != 0:
        raise NoNamespaces(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def _enter(fd: int) -> None:
    if _libc().setns(fd, _CLONE_NEWNET) != 0:
        raise NoNamespaces(f"cannot enter the namespace: {os.strerror(ctypes.get_errno())}")


def _without_ipv6() -> None:
    """One address each: what is measured is one path."""
    for which in ("all", "default"):
        with contextlib.suppress(OSError):
            Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6").write_text("1")


def _tun() -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    except OSError as error:
        os.close(fd)
        raise NoNamespaces(f"no TUN device: {error.strerror}") from None
    return fd
