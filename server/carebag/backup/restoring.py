"""Puts a backup where no hub's data is: everything is checked first, and the database comes last, by one act.

Files go in first, each under its digest: without a database that names them they mean nothing. The database is put
together beside its place (SQLite) or in one transaction (PostgreSQL), compared row by row, brought to this program's
tables, and its access log verified, before anyone can see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from carebag.backup.folder import Backup, BackupFault, Damaged, file_of, is_sound, transfer
from carebag.backup.making import Steps, no_steps
from carebag.backup.manifest import BadManifest
from carebag.backup.places import Place, PostgresPlace, SqlitePlace
from carebag.backup.rows import tallies
from carebag_server.audit import verify
from carebag_server.media import MediaAway, MediaStore
from carebag_server.migrate import is_known, upgrade_within
from carebag_server.sign_in_tables import OidcFlow
from carebag_server.tables import LoginLink, NurseSignIn, PasskeyChallenge, SignedIn
from carebag_wire.api import AuditCheck

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Restored:
    audit: AuditCheck
    copied: int
    """Files that were not in the media store already."""
    left_out: list[str]
    """Digests of damaged files that were left out because that was asked for."""
    set_aside: str
    """Where the database is that was there before; empty: there was none."""


def check(backup: Backup, steps: Steps = no_steps) -> list[str]:
    """Read all of a backup; gives the digests of files that are damaged or missing.

    Raises:
        BackupFault: the database's copy or the list of files is damaged: nothing can be made of that.
    """
    try:
        if file_of(backup.database) != backup.manifest.database:
            raise BadManifest("the copy of its database is damaged")
        media = backup.media()
    except OSError as error:
        raise BackupFault(f"the backup {backup.path} cannot be read: {error.strerror}. Nothing was changed") from None
    except BadManifest as bad:
        raise BackupFault(f"the backup {backup.path} cannot be used: {bad}. Nothing was changed") from None
    step, damaged = steps("checking files", len(media)), []
    for sha256 in media:
        if not is_sound(backup.pool, sha256):
            damaged.append(sha256)
        step()
    return damaged


def restore(
    backup: Backup,
    url: str,
    media: MediaStore,
    now: datetime,
    *,
    replace: bool = False,
    despite_damage: bool = False,
    steps: Steps = no_steps,
) -> Restored:
    """Put a backup in place.

    Args:
        replace: set a SQLite database that is there aside; otherwise it is a reason to refuse.
        despite_damage: leave damaged files out instead of refusing.

    Raises:
        BackupFault: no database was changed; files that had been copied stay and are used by the next try.
    """
    place = _place(url)
    if not is_known(backup.manifest.revision):
        raise BackupFault(
            f"the backup is of a newer Carebag than this program ({backup.manifest.carebag}, tables "
            f"{backup.manifest.revision}): restore it with that one. Nothing was changed"
        )
    try:
        place.refuse_unless_free(replace)
        damaged = check(backup, steps)
        if damaged and not despite_damage:
            raise BackupFault(_damage(backup, damaged))
        copied = _put_media(backup, media, set(damaged), steps)
        audit, aside = _put_database(place, backup, now, steps)
    except DBAPIError as error:
        first = (str(error.orig).strip().splitlines() or ["unknown"])[0]
        raise BackupFault(f"the database cannot be written: {first}. It is as it was") from None
    except MediaAway as away:
        raise BackupFault(f"the media store does not answer ({away}). No database was changed") from None
    except OSError as error:
        raise BackupFault(f"cannot be written: {error.strerror or error}. No database was changed") from None
    return Restored(audit=audit, copied=copied, left_out=damaged, set_aside=aside)


def _place(url: str) -> Place:
    try:
        kind = make_url(url).get_backend_name()
    except ArgumentError:
        kind = ""
    if kind == "sqlite":
        return SqlitePlace(url)
    if kind == "postgresql":
        return PostgresPlace(url)
    raise BackupFault("the database's address must be sqlite:///FILE or postgresql+psycopg://…")


def _damage(backup: Backup, damaged: Sequence[str]) -> str:
    more = f" and {len(damaged) - _SHOWN} more" if len(damaged) > _SHOWN else ""
    return (
        f"{len(damaged)} of {backup.manifest.media_files} files of the backup are damaged or missing: "
        f"{', '.join(damaged[:_SHOWN])}{more}. Nothing was changed. Copy the backup anew from where it came, or "
        "restore without them by --despite-damage; kits that still have them do not send them again by themselves"
    )


def _put_media(backup: Backup, media: MediaStore, without: set[str], steps: Steps) -> int:
    wanted = [sha256 for sha256 in backup.media() if sha256 not in without]
    step, copied = steps("files", len(wanted)), 0
    for sha256 in wanted:
        if media.size(sha256) is None or not is_sound(media, sha256):
            _copy(backup, media, sha256)
            copied += 1
        step()
    return copied


def _copy(backup: Backup, media: MediaStore, sha256: str) -> None:
    try:
        transfer(backup.pool, media, sha256)
    except (FileNotFoundError, Damaged):
        raise BackupFault(
            f"{sha256} was damaged while it was read: the backup's disk fails. No database was changed"
        ) from None


def _put_database(place: Place, backup: Backup, now: datetime, steps: Steps) -> tuple[AuditCheck, str]:
    step, manifest = steps("database", 3), backup.manifest
    with place.filled(backup) as connection:
        if tallies(connection) != manifest.tables:
            raise BackupFault(
                "the restored rows are not those of the backup. The database is as it was; please report this"
            )
        step()
        upgrade_within(connection)
        with Session(bind=connection, join_transaction_mode="create_savepoint") as session:
            audit = verify(session, now, (manifest.audit.events, manifest.audit.hash))
            step()
            end_sessions(session, now)
            session.commit()
    step()
    return audit, place.set_aside


def end_sessions(session: Session, now: datetime) -> None:
    """Who signed out after the backup was made must not be signed in again, nor an old link work twice."""
    session.execute(update(SignedIn).where(SignedIn.ended_at.is_(None)).values(ended_at=now))
    for link in (LoginLink, NurseSignIn, PasskeyChallenge, OidcFlow):
        session.execute(update(link).where(link.used_at.is_(None)).values(used_at=now))
