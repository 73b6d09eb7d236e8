"""Brings a database to the tables of this version, in one transaction; the hub does so at every start."""

import functools
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from carebag_server.database import WRITER_LOCK

MIGRATIONS = Path(__file__).parent / "migrations"


class NewerStore(Exception):
    """A newer program made these tables, and this one does not know what they mean."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(f"{found}, known up to {known}")
        self.found, self.known = found, known


def upgrade(engine: Engine, to: str = "head", check: Callable[[Connection], None] = lambda _: None) -> None:
    """To the tables of `to`, in one transaction; hubs that start at the same time take turns.

    Args:
        check: whether it may be done, in that transaction; what it raises leaves all as it was.

    Raises:
        NewerStore: nothing was changed.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
        check(connection)
        upgrade_within(connection, to)


def upgrade_within(connection: Connection, to: str = "head") -> None:
    """As `upgrade`, in the caller's transaction."""
    _refuse_newer(connection)
    if to == "head" and MigrationContext.configure(connection).get_current_heads() == (newest(),):
        return
    command.upgrade(alembic_config(connection), to)


def revision_of(connection: Connection) -> str | None:
    """Which version the tables are of; None: there are none.

    Raises:
        NewerStore: of one that this program does not know.
    """
    _refuse_newer(connection)
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The version of tables that this program makes."""
    return _scripts().get_current_head()


def is_known(revision: str) -> bool:
    """Whether this program has tables of that version."""
    return revision in {script.revision for script in _scripts().walk_revisions()}


@functools.cache
def _scripts() -> ScriptDirectory:
    """Read once: they are as many files as there were versions."""
    return ScriptDirectory.from_config(_config())


def _refuse_newer(connection: Connection) -> None:
    for found in MigrationContext.configure(connection).get_current_heads():
        if not is_known(found):
            raise NewerStore(found, newest() or "-")


def downgrade(engine: Engine, to: str = "base") -> None:
    """Only for tests and for the way back after a failed upgrade: tables that go take their rows along."""
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), to)


def alembic_config(connection: Connection) -> Config:
    config = _config()
    config.attributes["connection"] = connection
    return config


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config
