"""What a backup says about itself: versions, rows, digests. Pure; text in, text out.

The list of files has the form of `sha256sum`, so that a backup can be checked without Carebag.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

DATABASE_FILE, MEDIA_FILE, MANIFEST_FILE = "hub.sqlite", "media.sha256", "manifest.json"
MEDIA_FOLDER = "media"
ABOUT_FILE = "about.json"
"""Of an encrypted backup, which has its manifest sealed."""
Digest = Field(pattern=r"^[0-9a-f]{64}$")
_LINE = re.compile(r"([0-9a-f]{64})  \.\./\.\./media/([0-9a-f]{2})/([0-9a-f]{64})")
_SEAL = re.compile(r'\n  "sealed": "([0-9a-f]{64})"\n}\n\Z')


class BadManifest(Exception):
    """Not a manifest, or not as it was written; the text is for an operator."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rows(_Part):
    """Of one table: how many, and the sum of their digests, which does not depend on their order."""

    rows: NonNegativeInt
    sha256: str = Digest


class File(_Part):
    bytes_stored: NonNegativeInt
    sha256: str = Digest


class Lacking(_Part):
    """A file that the database names and that could not be copied."""

    sha256: str = Digest
    why: Literal["missing", "damaged", "unreadable"]


class AuditAt(_Part):
    """The head of the access log; note it elsewhere, for `carebag audit verify --head`."""

    events: NonNegativeInt
    hash: str = Digest


class Manifest(_Part):
    """Everything that must be so again after a restore."""

    format: Literal["carebag-backup-1"] = "carebag-backup-1"
    carebag: str
    """Version of the program."""
    made_at: datetime
    hub_id: UUID
    installation: str
    """`demo` or `production`."""
    engine: str
    """Where it came from: `sqlite` or `postgresql`. The copy is SQLite always."""
    revision: str
    """Of the tables (Alembic)."""
    database: File
    tables: dict[str, Rows]
    audit: AuditAt
    media_list: File
    media_files: NonNegativeInt
    media_bytes: NonNegativeInt
    lacking: list[Lacking] = []


def write_manifest(manifest: Manifest) -> str:
    """JSON that ends with a digest of all before it: a flipped bit shows."""
    body = manifest.model_dump_json(indent=2).removesuffix("\n}")
    return f'{body},\n  "sealed": "{_sealed(body)}"\n}}\n'


def read_manifest(text: str) -> Manifest:
    """Raises: BadManifest: damaged, cut off, or of a form that this program does not know."""
    seal = _SEAL.search(text)
    body = text[: seal.start()].removesuffix(",") if seal else ""
    if seal is None or _sealed(body) != seal.group(1):
        raise BadManifest("its manifest is damaged")
    try:
        return Manifest.model_validate_json(body + "\n}")
    except ValidationError:
        raise BadManifest(
            "its manifest is of another form than this program knows: use the program that made it"
        ) from None


def _sealed(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def write_media_list(digests: Iterable[str]) -> str:
    return "".join(f"{sha256}  ../../{MEDIA_FOLDER}/{sha256[:2]}/{sha256}\n" for sha256 in digests)


def read_media_list(text: str) -> list[str]:
    """Raises: BadManifest: a line that is no file of the pool."""
    digests = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None or match.group(1) != match.group(3) or match.group(2) != match.group(1)[:2]:
            raise BadManifest("its list of files is damaged")
        digests.append(match.group(1))
    return digests
