"""What all `carebag admin` commands share: their options, who acts, and how they answer."""

import argparse
import json
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from carebag_server.admin_acts import OPERATOR_ROLE
from carebag_server.audit import Actor
from carebag_server.not_possible import NotPossible
from carebag_server.settings import is_loopback
from carebag_server.staff import Change
from carebag_server.staff_lists import Looks
from carebag_wire.kit_enrolment import origin_of

DEFAULT_ORIGIN = "http://localhost:8470"


@dataclass(frozen=True)
class Answer:
    """What a command prints: data for `--json`, else the words."""

    data: Any
    words: str


Run = Callable[[argparse.Namespace, Change], Answer]
Groups = Any
"""What `ArgumentParser.add_subparsers` gives."""


def group(groups: Groups, name: str, about: str) -> Groups:
    """`carebag admin NAME …`"""
    parser = groups.add_parser(name, help=about, description=about)
    return parser.add_subparsers(dest="verb", required=True, metavar="WHAT")


def leaf(verbs: Groups, name: str, run: Run, about: str) -> argparse.ArgumentParser:
    """A command with the options that all have."""
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=about, description=about)
    parser.set_defaults(run_admin=run)
    parser.add_argument(
        "--database",
        default=os.environ.get("CAREBAG_DATABASE"),
        help="the hub's, sqlite:///FILE or postgresql+psycopg://… (default: CAREBAG_DATABASE)",
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    return parser


def origin_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--origin",
        default=os.environ.get("CAREBAG_ORIGIN", DEFAULT_ORIGIN).split(",")[0].strip(),
        help="how browsers and kits reach the hub (default: the first of CAREBAG_ORIGIN)",
    )


def safe_origin(args: argparse.Namespace) -> str:
    """Raises: NotPossible: no web address, or without TLS to another machine."""
    try:
        origin = origin_of(args.origin)
    except ValueError:
        raise NotPossible("--origin must be a web address, such as https://hub.example.se") from None
    if urlsplit(origin).scheme != "https" and not is_loopback(urlsplit(origin).hostname or ""):
        raise NotPossible("--origin must begin with https:// unless the hub is on this machine only")
    return origin


def operator() -> Actor:
    """Who is signed in on this machine; behind sudo also who that was."""
    return Actor(
        practitioner=f"{login_name()} (carebag admin)",
        role=OPERATOR_ROLE,
        care_unit="carebag admin",
        organization="-",
        purpose="administration",
        origin=socket.gethostname(),
        request_ref=secrets.token_hex(8),
    )


def login_name() -> str:
    """By the system's word: an environment variable is anybody's, but for root, who may say anything anyway."""
    try:
        import pwd
    except ImportError:  # Windows
        return os.getlogin()
    user = os.getuid()
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:
        name = f"uid {user}"
    before = os.environ.get("SUDO_USER", "") if user == 0 else ""
    return f"{before} as {name}" if before else name


def change_of(session: Any) -> Change:
    return Change(session, operator(), datetime.now(UTC))


def looks(change: Change) -> Looks:
    """An operator sees all of the hub."""
    return Looks(change.session, change.now)


def shown(args: argparse.Namespace, answer: Answer) -> str:
    return json.dumps(answer.data, ensure_ascii=False, indent=2, default=str) if args.json else answer.words


def table(rows: list[dict[str, Any]], columns: list[str], nothing: str) -> str:
    """Rows under each other, as wide as they must be."""
    if not rows:
        return nothing
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[at]) for line in [columns, *cells]) for at in range(len(columns))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in
             [columns, *cells]]  # fmt: skip
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M %Z")
    return str(value)
