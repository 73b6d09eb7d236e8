"""`carebag backup-key FILE`: make a key for encrypted backups; the hub gets the address only."""

import argparse
import os
import sys
from pathlib import Path

from carebag.backup.sealing import make_key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the secret key is written there; not on the hub")


def run(args: argparse.Namespace) -> int:
    """Prints the address; exit status 2: nothing was made."""
    key = make_key()
    try:
        with os.fdopen(os.open(args.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(f"{key}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        print(f"carebag backup-key: {args.file}: {error.strerror}. No key was made", file=sys.stderr)
        return 2
    print(
        f"{args.file} opens the backups: keep it twice, away from the hub and from the backups. Without it they are"
        " lost.\nFor the hub, as --encrypt-to or in a file that it can read:",
        file=sys.stderr,
    )
    print(key.address)
    return 0
