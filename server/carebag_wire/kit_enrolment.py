"""How a machine becomes a kit by a one-time code, and how a kit gets another key; docs/decisions/0034.

The kit makes its own Ed25519 key and proves that it has it, by a signature over what it asks for: the hub as the kit
knows it, so that a proof given to a false hub is worth nothing at the true one.
"""

import re
import secrets
import uuid
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints

from carebag_wire.base import Id, ShortText, Wire

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no I, L, O or U."""
CODE_LETTERS = 12
"""60 random bits: a few minutes and ten tries a minute are not enough to guess it."""
_CODE = re.compile(rf"[{_ALPHABET}]{{{CODE_LETTERS}}}")
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+", re.ASCII)
_QR = re.compile(r"carebag-kit:(?P<hub>https?://[!-~]{1,240})#(?P<code>[!-~]{1,40})")

PublicKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
"""Ed25519, 32 bytes in base64."""
Signature = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]


class EnrolKit(Wire):
    """A machine asks to be a kit."""

    code: Annotated[str, Field(min_length=8, max_length=40)]
    kit_id: Id
    public_key: PublicKey
    hub: ShortText
    """Origin of the hub as the kit was told it."""
    signature: Signature
    """By that key over `enrolment_text`."""


class KitEnrolled(Wire):
    name: ShortText
    unit: ShortText
    organization: ShortText


class ReplaceKey(Wire):
    """A kit asks for another key; the request itself is signed by the one that it has."""

    public_key: PublicKey
    signature: Signature
    """By the new key over `replacement_text`."""


class BadCode(ValueError):
    """Not a code."""


def new_code() -> str:
    """Twelve letters and digits in three groups: `K7QM-2XHD-9RTW`."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LETTERS))
    return "-".join(letters[at : at + 4] for at in range(0, CODE_LETTERS, 4))


def read_code(text: str) -> str:
    """A code as somebody typed it: small letters, spaces and hyphens, O for 0, I or L for 1.

    Raises:
        BadCode
    """
    letters = re.sub(r"[\s-]", "", text).upper().translate(str.maketrans("OIL", "011"))
    if not _CODE.fullmatch(letters):
        raise BadCode("a code has twelve letters and digits, such as K7QM-2XHD-9RTW")
    return letters


def qr_text(hub: str, code: str) -> str:
    """What the QR of a code says: hub and code in one, for a scanner that types it."""
    return f"carebag-kit:{hub}#{code}"


def read_qr(text: str) -> tuple[str, str] | None:
    """Hub and code out of what a scanner typed; None: it is no such text."""
    match = _QR.fullmatch(text.strip())
    return (match["hub"], match["code"]) if match else None


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as hub and kit both write it.

    Raises:
        ValueError: it is no web address.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError("not a web address")
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    port = parts.port if parts.port != {"http": 80, "https": 443}[parts.scheme] else None
    return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}"


def enrolment_text(hub: str, code: str, kit_id: uuid.UUID, public_key: str) -> bytes:
    """The bytes that a new kit signs; `code` as `read_code` gives it."""
    return "\n".join(("carebag kit enrolment 1", hub, code, str(kit_id), public_key)).encode()


def replacement_text(kit_id: uuid.UUID, public_key: str) -> bytes:
    """The bytes that the new key of a kit signs."""
    return "\n".join(("carebag kit key 1", str(kit_id), public_key)).encode()
