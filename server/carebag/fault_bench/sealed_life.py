"""One life of a kit's encrypted journal: `python -m carebag.fault_bench.sealed_life FOLDER SEED ACTS HOW`.

Opens the folder as a kit does, so that an open journal is taken over; then works and says `SEQ SHA256` of each record
after its transaction returned. HOW is `right`, or the planted fault: `hasty` forces nothing, neither when a journal is
taken over nor when it is written.
"""

import os
import random
import sqlite3
import sys
from pathlib import Path

from carebag.fault_bench.kit_work import KitWork
from carebag.fault_bench.lives import say
from carebag_edge import data_key, journal_swap, sealed_journal, store
from carebag_edge.keys import load_or_create
from carebag_edge.settings import KitSettings


def main(folder: Path, seed: str, acts: int, how: str) -> None:
    rng = random.Random(seed)
    if how == "hasty":
        _force_nothing()
    journal, _, _ = store.open_store(KitSettings(data=folder), load_or_create(folder, None, 0))
    if how == "hasty":
        journal._db.execute("PRAGMA synchronous = OFF")
    journal._db.execute(f"PRAGMA wal_autocheckpoint = {rng.choice((8, 40, 1000))}")
    work = KitWork(journal, rng, {})
    for _ in range(acts):
        for number in work.act():
            say(f"{number} {work.said[number]}")
    if rng.random() < 0.5:
        journal.close()
    os._exit(0)


def _force_nothing() -> None:
    def nothing(_: object) -> None: ...

    def open_hasty(path: Path, key: data_key.DataKey) -> sqlite3.Connection:
        connection = opened(path, key)
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    opened = sealed_journal.open_sealed
    sealed_journal.open_sealed = open_hasty
    setattr(journal_swap, "sync_folder", nothing)  # noqa: B010
    setattr(os, "fsync", nothing)  # noqa: B010


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
