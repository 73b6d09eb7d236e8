"""The file itself: a ZIP for its owner alone, with a list of what is in it and each part's SHA-256."""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from carebag_server.audit_verifier.note import KnownKey, open_checkpoint, unsigned_checkpoint
from carebag_server.audit_verifier.slice import BadSlice, Slice, check_slice

MANIFEST, ENTRIES, LEAVES, CHECKPOINT = "manifest.json", "log/entries.jsonl", "log/leaves.txt", "log/checkpoint.txt"
_LARGEST = 2_000_000_000
"""Bytes of one part, unpacked: what is larger is not read when a file is checked."""


class BadBundle(Exception):
    """Not what was written; the text says why."""


class Bundle:
    """Parts are added one after the other; the manifest is the last."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self._digests: dict[str, str] = {}

    def add(self, name: str, pieces: Iterable[bytes]) -> None:
        digest = hashlib.sha256()
        with self._file.open(name, "w", force_zip64=True) as part:
            for piece in pieces:
                part.write(piece)
                digest.update(piece)
        self._digests[name] = digest.hexdigest()

    def add_json(self, name: str, said: Any) -> None:
        self.add(name, [json.dumps(said, ensure_ascii=False, indent=2, default=str).encode() + b"\n"])

    def close(self, said: dict[str, Any]) -> None:
        self._file.writestr(MANIFEST, json.dumps({**said, "sha256": self._digests}, ensure_ascii=False, indent=2))


@contextmanager
def new_bundle(path: Path) -> Iterator[Bundle]:
    """A new file with mode 0600, whole on the disk at the end, or none.

    Raises:
        FileExistsError: it is there already.
        OSError: it cannot be written.
    """
    raw = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(raw, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
                yield Bundle(parts)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_bundle(path: Path, key: KnownKey | None) -> Slice:
    """Whether nothing in it was changed, and whether its events are the log's.

    Args:
        key: of the log; None: the checkpoint in it is taken at its word, so only what is in the file agrees.

    Raises:
        BadBundle: it is not whole, or its events are not those of the checkpoint.
        BadNote: the checkpoint is not signed by that key.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as file:
            said = json.loads(_read(file, MANIFEST))["sha256"]
            names = sorted(one.filename for one in file.infolist() if one.filename != MANIFEST)
            if names != sorted(said):
                raise BadBundle("its parts are not those of its manifest")
            for name in names:
                if hashlib.sha256(_read(file, name)).hexdigest() != said[name]:
                    raise BadBundle(f"{name} is not what was written")
            signed = _read(file, CHECKPOINT).decode()
            checkpoint = (
                open_checkpoint(signed, key)
                if key
                else unsigned_checkpoint(signed.partition("\n\n")[0].removesuffix("\n"))
            )
            entries = _read(file, ENTRIES).splitlines()
            return check_slice(entries, _read(file, LEAVES).decode().splitlines(), checkpoint)
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError, NotImplementedError) as error:
        raise BadBundle(f"it is damaged, or no incident file ({type(error).__name__})") from None
    except BadSlice as bad:
        raise BadBundle(str(bad)) from None


def _read(file: zipfile.ZipFile, name: str) -> bytes:
    if file.getinfo(name).file_size > _LARGEST:
        raise BadBundle(f"{name} is too large to be checked")
    return file.read(name)
