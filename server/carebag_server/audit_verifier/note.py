"""Opens signed checkpoints: https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint. Pure."""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ED25519 = 1
_LONGEST = 1_000_000
"""Characters of a note: more than 16 signatures of the longest kind."""
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


class BadNote(Exception):
    """Not a checkpoint, or not signed by that key; the text says which, in words for an operator."""


@dataclass(frozen=True)
class KnownKey:
    """A key that is trusted for one log."""

    name: str
    key_id: bytes
    public: Ed25519PublicKey

    @classmethod
    def read(cls, text: str) -> Self:
        """From `NAME+KEYID+BASE64`, as `carebag audit key` prints it.

        Raises:
            BadNote: another form, another algorithm, or an id that is not of this name and key.
        """
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = unbase64(encoded)
        if not name.isprintable() or not name or len(raw) != 33 or raw[0] != _ED25519:
            raise BadNote("not a verifier's key: NAME+KEYID+BASE64 of an Ed25519 key")
        if sha256(name.encode() + b"\n" + raw).hexdigest()[:8] != key_id:
            raise BadNote("the verifier's key is damaged: its id does not belong to it")
        return cls(name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:]))


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    """Leaves of the tree."""
    root: bytes
    """32 bytes."""


def open_checkpoint(note: str, key: KnownKey) -> Checkpoint:
    """What a checkpoint says, once the key's signature is verified. Signatures of others are ignored.

    Raises:
        BadNote: not a checkpoint, of another log, or not signed by the key.
    """
    checkpoint = _read(open_note(note, key))
    if checkpoint.origin != key.name:
        raise BadNote("the checkpoint is of another log")
    return checkpoint


def unsigned_checkpoint(text: str) -> Checkpoint:
    """What the lines of a checkpoint say, without a signature: for whoever kept it herself and vouches for it.

    Args:
        text: its lines, the last one not ended.

    Raises:
        BadNote: another form.
    """
    if len(text) > _LONGEST or any(sign < " " and sign != "\n" for sign in text):
        raise BadNote("not a checkpoint")
    return _read(text + "\n")


def open_note(note: str, key: KnownKey) -> str:
    """The text of a note, its last line ended, once the key's signature is verified.

    Raises:
        BadNote: another form, no signature of the key, or a wrong one.
    """
    if len(note) > _LONGEST or any(sign < " " and sign != "\n" for sign in note):
        raise BadNote("not a signed note")
    text, gap, signatures = note.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise BadNote("not a signed note")
    text += "\n"
    signed = False
    for line in signatures[:-1].split("\n"):
        parts = _SIGNATURE.fullmatch(line)
        raw = unbase64(parts[2]) if parts else b""
        if parts is None or len(raw) < 5:
            raise BadNote("not a signed note")
        if (parts[1], raw[:4]) == (key.name, key.key_id):
            _check(key, raw[4:], text)
            signed = True
    if not signed:
        raise BadNote("the checkpoint is not signed by this key")
    return text


def _check(key: KnownKey, signature: bytes, text: str) -> None:
    try:
        key.public.verify(signature, text.encode())
    except (InvalidSignature, UnicodeEncodeError):
        raise BadNote("the checkpoint's signature is wrong") from None


def _read(text: str) -> Checkpoint:
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise BadNote("not a checkpoint")
    root = unbase64(lines[2])
    if len(root) != 32:
        raise BadNote("not a checkpoint")
    return Checkpoint(lines[0], number(lines[1]), root)


def number(text: str) -> int:
    """A decimal number without leading zeroes. Raises: BadNote."""
    if not _NUMBER.fullmatch(text):
        raise BadNote("not a size")
    return int(text)


def unbase64(text: str) -> bytes:
    """Standard base64; empty if it is none, or if other letters would give the same bytes."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""
