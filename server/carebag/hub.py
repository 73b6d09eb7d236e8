"""`carebag hub`: the server."""

import argparse
import sys

from carebag_server.serve import run as serve
from carebag_server.settings import UnsafeSettings, settings_from
from carebag_server.store_start import StoreUnusable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--database", help="sqlite:///FILE (default) or postgresql+psycopg://…", default=None)
    parser.add_argument("--media", help="folder for sounds and photos, or s3://BUCKET/PREFIX?endpoint=…", default=None)
    parser.add_argument("--host", default=None, help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=None, help="default 8470")
    parser.add_argument("--origin", default=None, help="how browsers reach it, e.g. https://hub.example.se")
    parser.add_argument("--kit-origin", default=None, help="how the nurse's browser reaches the kit's page")
    parser.add_argument(
        "--turn", default=None, metavar="URLS", help="TURN servers, the best first: turn:host:3478,turns:…"
    )
    parser.add_argument("--relay-only", action="store_true", help="media by way of a TURN server or not at all")
    parser.add_argument(
        "--sfu", default=None, metavar="PLACE", help="what hands the picture on to many: janus:ws://127.0.0.1:8188"
    )
    parser.add_argument(
        "--bus", default=None, metavar="PLACE", help="where several hubs meet: postgresql, or valkey://host:port/name"
    )
    parser.add_argument(
        "--oidc", default=None, metavar="ISSUER", help="people sign in by this provider too; more by CAREBAG_OIDC_…"
    )
    parser.add_argument("--telephone", default=None, help="of the doctors, for a nurse whose kit reaches nobody")
    parser.add_argument("--demo", action="store_true", help="test identities and sign-in links; loopback only")


def run(args: argparse.Namespace) -> int:
    try:
        serve(settings_from(args))
    except UnsafeSettings as unsafe:
        return _refused(f"these settings are refused: {unsafe.code} (docs/for-operators.md says what each needs)")
    except StoreUnusable as unusable:
        return _refused(str(unusable))
    return 0


def _refused(why: str) -> int:
    print(f"carebag hub: {why}", file=sys.stderr)
    return 2
