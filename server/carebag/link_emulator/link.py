"""The link itself: two namespaces, a device in each, the process between them, the doors and the bare path's probe."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Any

from carebag.link_emulator.forwarder import BARE_PORT
from carebag.link_emulator.namespaces import DEVICE, Namespace, NoNamespaces, missing
from carebag.link_emulator.profiles import Profile
from carebag.tied_children import noted, tied

HOSPITAL = "10.77.0.2"
"""The doctor and the data centre."""
PROBE_BYTES = 700


def kitchen_address(number: int) -> str:
    """The kit's address after so many handovers."""
    return f"10.77.{1 + number}.1"


class Link:
    """`with Link(profile, seed) as link:` two namespaces, `kitchen` and `hospital`, that reach each other over it.

    Raises:
        NoNamespaces: this machine cannot make it; the text says what is missing.
    """

    def __init__(self, profile: Profile, seed: int) -> None:
        self.profile, self.seed = profile, seed
        self.children: list[subprocess.Popen[str]] = []
        self._handovers = 0

    def __enter__(self) -> "Link":
        lacking = missing()
        if lacking:
            raise NoNamespaces(lacking)
        self.kitchen, self.hospital = Namespace(), Namespace()
        ends = [self.kitchen.tun(), self.hospital.tun()]
        self._connect(self.kitchen, kitchen_address(0))
        self._connect(self.hospital, HOSPITAL)
        told = {"profile": self.profile.to_data(), "seed": self.seed, "kitchen": ends[0], "hospital": ends[1]}
        try:
            self._forwarder = self._start("forwarder", [json.dumps(told)], ends)
        except BaseException:  # told to end while it starts
            self.__exit__(None, None, None)
            raise
        for end in ends:
            os.close(end)
        self._probe: subprocess.Popen[str] | None = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self.children):
            if child.poll() is None:
                child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()
        self.kitchen.close()
        self.hospital.close()

    @staticmethod
    def _connect(end: Namespace, address: str) -> None:
        end.ip("address", "add", f"{address}/32", "dev", DEVICE)
        end.ip("link", "set", DEVICE, "up")
        end.ip("route", "add", "default", "dev", DEVICE)

    def _start(self, module: str, words: Sequence[str], descriptors: Sequence[int] = ()) -> subprocess.Popen[str]:
        with noted():
            child = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", f"carebag.link_emulator.{module}", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                pass_fds=descriptors,
                start_new_session=True,
                preexec_fn=tied(),
            )
            self.children.append(child)
        return child

    def open_door(self, inside: Namespace, host: str, port: int, to_host: str, to_port: int) -> None:
        """TCP to `host:port` in this namespace goes on to `to_host:to_port` as seen from there."""
        words = [sys.executable, "-m", "carebag.link_emulator.door", host, str(port), to_host, str(to_port)]
        with noted():
            child = subprocess.Popen(  # noqa: S603
                inside.command(words), stdin=subprocess.DEVNULL, text=True, start_new_session=True, preexec_fn=tied()
            )
            self.children.append(child)

    def begin(self, packets: int | None = None) -> None:
        """The measuring begins: from now the profile's outages count, and the bare path is measured.

        `packets`: that many; None: until `bare` is asked for.
        """
        _stdin(self._forwarder).write("begin\n")
        _stdin(self._forwarder).flush()
        source = self.kitchen.run(lambda: _udp("", 0))
        sink = self.hospital.run(lambda: _udp(HOSPITAL, BARE_PORT))
        self._endless = packets is None
        told = {
            "source": source.fileno(),
            "sink": sink.fileno(),
            "host": HOSPITAL,
            "port": BARE_PORT,
            "size": PROBE_BYTES - 28,
            "packets": packets,
        }
        with source, sink:
            self._probe = self._start("bare_path", [json.dumps(told)], [source.fileno(), sink.fileno()])

    def address_goes(self) -> None:
        self.kitchen.ip("address", "del", f"{kitchen_address(self._handovers)}/32", "dev", DEVICE)

    def address_comes(self) -> str:
        """Another than before."""
        self._handovers += 1
        address = kitchen_address(self._handovers)
        self.kitchen.ip("address", "add", f"{address}/32", "dev", DEVICE)
        # the kernel took the route away with the device's last address
        self.kitchen.ip("route", "replace", "default", "dev", DEVICE)
        return address

    def bare(self) -> list[list[float | None]]:
        """End the probe, or wait for its last packet; [left, arrived or None] of each packet, unix seconds."""
        if self._probe is None:
            return []
        found: list[list[float | None]] = json.loads(_ended(self._probe, self._endless))
        return found

    def report(self) -> dict[str, Any]:
        """End the link; see `Forwarder.report`."""
        found: dict[str, Any] = json.loads(_ended(self._forwarder))
        return found


def _udp(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, port))
    return made


def _stdin(child: subprocess.Popen[str]) -> IO[str]:
    assert child.stdin is not None
    return child.stdin


def _ended(child: subprocess.Popen[str], at_once: bool = True) -> str:
    """Take what it has to say, at the end that its input's end brings, or at its own."""
    if at_once:
        return child.communicate(timeout=60)[0]
    assert child.stdout is not None
    return child.stdout.read()
