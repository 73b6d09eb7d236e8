"""`carebag restore FROM`: put a backup where no hub's data is; `--check` only reads it."""

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from carebag.backup.command import add_store_arguments, shown, stores
from carebag.backup.folder import Backup, BackupFault, find_backup
from carebag.backup.restoring import Restored, check, restore
from carebag.backup.sealed_folder import opened_backup
from carebag.backup.sealing import read_key
from carebag_server.app import utc_now
from carebag_server.settings import UnsafeSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", type=Path, metavar="FROM", help="folder of backups (its newest), or one of its backups/"
    )
    add_store_arguments(parser)
    parser.add_argument("--key", type=Path, metavar="FILE", help="of an encrypted backup: made by carebag backup-key")
    parser.add_argument(
        "--scratch", type=Path, metavar="FOLDER", help="where its database lies opened meanwhile (default: system's)"
    )
    parser.add_argument("--check", action="store_true", help="only read all of the backup and say whether it is whole")
    parser.add_argument(
        "--replace", action="store_true", help="set an SQLite database that is there aside; stop the hub first"
    )
    parser.add_argument("--despite-damage", action="store_true", help="leave damaged files out instead of refusing")


def run(args: argparse.Namespace) -> int:
    """Exit status 0: all is there and the access log is intact; 1: something of it is not; 2: nothing was restored."""
    try:
        with _found(args) as backup:
            print(_about(backup), file=sys.stderr)
            if args.check:
                return _say_damage(check(backup, shown))
            settings, media = stores(args)
            done = restore(
                backup,
                settings.database_url,
                media,
                utc_now(),
                replace=args.replace,
                despite_damage=args.despite_damage,
                steps=shown,
            )
    except (BackupFault, UnsafeSettings) as fault:
        print(f"carebag restore: {fault}", file=sys.stderr)
        return 2
    print(_words(backup, done))
    return 0 if done.audit.intact and not done.left_out else 1


def _found(args: argparse.Namespace) -> AbstractContextManager[Backup]:
    """Raises: BackupFault: no backup, or no key."""
    if args.key is None:
        return nullcontext(find_backup(args.source))
    try:
        key = read_key(args.key.read_text("ascii"))
    except (OSError, UnicodeDecodeError):
        raise BackupFault(f"--key: {args.key} cannot be read. Nothing was changed") from None
    except ValueError as bad:
        raise BackupFault(f"--key: {bad}. Nothing was changed") from None
    return opened_backup(args.source, key, args.scratch)


def _about(backup: Backup) -> str:
    manifest = backup.manifest
    return (
        f"{backup.path}: made {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC of a {manifest.installation} hub on "
        f"{manifest.engine}, {manifest.media_files} files"
    )


def _say_damage(damaged: list[str]) -> int:
    for sha256 in damaged:
        print(f"DAMAGED or missing: {sha256}")
    print("whole" if not damaged else f"{len(damaged)} files are not as they were copied")
    return 1 if damaged else 0


def _words(backup: Backup, done: Restored) -> str:
    manifest, audit = backup.manifest, done.audit
    log = f"intact: {audit.events} events" if audit.intact else f"BROKEN at event {audit.broken_at}: {audit.why}"
    rows = sum(table.rows for table in manifest.tables.values())
    lines = [
        f"restored: {rows} rows, {manifest.media_files} files, {done.copied} of them copied",
        f"access log {log}",
        *(f"LEFT OUT, damaged: {sha256}" for sha256 in done.left_out),
        *(f"not in the backup, {one.why} at the hub then: {one.sha256}" for one in manifest.lacking),
        *([f"the database that was there is {done.set_aside}"] if done.set_aside else []),
        "Everyone signs in again. Kits send by themselves what came after the backup.",
        "Before you start the hub: a person or kit that lost access after the backup was made has it again.",
    ]
    return "\n".join(lines)
