"""Codes and links as QR: on the terminal, or as a picture to print."""

import argparse
import io
import os
import sys
from pathlib import Path

import segno

from carebag_server.not_possible import NotPossible


def qr_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--qr", action="store_true", help="draw it as a QR code too, also where no terminal is")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the QR code into a new file; it is a secret")


def qr_drawn(args: argparse.Namespace, text: str) -> str:
    """The QR code for the terminal, with a line's end; empty where it is not wanted.

    Raises:
        NotPossible: the file is there already or cannot be written.
    """
    code = segno.make(text, error="m", micro=False)
    if args.svg is not None:
        picture = io.BytesIO()
        code.save(picture, kind="svg", scale=6)
        try:
            with os.fdopen(os.open(args.svg, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(picture.getvalue())
        except OSError as error:
            raise NotPossible(f"{args.svg}: {error.strerror}") from None
    if not args.qr and not sys.stdout.isatty():
        return ""
    drawn = io.StringIO()
    code.terminal(out=drawn, compact=True)
    return drawn.getvalue()
