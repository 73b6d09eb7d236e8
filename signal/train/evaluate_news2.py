"""NEWS2 of the package against a file of cases with totals, risks and the points of each part.

    python signal/train/evaluate_news2.py CASES.json [--out TOTALS.json]

A case: {"rr": 18, "spo2": 96, "o2": false, "sbp": 120, "hr": 80, "acvpu": "A", "temp": 37.0, "scale": 1, "total": 0,
"risk": "low", "parts": {"rr": 0, ...}}. Prints one JSON object; --out writes the totals in the order of the cases.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from carebag_signal.vitals.news2 import IN_CASES, HypercapnicTarget, Observations, Patient, Score, news2
from carebag_signal.vitals.taken import Taken

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def scored(case: dict[str, Any]) -> Score | None:
    """What the package says of an adult; None if it gives no total."""
    target = HypercapnicTarget("the case", NOW) if case["scale"] == 2 else None
    observed = Observations(**{ours: Taken(case[theirs], NOW) for theirs, ours in IN_CASES.items()})
    found = news2(observed, Patient(50, pregnant=False, target=target), NOW)
    return found if isinstance(found, Score) else None


def agrees(case: dict[str, Any], found: Score | None) -> bool:
    """In total, risk and every part."""
    return (
        found is not None
        and (found.total, found.risk) == (case["total"], case["risk"])
        and {theirs: found.points[ours] for theirs, ours in IN_CASES.items()} == case["parts"]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    cases = json.loads(asked.cases.read_text(encoding="utf-8"))
    found = [scored(case) for case in cases]
    if asked.out:
        asked.out.write_text(json.dumps([f.total if f else None for f in found]), encoding="utf-8")
    wrong = [i for i, (case, f) in enumerate(zip(cases, found, strict=True)) if not agrees(case, f)]
    sys.stdout.write(json.dumps({"vectors": len(cases), "wrong": len(wrong), "first_wrong": wrong[:5]}) + "\n")


if __name__ == "__main__":
    main()
