"""What an operator chooses: command line first, then environment (`CAREBAG_…`), then defaults."""

import argparse
import ipaddress
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from carebag_server.audit_note import BadKey, NoteKey
from carebag_server.hubs.settings import BusSettings
from carebag_server.media_stores import media_fault
from carebag_server.oidc.settings import OidcSettings
from carebag_server.sfu.settings import SfuSettings
from carebag_server.turn import TurnSettings
from carebag_wire.messages import CARE_ZONE

DEFAULT_PORT = 8470
_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


class UnsafeSettings(Exception):
    """The hub will not start like this; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Settings:
    database_url: str = "sqlite:///carebag.db"
    """`sqlite:///FILE` or `postgresql+psycopg://…`."""
    media_folder: Path = Path("carebag-media")
    """Sounds and photos, each under its SHA-256; with a `media_url` only what has not come whole yet."""
    media_url: str = ""
    """`s3://BUCKET/PREFIX?endpoint=https://…&region=…`: a bucket instead of the folder; see `media_stores.py`."""
    media_secret: str = field(default="", repr=False)
    """Half of the bucket's key, where it is not in `AWS_SECRET_ACCESS_KEY`."""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    origins: tuple[str, ...] = (f"http://localhost:{DEFAULT_PORT}", f"http://127.0.0.1:{DEFAULT_PORT}")
    """How browsers reach the hub; requests from pages of any other origin are refused."""
    kit_page_origin: str = "http://localhost:8471"
    """Where a nurse goes after signing in."""
    demo: bool = False
    """Published test identities, sign-in without a key, loopback only."""
    time_zone: str = CARE_ZONE
    """Where the care is given (IANA name): what "today" is, and in which zone the pages and papers tell times."""
    telephone: str = ""
    """Of the doctors: shown to a nurse whose kit reaches nobody."""
    log_key_file: Path | None = None
    """Signs the checkpoints that the medical lead takes of the log (`carebag audit key`); None: they are unsigned."""
    turn: TurnSettings = field(default_factory=TurnSettings)
    """By way of which servers media goes where there is no direct path."""
    sfu: SfuSettings = field(default_factory=SfuSettings)
    """What hands the kit's picture on from the second viewer on."""
    bus: BusSettings = field(default_factory=BusSettings)
    """How it and the other hubs on its database tell each other what happens; without a place it is alone."""
    oidc: OidcSettings = field(default_factory=OidcSettings)
    """By whom people sign in beside their passkeys."""
    news2: bool = True
    """Whether NEWS2 is worked out: decision support, which who runs the hub may not want to be answerable for."""

    @property
    def secure_cookies(self) -> bool:
        """Cookies go over TLS only, unless the hub is reached on this machine itself."""
        return any(urlsplit(origin).scheme == "https" for origin in self.origins)

    def check(self) -> None:
        """Refuse what would put patient data at risk.

        Raises:
            UnsafeSettings: `plain_http` (a non-loopback origin without TLS), `open_without_tls` (listening beyond this
                machine though browsers come by http), `demo_not_loopback`, `bad_origin`, or a `turn.TurnFault`,
                `sfu.settings.SfuSettingsFault`, `hubs.settings.BusFault`, `oidc.settings.OidcFault`, what
                `media_stores.media_fault` says, `database_without_tls`, `unknown_time_zone` or what `log_key_fault`
                says.
        """
        for origin in (*self.origins, self.kit_page_origin):
            _check_origin(origin)
        if self.demo and not _all_loopback(self):
            raise UnsafeSettings("demo_not_loopback")
        if not is_loopback(self.host) and not self.secure_cookies:
            raise UnsafeSettings("open_without_tls")
        fault = self.turn.fault(self.demo) or self.sfu.fault(self.demo) or media_fault(self.media_url)
        fault = fault or self.bus.fault(self.database_url) or self.oidc.fault(self.demo)
        fault = fault or database_fault(self.database_url) or zone_fault(self.time_zone)
        fault = fault or log_key_fault(self.log_key_file)
        if fault is not None:
            raise UnsafeSettings(fault)


def zone_fault(name: str) -> str | None:
    """`unknown_time_zone`: no such name, or a machine without the time zones' data (Windows: `tzdata`)."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "unknown_time_zone"
    return None


def log_key_fault(file: Path | None) -> str | None:
    """`no_log_key_file`: not there or unreadable; `open_log_key_file`: every user of the machine can read it;
    `bad_log_key_file`: it holds no signing key."""
    if file is None:
        return None
    try:
        if _open_to_all(file):
            return "open_log_key_file"
        NoteKey.read(file.read_text(encoding="utf-8"))
    except OSError:
        return "no_log_key_file"
    except (UnicodeDecodeError, BadKey):
        return "bad_log_key_file"
    return None


def _open_to_all(file: Path) -> bool:
    return bool(os.name == "posix" and file.stat().st_mode & stat.S_IROTH)


def _all_loopback(settings: Settings) -> bool:
    hosts = [settings.host, *(urlsplit(origin).hostname or "" for origin in settings.origins)]
    return all(is_loopback(host) for host in hosts)


def database_fault(url: str) -> str | None:
    """`database_without_tls`: a PostgreSQL on another machine whose certificate is not checked. By itself libpq takes a
    connection without TLS as well.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        return None  # said when it is opened
    if address.get_backend_name() != "postgresql":
        return None
    named = address.query.get("host", ())
    hosts = (*((named,) if isinstance(named, str) else named), address.host or "")
    names = [name.split(":")[0] if name.count(":") == 1 else name for part in hosts for name in part.split(",") if name]
    far = [name for name in names if not name.startswith("/") and not is_loopback(name)]
    return "database_without_tls" if far and address.query.get("sslmode") != "verify-full" else None


def _check_origin(origin: str) -> None:
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or not parts.hostname or f"{parts.scheme}://{parts.netloc}" != origin:
        raise UnsafeSettings("bad_origin")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UnsafeSettings("plain_http")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def settings_from(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings of the command `carebag hub`; what the command line leaves out comes from the environment.

    Raises:
        UnsafeSettings: `bad_port` for a port that is no number, `no_turn_secret_file` or `no_sfu_secret_file` for
            one that cannot be read, `open_turn_secret_file` and so on for one that every user of the machine can;
            `no_s3_secret_file`, `no_bus_secret_file`, `no_oidc_secret_file` likewise; `password_on_command_line`.
    """
    if _has_password(getattr(args, "database", None)):
        raise UnsafeSettings("password_on_command_line")

    def choose(option: str, variable: str, default: str) -> str:
        given = getattr(args, option, None)
        return str(given) if given is not None else environ.get(f"CAREBAG_{variable}", default)

    host = choose("host", "HOST", "127.0.0.1")
    port = _port(choose("port", "PORT", str(DEFAULT_PORT)))
    origins = choose("origin", "ORIGIN", f"http://localhost:{port},http://127.0.0.1:{port}")
    return Settings(
        database_url=choose("database", "DATABASE", Settings.database_url),
        **_media(choose("media", "MEDIA", str(Settings.media_folder)), environ),
        host=host,
        port=port,
        origins=tuple(origin.strip().rstrip("/") for origin in origins.split(",")),
        kit_page_origin=choose("kit_origin", "KIT_ORIGIN", Settings.kit_page_origin).rstrip("/"),
        demo=bool(getattr(args, "demo", False)) or environ.get("CAREBAG_DEMO", "").lower() in _TRUE,
        time_zone=environ.get("CAREBAG_TIME_ZONE", Settings.time_zone),
        telephone=choose("telephone", "TELEPHONE", "").strip()[:40],
        log_key_file=Path(environ["CAREBAG_LOG_KEY_FILE"]) if environ.get("CAREBAG_LOG_KEY_FILE") else None,
        turn=_turn(choose("turn", "TURN", ""), bool(getattr(args, "relay_only", False)), environ),
        sfu=SfuSettings(place=choose("sfu", "SFU", "").strip(), secret=_secret("SFU", environ)),
        bus=BusSettings(place=choose("bus", "BUS", "").strip(), secret=_secret("BUS", environ)),
        oidc=_oidc(choose("oidc", "OIDC", "").strip(), environ),
        news2=environ.get("CAREBAG_NEWS2", "on").strip().lower() not in _FALSE,
    )


def _has_password(database_url: str | None) -> bool:
    """Every user of the machine can read a command line; the environment and `~/.pgpass` are the process's own."""
    return bool(database_url and urlsplit(database_url).password)


def _media(place: str, environ: Mapping[str, str]) -> dict[str, Any]:
    if "://" not in place:
        return {"media_folder": Path(place)}
    scratch = Path(environ.get("CAREBAG_MEDIA_SCRATCH", str(Settings.media_folder)))
    return {"media_folder": scratch, "media_url": place, "media_secret": _secret("S3", environ)}


def _turn(urls: str, relay_only: bool, environ: Mapping[str, str]) -> TurnSettings:
    return TurnSettings(
        urls=tuple(url.strip() for url in urls.split(",") if url.strip()),
        secret=_secret("TURN", environ),
        relay_only=relay_only or environ.get("CAREBAG_RELAY_ONLY", "").lower() in _TRUE,
    )


def _oidc(issuer: str, environ: Mapping[str, str]) -> OidcSettings:
    return OidcSettings(
        issuer=issuer,
        client_id=environ.get("CAREBAG_OIDC_CLIENT", "").strip(),
        client_secret=_secret("OIDC", environ),
        acr=tuple(environ.get("CAREBAG_OIDC_ACR", "").split()),
        name=environ.get("CAREBAG_OIDC_NAME", "").strip()[:40] or OidcSettings.name,
        scope=environ.get("CAREBAG_OIDC_SCOPE", "").strip() or OidcSettings.scope,
    )


def _secret(name: str, environ: Mapping[str, str]) -> str:
    """Never on the command line, where every user of the machine could read it."""
    secret = environ.get(f"CAREBAG_{name}_SECRET", "")
    file = environ.get(f"CAREBAG_{name}_SECRET_FILE")
    if secret or not file:
        return secret
    try:
        if _open_to_all(Path(file)):
            raise UnsafeSettings(f"open_{name.lower()}_secret_file")
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UnsafeSettings(f"no_{name.lower()}_secret_file") from None


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise UnsafeSettings("bad_port")
    return int(text)
