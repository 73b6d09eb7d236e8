"""`carebag audit verify`: recompute the whole access log and say whether it is intact."""

import argparse

from carebag_server.audit import verify_database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["verify"])
    parser.add_argument(
        "--database", required=True, help="the hub's database, sqlite:///FILE or postgresql+psycopg://…"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Exit status 0 only if the log is intact."""
    try:
        check = verify_database(args.database)
    except FileNotFoundError:
        raise SystemExit("carebag audit: no database at that address") from None
    if args.json:
        print(check.model_dump_json(indent=2))
    elif check.intact:
        print(f"intact: {check.events} events, head {check.head}")
    else:
        print(f"BROKEN at event {check.broken_at}: {check.why} ({check.events} events read)")
    return 0 if check.intact else 1
