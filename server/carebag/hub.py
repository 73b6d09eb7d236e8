"""`carebag hub`: the server."""

import argparse

from carebag_server.serve import run as serve
from carebag_server.settings import settings_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--database", help="sqlite:///FILE (default) or postgresql+psycopg://…", default=None)
    parser.add_argument("--media", help="folder for sounds and photos", default=None)
    parser.add_argument("--host", default=None, help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=None, help="default 8470")
    parser.add_argument("--origin", default=None, help="how browsers reach it, e.g. https://hub.example.se")
    parser.add_argument("--kit-origin", default=None, help="how the nurse's browser reaches the kit's page")
    parser.add_argument(
        "--turn", default=None, metavar="URLS", help="TURN servers, the best first: turn:host:3478,turns:…"
    )
    parser.add_argument("--relay-only", action="store_true", help="media by way of a TURN server or not at all")
    parser.add_argument("--telephone", default=None, help="of the doctors, for a nurse whose kit reaches nobody")
    parser.add_argument("--demo", action="store_true", help="test identities and sign-in links; loopback only")


def run(args: argparse.Namespace) -> int:
    serve(settings_from(args))
    return 0
