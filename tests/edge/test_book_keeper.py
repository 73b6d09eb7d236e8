"""When the book of visits is written: what comes alone at once, what comes in numbers once a second."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carebag_edge.book_keeper import KEY, BookKeeper
from carebag_edge.journal import Journal
from carebag_edge.keys import KitKey
from carebag_edge.visits import VisitBook


class CountingJournal(Journal):
    """Counts, and takes nothing while it is full."""

    written = 0
    full = False

    def put_state(self, key: str, value: str | None) -> None:
        if key == KEY:
            if self.full:
                raise sqlite3.OperationalError("database or disk is full")
            self.written += 1
        super().put_state(key, value)


@pytest.fixture
def journal_of_counts(tmp_path: Path, key: KitKey) -> Iterator[CountingJournal]:
    journal = CountingJournal(tmp_path / "counted.sqlite", key)
    yield journal
    journal.close()


@pytest.fixture
def keeper(journal_of_counts: CountingJournal, hands: Any) -> BookKeeper:
    return BookKeeper(journal_of_counts, VisitBook(), hands.clock.monotonic_ns)


def test_alone_it_is_written_at_once(keeper: BookKeeper, journal_of_counts: CountingJournal, hands: Any) -> None:
    for number in range(3):
        keeper.changed()
        assert journal_of_counts.written == number + 1
        hands.forward(1)


def test_a_thousand_in_ten_seconds_are_written_eleven_times(
    keeper: BookKeeper, journal_of_counts: CountingJournal, hands: Any
) -> None:
    for _ in range(1000):
        keeper.changed()
        hands.forward(0.01)
    hands.forward(1)
    keeper.tick()
    keeper.tick()
    assert journal_of_counts.written == 11


def test_what_the_disk_did_not_take_is_tried_again(
    keeper: BookKeeper, journal_of_counts: CountingJournal, hands: Any
) -> None:
    journal_of_counts.full = True
    with pytest.raises(sqlite3.OperationalError):
        keeper.changed()
    keeper.tick()
    journal_of_counts.full = False
    hands.forward(1)
    keeper.tick()
    assert journal_of_counts.written == 1


def test_at_the_end_nothing_waits(keeper: BookKeeper, journal_of_counts: CountingJournal) -> None:
    keeper.changed()
    keeper.changed()
    keeper.write()
    keeper.write()
    assert journal_of_counts.written == 2
    assert journal_of_counts.state(KEY) == VisitBook().save()
