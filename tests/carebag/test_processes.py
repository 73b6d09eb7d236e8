"""Starting and stopping the parts."""

import socket
from pathlib import Path

import pytest

from carebag.processes import PartFailed, Parts, free_port


def test_a_part_that_ends_at_once_is_named_with_its_last_words(tmp_path: Path) -> None:
    with Parts(tmp_path) as parts:
        parts.start("hub", ["hub", "--no-such-option"])
        with pytest.raises(PartFailed, match=r"(?s)hub ended at once.*no-such-option"):
            parts.wait_for("hub", "http://127.0.0.1:9/")


def test_a_taken_port_is_not_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) != port
