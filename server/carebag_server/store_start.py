"""Brings the store up to date before the hub starts, or says in words why that cannot be and what to do."""

import os
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from carebag_server.database import Database
from carebag_server.hubs.running import AnotherHub, Place
from carebag_server.installation import WrongInstallation, stamp
from carebag_server.media import MediaAway
from carebag_server.media_stores import open_media
from carebag_server.migrate import NewerStore, upgrade
from carebag_server.settings import Settings


class StoreUnusable(Exception):
    """The hub cannot start on this database; the text is for its keeper. Never an address: it may hold a password."""


def bring_up_to_date(url: str, *, demo: bool, now: datetime) -> None:
    """To the tables of this version, stamped as a demo's or a real one.

    Raises:
        StoreUnusable: newer than this program, unreachable, locked, not a database, no such kind of one, or stamped as
            the other kind.
    """
    try:
        database = Database(url)
    except (ArgumentError, ModuleNotFoundError):
        raise StoreUnusable("the database's address must be sqlite:///FILE or postgresql+psycopg://…") from None
    try:
        _force_again(database)
        upgrade(database.engine)
        stamp(database, demo, now)
    except WrongInstallation as wrong:
        flag = "without --demo" if demo else "with --demo"
        raise StoreUnusable(f"{wrong}. Start the hub {flag}, or give it another database") from None
    except NewerStore as newer:
        raise StoreUnusable(
            f"the database is of a newer Carebag than this one: its tables are of version {newer.found}, this program "
            f"knows them up to {newer.known}. Nothing was changed. Start the newer program, or restore the copy that "
            "was made before it ran"
        ) from None
    except DBAPIError as error:
        raise StoreUnusable(_words(error)) from None
    finally:
        database.dispose()


def take(place: Place) -> None:
    """Raises: StoreUnusable: another hub serves this database, or it does not answer any more."""
    try:
        place.take()
    except AnotherHub as other:
        raise StoreUnusable(str(other)) from None
    except DBAPIError as error:
        raise StoreUnusable(_words(error)) from None


def see_to_media(settings: Settings) -> None:
    """Raises: StoreUnusable: nothing could be kept in the media store now."""
    try:
        open_media(settings.media_folder, settings.media_url, settings.media_secret).check()
    except MediaAway as away:
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
