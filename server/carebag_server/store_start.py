"""Brings the store up to date before the hub starts, or says in words why that cannot be and what to do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from carebag_server import installation
from carebag_server.database import Database
from carebag_server.hubs.running import AnotherHub, HubRunning, Place
from carebag_server.installation import WrongInstallation
from carebag_server.media import MediaAway
from carebag_server.media_stores import open_media
from carebag_server.migrate import NewerStore, newest, revision_of, upgrade
from carebag_server.settings import Settings


class StoreUnusable(Exception):
    """The hub cannot start on this database; the text is for its keeper. Never an address: it may hold a password."""


def open_database(url: str) -> Database:
    """Raises: StoreUnusable: no such kind of one."""
    try:
        return Database(url)
    except (ArgumentError, ModuleNotFoundError):
        raise StoreUnusable("the database's address must be sqlite:///FILE or postgresql+psycopg://…") from None


def bring_up_to_date(url: str, *, demo: bool, now: datetime) -> None:
    """To the tables of this version, stamped as a demo's or a real one, whoever may be serving it.

    Raises:
        StoreUnusable: newer than this program, unreachable, locked, not a database, no such kind of one, or stamped as
            the other kind.
    """
    database = open_database(url)
    try:
        with _in_words(demo):
            _force_again(database)
            installation.check(database, demo)
            upgrade(database.engine)
            installation.stamp(database, demo, now)
    finally:
        database.dispose()


def take(place: Place, *, demo: bool, now: datetime) -> None:
    """Take the database for this hub, and only then bring its tables up to date: who is refused has changed nothing.

    Tables from before hubs had rows there (version 0013) are migrated first: nobody can know whether a hub of that time
    runs. Tables that must be migrated are taken beside no other hub at all, and looked at once more when they are.

    Raises:
        StoreUnusable: another hub serves it, or as `bring_up_to_date`.
    """
    database = place.database
    with _in_words(demo):
        _force_again(database)
        guarded, old = _tables(database)
        installation.check(database, demo)
        if guarded:
            old = _take(place, alone=old)
        upgrade(database.engine, check=place.is_alone if guarded and old else lambda _: None)
        if not guarded:
            place.take()
        installation.stamp(database, demo, now)


def _tables(database: Database) -> tuple[bool, bool]:
    """Whether there are rows of hubs, and whether the tables are to be migrated."""
    with database.engine.begin() as connection:
        guarded = inspect(connection).has_table(HubRunning.__tablename__)
        return guarded, revision_of(connection) != newest()


def _take(place: Place, *, alone: bool) -> bool:
    """Whether the tables are still to be migrated: of several new hubs that start together one does it for all.

    Raises:
        AnotherHub: one that this one cannot share the database with.
    """
    try:
        place.take(alone=alone)
    except AnotherHub:
        _, old = _tables(place.database)
        if not alone or old:
            raise
        place.take()
        return False
    return alone


@contextmanager
def _in_words(demo: bool) -> Iterator[None]:
    """Raises: StoreUnusable: in place of what else can go wrong."""
    try:
        yield
    except WrongInstallation as wrong:
        flag = "without --demo" if demo else "with --demo"
        raise StoreUnusable(f"{wrong}. Start the hub {flag}, or give it another database") from None
    except NewerStore as newer:
        raise StoreUnusable(
            f"the database is of a newer Carebag than this one: its tables are of version {newer.found}, this program "
            f"knows them up to {newer.known}. Nothing was changed. Start the newer program, or restore the copy that "
            "was made before it ran"
        ) from None
    except AnotherHub as other:
        raise StoreUnusable(str(other)) from None
    except DBAPIError as error:
        raise StoreUnusable(_words(error)) from None


def see_to_media(settings: Settings) -> None:
    """Raises: StoreUnusable: nothing could be kept in the media store now."""
    try:
        open_media(settings.media_folder, settings.media_url, settings.media_secret).check()
    except (MediaAway, OSError) as away:
        what = (
            "the bucket does not answer, is not there, or does not take this key"
            if settings.media_url
            else ("the folder of the media cannot be used")
        )
        raise StoreUnusable(f"{what} ({away}). Nothing was changed") from None


def _force_again(database: Database) -> None:
    """Write the WAL that an earlier process left once more, byte for byte, and force it; nobody appends meanwhile.

    After a failed force Linux shows pages that are not on the disk and holds them for written: what is appended behind
    one would be lost with it when the power goes (docs/decisions/0025).
    """
    file = database.engine.url.database if database.engine.dialect.name == "sqlite" else None
    if not file or not Path(f"{file}-wal").exists():
        return
    with database.transaction() as session:
        session.connection()  # begins
        with Path(f"{file}-wal").open("r+b") as wal:
            content = wal.read()
            wal.seek(0)
            wal.write(content)
            wal.flush()
            os.fsync(wal.fileno())


def _words(error: DBAPIError) -> str:
    said = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
    if "locked" in said:
        return (
            "the database is locked: another program holds it. Stop that one (another hub, a backup, a database "
            "browser), then start again"
        )
    if isinstance(error, OperationalError):
        return f"the database cannot be opened: {said}. Does it run, do its address and rights let this user in?"
    return f"the database cannot be used: {said}. Is it Carebag's, and may this user change its tables?"
