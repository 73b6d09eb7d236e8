"""What an operator says of the SFU, and which adapter that is."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from carebag_server.sfu.janus import JanusSfu
from carebag_server.sfu.port import Sfu
from carebag_server.turn import is_weak

SfuSettingsFault = Literal["bad_sfu_url", "sfu_without_tls", "sfu_without_secret", "weak_sfu_secret"]
_KIND = "janus:"
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, kw_only=True)
class SfuSettings:
    """Without a place, every picture goes from the kit to each page."""

    place: str = ""
    """The adapter's name and where its API is: `janus:ws://127.0.0.1:8188`."""
    secret: str = field(default="", repr=False)
    """The same as Janus's `api_secret`."""

    @property
    def url(self) -> str:
        return self.place.removeprefix(_KIND)

    def fault(self, demo: bool) -> SfuSettingsFault | None:
        """Why the hub must not start like this; a demo, which nobody else can reach, may have a weak secret."""
        if not self.place:
            return None
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError:
            return "bad_sfu_url"
        odd = parts.username or parts.password or parts.query or parts.fragment or port == 0
        if not self.place.startswith(_KIND) or parts.scheme not in {"ws", "wss"} or not host or odd:
            return "bad_sfu_url"
        if parts.scheme == "ws" and host not in _LOOPBACK:
            return "sfu_without_tls"
        if not self.secret:
            return "sfu_without_secret"
        return "weak_sfu_secret" if not demo and is_weak(self.secret) else None

    def make(self) -> Sfu | None:
        return JanusSfu(self.url, self.secret) if self.place else None
