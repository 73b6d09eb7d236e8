"""The drill: a hub at work is backed up and comes back elsewhere, on either engine; what is half never looks whole."""

import hashlib
import itertools
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from tests.server.conftest import A_PHOTO

from carebag.admin.leaves import operator
from carebag.backup import making
from carebag.backup.folder import BackupFault, BackupFolder, find_backup
from carebag.backup.making import Made, make_backup
from carebag.backup.restoring import Restored, check, restore
from carebag.cli import main
from carebag_server.app import create_app
from carebag_server.audit import verify_database
from carebag_server.audit_verifier.log import examine, open_log
from carebag_server.database import Database, make_engine
from carebag_server.media import MediaFolder
from carebag_server.retention.log_pruning import forget
from carebag_server.tables import AuditRow, RecordRow, SignedIn

FILES = {
    hashlib.sha256(content).hexdigest(): content
    for content in (A_PHOTO[:-2] + told + A_PHOTO[-2:] for told in (b"one", b"two" * 40_000, b"three"))
}


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    name = f"empty_{uuid.uuid4().hex}"
    engine = make_engine(postgres_server + "postgres").execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield postgres_server + name
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where nothing is yet."""
    (tmp_path / "new").mkdir()
    if request.param == "postgres":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path / 'new' / 'hub.sqlite'}"


@pytest.fixture
def to(tmp_path: Path) -> BackupFolder:
    return BackupFolder(tmp_path / "backup")


def fill(hub: Any) -> Any:
    """A visit with readings, pictures with their files, a decision's worth of log."""
    visit = hub.visits()[0]
    hub.kit.store("visit_opened", visit)
    for sha256, content in FILES.items():
        hub.kit.store("photo_taken", visit, media_sha256=sha256)
        assert hub.kit.request("PUT", f"/api/kit/media/{sha256}", content).status_code == 204
    for _ in range(5):
        hub.kit.store("reading", visit)
    hub.kit.store("reading", None)
    return visit


def back_up(hub: Any, to: BackupFolder, **options: Any) -> Made:
    return make_backup(hub.url, MediaFolder(hub.settings.media_folder), to, hub.clock(), **options)


def rows_of(url: str) -> tuple[dict[Any, tuple[Any, ...]], list[str]]:
    """Records by id, word for word; hashes of the access log in order."""
    database = Database(url)
    with database.reading() as session:
        records = {row.id: _words(row) for row in session.scalars(select(RecordRow))}
        log = list(session.scalars(select(AuditRow.hash).order_by(AuditRow.seq)))
    database.dispose()
    return records, log


def _words(row: RecordRow) -> tuple[Any, ...]:
    return row.kit_seq, row.visit_id, row.payload, row.sha256, row.signature, row.received_at


def put_back(to: BackupFolder, hub: Any, where: Path, **options: Any) -> Restored:
    return restore(
        find_backup(to.path), f"sqlite:///{where}/a.sqlite", MediaFolder(where / "m"), hub.clock(), **options
    )


def test_the_drill(hub: Any, to: BackupFolder, target_url: str, tmp_path: Path) -> None:
    """Backed up while a kit goes on sending; everything acknowledged before is there again, byte for byte."""
    hub.sign_in("doctor")
    visit = fill(hub)
    acknowledged, log = rows_of(hub.url)
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            hub.kit.store("reading", visit)

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        made = back_up(hub, to)
    finally:
        stop.set()
        writer.join()
    assert (made.manifest.lacking, made.copied, made.manifest.media_files) == ([], 3, 3)
    done = restore(find_backup(to.path), target_url, MediaFolder(tmp_path / "new" / "media"), hub.clock())
    records, log_again = rows_of(target_url)
    everything, whole_log = rows_of(hub.url)
    assert acknowledged.items() <= records.items() <= everything.items()
    assert log_again == whole_log[: len(log_again)]
    assert len(log_again) >= len(log)
    assert verify_database(target_url, (made.manifest.audit.events, made.manifest.audit.hash)).intact
    assert done.audit.intact
    opens_again(hub, target_url, tmp_path / "new" / "media", visit)


def test_what_was_removed_is_removed_in_the_backup_and_the_log_is_whole(
    hub: Any, to: BackupFolder, target_url: str, tmp_path: Path
) -> None:
    """From either engine to either: contents of the log, with the hashes that stay of them."""
    hub.sign_in("doctor")
    fill(hub)
    with hub.database.transaction() as session:
        rows = session.scalars(select(AuditRow).order_by(AuditRow.seq).limit(5)).all()
        forget(session, operator(), rows, "RS 2026/118", hub.clock())
    made = back_up(hub, to)
    done = restore(find_backup(to.path), target_url, MediaFolder(tmp_path / "new" / "media"), hub.clock())
    assert done.audit.intact
    with open_log(target_url) as connection:
        found = examine(connection, [(made.manifest.audit.events, made.manifest.audit.hash)])
    assert (found.intact, found.pruned) == (True, 5)
    database = Database(target_url)
    with pytest.raises(DBAPIError, match="append_only"), database.engine.begin() as connection:
        connection.execute(text("DELETE FROM pruned_event"))
    database.dispose()


def opens_again(hub: Any, url: str, media: Path, visit: Any) -> None:
    """A hub on what was restored: old sessions are over, and the doctor sees and hears everything."""
    settings = type(hub.settings)(database_url=url, media_folder=media, demo=True, origins=hub.settings.origins)
    old_cookies = dict(hub.client.cookies)
    hub.app = create_app(settings, hub.clock)
    with hub.browser() as browser:
        browser.cookies.update(old_cookies)
        assert browser.get(f"/api/media/{visit['id']}/{next(iter(FILES))}?as=doctor").status_code == 401
        hub.sign_in("doctor", browser)
        for sha256, content in FILES.items():
            answer = browser.get(f"/api/media/{visit['id']}/{sha256}?as=doctor")
            assert (answer.status_code, answer.content) == (200, content)
        hub.kit.client = browser
        hub.kit.store("reading", visit)


def test_a_writer_at_every_page_neither_stops_the_copy_nor_gets_into_it(
    small_hub: Any, to: BackupFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_PAGES_AT_ONCE", 8)
    visit, written = fill(small_hub), 0
    before, _ = rows_of(small_hub.url)

    def steps(what: str, _total: int) -> Callable[[], None]:
        def step() -> None:
            nonlocal written
            if what == "database":
                small_hub.kit.store("reading", visit)
                written += 1
                assert written < 100, "the copy begins anew each time"

        return step

    made = back_up(small_hub, to, steps=steps)
    assert written > 5
    assert made.manifest.tables["record"].rows == len(before)
    assert len(rows_of(small_hub.url)[0]) == len(before) + written


@pytest.mark.postgres
def test_the_same_rows_have_the_same_digest_on_either_engine(
    small_hub: Any, to: BackupFolder, empty_postgres_url: str, tmp_path: Path
) -> None:
    """SQLite to PostgreSQL, and from there into a backup again."""
    fill(small_hub)
    made, other = back_up(small_hub, to), BackupFolder(tmp_path / "other")
    media = MediaFolder(tmp_path / "media-2")
    restore(find_backup(to.path), empty_postgres_url, media, small_hub.clock())
    again = make_backup(empty_postgres_url, media, other, small_hub.clock())
    ended = {"signed_in", "login_link", "nurse_sign_in", "passkey_challenge"}
    first, second = made.manifest.tables, again.manifest.tables
    assert {name: rows for name, rows in first.items() if name not in ended} == {
        name: rows for name, rows in second.items() if name not in ended
    }
    assert (again.manifest.engine, again.manifest.hub_id) == ("postgresql", made.manifest.hub_id)


def test_only_what_is_new_is_copied(small_hub: Any, to: BackupFolder) -> None:
    visit = fill(small_hub)
    back_up(small_hub, to)
    pool = [to.pool.path(sha256) for sha256 in FILES]
    before = [path.stat().st_ino for path in pool]
    content = b"four"
    sha256 = hashlib.sha256(content).hexdigest()
    small_hub.kit.store("photo_taken", visit, media_sha256=sha256)
    small_hub.kit.request("PUT", f"/api/kit/media/{sha256}", content)
    small_hub.clock.forward(minutes=1)
    made = back_up(small_hub, to)
    assert (made.copied, made.manifest.media_files) == (1, 4)
    assert [path.stat().st_ino for path in pool] == before
    assert len(to.names()) == 2
    assert find_backup(to.path).path == made.path
    assert find_backup(to.backups / to.names()[0]).manifest.media_files == 3


def test_old_backups_go_and_the_files_stay(small_hub: Any, to: BackupFolder) -> None:
    fill(small_hub)
    for _ in range(4):
        small_hub.clock.forward(hours=1)
        made = back_up(small_hub, to, keep=2)
    assert len(to.names()) == 2
    assert to.names()[-1] == made.path.name
    assert [path.name for path in to.backups.iterdir() if path.name not in to.names()] == []
    assert check(find_backup(to.path)) == []


def test_what_the_hub_lacks_is_said_and_the_rest_is_copied(small_hub: Any, to: BackupFolder, tmp_path: Path) -> None:
    fill(small_hub)
    missing, damaged, _ = FILES
    media = MediaFolder(small_hub.settings.media_folder)
    media.path(missing).unlink()
    flip(media.path(damaged))
    made = back_up(small_hub, to)
    assert {one.sha256: one.why for one in made.manifest.lacking} == {missing: "missing", damaged: "damaged"}
    assert made.manifest.media_files == 1
    done = put_back(to, small_hub, tmp_path)
    assert done.copied == 1


def test_what_rotted_in_the_pool_is_copied_anew(small_hub: Any, to: BackupFolder) -> None:
    fill(small_hub)
    back_up(small_hub, to)
    sha256 = next(iter(FILES))
    flip(to.pool.path(sha256))
    assert check(find_backup(to.path)) == [sha256]
    small_hub.clock.forward(minutes=1)
    assert back_up(small_hub, to).copied == 0
    small_hub.clock.forward(minutes=1)
    assert back_up(small_hub, to, recheck=True).copied == 1
    assert check(find_backup(to.path)) == []


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def test_a_damaged_backup_changes_nothing(small_hub: Any, to: BackupFolder, tmp_path: Path) -> None:
    fill(small_hub)
    made = back_up(small_hub, to)
    file = to.pool.path(next(iter(FILES)))
    parts = [made.path / "hub.sqlite", made.path / "media.sha256", made.path / "manifest.json", file]
    for part, act in itertools.product(parts, [flip, cut, Path.unlink]):
        whole = part.read_bytes()
        act(part)
        with pytest.raises(BackupFault) as fault:
            put_back(to, small_hub, tmp_path)
        assert ("--despite-damage" in str(fault.value)) == (part == file)
        part.write_bytes(whole)
    assert not (tmp_path / "a.sqlite").exists()
    assert not (tmp_path / "m").exists()
    flip(file)
    done = put_back(to, small_hub, tmp_path, despite_damage=True)
    assert (done.left_out, done.copied, done.audit.intact) == ([file.name], 2, True)


class Stopped(Exception):
    pass


def stop_at(phase: str) -> Callable[[str, int], Callable[[], None]]:
    def steps(what: str, _total: int) -> Callable[[], None]:
        def step() -> None:
            if what == phase:
                raise Stopped

        return step

    return steps


def test_an_interrupted_backup_is_none(small_hub: Any, to: BackupFolder) -> None:
    fill(small_hub)
    for phase in ("database", "files"):
        with pytest.raises(Stopped):
            back_up(small_hub, to, steps=stop_at(phase))
        assert list(to.backups.iterdir()) == []
        with pytest.raises(BackupFault, match="no whole backup"):
            find_backup(to.path)
    assert back_up(small_hub, to).manifest.media_files == 3


def test_an_interrupted_restore_leaves_no_database(
    small_hub: Any, to: BackupFolder, target_url: str, tmp_path: Path
) -> None:
    fill(small_hub)
    back_up(small_hub, to)
    backup, media = find_backup(to.path), MediaFolder(tmp_path / "new" / "media")
    for phase in ("checking files", "files", "database"):
        with pytest.raises(Stopped):
            restore(backup, target_url, media, small_hub.clock(), steps=stop_at(phase))
        assert [path for path in (tmp_path / "new").iterdir() if path.name != "media"] == []
    assert restore(backup, target_url, media, small_hub.clock()).audit.intact


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from carebag.backup.folder import BackupFolder, find_backup
from carebag.backup.making import make_backup
from carebag.backup.restoring import restore
from carebag_server.media import MediaFolder

what, phase, url, media, folder = sys.argv[1:]

def steps(now, total):
    return (lambda: os.kill(os.getpid(), signal.SIGKILL)) if now == phase else (lambda: None)

if what == "backup":
    make_backup(url, MediaFolder(Path(media)), BackupFolder(Path(folder)), datetime.now(UTC), steps=steps)
else:
    restore(find_backup(Path(folder)), url, MediaFolder(Path(media)), datetime.now(UTC), steps=steps, replace=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_killed_in_the_midst(small_hub: Any, to: BackupFolder, tmp_path: Path) -> None:
    """No chance to tidy up: what is left is not taken for a backup, and the old database is still the database."""
    fill(small_hub)

    def killed(what: str, phase: str, url: str, media: Path) -> None:
        arguments = [what, phase, url, str(media), str(to.path)]
        assert subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False).returncode == -9

    killed("backup", "files", small_hub.url, small_hub.settings.media_folder)
    assert to.names() == []
    assert list(to.backups.iterdir())
    back_up(small_hub, to)
    new = tmp_path / "new"
    new.mkdir()
    (new / "hub.sqlite").write_bytes(b"what was here before")
    killed("restore", "database", f"sqlite:///{new}/hub.sqlite", new / "media")
    assert (new / "hub.sqlite").read_bytes() == b"what was here before"
    assert [path for path in new.iterdir() if "restoring" in path.name]
    done = restore(
        find_backup(to.path), f"sqlite:///{new}/hub.sqlite", MediaFolder(new / "media"), small_hub.clock(), replace=True
    )
    assert (done.copied, done.audit.intact) == (0, True)
    assert Path(done.set_aside).read_bytes() == b"what was here before"
    assert not [path for path in new.iterdir() if "restoring" in path.name]


def test_a_place_that_is_taken(hub: Any, to: BackupFolder) -> None:
    fill(hub)
    back_up(hub, to)
    before, backup, media = rows_of(hub.url), find_backup(to.path), MediaFolder(hub.settings.media_folder)
    with pytest.raises(BackupFault, match="already"):
        restore(backup, hub.url, media, hub.clock())
    with pytest.raises(BackupFault, match=r"stop the hub first|SQLite files only"):
        restore(backup, hub.url, media, hub.clock(), replace=True)  # the hub runs
    assert rows_of(hub.url) == before


def test_replaced_and_kept_aside(small_hub: Any, to: BackupFolder) -> None:
    visit = fill(small_hub)
    back_up(small_hub, to)
    before = rows_of(small_hub.url)
    small_hub.kit.store("reading", visit)
    later = rows_of(small_hub.url)
    small_hub.database.dispose()
    media = MediaFolder(small_hub.settings.media_folder)
    done = restore(find_backup(to.path), small_hub.url, media, small_hub.clock(), replace=True)
    assert rows_of(small_hub.url) == before
    assert rows_of(f"sqlite:///{done.set_aside}") == later
    assert done.copied == 0


def test_another_hubs_folder_is_refused(small_hub: Any, to: BackupFolder) -> None:
    fill(small_hub)
    back_up(small_hub, to)
    with small_hub.database.transaction() as session:
        session.execute(text("UPDATE installation SET created_at = '2020-01-01 00:00:00.000000'"))
    with pytest.raises(BackupFault, match="another hub"):
        back_up(small_hub, to)
    assert len(to.names()) == 1


def test_a_broken_log_is_restored_and_said(small_hub: Any, to: BackupFolder, tmp_path: Path) -> None:
    fill(small_hub)
    with sqlite3.connect(small_hub.url.removeprefix("sqlite:///")) as file:
        file.execute("DROP TRIGGER audit_event_update")
        file.execute("UPDATE audit_event SET object = 'nothing' WHERE seq = 2")
    file.close()
    back_up(small_hub, to)
    done = put_back(to, small_hub, tmp_path)
    assert (done.audit.intact, done.audit.broken_at, done.audit.why) == (False, 2, "changed")


def test_all_sessions_end(small_hub: Any, to: BackupFolder, tmp_path: Path) -> None:
    fill(small_hub)
    small_hub.sign_in("doctor")
    back_up(small_hub, to)
    put_back(to, small_hub, tmp_path)
    database = Database(f"sqlite:///{tmp_path}/a.sqlite")
    with database.reading() as session:
        assert [row.ended_at for row in session.scalars(select(SignedIn))] == [small_hub.clock()]
    database.dispose()


def test_the_commands(small_hub: Any, to: BackupFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Words, exit statuses, and nothing that others could read."""
    fill(small_hub)
    stores = ["--database", small_hub.url, "--media", str(small_hub.settings.media_folder)]
    assert main(["backup", "--to", str(to.path), *stores]) == 0
    said = capsys.readouterr().out
    assert "3 files" in said
    check_log = verify_database(small_hub.url)
    assert f"{check_log.events}:{check_log.head}" in said
    for path in [to.path, *to.path.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert main(["restore", str(to.path), "--check"]) == 0
    (tmp_path / "new").mkdir()
    new = ["--database", f"sqlite:///{tmp_path}/new/hub.sqlite", "--media", str(tmp_path / "new" / "media")]
    assert main(["restore", str(to.path), *new]) == 0
    assert "access log intact" in capsys.readouterr().out
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").rglob("*")} == {0o700, 0o600}
    assert main(["restore", str(to.path), *new]) == 2
    assert "--replace" in capsys.readouterr().err
    flip(to.pool.path(next(iter(FILES))))
    assert main(["restore", str(to.path), "--check"]) == 1
    assert next(iter(FILES)) in capsys.readouterr().out
    MediaFolder(small_hub.settings.media_folder).path(list(FILES)[1]).unlink()
    shutil.rmtree(to.path)
    assert main(["backup", "--to", str(to.path), *stores]) == 1
    assert "NOT COPIED, missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("database", "words"),
    [
        ("sqlite:///{}/none.sqlite", "no database at that address"),
        ("sqlite:///{}/photo", "cannot be copied"),
        ("sqlite:///{}/empty.sqlite", "none of Carebag's"),
        ("sqlite:///{}/newer.sqlite", "newer Carebag"),
        ("postgresql+psycopg://nurse:sEcret@127.0.0.1:1/x", "password_on_command_line"),
        ("postgresql+psycopg://nurse@127.0.0.1:1/x", "cannot be read"),
        ("mysql://nurse@localhost/x", "must be sqlite"),
        ("sEcret", "must be sqlite"),
    ],
)
def test_no_backup_and_why(
    database: str, words: str, sqlite_template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photo").write_bytes(b"photo" * 2000)
    sqlite3.connect(tmp_path / "empty.sqlite").close()
    shutil.copy(sqlite_template, tmp_path / "newer.sqlite")
    with sqlite3.connect(tmp_path / "newer.sqlite") as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9001'")
    newer.close()
    stores = ["--database", database.format(tmp_path), "--media", str(tmp_path / "media")]
    assert main(["backup", "--to", str(tmp_path / "backup"), *stores]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "sEcret" not in said
    assert not BackupFolder(tmp_path / "backup").names()


def test_a_folder_that_cannot_be_written(small_hub: Any, tmp_path: Path) -> None:
    fill(small_hub)
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(BackupFault, match="cannot be written"):
        back_up(small_hub, BackupFolder(tmp_path / "taken"))
