"""Appends to a journal as fast as it can and says each number after it is durable; killed by `test_kill.py`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from carebag_edge.journal import Journal
from carebag_edge.keys import load_or_create
from carebag_wire.base import uuid7
from carebag_wire.records import VisitClosed
from carebag_wire.values import Binding, Times


def main(folder: Path) -> None:
    key = load_or_create(folder, None, 0)
    journal = Journal(folder / "journal.sqlite", key)

    def build(kit_seq: int) -> VisitClosed:
        return VisitClosed(
            id=uuid7(0),
            binding=Binding(visit_id=None, patient_id=None, nurse_id=None, kit_id=key.kit_id, kit_seq=kit_seq),
            times=Times(kit_monotonic_ns=0, kit_utc=datetime.now(UTC)),
            plan_read=True,
        )

    while True:
        sys.stdout.write(f"{journal.append(build).kit_seq}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
