"""Each misbehaviour in docs/device-quirks.md names tests that exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name for node in found}


def test_every_quirk_names_tests_that_exist() -> None:
    rows = [line for line in (ROOT / "docs/device-quirks.md").read_text(encoding="utf-8").splitlines() if "| " in line]
    quirks = [row for row in rows if not row.startswith("|---") and "| test |" not in row]
    assert len(quirks) > 40
    for row in quirks:
        named = NAMED.findall(row)
        assert named, row
        for file, name in named:
            path = ROOT / "tests/devices" / file
            assert path.exists(), file
            assert name in names_in(path), f"{file}::{name}"
