"""Files encrypted to a key that the hub does not hold, in pieces, each of which proves itself and its place.

X25519 with a key made for each file, HKDF-SHA-256, ChaCha20-Poly1305 on pieces of 64 KiB whose nonce counts and says
which is the last (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, CRYPTO 2015, as in the age
format). What a file is, is bound to it: one in the place of another does not open.

Whoever only has the medium can make no file that opens either: the address that the hub holds has a secret beside the
public key, and both go into every key. The same secret blinds the names of files in the pool.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"carebag-sealed-1"
PIECE, TAG, KEY = 64 * 1024, 16, 32
HEAD = len(MAGIC) + KEY
ADDRESS, SECRET = "carebag-backup-to-1:", "carebag-backup-key-1:"


class NotOpened(Exception):
    """Not what was sealed for this key, in this place; the text is for an operator."""


@dataclass(frozen=True)
class Address:
    """What the hub holds: it seals with it, and opens nothing."""

    public: bytes
    shared: bytes = field(repr=False)
    """Also known to the key's holder: blinds names, and proves that a hub with this address sealed."""

    def __str__(self) -> str:
        return ADDRESS + base64.urlsafe_b64encode(self.public + self.shared).decode()

    @property
    def mark(self) -> str:
        """Tells one address from another, and nothing more."""
        return hashlib.sha256(b"carebag backup mark" + self.public).hexdigest()[:16]

    def blinded(self, sha256: str) -> str:
        """The name of a file in the pool: 64 hex digits that say nothing of its content."""
        return hmac.new(self.shared, b"name" + sha256.encode(), hashlib.sha256).hexdigest()

    def file_key(self, exchanged: bytes, passing: bytes, what: str) -> ChaCha20Poly1305:
        info = b"carebag backup file\0" + passing + self.public + what.encode()
        return ChaCha20Poly1305(HKDF(SHA256(), KEY, salt=self.shared, info=info).derive(exchanged))


@dataclass(frozen=True)
class BackupKey:
    """What opens, kept where the hub is not."""

    private: bytes = field(repr=False)
    shared: bytes = field(repr=False)

    def __str__(self) -> str:
        return SECRET + base64.urlsafe_b64encode(self.private + self.shared).decode()

    @property
    def address(self) -> Address:
        return Address(X25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw(), self.shared)


def make_key() -> BackupKey:
    return BackupKey(X25519PrivateKey.generate().private_bytes_raw(), secrets.token_bytes(KEY))


def read_address(text: str) -> Address:
    """Raises: ValueError: it is none; the text says what it is, where that is known."""
    if text.strip().startswith(SECRET):
        raise ValueError("that is the secret key, which no hub may hold: give the address that was made with it")
    return Address(*_halves(text, ADDRESS))


def read_key(text: str) -> BackupKey:
    """Raises: ValueError: as `read_address`."""
    if text.strip().startswith(ADDRESS):
        raise ValueError("that is the address, which only encrypts: give the secret key that was made with it")
    return BackupKey(*_halves(text, SECRET))


def _halves(text: str, start: str) -> tuple[bytes, bytes]:
    try:
        content = base64.b64decode(text.strip().removeprefix(start), altchars=b"-_", validate=True)
    except binascii.Error:
        content = b""
    if not text.strip().startswith(start) or len(content) != 2 * KEY:
        raise ValueError(f"no line that begins with {start}")
    return content[:KEY], content[KEY:]


# Sealing


class SealingFile:
    """A file that is written in the clear and lies there sealed; whole only after `close`."""

    def __init__(self, file: BinaryIO, address: Address, what: str) -> None:
        mine = X25519PrivateKey.generate()
        passing = mine.public_key().public_bytes_raw()
        exchanged = mine.exchange(X25519PublicKey.from_public_bytes(address.public))
        self._key = address.file_key(exchanged, passing, what)
        self._file, self._rest, self._number = file, bytearray(), 0
        file.write(MAGIC + passing)

    def write(self, content: bytes) -> None:
        self._rest += content
        while len(self._rest) > PIECE:  # the last piece is never empty, unless all is
            self._put(bytes(self._rest[:PIECE]), is_last=False)
            del self._rest[:PIECE]

    def close(self) -> None:
        """Write the last piece and force the file."""
        self._put(bytes(self._rest), is_last=True)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """What was written is of no worth."""
        self._file.close()

    def _put(self, piece: bytes, *, is_last: bool) -> None:
        self._file.write(self._key.encrypt(_nonce(self._number, is_last=is_last), piece, None))
        self._number += 1


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11) + bytes([is_last])


def sealed_size(size: int) -> int:
    """Of a file of so many bytes, sealed."""
    return HEAD + size + TAG * max(1, -(-size // PIECE))


def clear_size(size: int) -> int | None:
    """The other way; None: no sealed file has this size."""
    body = size - HEAD
    if body < TAG:
        return None
    clear = body - TAG * -(-body // (PIECE + TAG))
    return clear if sealed_size(clear) == size else None


def seal_file(source: Path, target: Path, address: Address, what: str) -> None:
    """Seal a copy, forced."""
    with source.open("rb") as read:
        write_sealed(target, address, what, iter(lambda: read.read(PIECE), b""))


def write_sealed(target: Path, address: Address, what: str, content: Iterable[bytes]) -> None:
    """Raises: FileExistsError."""
    sealing = SealingFile(os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"), address, what)
    for piece in content:
        sealing.write(piece)
    sealing.close()


# Opening


def opened(path: Path, key: BackupKey, what: str) -> Iterator[bytes]:
    """What was sealed, in pieces; the end comes only if all of it was there.

    Raises:
        NotOpened: another key, another file, or not as it was written.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        if len(head) < HEAD or not head.startswith(MAGIC):
            raise NotOpened("it is no sealed file")
        passing = head[len(MAGIC) :]
        try:
            exchanged = X25519PrivateKey.from_private_bytes(key.private).exchange(
                X25519PublicKey.from_public_bytes(passing)
            )
        except ValueError:
            raise NotOpened("it is damaged") from None
        cipher = key.address.file_key(exchanged, passing, what)
        piece, number = file.read(PIECE + TAG), 0
        while True:
            following = file.read(PIECE + TAG)
            try:
                yield cipher.decrypt(_nonce(number, is_last=not following), piece, None)
            except InvalidTag:
                why = "it was sealed for another key, or is damaged" if number == 0 else "it is damaged or cut off"
                raise NotOpened(why) from None
            if not following:
                return
            piece, number = following, number + 1
