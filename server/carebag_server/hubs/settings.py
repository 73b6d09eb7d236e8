"""What an operator says of the bus between hubs, and which adapter that is."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from carebag_server.hubs.bus import Bus

BusFault = Literal["bad_bus_url", "bus_without_tls", "bus_needs_postgresql", "bus_needs_valkey"]
DATABASE = "postgresql"
"""The bus is the database itself."""
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, kw_only=True)
class BusSettings:
    """Without a place, this hub is the only one on its database."""

    place: str = ""
    """`postgresql`, or `valkey://HOST:PORT/NAME` (`valkeys://` with TLS)."""
    secret: str = field(default="", repr=False)
    """The Valkey server's password."""

    def fault(self, database_url: str) -> BusFault | None:
        """Why the hub must not start like this."""
        if not self.place:
            return None
        if not database_url.startswith("postgresql"):
            return "bus_needs_postgresql"
        return None if self.place == DATABASE else self._url_fault()

    def _url_fault(self) -> BusFault | None:
        try:
            parts = urlsplit(self.place)
            _ = parts.port
        except ValueError:
            return "bad_bus_url"
        if parts.scheme not in {"valkey", "valkeys"} or not parts.hostname or _is_odd(parts):
            return "bad_bus_url"
        if parts.scheme == "valkey" and parts.hostname not in _LOOPBACK:
            return "bus_without_tls"
        return None if _has_valkey() else "bus_needs_valkey"

    def make(self, database_url: str) -> Bus | None:
        """On the event loop's thread."""
        if not self.place:
            return None
        if self.place == DATABASE:
            from carebag_server.hubs.bus_postgres import PostgresBus

            return PostgresBus(database_url)
        from carebag_server.hubs.bus_valkey import ValkeyBus

        return ValkeyBus(self.place, self.secret)


def _is_odd(parts: SplitResult) -> bool:
    return bool(parts.password or parts.query or parts.fragment or parts.port == 0)


def _has_valkey() -> bool:
    try:
        import valkey  # noqa: F401
    except ImportError:
        return False
    return True
