"""The command: every subcommand explains itself, and a missing extra is an instruction."""

import builtins
import os
from pathlib import Path
from typing import Any

import pytest

from carebag.cli import COMMANDS, main


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_subcommand_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert "usage: carebag" in capsys.readouterr().out


def test_without_a_subcommand_it_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_a_missing_extra_is_an_instruction(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_playwright(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == "psutil":
            raise ModuleNotFoundError("No module named 'psutil'", name="psutil")
        return real_import(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_playwright)
    monkeypatch.delitem(__import__("sys").modules, "carebag.bench", raising=False)
    with pytest.raises(SystemExit, match=r"carebag\[demo\]"):
        main(["bench"])


@pytest.mark.parametrize("head", ["12", "x:" + "0" * 64, "12:abc"])
def test_a_head_that_is_none_is_refused(head: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["audit", "verify", "--database", "sqlite:///x", "--head", head])
    assert ended.value.code == 2
    assert "64 digits" in capsys.readouterr().err


def test_audit_verify_fails_for_a_database_that_is_not_there(tmp_path: Any) -> None:
    with pytest.raises(SystemExit, match="no database"):
        main(["audit", "verify", "--database", f"sqlite:///{tmp_path}/none.sqlite"])


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_what_a_command_writes_is_for_its_user_only(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with pytest.raises(SystemExit):
            main(["--help"])
        (tmp_path / "hub.sqlite").touch()
        assert (tmp_path / "hub.sqlite").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)
