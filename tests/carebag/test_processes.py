"""Starting and stopping the parts."""

import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from carebag.demonstration import Options, running
from carebag.processes import PICKED, PartFailed, Parts, answers, free_port, how_it_ended


def test_a_part_that_ends_at_once_is_named_with_its_last_words(tmp_path: Path) -> None:
    with Parts(tmp_path) as parts:
        parts.start("hub", ["hub", "--no-such-option"])
        with pytest.raises(
            PartFailed, match=r"(?s)hub ended by itself with exit status 2.*hub.log, ends:.*no-such-option"
        ):
            parts.wait_for("hub", "http://127.0.0.1:9/")


def test_who_hears_himself_has_no_answer() -> None:
    """As when a client's own port is the one that it dials: what comes back is what was sent."""

    def echo(server: socket.socket) -> None:
        line, _ = server.accept()
        with line:
            line.sendall(line.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as server:
        parrot = threading.Thread(target=echo, args=(server,))
        parrot.start()
        assert not answers(f"http://127.0.0.1:{server.getsockname()[1]}/")
        parrot.join()


def test_a_taken_port_is_not_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) != port


def test_a_port_by_chance_is_none_that_a_connection_may_take() -> None:
    assert all(free_port(0) in PICKED for _ in range(20))
    range_of_connections = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if range_of_connections.exists():
        assert int(range_of_connections.read_text().split()[0]) > PICKED[-1]


def test_a_part_that_dies_without_a_word_is_told_how_and_where_to_look(tmp_path: Path) -> None:
    class Silent(Parts):
        def command(self, name: str, arguments: Sequence[str]) -> list[str]:
            return [sys.executable, "-c", f"import os, signal; os.kill(os.getpid(), signal.{arguments[0]})"]

    with Silent(tmp_path) as parts:
        parts.start("kit", ["SIGKILL"])
        parts.running["kit"].wait(30)
        assert parts.failed() == "kit"
        words = parts.obituary("kit")
    assert words.startswith("kit was ended by SIGKILL")
    assert f"wrote nothing into its log, {tmp_path}/kit.log" in words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "still runs"),
        (3, "ended by itself with exit status 3"),
        (-15, "was ended by SIGTERM"),
        (-99, "signal 99"),
    ],
)
def test_how_it_ended_in_words(status: int | None, words: str) -> None:
    assert words in how_it_ended(status)


def test_a_demo_says_what_of_its_folder_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "hub.sqlite").write_bytes(b"photo" * 2000)
    with pytest.raises(PartFailed, match="not a database"), running(Options(tmp_path)):
        pass
