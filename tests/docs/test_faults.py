"""The table of faults names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text("utf-8")


def test_each_test_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    files = set(re.findall(r"`(test_\w+\.py)`", PAGE))
    there_files = list((ROOT / "tests").rglob("test_*.py"))
    there = {name for file in there_files for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))}
    assert named - there == set()
    assert files - {file.name for file in there_files} == set()
    assert len(named) > 40


def test_each_bench_that_is_named_is_there() -> None:
    from carebag.fault_bench.command import BENCHES

    faults = PAGE.split("## Bad input")[0]
    rows = [line.rsplit("|", 2)[1] for line in faults.splitlines() if line.startswith("| ") and "---" not in line]
    assert {name for row in rows[1:] for name in re.findall(r"`([\w-]+)`", row)} <= set(BENCHES)
