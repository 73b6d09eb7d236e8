"""Which media store an operator chose: a folder, or `s3://BUCKET/PREFIX?endpoint=https://…&region=…`.

The bucket's key is never in the URL, which is seen in lists of processes: it comes from the environment, by the names
that all S3 programs know (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`), or its secret half from a file.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from carebag_server.media import MediaFolder, MediaStore

_KNOWN = {"endpoint", "region"}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Where in which S3-compatible store."""

    name: str
    prefix: str = ""
    endpoint: str | None = None
    """None: Amazon's own."""
    region: str | None = None

    @property
    def on_this_machine(self) -> bool:
        return urlsplit(self.endpoint or "").hostname in _LOOPBACK


def bucket_of(url: str) -> Bucket:
    """Raises: ValueError: `bad_media_url`, or `media_plain_http` for an endpoint beyond this machine without TLS."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query, keep_blank_values=True)
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or set(asked) - _KNOWN:
        raise ValueError("bad_media_url")
    endpoint, region = (asked.get(name, [""])[-1] or None for name in ("endpoint", "region"))
    bucket = Bucket(name=parts.netloc, prefix=parts.path.strip("/"), endpoint=endpoint, region=region)
    if endpoint:
        at = urlsplit(endpoint)
        if at.scheme not in {"http", "https"} or not at.hostname or at.username:
            raise ValueError("bad_media_url")
        if at.scheme == "http" and not bucket.on_this_machine:
            raise ValueError("media_plain_http")
    return bucket


def media_fault(url: str) -> str | None:
    """Why a URL is refused, as a code; empty is a folder. `media_needs_s3`: the extra `carebag[s3]` is missing."""
    if not url:
        return None
    try:
        bucket_of(url)
        import obstore  # noqa: F401
    except ValueError as wrong:
        return str(wrong)
    except ModuleNotFoundError:
        return "media_needs_s3"
    return None


def open_media(folder: Path, url: str = "", secret: str = "") -> MediaStore:
    """The store.

    Args:
        folder: of the media, or with a `url` the scratch of what has not come whole yet.
        secret: half of the bucket's key; empty: from the environment.
    """
    if not url:
        return MediaFolder(folder)
    from carebag_server.media_bucket import MediaBucket

    return MediaBucket(folder, bucket_of(url), secret)
