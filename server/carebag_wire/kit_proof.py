"""How a kit proves each HTTP request and its WebSocket to the hub: one header, signed with the kit's Ed25519 key.

    Authorization: Carebag-Kit kit=<uuid>,ts=<unix ms>,nonce=<base64url>,sig=<base64>

The signature is over `proof_text`. Only hashlib is needed here, so that kit and hub build the same bytes; who signs and
who verifies brings the key.
"""

import hashlib
import re
import uuid
from dataclasses import dataclass

SCHEME = "Carebag-Kit"
MAX_SKEW_MS = 60_000
"""How far the kit's clock may be from the hub's; beyond it the hub answers `clock_differs` and its `Date`."""
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
"""Digest of no body at all: GET requests and the WebSocket's opening."""

_HEADER = re.compile(
    r"Carebag-Kit kit=(?P<kit>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}),"
    r"ts=(?P<ts>[0-9]{1,15}),nonce=(?P<nonce>[A-Za-z0-9_-]{16,64}),sig=(?P<sig>[A-Za-z0-9+/]{86}==)"
)


@dataclass(frozen=True)
class KitProof:
    """The header's fields, well formed; nothing is verified yet."""

    kit_id: uuid.UUID
    unix_ms: int
    nonce: str
    """16 to 64 base64url characters, made anew for each request and taken once."""
    signature: str
    """Ed25519, 64 bytes in standard base64 with padding."""


class BadProof(ValueError):
    """The header is missing or not of this form."""


def proof_text(method: str, target: str, unix_ms: int, nonce: str, body_sha256: str) -> bytes:
    """The bytes that the kit signs.

    Args:
        method: as sent, in capitals; `GET` for the WebSocket.
        target: path as sent on the wire (percent-encoded), then `?` and the query if there is one.
        unix_ms: the kit's UTC, milliseconds since 1970.
        nonce: as in the header.
        body_sha256: lower-case hex over the body's bytes (`EMPTY_SHA256` for none).
    """
    return "\n".join((method, target, str(unix_ms), nonce, body_sha256)).encode()


def write_proof(proof: KitProof) -> str:
    """The value of the `Authorization` header."""
    return f"{SCHEME} kit={proof.kit_id},ts={proof.unix_ms},nonce={proof.nonce},sig={proof.signature}"


def read_proof(header: str | None) -> KitProof:
    """Parse the value of the `Authorization` header.

    Raises:
        BadProof: anything but exactly the form that `write_proof` gives.
    """
    match = _HEADER.fullmatch(header or "")
    if match is None:
        raise BadProof("not a Carebag-Kit proof")
    return KitProof(uuid.UUID(match["kit"]), int(match["ts"]), match["nonce"], match["sig"])
