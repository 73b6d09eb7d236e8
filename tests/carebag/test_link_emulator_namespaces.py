"""The rim: packets really go from one namespace to the other, and nowhere else. Needs root and TUN."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from carebag.link_emulator.forwarder import BARE_PORT, is_bare
from carebag.link_emulator.link import HOSPITAL, Link, kitchen_address
from carebag.link_emulator.model import Way
from carebag.link_emulator.namespaces import Namespace, missing
from carebag.link_emulator.profiles import PROFILES, Profile

LACKING = missing()
needs_root = pytest.mark.skipif(LACKING is not None, reason=f"no link can be made here: {LACKING}")
QUIET = replace(PROFILES["clean"], up=Way(delay_ms=30, jitter_ms=0), down=Way(delay_ms=20, jitter_ms=0))
PORT = 4711


@pytest.fixture
def link() -> Iterator[Link]:
    with Link(QUIET, 1) as made:
        yield made


def udp(end: Namespace, host: str, port: int = 0) -> socket.socket:
    def make() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.settimeout(30)
        try:
            made.bind((host, port))
        except OSError:
            made.close()
            raise
        return made

    return end.run(make)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


@needs_root
def test_a_packet_arrives_whole_after_the_delay_and_so_does_the_answer(link: Link) -> None:
    with udp(link.kitchen, kitchen_address(0)) as here, udp(link.hospital, HOSPITAL, PORT) as there:
        began = time.monotonic()
        here.sendto(b"from the kitchen", (HOSPITAL, PORT))
        data, sender = there.recvfrom(100)
        assert (data, sender[0]) == (b"from the kitchen", kitchen_address(0))
        there.sendto(b"back", sender)
        assert here.recv(100) == b"back"
        assert time.monotonic() - began >= 0.05
    report = link.report()
    assert (report["up"]["packets"], report["down"]["packets"]) == (1, 1)


@needs_root
def test_neither_end_reaches_anything_else(link: Link) -> None:
    with socket.create_server(("127.0.0.1", 0)) as outside:
        port = outside.getsockname()[1]
        with pytest.raises(OSError):
            link.kitchen.run(lambda: socket.create_connection(("127.0.0.1", port), 0.2))


@needs_root
def test_the_bare_path_is_not_counted_as_traffic_and_tells_its_delay(link: Link) -> None:
    link.begin(packets=10)
    rows = link.bare()
    assert len(rows) == 10
    delays = [arrived - left for left, arrived in rows if arrived is not None and left is not None]
    assert len(delays) == 10
    assert min(delays) >= 0.03 - 0.001
    assert link.report()["up"]["packets"] == 0


@needs_root
def test_another_address_and_the_old_one_is_gone(link: Link) -> None:
    link.address_goes()
    with pytest.raises(OSError):
        udp(link.kitchen, kitchen_address(0)).close()
    address = link.address_comes()
    assert address == kitchen_address(1)
    with udp(link.kitchen, "") as here, udp(link.hospital, HOSPITAL, PORT) as there:
        here.sendto(b"moved", (HOSPITAL, PORT))
        assert there.recvfrom(100)[1][0] == address


@needs_root
def test_a_door_passes_a_connection_on_over_the_link(link: Link) -> None:
    inside = link.hospital.run(lambda: socket.create_server(("127.0.0.1", PORT)))
    link.open_door(link.hospital, HOSPITAL, PORT, "127.0.0.1", PORT)
    found: list[socket.socket] = []

    def connects() -> bool:
        try:
            found.append(link.kitchen.run(lambda: socket.create_connection((HOSPITAL, PORT), 5)))
        except OSError:
            return False
        return True

    with inside:
        until(connects)
        inside.settimeout(30)
        with found[0] as here, inside.accept()[0] as there:
            here.settimeout(30)
            there.settimeout(30)
            here.sendall(b"question")
            assert there.recv(100) == b"question"
            there.sendall(b"answer")
            there.shutdown(socket.SHUT_WR)
            assert here.recv(100) == b"answer"
            assert here.recv(100) == b""


@needs_root
def test_in_an_outage_nothing_arrives() -> None:
    profile = replace(QUIET, outages=PROFILES["outage-8s"].outages[:1])
    profile = replace(profile, outages=(replace(profile.outages[0], start_s=0.0, length_s=3600.0),))
    with Link(profile, 1) as link, udp(link.kitchen, "") as here, udp(link.hospital, HOSPITAL, PORT) as there:
        here.sendto(b"before", (HOSPITAL, PORT))
        assert there.recv(100) == b"before"
        link.begin(packets=10)
        assert link.bare()[-1][1] is None


@needs_root
def test_nothing_is_left_behind() -> None:
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    with Link(QUIET, 1) as link:
        link.begin()
        children = [child.pid for child in link.children]
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_only_udp_to_its_own_port_is_the_bare_paths() -> None:
    packet = bytearray(60)
    packet[0], packet[9] = 0x45, 17
    packet[22:24] = BARE_PORT.to_bytes(2, "big")
    assert is_bare(bytes(packet))
    assert not is_bare(bytes(packet[:23]))
    assert not is_bare(bytes([0x46, *packet[1:]]))
    assert not is_bare(bytes([*packet[:9], 6, *packet[10:]]))
    assert not is_bare(bytes([*packet[:22], 0, 10, *packet[24:]]))
    assert not is_bare(b"")


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.geteuid() != 0, reason="needs root to become another")
def test_without_root_it_says_so() -> None:
    code = "import os; os.setuid(65534); from carebag.link_emulator.namespaces import missing; print(missing())"
    script = f"import carebag.link_emulator.namespaces; {code}"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "needs root" in said


def test_a_profile_is_plain_json() -> None:
    text = json.dumps(PROFILES["rural-4g"].to_data())
    assert Profile.from_data(json.loads(text)) == PROFILES["rural-4g"]
