"""Every code with which the hub does not take a record or file of a kit has a row that says what support does."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "server/carebag_server"
SECTION = (ROOT / "docs/for-operators.md").read_text(encoding="utf-8").split("### What the hub does not take")[1]
ROWS = set(re.findall(r"`([a-z_]+)`", "".join(row.split("|")[1] for row in SECTION.split("\n### ")[0].splitlines()
                                              if row.startswith("| `"))))  # fmt: skip
NOT_SAID = {"other_offset", "too_many_uploads", "proof_used"}
"""The kit goes on by itself: asks where the hub is, waits, signs anew."""


def codes() -> set[str]:
    found = set(re.findall(r'_Refused\("(\w+)"\)', (SERVER / "records.py").read_text(encoding="utf-8")))
    for name in ("uploads", "media", "kit_keys"):
        found |= set(re.findall(r'Refused\(4\d\d, "(\w+)"\)', (SERVER / f"{name}.py").read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("code", sorted(codes() - NOT_SAID))
def test_support_can_read_what_to_do(code: str) -> None:
    assert code in ROWS


def test_there_are_codes_and_each_row_is_of_one() -> None:
    assert {"bad_signature", "wrong_kit", "other_content", "too_large", "kit_revoked"} <= codes()
    assert codes() >= NOT_SAID
