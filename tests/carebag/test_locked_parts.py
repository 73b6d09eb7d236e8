"""What a release is made of is locked by digest, named by the project, and of age."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from carebag.locked_parts import (
    OLDEST,
    Part,
    Released,
    faults_of_age,
    faults_of_lock,
    judge,
    parts_of,
    read_releases,
    released,
    wanted_of,
    write_releases,
)

ROOT = Path(__file__).parents[2]
DIGEST = "0" * 64
LOCK = f"""annotated-types==0.8.0 \\
    --hash=sha256:{DIGEST} \\
    --hash=sha256:{DIGEST}
    # via pydantic
pywin32==312 ; sys_platform == 'win32' \\
    --hash=sha256:{DIGEST}
psycopg[binary]==3.3.2 \\
    --hash=sha256:{DIGEST}
"""
ASKED = date(2026, 11, 28)


def test_the_locks_of_this_checkout() -> None:
    assert judge(ROOT) == []


def test_a_lock_is_read() -> None:
    assert parts_of(LOCK) == [
        Part("annotated-types", "0.8.0", "", 2),
        Part("pywin32", "312", "sys_platform == 'win32'", 1),
        Part("psycopg", "3.3.2", "", 1),
    ]


@pytest.mark.parametrize(
    "line", ["carebag", "x>=2", "-e .", "x @ https://example.org/x.whl", "    --hash=md5:00", "--index-url https://x"]
)
def test_what_would_install_something_else_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="line 9"):
        parts_of(LOCK + line)


def test_what_is_wrong_is_said() -> None:
    parts = parts_of(LOCK.replace(f"312 ; sys_platform == 'win32' \\\n    --hash=sha256:{DIGEST}", "312"))
    wanted = [Requirement("Annotated_Types>=0.9"), Requirement("segno"), Requirement("psycopg[binary]>=3.2")]
    assert faults_of_lock(parts, wanted) == [
        "pywin32 312 has no digest",
        "annotated-types is locked at 0.8.0, and >=0.9 is asked for",
        "segno is asked for and not locked",
    ]


def test_an_extra_of_its_own_is_followed() -> None:
    project = {
        "project": {
            "name": "carebag",
            "dependencies": ["a"],
            "optional-dependencies": {"demo": ["carebag[edge]", "b"], "edge": ["c>=2"], "server": ["d"]},
        }
    }
    assert sorted(one.name for one in wanted_of(project, ["demo"])) == ["a", "b", "c"]


def test_a_part_without_a_release_for_eighteen_months_is_said() -> None:
    told = Released("a", "1", ASKED - OLDEST, ASKED - OLDEST, ASKED)
    part = Part("a", "1", "", 1)
    assert faults_of_age(["a"], [part], {("a", "1"): told}) == []
    late = replace(told, newest=told.newest.replace(day=told.newest.day - 1))
    [fault] = faults_of_age(["a"], [part], {("a", "1"): late})
    assert "549 days" in fault
    assert faults_of_age([], [part], {("a", "1"): late}) == [], "what others need is theirs to replace"
    assert faults_of_age(["a"], [part], {}) == ["a 1: its age was not asked"]


def test_the_index_says_when(tmp_path: Path) -> None:
    answer = {
        "versions": ["1.0", "1.0.1", "2.0rc1"],
        "files": [
            {"filename": "Py_Thing-1.0-py3-none-any.whl", "upload-time": "2026-01-02T10:00:00Z"},
            {"filename": "py-thing-1.0.tar.gz", "upload-time": "2026-01-01T10:00:00.5Z"},
            {"filename": "py_thing-1.0.1-cp311-cp311-win32.whl", "upload-time": "2026-02-01T10:00:00Z"},
            {"filename": "py_thing-2.0rc1-py3-none-any.whl", "upload-time": "2026-03-01T10:00:00Z"},
            {"filename": "py_thing-0.9.tar.gz"},
        ],
    }
    told = released("py-thing", "1.0", answer, ASKED)
    assert told == Released("py-thing", "1.0", date(2026, 1, 1), date(2026, 2, 1), ASKED)
    with pytest.raises(ValueError, match="does not say"):
        released("py-thing", "3.0", answer, ASKED)
    write_releases(tmp_path / "releases.csv", [told])
    assert read_releases((tmp_path / "releases.csv").read_text()) == {("py-thing", "1.0"): told}
