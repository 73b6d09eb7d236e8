"""Hubs without a bus between them do not serve one database, and one that crashed is in nobody's way for long."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import select, text, update

from carebag.processes import free_port
from carebag_server.database import Database
from carebag_server.hubs import running
from carebag_server.hubs.process_mark import UNKNOWN, is_surely_dead, own_mark
from carebag_server.hubs.running import BEAT_S, STALE_S, AnotherHub, HubRunning, Place
from carebag_server.migrate import MIGRATIONS, downgrade, newest, revision_of, upgrade
from carebag_server.store_start import StoreUnusable, take

PATIENCE_S = 60
Start = StartOn = Callable[..., "Hub"]


class Hub:
    """A real `carebag hub`."""

    def __init__(self, url: str, folder: Path, *more: str) -> None:
        self.port, self.log = free_port(0), folder / f"hub-{uuid.uuid4().hex}.log"
        self.health = f"http://127.0.0.1:{self.port}/api/health"
        command = [sys.executable, "-m", "carebag.cli", "hub", "--database", url, "--media", str(folder / "media")]
        command += ["--port", str(self.port), *more]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def serves(self) -> "Hub":
        for _ in range(PATIENCE_S * 10):
            with contextlib.suppress(OSError), urllib.request.urlopen(self.health, timeout=5):
                return self
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def refused(self) -> str:
        assert self.process.wait(PATIENCE_S) == 2
        return self.log.read_text()

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(PATIENCE_S)


@pytest.fixture
def start_on(tmp_path: Path) -> Iterator[StartOn]:
    made: list[Hub] = []

    def one(url: str, *more: str) -> Hub:
        made.append(Hub(url, tmp_path, *more))
        return made[-1]

    yield one
    for hub in made:
        hub.process.kill()
        hub.process.wait()


@pytest.fixture
def start(store_url: str, start_on: StartOn) -> Start:
    return lambda *more: start_on(store_url, *more)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "STALE_S", 0.6)
    monkeypatch.setattr(running, "LOOK_S", 0.05)


def rows(database: Database) -> list[HubRunning]:
    with database.reading() as session:
        return list(session.scalars(select(HubRunning)))


def of_another_machine(database: Database, place: Place) -> None:
    """As if its row were written where the kernel cannot be asked."""
    with database.transaction() as session:
        session.execute(update(HubRunning).where(HubRunning.id == place.id).values(process="boot pid:[1] 7 8"))


def test_a_second_hub_is_refused_in_words_and_the_first_goes_on(start: Start, database: Database) -> None:
    first = start().serves()
    said = start().refused()
    assert "another hub runs on this database" in said
    assert "Stop that one first" in said
    assert "--bus" in said
    first.serves()
    assert len(rows(database)) == 1
    first.end(signal.SIGTERM)
    assert rows(database) == []
    start().serves()


def test_after_a_crash_the_next_one_starts_without_waiting(start: Start, database: Database) -> None:
    start().serves().end(signal.SIGKILL)
    [left] = rows(database)
    start().serves()
    [now] = rows(database)
    assert now.id != left.id


@pytest.mark.postgres
def test_hubs_with_a_bus_are_let_in_together_and_one_without_is_not(postgres_url: str, start_on: StartOn) -> None:
    hubs = [start_on(postgres_url, "--bus", "postgresql") for _ in range(2)]
    for hub in hubs:
        hub.serves()
    assert "started with --bus" in start_on(postgres_url).refused()


@pytest.mark.parametrize(("one", "other"), [("", ""), ("postgresql", ""), ("", "postgresql"), ("postgresql", "v")])
def test_who_does_not_share_a_bus_is_refused_as_soon_as_the_other_beats(
    database: Database, one: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BEAT_S", 0.05)
    monkeypatch.setattr(running, "LOOK_S", 0.05)
    first = Place(database, one)
    first.take()
    first.start_beating()
    with pytest.raises(AnotherHub, match="--bus"):
        Place(database, other).take()
    first.leave()
    Place(database, other).take()


def an_older_version(database: Database) -> str:
    """The tables say that they are of the version before the newest."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    before = scripts.get_revision(scripts.get_current_head() or "").down_revision
    assert isinstance(before, str)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": before})
    return before


def version(database: Database) -> str | None:
    with database.engine.begin() as connection:
        return revision_of(connection)


def test_a_newer_hub_beside_an_older_one_is_refused_before_it_migrates(start: Start, database: Database) -> None:
    first = start().serves()
    before = an_older_version(database)
    said = start().refused()
    assert "another hub runs on this database" in said
    assert "Nothing was changed" in said
    assert version(database) == before
    first.serves()


def test_a_newer_hub_on_the_same_bus_is_refused_before_it_migrates(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BEAT_S", 0.05)
    monkeypatch.setattr(running, "LOOK_S", 0.05)
    first, now = Place(database, "postgresql"), datetime(2026, 11, 27, tzinfo=UTC)
    take(first, demo=True, now=now)
    first.start_beating()
    together = Place(database, "postgresql")
    take(together, demo=True, now=now)
    together.leave()
    before, newer = an_older_version(database), Place(database, "postgresql")
    with pytest.raises(StoreUnusable, match="stop all of the older one first"):
        take(newer, demo=True, now=now)
    newer.leave()
    assert version(database) == before
    first.leave()


def test_one_that_comes_between_taking_and_migrating_stops_it(database: Database) -> None:
    place, other = Place(database, "v"), Place(database, "v")
    place.take(alone=True)
    other.take()
    before = an_older_version(database)
    with pytest.raises(AnotherHub, match="stop all of the older one first"):
        upgrade(database.engine, check=place.is_alone)
    assert version(database) == before


def test_a_database_of_the_other_kind_is_refused_before_it_is_migrated(database: Database) -> None:
    place, now = Place(database, ""), datetime(2026, 11, 27, tzinfo=UTC)
    take(place, demo=True, now=now)
    place.leave()
    before = an_older_version(database)
    with pytest.raises(StoreUnusable, match="this database is a demo one"):
        take(place, demo=False, now=now)
    assert version(database) == before
    assert rows(database) == []


def test_tables_from_before_hubs_had_rows_are_migrated_and_then_taken(database: Database) -> None:
    downgrade(database.engine, "0012")
    place = Place(database, "")
    take(place, demo=True, now=datetime(2026, 11, 27, tzinfo=UTC))
    assert [row.id for row in rows(database)] == [place.id]
    assert version(database) == newest()


@pytest.mark.usefixtures("hurried")
def test_a_row_of_another_machine_that_is_not_counted_on_is_waited_for_and_taken(database: Database) -> None:
    gone = Place(database, "")
    gone.take()
    of_another_machine(database, gone)
    came, began = Place(database, ""), time.monotonic()
    came.take()
    assert time.monotonic() - began >= 0.6
    assert [row.id for row in rows(database)] == [came.id]


@pytest.mark.usefixtures("hurried")
def test_one_that_was_only_held_up_hears_of_it_and_ends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    slept, told = Place(database, ""), threading.Event()
    slept.take()
    of_another_machine(database, slept)
    Place(database, "").take()
    monkeypatch.setattr(running, "BEAT_S", 0.05)
    slept.lost = told.set
    slept.start_beating()
    assert told.wait(PATIENCE_S)
    slept.leave()
    assert len(rows(database)) == 1


def test_a_row_that_is_gone_is_written_again_if_nobody_took_it(database: Database) -> None:
    place = Place(database, "")
    place.take()
    with database.transaction() as session:
        for row in session.scalars(select(HubRunning)):
            session.delete(row)
    assert place.beat()
    assert [row.id for row in rows(database)] == [place.id]


def test_a_stopped_hub_whose_database_was_taken_ends_with_words(sqlite_url: str, start_on: StartOn) -> None:
    """The real process: stopped like a machine asleep, woken after another took over."""

    def start() -> Hub:
        return start_on(sqlite_url)

    slept = start().serves()
    slept.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    taker = start().serves()
    assert time.monotonic() - began < STALE_S + PATIENCE_S
    slept.process.send_signal(signal.SIGCONT)
    assert "another one took over its database" in slept.refused()
    taker.serves()


def test_processes_are_told_apart() -> None:
    mine = own_mark()
    if mine == UNKNOWN:
        pytest.skip("needs Linux")
    assert not is_surely_dead(mine)
    boot, space, number, started = mine.split(" ")
    assert is_surely_dead(f"{boot} {space} {number} {int(started) + 1}")  # another one had this number
    for unknowable in (UNKNOWN, f"other {space} {number} 1", f"{boot} pid:[1] {number} 1", "x", f"{boot} {space} -1 1"):
        assert not is_surely_dead(unknowable)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    stat = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    its = f"{boot} {space} {child.pid} {stat[19]}"
    assert not is_surely_dead(its)
    os.kill(child.pid, signal.SIGKILL)
    while Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    assert is_surely_dead(its)  # not buried yet
    child.communicate()
    assert is_surely_dead(its)


def test_a_crashed_one_is_in_the_way_for_a_quarter_of_a_minute_at_most() -> None:
    assert 2 * BEAT_S < STALE_S <= 15
