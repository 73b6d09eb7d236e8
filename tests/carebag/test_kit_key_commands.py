"""`carebag kit enrol` and `rotate-key` as somebody types them: what is refused, in words, before anything changes."""

import ast
import io
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from carebag.cli import main
from carebag.kit_key_commands import _WORDS
from carebag_edge.keys import load_or_create
from carebag_server import kit_enrolment

NOBODY = "nobody"


@pytest.fixture
def nobody() -> Any:
    """An address where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--code", "x"], "twelve letters"),
        (["--code", ""], "twelve letters"),
        (["--code", "0000-0000-0000", "--hub", "http://hub.example.se"], "https"),
        (["--code", "0000-0000-0000", "--hub", "hub.example.se"], "web address"),
        (["--code", "carebag-kit:http://hub.example.se#0000-0000-0000"], "https"),
        (["--code", "0000-0000-0000", "--hub", NOBODY], "does not answer"),
    ],
)
def test_refusals_in_words(
    tmp_path: Path, capsys: Any, monkeypatch: Any, nobody: str, words: list[str], why: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    said = [nobody if word == NOBODY else word for word in words]
    assert main(["kit", "enrol", "--data", str(tmp_path / "kit"), *said]) == 2
    told = capsys.readouterr()
    assert (told.out, why in told.err) == ("", True), told.err
    assert not (tmp_path / "kit" / "enrolment.json").exists()


def test_the_code_is_asked_for(tmp_path: Path, capsys: Any, monkeypatch: Any, nobody: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"carebag-kit:{nobody}#0000-0000-0000\n"))
    assert main(["kit", "enrol", "--data", str(tmp_path / "kit")]) == 2
    assert "does not answer" in capsys.readouterr().err


def test_no_key_no_other_one(tmp_path: Path, capsys: Any) -> None:
    assert main(["kit", "rotate-key", "--data", str(tmp_path / "kit")]) == 2
    assert "no kit's key" in capsys.readouterr().err
    assert not (tmp_path / "kit").exists()


def test_a_hub_that_is_away_leaves_the_key(tmp_path: Path, capsys: Any, nobody: str) -> None:
    load_or_create(tmp_path, None, 0)
    before = (tmp_path / "kit_key").read_bytes()
    assert main(["kit", "--hub", nobody, "rotate-key", "--data", str(tmp_path)]) == 2
    assert "does not answer" in capsys.readouterr().err
    assert (tmp_path / "kit_key").read_bytes() == before


def test_options_before_the_command_count_too(tmp_path: Path, capsys: Any, nobody: str) -> None:
    assert main(["kit", "--hub", nobody, "--data", str(tmp_path), "enrol", "--code", "0000-0000-0000"]) == 2
    assert (tmp_path / "kit_key").exists()
    assert "does not answer" in capsys.readouterr().err


def test_every_refusal_of_an_enrolment_has_words() -> None:
    tree = ast.parse(Path(kit_enrolment.__file__).read_text(encoding="utf-8"))
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refused"
    ]
    codes = {call.args[1].value for call in calls if isinstance(call.args[1], ast.Constant)}
    assert len(codes) > 5
    assert codes - set(_WORDS) == {"kit_key_known"}  # the kit makes another one then
