"""Kits' processes that write a journal until they are killed: `python -m carebag.fault_bench.kit_life`.

Told on standard input: folder, seed, `right` or `early`. Says `SEQ SHA256` of each record after its transaction
returned; `early` is the planted fault: a kit that says so before.
"""

import random
import sqlite3
from pathlib import Path

from carebag.fault_bench.kit_work import KitWork
from carebag.fault_bench.lives import mother, say
from carebag_edge.data_key import key_place, load_or_create_data_key
from carebag_edge.journal import Journal
from carebag_edge.keys import load_or_create
from carebag_edge.sealed_journal import sealed

FILE = "journal.sqlite"


def live(words: list[str]) -> None:
    """Until killed."""
    folder, seed, how = Path(words[0]), words[1], words[2]
    rng = random.Random(seed)
    pages = rng.choice((8, 40, 1000))

    key = load_or_create(folder, None, 0)
    connect = sealed(load_or_create_data_key(folder, key_place("file", folder, key.kit_id)))

    def connect_with(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        return connection

    journal = Journal(folder / FILE, key, connect_with)
    work = KitWork(journal, rng, {})
    while True:
        if how == "early":
            with journal.transaction():
                _tell(work, work.act())
        else:
            _tell(work, work.act())


def _tell(work: KitWork, numbers: list[int]) -> None:
    for number in numbers:
        say(f"{number} {work.said[number]}")


if __name__ == "__main__":
    mother(live)
