"""What call set-up adds to signals: relay credentials, the kit's proof of its fingerprint, the code to read aloud."""

import hashlib
import re
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from carebag_wire.base import Code, Id, ShortText, Utc, Wire

MAX_RELAY_URLS = 12
CODE_ROUNDS = 200_000
"""PBKDF2 rounds of a six-digit code: who wants two calls with the same digits must pay them for each try."""
MAX_SDP = 100_000
SFU = "sfu"
"""The participant to whom kit and pages say the call set-up of a picture that the hub's SFU hands on."""
_FINGERPRINT = re.compile(r"(?aim)^a=fingerprint:[ \t]*([a-z0-9-]{1,20})[ \t]+([0-9a-f:]{2,200})[ \t]*\r?$")


class Relay(Wire):
    """The TURN servers and what opens them, for one participant of one visit; sent anew before it expires."""

    type: Literal["relay"] = "relay"
    visit_id: Id
    to: ShortText
    urls: Annotated[list[ShortText], Field(min_length=1, max_length=MAX_RELAY_URLS)]
    """As in RFC 7065, the best first."""
    username: ShortText
    """`expiry:room-user` of the TURN REST API; room and user are pseudonyms that only the hub can resolve."""
    credential: ShortText
    expires_at: Utc
    relay_only: bool = False
    """Media must go by way of the relay and no other."""


class RelayState(Wire):
    """How the kit reaches its relay; shown to nurse and doctor when there is a problem."""

    path: Literal["", "udp", "tcp", "tls"] = ""
    """What the race chose; empty while it runs or when nothing answered."""
    problem: Code | None = None
    """Why no relay answered: `turn_no_answer`, `turn_refused`, …"""
    only: bool = False
    """Media goes by way of the relay or not at all."""


class SfuServes(Wire):
    """Hub to kit: whether there is an SFU now, and which viewers have the picture from it; whole, at every change."""

    type: Literal["sfu_serves"] = "sfu_serves"
    visit_id: Id
    to: ShortText
    available: bool
    viewers: list[ShortText] = []
    """Participant ids. To the others of the room the kit sends its picture itself."""


class CallCode(Wire):
    """Six digits made of both ends' fingerprints: the same on both sides, unless somebody sits in between."""

    viewer: ShortText
    """The other end, a participant id."""
    digits: Annotated[str, Field(pattern=r"^\d{6}$")]


def fingerprints(sdp: str) -> str:
    """All certificate fingerprints of a description, each once, sorted: `sha-256 AB:CD:…,sha-384 …`; "" if none.

    The same in `web/src/shared/call/fingerprint.ts`; `tests/wire/golden_call_proof.json` binds both.
    """
    found = {f"{name.lower()} {value.upper()}" for name, value in _FINGERPRINT.findall(sdp[:MAX_SDP])}
    return ",".join(sorted(found))


def proof_text(visit_id: UUID, sender: str, to: str, epoch: int, prints: str) -> bytes:
    """What the kit signs of a description that leaves it: whose, for whom, in which attempt, and the fingerprints."""
    lines = ("carebag call 1", str(visit_id), sender, to, str(epoch), prints)
    return "\n".join(lines).encode()


def six_digits(visit_id: UUID, kit: str, viewer: str, epoch: int, kit_prints: str, page_prints: str) -> str:
    """The code to read aloud; takes about a tenth of a second by design, so run it in a thread."""
    words = f"{kit_prints}\n{page_prints}".encode()
    salt = f"carebag code 1\n{visit_id}\n{kit}\n{viewer}\n{epoch}".encode()
    value = int.from_bytes(hashlib.pbkdf2_hmac("sha256", words, salt, CODE_ROUNDS, 8), "big")
    return f"{value % 1_000_000:06d}"
