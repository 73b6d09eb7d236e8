"""Media in a bucket that speaks S3: Amazon's, Ceph, Garage, SeaweedFS or another. Needs the extra `carebag[s3]`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from obstore.store import S3Store

from carebag_server.media import PIECE_BYTES, MediaAway, away_on_faults, place
from carebag_server.media_stores import Bucket

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import S3Config

TIMEOUT = timedelta(seconds=30)
"""Of one request, 50 MB at most; a kit waits as long and comes again."""
_CONNECT = timedelta(seconds=5)


class MediaBucket:
    """Objects `PREFIX/ab/abcdef…`. See `MediaStore`.

    Args:
        folder: scratch of what comes in, on this machine.
        secret: half of the key; empty: from the environment.
    """

    def __init__(self, folder: Path, bucket: Bucket, secret: str = "") -> None:
        self.folder = folder
        config: S3Config = {
            "virtual_hosted_style_request": bucket.endpoint is None,
            "checksum_algorithm": "SHA256",  # the store refuses what was damaged on the way
        }
        if bucket.endpoint:
            config["endpoint"] = bucket.endpoint
        if bucket.region:
            config["region"] = bucket.region
        if secret:
            config["secret_access_key"] = secret
        self._store = S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            client_options={"allow_http": bucket.on_this_machine, "timeout": TIMEOUT, "connect_timeout": _CONNECT},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
            config=config,
        )

    def size(self, sha256: str) -> int | None:
        with _away():
            try:
                return int(self._store.head(place(sha256))["size"])
            except FileNotFoundError:
                return None

    def read(self, sha256: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        with _away():
            if stop is not None and stop <= start:
                return
            options: GetOptions = {"range": {"offset": start} if stop is None else (start, stop)}
            for piece in self._store.get(place(sha256), options=options).stream(PIECE_BYTES):
                yield bytes(piece)

    def keep(self, part: Path, sha256: str) -> None:
        name = place(sha256)
        with _away():
            try:
                self._store.put(name, part, use_multipart=False)  # one request: there whole, or not at all
            except FileNotFoundError:
                raise MediaAway("no such bucket") from None
        with away_on_faults():
            part.unlink(missing_ok=True)

    def remove(self, sha256: str) -> None:
        with _away(), suppress(FileNotFoundError):
            self._store.delete(place(sha256))

    def check(self) -> None:
        with _away(), away_on_faults():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._store.list_with_delimiter()


@contextmanager
def _away() -> Iterator[None]:
    """What the library says is in its errors' text, with addresses: only its kind goes on."""
    try:
        yield
    except BaseError as error:
        raise MediaAway(type(error).__name__) from None
