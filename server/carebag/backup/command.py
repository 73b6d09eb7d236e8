"""`carebag backup --to FOLDER`: copy database and files while the hub runs."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from carebag.backup.folder import BackupFault, BackupFolder
from carebag.backup.making import Made, make_backup
from carebag.backup.sealed_folder import SealedFolder
from carebag.backup.sealing import ADDRESS, Address, read_address
from carebag.progress import Progress
from carebag_server.app import utc_now
from carebag_server.media import MediaStore
from carebag_server.media_stores import media_fault, open_media
from carebag_server.settings import Settings, UnsafeSettings, settings_from


def add_store_arguments(parser: argparse.ArgumentParser) -> None:
    """The same names, environment and defaults as `carebag hub`."""
    parser.add_argument("--database", default=None, help="sqlite:///FILE or postgresql+psycopg://…, as of the hub")
    parser.add_argument("--media", default=None, help="folder of sounds and photos, or s3://…, as of the hub")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="of all backups of this hub")
    add_store_arguments(parser)
    parser.add_argument(
        "--encrypt-to",
        default=os.environ.get("CAREBAG_BACKUP_TO", ""),
        metavar="ADDRESS",
        help="encrypt for the key of this address, of carebag backup-key, or a file with it ($CAREBAG_BACKUP_TO)",
    )
    parser.add_argument(
        "--keep", type=int, default=0, metavar="N", help="take away all but the newest N (default: none)"
    )
    parser.add_argument(
        "--recheck", action="store_true", help="read files of earlier backups too, copy anew what rotted"
    )
    parser.add_argument("--json", action="store_true", help="print the manifest")


def run(args: argparse.Namespace) -> int:
    """Exit status 0: all of it is copied; 1: the backup lacks files that the hub lacks too; 2: there is none."""
    try:
        settings, media = stores(args)
        folder = SealedFolder(args.to, _address(args.encrypt_to)) if args.encrypt_to else BackupFolder(args.to)
        made = make_backup(
            settings.database_url, media, folder, utc_now(), keep=max(0, args.keep), recheck=args.recheck, steps=shown
        )
    except (BackupFault, UnsafeSettings) as fault:
        print(f"carebag backup: {fault}", file=sys.stderr)
        return 2
    print(made.manifest.model_dump_json(indent=2) if args.json else _words(made))
    _warn_of_readers(args.to)
    return 1 if made.manifest.lacking else 0


def _address(said: str) -> Address:
    """Raises: BackupFault: it is none."""
    try:
        return read_address(said if said.startswith(ADDRESS) else Path(said).read_text("ascii"))
    except (OSError, UnicodeDecodeError):
        raise BackupFault(f"--encrypt-to: {said} cannot be read. No backup was made") from None
    except ValueError as bad:
        raise BackupFault(f"--encrypt-to: {bad}. No backup was made") from None


def stores(args: argparse.Namespace) -> tuple[Settings, MediaStore]:
    """Raises: UnsafeSettings: of the media's address."""
    settings = settings_from(args)
    fault = media_fault(settings.media_url)
    if fault:
        raise UnsafeSettings(fault)
    return settings, open_media(settings.media_folder, settings.media_url, settings.media_secret)


def shown(what: str, total: int) -> Callable[[], None]:
    """Steps on a terminal; a log gets one line for each part."""
    if total:
        print(f"{what} …", file=sys.stderr)
    return Progress(total).step


def _words(made: Made) -> str:
    manifest = made.manifest
    rows = sum(table.rows for table in manifest.tables.values())
    lines = [
        f"backup {made.path}",
        f"{rows} rows, {manifest.media_files} files of {manifest.media_bytes / 1e6:.1f} MB, {made.copied} of them new",
        f"access log, write its head down elsewhere: {manifest.audit.events}:{manifest.audit.hash}",
        *(f"NOT COPIED, {one.why} at the hub: {one.sha256}" for one in manifest.lacking),
    ]
    return "\n".join(lines)


def _warn_of_readers(folder: Path) -> None:
    if folder.stat().st_mode & 0o077:
        print(f"carebag backup: others than this user can look into {folder}: chmod 700 it", file=sys.stderr)
