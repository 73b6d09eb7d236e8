"""`python -m carebag.journal_bench`: how long a reading takes until it is durable on the kit, encrypted and open.

The journal of a real kit on this machine's disk, one reading after the other as instruments deliver them: numbered,
signed, written, forced. What is measured is the time in which the instrument waits for its "received".
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from carebag.fault_bench.kit_records import reading
from carebag.hub_bench import percentile
from carebag_edge.journal import Journal
from carebag_edge.keys import load_or_create
from carebag_edge.settings import KitSettings
from carebag_edge.store import open_store

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def times_ms(journal: Journal, readings: int) -> list[float]:
    """Of each append, in milliseconds."""
    rng, found = random.Random(1), []  # noqa: S311
    for _ in range(readings):
        build = reading(rng, journal.key.kit_id)
        began = time.perf_counter()
        journal.append(build)
        found.append((time.perf_counter() - began) * 1000)
    return found


def measure(folder: Path, readings: int, *, is_open: bool) -> list[float]:
    key = load_or_create(folder, None, 0)
    journal = Journal(folder / "journal.sqlite", key) if is_open else open_store(KitSettings(data=folder), key)[0]
    try:
        return times_ms(journal, readings)
    finally:
        journal.close()


def figures(times: Sequence[float]) -> dict[str, float]:
    return {name: percentile(list(times), share) for name, share in _SHARES.items()}


def run(args: argparse.Namespace) -> int:
    result: dict[str, object] = {"n": args.readings}
    for round_number in range(args.rounds):  # by turns, so that a busy minute meets both
        for name, is_open in (("open", True), ("encrypted", False)):
            with tempfile.TemporaryDirectory(prefix="carebag-journal-", dir=args.folder) as folder:
                found = figures(measure(Path(folder), args.readings, is_open=is_open))
            result[f"{name}_{round_number + 1}_ms"] = found
    print(json.dumps(result, indent=2))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readings", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="on the disk that is meant; default: the system's temporary folder")
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
