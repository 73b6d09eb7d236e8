"""The key of what waits on the kit's disk: one secret, from which the journal, the files and a running recording take a
key each.

It is not the kit's signing key: that one says who the kit is, this one only who may read its disk.
"""

import contextlib
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from carebag_edge.errors import KitError, WrongJournal
from carebag_edge.keys import write_private

KEY_FILE, MARK_FILE = "data_key", "data_key_mark"
KEY_BYTES = 32
NONCE_BYTES = 12
BLOCK_BYTES = 16
SERVICE = "carebag"


@dataclass(frozen=True)
class DataKey:
    """The secret, 32 bytes of chance, and what is derived from it (HKDF, RFC 5869)."""

    secret: bytes = field(repr=False)

    def derived(self, purpose: str, salt: bytes | None = None) -> bytes:
        """A key for one purpose, 32 bytes."""
        return HKDF(SHA256(), KEY_BYTES, salt, f"carebag {purpose}".encode()).derive(self.secret)

    @property
    def mark(self) -> str:
        """Tells whether a key is this one and says nothing about it."""
        return hashlib.sha256(self.derived("mark")).hexdigest()[:16]


class Seal:
    """Files that only this kit can read."""

    def __init__(self, key: DataKey) -> None:
        self._key = key
        self._files = AESGCM(key.derived("media"))

    def close(self, name: str, content: bytes) -> bytes:
        """`content` as it may lie on the disk, bound to its name: AES-256-GCM, the nonce in front."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._files.encrypt(nonce, content, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes:
        """What `close` was given.

        Raises:
            KitError: another name, another key, or a bit of it is not what it was.
        """
        try:
            return self._files.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            raise KitError("media file damaged") from None

    def stream(self, salt: bytes) -> "Stream":
        """For a file that is written here and there; each salt once."""
        return Stream(self._key.derived("recording", salt))


class Stream:
    """AES-256-CTR by place: a byte of the file has the same key stream whenever it is written.

    Safe because no place is written twice with different bytes (a repaired hole was never written) and each recording
    has a key of its own. It does not find damage: the digest does that when the recording is complete.
    """

    def __init__(self, key: bytes) -> None:
        self._algorithm = AES(key)

    def at(self, offset: int, data: bytes) -> bytes:
        """`data` that stands at `offset`, turned from open to sealed or back."""
        block, within = divmod(offset, BLOCK_BYTES)
        turn = Cipher(self._algorithm, CTR(block.to_bytes(BLOCK_BYTES, "big"))).encryptor()
        return turn.update(bytes(within) + data)[within:]


class KeyPlace(Protocol):
    """Where the secret is kept."""

    def read(self) -> bytes | None: ...

    def write(self, secret: bytes) -> None: ...


class KeyFile:
    """A file of its owner's alone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise WrongJournal(f"the data key cannot be read: {self.path}: {error.strerror}") from None

    def write(self, secret: bytes) -> None:
        try:
            write_private(self.path, secret)
        except OSError as error:
            raise WrongJournal(f"the data key cannot be kept: {self.path}: {error.strerror}") from None


class KeyRing:
    """The system's: Keychain, Credential Locker, Secret Service. By the optional package `keyring`."""

    def __init__(self, kit_id: UUID) -> None:
        try:
            import keyring
            import keyring.errors
        except ImportError:
            raise WrongJournal("--data-key keyring needs  pip install 'carebag[keyring]'") from None
        self._ring, self._errors = keyring, keyring.errors.KeyringError
        self._name = f"kit {kit_id}"

    def __str__(self) -> str:
        return f"the system's keyring ({SERVICE}, {self._name})"

    def read(self) -> bytes | None:
        try:
            text = self._ring.get_password(SERVICE, self._name)
        except self._errors as error:
            raise WrongJournal(f"the system's keyring does not answer ({type(error).__name__}): unlock it") from None
        with contextlib.suppress(ValueError):
            return None if text is None else bytes.fromhex(text)
        return b""

    def write(self, secret: bytes) -> None:
        try:
            self._ring.set_password(SERVICE, self._name, secret.hex())
        except self._errors as error:
            raise WrongJournal(f"the system's keyring takes no key ({type(error).__name__})") from None


def key_place(where: str, folder: Path, kit_id: UUID) -> KeyPlace:
    """`file`: beside the journal; `keyring`; else a path, such as a credential that systemd decrypts with the TPM."""
    if where == "keyring":
        return KeyRing(kit_id)
    return KeyFile(folder / KEY_FILE if where == "file" else Path(where))


def load_or_create_data_key(folder: Path, place: KeyPlace) -> DataKey:
    """The key of this data folder, at first start a new one. One that lies in the folder moves to another `place`.

    Raises:
        WrongJournal: there was one and it is not in `place`, or what is there is none. Nothing is made in its stead.
    """
    secret, beside = place.read(), KeyFile(folder / KEY_FILE)
    if secret is None and str(place) != str(beside) and (secret := beside.read()) is not None:
        _kept(place, secret)
        beside.path.unlink()
    if secret is None and known_mark(folder) is not None:
        raise WrongJournal(
            f"the data key is missing: it was expected in {place}. Put it back, or say with --data-key where it is;"
            " without it nothing that waits in the journal can be read. Nothing was changed"
        )
    if secret is None:
        secret = os.urandom(KEY_BYTES)
        _kept(place, secret)
    if len(secret) != KEY_BYTES:
        raise WrongJournal(f"the data key in {place} is damaged: put back a copy of it. Nothing was changed")
    return DataKey(secret)


def _kept(place: KeyPlace, secret: bytes) -> None:
    """Believed when it can be read again."""
    place.write(secret)
    if place.read() != secret:
        raise WrongJournal(f"the data key cannot be kept in {place}")


def known_mark(folder: Path) -> str | None:
    """Of the key with which the folder is sealed; None: it is not yet."""
    path = folder / MARK_FILE
    return path.read_text("ascii", "replace").strip() if path.exists() else None


def put_mark(folder: Path, key: DataKey) -> None:
    """From now on the folder is sealed with this key."""
    if known_mark(folder) != key.mark:
        write_private(folder / MARK_FILE, key.mark.encode())
