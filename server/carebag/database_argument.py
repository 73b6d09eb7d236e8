"""`--database` of the commands that an operator gives beside a hub: as the hub itself has it, by the same variable."""

import argparse
import os

VARIABLE = "CAREBAG_DATABASE"


def database_argument(parser: argparse.ArgumentParser) -> None:
    """Asked for only where the environment does not say it; so a password need not stand on the command line."""
    told = os.environ.get(VARIABLE)
    parser.add_argument(
        "--database",
        default=told,
        required=not told,
        metavar="URL",
        help=f"the hub's, sqlite:///FILE or postgresql+psycopg://… (default: {VARIABLE})",
    )
