"""Signs checkpoints of the access log as notes. Pure: the key's file is the command's.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint; keys as text in the form of golang.org/x/mod/sumdb/note,
so that other programs for logs and witnesses read them.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ED25519 = b"\x01"
"""Signature type of Ed25519 in key ids and in keys' text."""
_PRIVATE = "PRIVATE+KEY"


class BadKey(Exception):
    """Not the text of a signing key, or a name that a key must not have."""


@dataclass(frozen=True)
class NoteKey:
    """An Ed25519 key with a name, which is also the log's origin."""

    name: str
    private: Ed25519PrivateKey

    @classmethod
    def new(cls, name: str) -> Self:
        """Raises: BadKey: the name is empty or holds a space, a plus or a control character."""
        if not name or "+" in name or not name.isprintable() or any(sign.isspace() for sign in name):
            raise BadKey
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, text: str) -> Self:
        """From `PRIVATE+KEY+NAME+KEYID+BASE64`.

        Raises:
            BadKey: another form, another algorithm, or an id that is not of this name and key.
        """
        parts = text.strip().split("+", 4)
        if len(parts) != 5 or "+".join(parts[:2]) != _PRIVATE or not parts[2]:
            raise BadKey
        try:
            raw = base64.b64decode(parts[4], validate=True)
            key = cls(parts[2], Ed25519PrivateKey.from_private_bytes(raw[1:]))
            if raw[:1] != _ED25519 or key.key_id.hex() != parts[3]:
                raise BadKey
        except (ValueError, binascii.Error):  # of the name as well: not every str is UTF-8
            raise BadKey from None
        return key

    @property
    def key_id(self) -> bytes:
        """4 bytes, by which a note says whose signature it bears."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self._public).digest()[:4]

    @property
    def _public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def private_text(self) -> str:
        """For a file that only its owner reads."""
        return "+".join((_PRIVATE, self.name, self.key_id.hex(), _base64(_ED25519 + self.private.private_bytes_raw())))

    @property
    def public_text(self) -> str:
        """`NAME+KEYID+BASE64`: what a verifier needs. No secret."""
        return "+".join((self.name, self.key_id.hex(), _base64(_ED25519 + self._public)))

    def sign(self, text: str) -> str:
        """The note: text, empty line, signature.

        Args:
            text: lines, the last one ended too.
        """
        return f"{text}\n— {self.name} {_base64(self.key_id + self.private.sign(text.encode()))}\n"


def checkpoint(key: NoteKey, size: int, root: bytes) -> str:
    """A signed checkpoint of a tree.

    Args:
        size: its leaves.
        root: 32 bytes.
    """
    return key.sign(f"{key.name}\n{size}\n{_base64(root)}\n")


def inclusion_text(index: int, proof: list[bytes], entry: bytes, signed: str) -> str:
    """A proof that stands for itself, https://c2sp.org/tlog-proof; its extra data is the entry, whose hash is the leaf.

    Args:
        index: of the leaf, from 0.
        signed: the checkpoint of the tree in which the leaf is.
    """
    lines = ["c2sp.org/tlog-proof@v1", f"extra {_base64(entry)}", f"index {index}", *map(_base64, proof), "", signed]
    return "\n".join(lines)


def consistency_text(old: int, proof: list[bytes], signed: str) -> str:
    """What a witness is sent, https://c2sp.org/tlog-witness `add-checkpoint`.

    Args:
        old: size of the tree that the witness knows.
        signed: the newer checkpoint.
    """
    return "\n".join([f"old {old}", *map(_base64, proof), "", signed])


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
