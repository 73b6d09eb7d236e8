"""A hub that cannot start on its database says why and what to do, and nothing else."""

import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from carebag.cli import main
from carebag_server import database as stores
from carebag_server import store_start
from carebag_server.database import Database
from carebag_server.installation import stamp
from carebag_server.migrate import NewerStore, upgrade
from carebag_server.tables import Organization


def newer(path: Path) -> str:
    database = Database(f"sqlite:///{path}")
    upgrade(database.engine)
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9001'"))
    database.dispose()
    return database.url


def of_a_demo(path: Path) -> str:
    database = Database(f"sqlite:///{path}")
    upgrade(database.engine)
    stamp(database, demo=True, now=datetime(2026, 11, 23, tzinfo=UTC))
    database.dispose()
    return database.url


def no_database(path: Path) -> str:
    path.write_bytes(b"photo" * 2000)
    return f"sqlite:///{path}"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (newer, ["newer Carebag", "9001", "Start the newer program"]),
        (of_a_demo, ["this database is a demo one", "with --demo"]),
        (no_database, ["cannot be used", "not a database"]),
        (lambda path: f"sqlite:///{path}/in/no/folder", ["cannot be opened", "unable to open"]),
        (lambda _: "postgresql+psycopg://nurse:sEcret@127.0.0.1:1/x", ["password_on_command_line"]),
        (lambda _: "postgresql+psycopg://nurse@127.0.0.1:1/x", ["cannot be opened", "refused"]),
        (lambda _: "mysql://nurse@localhost/x", ["must be sqlite"]),
        (lambda _: "sEcret", ["must be sqlite"]),
    ],
)
def test_why_and_what_to_do(
    tmp_path: Path, make: Callable[[Path], str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    media = ["--media", str(tmp_path / "media")]
    assert main(["hub", "--database", make(tmp_path / "hub.sqlite"), *media]) == 2
    said = capsys.readouterr().err
    assert [word for word in words if word not in said] == []
    assert said.count("\n") == 1
    assert "sEcret" not in said


def test_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(stores, "BUSY_SECONDS", 0.05)
    url = of_a_demo(tmp_path / "hub.sqlite")
    holder = sqlite3.connect(tmp_path / "hub.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert main(["hub", "--demo", "--database", url, "--media", str(tmp_path / "media")]) == 2
    holder.close()
    assert "another program holds it" in capsys.readouterr().err


def test_unsafe_settings_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = f"sqlite:///{tmp_path}/hub.sqlite"
    assert main(["hub", "--host", "0.0.0.0", "--database", database, "--media", str(tmp_path / "media")]) == 2
    assert "open_without_tls" in capsys.readouterr().err
    assert not (tmp_path / "hub.sqlite").exists()


def test_media_where_no_folder_can_be_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    database = ["--database", f"sqlite:///{tmp_path}/hub.sqlite"]
    assert main(["hub", *database, "--media", str(tmp_path / "file" / "media")]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("carebag hub: the folder of the media cannot be used (")


def test_a_newer_store_is_left_as_it_is(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9001'"))
    with pytest.raises(NewerStore):
        upgrade(database.engine)
    with database.reading() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "9001"


def test_a_wal_left_by_a_dead_hub_is_forced_byte_for_byte(tmp_path: Path) -> None:
    """What Linux dropped after a failed force is only in sight: it must be on the disk before more is put behind it."""
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    living = Database(url)
    upgrade(living.engine)
    with living.transaction() as session:
        session.add(Organization(id=UUID(int=1), name="Timrå kommun"))
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"hub.db{suffix}", tmp_path / f"left.db{suffix}")
    living.dispose()
    before = (tmp_path / "left.db-wal").read_bytes()
    store = Database(f"sqlite:///{tmp_path / 'left.db'}")
    store_start._force_again(store)
    assert (tmp_path / "left.db-wal").read_bytes() == before
    with store.reading() as session:
        assert session.get_one(Organization, UUID(int=1)).name == "Timrå kommun"
    store.dispose()
