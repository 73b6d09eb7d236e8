"""The tables of requirements and of holes: every line there, every named test there, nothing missing unnoticed."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "docs" / "requirements.md"
SECURITY = ROOT / "docs" / "security.md"
MISSING = {"S5"}
"""Of which a part is; written here as well, so that none is added without a thought."""
WITHOUT_A_TEST = {"S4", "S7"}
"""What is measured, takes hours, or is no behaviour of the program."""
HOLES = {
    "missing or wrong authorization, another's ids",
    "SQL injection",
    "stored XSS in names, notes, file names",
    "path traversal, a program uploaded",
    "sessions that never end",
    "one shared secret for all",
    "an open bucket",
    "no security headers",
    "a filter that passes by the policy",
    "tokens with a chosen algorithm or key",
    "WebSocket hijacking",
    "CSRF",
    "DNS rebinding",
    "decompression bombs",
    "SSRF",
}
"""As published of products of this kind, and those that any such product must answer for."""
NAMED = re.compile(r"`((?:[\w/]+/)?test_\w+\.py)?(?:::(test_\w+))?`")


@cache
def names_of_tests(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = (one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(name for name in found if name.startswith("test_"))


def lines(page: Path, section: str) -> dict[str, str]:
    """First cell → the rest, of the table under a heading."""
    text = page.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ", 1) for line in text.splitlines() if line.startswith("| ")]
    return {first.strip(): rest for first, rest in rows if first.strip() not in ("", "hole")}


def named_in(text: str) -> list[tuple[str, str | None]]:
    """File and test of each that a line names; `::test_…` alone is of the file named last."""
    found, file = [], ""
    for match in NAMED.finditer(text):
        if match[1] is None and match[2] is None:
            continue
        file = match[1] or file
        found.append((file, match[2]))
    return found


def asked() -> dict[str, str]:
    return {**lines(REQUIREMENTS, "Requirements"), **lines(REQUIREMENTS, "Goals")}


def holes() -> dict[str, str]:
    return lines(SECURITY, "What others suffered")


def test_each_requirement_is_there() -> None:
    assert list(asked()) == [f"Q{n}" for n in range(1, 31)] + [f"S{n}" for n in range(1, 13)]


def test_each_hole_that_others_had_is_there() -> None:
    assert set(holes()) == HOLES


@pytest.mark.parametrize(("what", "line"), [*asked().items(), *holes().items()], ids=lambda one: one[:30])
def test_each_named_test_is_there(what: str, line: str) -> None:
    named = named_in(line)
    assert bool(named) or what in WITHOUT_A_TEST
    for file, test in named:
        (found,) = [one for one in (ROOT / "tests").rglob(Path(file).name) if one.as_posix().endswith(file)]
        assert test is None or test in names_of_tests(found), (file, test)


def test_nothing_becomes_missing_unnoticed() -> None:
    assert {what for what, line in asked().items() if "**Missing**" in line} == MISSING
