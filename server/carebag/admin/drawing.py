"""Codes and links as QR: on the terminal, or as a picture to print."""

import argparse
import os
import sys
from pathlib import Path

from carebag_server.not_possible import NotPossible
from carebag_server.qr_code import qr_rows, qr_svg, qr_terminal


def qr_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--qr", action="store_true", help="draw it as a QR code too, also where no terminal is")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the QR code into a new file; it is a secret")


def qr_drawn(args: argparse.Namespace, text: str) -> str:
    """The QR code for the terminal, with a line's end; empty where it is not wanted.

    Raises:
        NotPossible: the file is there already or cannot be written.
    """
    rows = qr_rows(text)
    if args.svg is not None:
        try:
            with os.fdopen(os.open(args.svg, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(qr_svg(rows).encode())
        except OSError as error:
            raise NotPossible(f"{args.svg}: {error.strerror}") from None
    return qr_terminal(rows) if args.qr or sys.stdout.isatty() else ""
