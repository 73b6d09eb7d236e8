"""`carebag bench faults`: names, the page, the exit status."""

import json
from pathlib import Path
from typing import Any

import pytest

from carebag.cli import main
from carebag.fault_bench.outcome import Control, Outcome, Problem
from carebag.fault_bench.page import page

FOUND = {"seed": 1, "at": "2026-11-27", "machine": "<2 cores>", "command": "carebag bench faults"}


def outcome(*problems: Problem, **more: Any) -> Outcome:
    made = Outcome("power", "the power goes", "cuts", n=5, **more)
    made.note(problems, "life 1")
    return made


def test_a_run_writes_page_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "faults", "--only", "binding", "--schedules", "20", "--out", str(tmp_path)]) == 0
    assert "binding" in capsys.readouterr().out
    (fault,) = json.loads((tmp_path / "faults.json").read_text())["faults"]
    assert (fault["name"], fault["n"], fault["wrong"], fault["good"]) == ("binding", 20, {}, True)
    assert "Nothing lost" in (tmp_path / "faults.html").read_text()


def test_a_fault_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "faults", "--only", "power,earthquake"]) == 2
    assert "earthquake" in capsys.readouterr().err


def test_the_page_shows_what_was_wrong_and_fetches_nothing() -> None:
    text = page([outcome(Problem("lost", "kit_seq <7>"))], FOUND)
    assert "life 1: lost: kit_seq &lt;7&gt;" in text
    assert "1 wrong" in text
    assert "&lt;2 cores&gt;" in text
    assert not any(word in text for word in ("http://", "https://", "src=", "@import", "url("))


def test_a_planted_fault_that_was_not_found_is_no_success() -> None:
    blind = outcome(controls=[Control("planted", 30, 0)])
    assert not blind.is_good
    assert "1 planted faults not found" in page([blind], FOUND)
    assert outcome(controls=[Control("planted", 30, 1)]).is_good


def test_what_could_not_run_is_no_success() -> None:
    skipped = outcome(skipped="needs strace (Linux)")
    assert not skipped.is_good
    assert "1 benches could not run here" in page([skipped], FOUND)


def test_all_wrongs_are_counted_and_few_are_shown() -> None:
    many = outcome(*(Problem("lost", f"kit_seq {n}") for n in range(40)))
    assert (many.wrong["lost"], len(many.examples)) == (40, 5)
