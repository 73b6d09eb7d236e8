"""A silence proves nothing: only who names a component that is known to be weak was asked."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from carebag.advisories import (
    DAYS,
    ENDS,
    FOUND,
    WEAK_NPM,
    WEAK_PYTHON,
    Asked,
    Known,
    Weakness,
    components,
    ended,
    in_lock,
    judge,
    main,
    platforms_here,
    read_known,
    read_npm_audit,
    read_pip_audit,
)

TODAY = date(2026, 11, 27)
ROOT = Path(__file__).parents[2]
PLATFORMS = ["Python 3.11"]
WEAK = {"name": WEAK_PYTHON[0], "version": WEAK_PYTHON[1], "vulns": [{"id": "PYSEC-2019-217"}]}
FALSE_GREEN = {
    "dependencies": [
        {"name": "fastapi", "skip_reason": "Dependency not found on PyPI and could not be audited: fastapi (0.130)"},
        {"name": WEAK_PYTHON[0], "skip_reason": "Dependency not found on PyPI and could not be audited: jinja2 (2.10)"},
    ],
    "fixes": [],
}
"""What pip-audit prints, with exit status 0, where the registry has no advisories."""


def test_a_false_green_is_no_pass() -> None:
    asked = read_pip_audit(FALSE_GREEN)
    assert not asked.answered
    status, words = judge([asked], [], PLATFORMS, TODAY)
    assert status == 3
    assert "NOT ASKED" in words
    assert "this is no pass" in words


def test_who_was_asked_and_found_nothing() -> None:
    asked = read_pip_audit({"dependencies": [{"name": "fastapi", "version": "1", "vulns": []}, WEAK]})
    assert (asked.answered, asked.components, list(asked.found)) == (True, 1, [])
    assert judge([asked], [], PLATFORMS, TODAY)[0] == 0


def test_one_that_was_not_looked_up_is_no_pass() -> None:
    asked = read_pip_audit({"dependencies": [{"name": "own", "skip_reason": "?"}, WEAK]})
    assert judge([asked], [], PLATFORMS, TODAY) == (
        1,
        "PyPI: 1 components asked, 0 advisories\n  not looked up: own\noverdue or not written down: see above",
    )


def test_what_is_found_is_written_down_and_then_has_its_days() -> None:
    dependency = {"name": "fastapi", "version": "0.1", "vulns": [{"id": "PYSEC-1"}]}
    asked = read_pip_audit({"dependencies": [dependency, WEAK]})
    assert list(asked.found) == [Weakness("PYSEC-1", "fastapi", "0.1")]
    status, words = judge([asked], [], PLATFORMS, TODAY)
    assert (status, "PYSEC-1 of fastapi 0.1: write it into" in words) == (1, True)
    for severity, days in DAYS.items():
        known = Known("PYSEC-1", "fastapi", severity, TODAY - timedelta(days=days), "")
        assert judge([asked], [known], PLATFORMS, TODAY)[0] == 0
        assert judge([asked], [known], PLATFORMS, TODAY + timedelta(days=1))[0] == 1
        mended = Known("PYSEC-1", "fastapi", severity, known.found, "2026-11-20")
        assert judge([asked], [mended], PLATFORMS, TODAY + timedelta(days=200))[0] == 0


def npm_answer(*more: str) -> dict[str, Any]:
    via = [{"url": "https://github.com/advisories/GHSA-jf85-cpcp-j695", "severity": "critical"}, "other"]
    return {"vulnerabilities": {name: {"via": via} for name in more}}


def test_npm() -> None:
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text(encoding="utf-8"))
    assert not read_npm_audit({"message": "405 Method Not Allowed"}, lock).answered
    assert list(read_npm_audit(npm_answer(WEAK_NPM[0]), lock).found) == []
    asked = read_npm_audit(npm_answer(WEAK_NPM[0], "svelte"), lock)
    assert asked.answered
    assert [(one.id, one.component) for one in asked.found] == [("GHSA-jf85-cpcp-j695", "svelte")]


def test_only_what_the_pages_hold() -> None:
    packages = {
        "": {},
        "node_modules/a": {"version": "1"},
        "node_modules/a/node_modules/@b/c": {"version": "2"},
        "node_modules/d": {"version": "3", "dev": True},
    }
    assert set(in_lock({"packages": packages})) == {"a", "@b/c"}


def test_components_are_what_a_release_needs_and_all_that_that_needs() -> None:
    found = components()
    assert {"fastapi", "starlette", "aiortc", "cryptography", "sqlalchemy"} <= set(found)
    assert not {"pytest", "hypothesis", "moto", "carebag", "playwright"} & set(found)
    assert "playwright" in components(["demo"])


def test_ends_of_life() -> None:
    assert ended(["Python 3.11", "Python 2.7"], TODAY) == ([], ["Python 2.7"])
    assert ended(["Python 3.11"], ENDS["Python 3.11"] + timedelta(days=1)) == (["Python 3.11"], [])
    assert judge([Asked("x", 1, answered=True)], [], ["Node 20"], TODAY)[0] == 1


@pytest.mark.parametrize("bad", ["a,b,terrible,2026-01-01,", "a,b,high,soon,"])
def test_a_line_that_cannot_be_reckoned_with(bad: str) -> None:
    with pytest.raises(ValueError, match=r"severity|isoformat"):
        read_known(f"id,component,severity,found,mended\n{bad}\n")


def test_what_can_be_judged_without_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    """Runs with every test run: nothing found is overdue today, and what it runs on is still mended."""
    status = main(["--offline"])
    words = capsys.readouterr().out
    assert status == 3, words
    assert "advisories were not asked" in words
    assert read_known(FOUND.read_text(encoding="utf-8")) is not None
    assert platforms_here()[0].startswith("Python 3.")
