"""Brings a database to the tables of this version, in one transaction; the hub does so at every start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine, to: str = "head") -> None:
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), to)


def downgrade(engine: Engine, to: str = "base") -> None:
    """Only for tests and for the way back after a failed upgrade: tables that go take their rows along."""
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), to)


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    return config
