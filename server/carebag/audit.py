"""`carebag audit verify`: recompute the whole access log and say whether it is intact."""

import argparse

from carebag_server.audit import verify_database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["verify"])
    parser.add_argument(
        "--database", required=True, help="the hub's database, sqlite:///FILE or postgresql+psycopg://…"
    )
    parser.add_argument(
        "--head",
        type=written_head,
        metavar="N:HASH",
        help="a head written down earlier, which must be in the log",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def written_head(text: str) -> tuple[int, str]:
    """`1284:5f0c…` as printed by an earlier verification.

    Raises:
        ArgumentTypeError: not of that form.
    """
    number, _, digest = text.partition(":")
    if not number.isdecimal() or len(digest) != 64:
        raise argparse.ArgumentTypeError("expected the number of events, a colon, and the 64 digits of the head")
    return int(number), digest


def run(args: argparse.Namespace) -> int:
    """Exit status 0 only if the log is intact."""
    try:
        check = verify_database(args.database, args.head)
    except FileNotFoundError:
        raise SystemExit("carebag audit: no database at that address") from None
    if args.json:
        print(check.model_dump_json(indent=2))
    elif check.intact:
        print(f"intact: {check.events} events, head {check.head}")
    else:
        print(f"BROKEN at event {check.broken_at}: {check.why} ({check.events} events read)")
    return 0 if check.intact else 1
