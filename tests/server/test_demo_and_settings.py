"""The demo's data can be made again at any time; unsafe settings and the wrong kind of database are refused."""

import argparse
import base64
import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from carebag_server.app import create_app
from carebag_server.audit_note import NoteKey
from carebag_server.database import Database
from carebag_server.demo_data import ensure_demo
from carebag_server.installation import WrongInstallation, stamp
from carebag_server.settings import Settings, UnsafeSettings, database_fault, is_loopback, settings_from
from carebag_server.tables import Kit, PatientRow, VisitRow
from carebag_wire.identity.person import Identity
from carebag_wire.identity.use import TEST_IDENTITIES

KIT, KEY = uuid.UUID(int=1), bytes(32)
NOW = datetime(2026, 11, 23, 9, 37, tzinfo=UTC)


def count(database: Database, table: Any) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_again_changes_nothing(database: Database) -> None:
    for minutes in (0, 30, 300):
        ensure_demo(database.url, KIT, KEY, NOW + timedelta(minutes=minutes))
    assert (count(database, VisitRow), count(database, PatientRow), count(database, Kit)) == (3, 3, 1)


def test_a_closed_visit_is_followed_by_a_new_one(database: Database) -> None:
    ensure_demo(database.url, KIT, KEY, NOW)
    with database.transaction() as session:
        session.execute(update(VisitRow).where(VisitRow.colour == 0).values(state="closed"))
    ensure_demo(database.url, KIT, KEY, NOW)
    assert count(database, VisitRow) == 4


def test_tomorrow_has_its_own_visits(database: Database) -> None:
    ensure_demo(database.url, KIT, KEY, NOW)
    ensure_demo(database.url, KIT, KEY, NOW + timedelta(days=1))
    assert count(database, VisitRow) == 6


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_all_three_are_listed_whenever_the_demo_starts(sqlite_url: str, tmp_path: Path, hour: int) -> None:
    now = NOW.replace(hour=hour)
    ensure_demo(sqlite_url, KIT, KEY, now)
    settings = Settings(database_url=sqlite_url, media_folder=tmp_path, demo=True)
    with TestClient(
        create_app(settings, lambda: now), base_url="http://localhost:8470", client=("127.0.0.1", 1)
    ) as client:
        door = client.get("/api/demo/doors").json()[1]
        headers = {"Origin": "http://localhost:8470", "X-Carebag-As": "doctor"}
        client.post("/api/session/link", json={"token": door["url"].split("=")[1]}, headers=headers)
        assert len(client.get("/api/visits", headers=headers).json()) == 3


def test_published_test_identities_and_different_colours(database: Database) -> None:
    ensure_demo(database.url, KIT, KEY, NOW)
    with database.reading() as session:
        patients = session.scalars(select(PatientRow))
        assert {Identity(one.personal_id_system, one.personal_id) for one in patients} <= TEST_IDENTITIES
        assert sorted(session.scalars(select(VisitRow.colour))) == [0, 1, 2]


def test_the_key_may_be_base64_and_is_renewed(database: Database) -> None:
    ensure_demo(database.url, KIT, base64.b64encode(b"k" * 32).decode(), NOW)
    with database.reading() as session:
        assert session.get_one(Kit, KIT).public_key == b"k" * 32
    with pytest.raises(ValueError, match="32 bytes"):
        ensure_demo(database.url, KIT, b"short", NOW)


def test_a_second_kit_gets_its_own_name_and_visits(database: Database) -> None:
    ensure_demo(database.url, KIT, KEY, NOW)
    ensure_demo(database.url, uuid.UUID(int=2), KEY, NOW)
    with database.reading() as session:
        assert sorted(session.scalars(select(Kit.name))) == ["Väska 1", "Väska 2"]
    assert count(database, VisitRow) == 6


@pytest.mark.parametrize("demo", [True, False])
def test_a_database_is_of_one_kind(database: Database, tmp_path: Path, demo: bool) -> None:
    stamp(database, demo, NOW)
    stamp(database, demo, NOW)
    other = Settings(database_url=database.url, media_folder=tmp_path, demo=not demo)
    with pytest.raises(WrongInstallation), TestClient(create_app(other)):
        pass


def test_the_demos_people_do_not_come_into_production(database: Database) -> None:
    stamp(database, demo=False, now=NOW)
    with pytest.raises(WrongInstallation):
        ensure_demo(database.url, KIT, KEY, NOW)
    assert count(database, PatientRow) == 0


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        ({"origins": ("http://hub.example.se",)}, "plain_http"),
        ({"kit_page_origin": "http://10.0.0.4:8471"}, "plain_http"),
        ({"host": "0.0.0.0"}, "open_without_tls"),
        ({"demo": True, "host": "0.0.0.0"}, "demo_not_loopback"),
        ({"demo": True, "origins": ("https://hub.example.se",)}, "demo_not_loopback"),
        ({"origins": ("localhost:8470",)}, "bad_origin"),
        ({"origins": ("http://localhost:8470/",)}, "bad_origin"),
        ({"origins": ("ftp://localhost",)}, "bad_origin"),
        ({"origins": ("",)}, "bad_origin"),
        *(({"time_zone": name}, "unknown_time_zone") for name in ("Europe/Timra", "", "../etc/passwd", "Europe")),
        ({"database_url": "postgresql+psycopg://carebag@db.example.se/carebag"}, "database_without_tls"),
        ({"database_url": "postgresql://db.example.se/carebag?sslmode=require"}, "database_without_tls"),
        ({"database_url": "postgresql://carebag@/x?host=/run/postgresql&host=db2:5432"}, "database_without_tls"),
    ],
)
def test_unsafe_settings_are_refused(chosen: dict[str, Any], code: str) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        create_app(Settings(**chosen))
    assert refused.value.code == code


def test_safe_settings() -> None:
    Settings().check()
    Settings(demo=True).check()
    Settings(host="0.0.0.0", origins=("https://hub.example.se",), kit_page_origin="https://kit.example.se").check()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://carebag@db.example.se/carebag?sslmode=verify-full",
        "postgresql+psycopg://carebag@/x?host=db1:5432&host=db2:5432&sslmode=verify-full&connect_timeout=3",
        "postgresql://carebag@127.0.0.1:5433/carebag",
        "postgresql://carebag@[::1]/carebag",
        "postgresql:///carebag",
        "postgresql://carebag@/x?host=/run/postgresql",
        "sqlite:////var/lib/carebag/hub.sqlite",
        "no address",
    ],
)
def test_a_database_that_nobody_can_listen_to(url: str) -> None:
    assert database_fault(url) is None


def test_command_line_before_environment_before_default() -> None:
    args = argparse.Namespace(database=None, media=None, host=None, port=9000, origin=None, kit_origin=None, demo=False)
    environ = {"CAREBAG_PORT": "9001", "CAREBAG_DATABASE": "postgresql+psycopg://x/y", "CAREBAG_DEMO": "1"}
    settings = settings_from(args, environ)
    assert (settings.port, settings.database_url, settings.demo) == (9000, "postgresql+psycopg://x/y", True)
    assert settings.origins == ("http://localhost:9000", "http://127.0.0.1:9000")
    assert settings.host == "127.0.0.1"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("name", ["TURN", "SFU", "S3", "BUS"])
def test_a_secret_that_everybody_can_read_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "secret"
    file.write_text("s" * 40)
    environ = {f"CAREBAG_{name}_SECRET_FILE": str(file), "CAREBAG_MEDIA": "s3://b/p?endpoint=https://x"}
    file.chmod(0o644)
    with pytest.raises(UnsafeSettings, match=f"open_{name.lower()}_secret_file"):
        settings_from(argparse.Namespace(), environ)
    file.chmod(0o440)
    settings_from(argparse.Namespace(), environ)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_log_key_that_is_none_is_found_at_the_start(tmp_path: Path) -> None:
    """Not first by the medical lead, who then has no checkpoint to take home."""
    file = tmp_path / "log.key"
    settings = settings_from(argparse.Namespace(), {"CAREBAG_LOG_KEY_FILE": str(file)})

    def refused() -> str:
        with pytest.raises(UnsafeSettings) as unsafe:
            settings.check()
        return unsafe.value.code

    assert refused() == "no_log_key_file"
    file.write_text("no key")
    file.chmod(0o644)
    assert refused() == "open_log_key_file"
    file.chmod(0o600)
    assert refused() == "bad_log_key_file"
    file.write_bytes(b"\xff\xfe")
    assert refused() == "bad_log_key_file"
    file.write_text(NoteKey.new("hub.example.se/log").private_text)
    settings.check()


def test_a_password_that_everybody_can_read_is_refused() -> None:
    url = "postgresql+psycopg://carebag:secret@db/carebag"
    with pytest.raises(UnsafeSettings, match="password_on_command_line"):
        settings_from(argparse.Namespace(database=url), {})
    assert settings_from(argparse.Namespace(), {"CAREBAG_DATABASE": url}).database_url == url
    settings_from(argparse.Namespace(database="postgresql+psycopg://carebag@db/carebag"), {})


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "８４７０"])
def test_a_port_that_is_none(port: str) -> None:
    with pytest.raises(UnsafeSettings, match="bad_port"):
        settings_from(argparse.Namespace(), {"CAREBAG_PORT": port})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("0.0.0.0", False), ("", False),
     ("10.0.0.1", False), ("localhost.evil.example", False), ("testclient", False)],
)  # fmt: skip
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback
