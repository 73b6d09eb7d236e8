"""The kit's identity: an id, and an Ed25519 key that never leaves the data folder."""

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from carebag_edge.errors import WrongJournal
from carebag_edge.media_files import sync_folder
from carebag_wire.base import uuid7

KEY_FILE = "kit_key"
ID_FILE = "kit_id"


@dataclass(frozen=True)
class KitKey:
    kit_id: UUID
    private: Ed25519PrivateKey

    def sign(self, data: bytes) -> str:
        """Ed25519 signature (RFC 8032), base64."""
        return base64.b64encode(self.private.sign(data)).decode()

    @property
    def public(self) -> str:
        """Raw public key, base64: what the hub is told at enrolment. Not a secret."""
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode()


def load_or_create(folder: Path, kit_id: UUID | None, unix_ms: int) -> KitKey:
    """The key of this data folder; at first start a new one, readable by its owner only.

    Raises:
        WrongJournal: the folder belongs to another kit than `kit_id`, or its files are damaged.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = _read(folder / ID_FILE)
    if known is None:
        chosen = kit_id or uuid7(unix_ms)
        write_private(folder / ID_FILE, str(chosen).encode())
    else:
        chosen = _uuid(known)
        if kit_id is not None and kit_id != chosen:
            raise WrongJournal(f"the data folder belongs to kit {chosen}, not {kit_id}")
    return KitKey(chosen, private_key(folder / KEY_FILE))


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key of a file, made if it is not there. Raises: WrongJournal: it is damaged."""
    raw = _read(path)
    if raw is None:
        made = Ed25519PrivateKey.generate()
        write_private(path, made.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
        return made
    try:
        return Ed25519PrivateKey.from_private_bytes(raw)
    except ValueError:
        raise WrongJournal("the kit's key file is damaged") from None


def _uuid(text: bytes) -> UUID:
    try:
        return UUID(text.decode("ascii", "replace"))
    except ValueError:
        raise WrongJournal("the kit's id file is damaged") from None


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def write_private(path: Path, data: bytes) -> None:
    """Write whole or not at all, mode 0600 from the first moment; durable when it returns."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)
