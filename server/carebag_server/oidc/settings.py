"""Which provider people sign in by, and what of its settings is refused."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

OidcFault = Literal[
    "oidc_bad_issuer",
    "oidc_in_demo",
    "oidc_no_acr",
    "oidc_no_client",
    "oidc_no_issuer",
    "oidc_no_secret",
    "oidc_plain_http",
]


@dataclass(frozen=True, kw_only=True)
class OidcSettings:
    issuer: str = ""
    """`https://idp.example.se`, exactly as the provider writes it; "": nobody signs in by a provider."""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    acr: tuple[str, ...] = ()
    """Levels of assurance (`acr`) that are good enough; the provider is asked for them, and another one is refused."""
    name: str = "SITHS"
    """What the button says."""
    scope: str = "openid profile"

    def fault(self, demo: bool) -> OidcFault | None:
        """Why the hub must not start with these: `oidc_in_demo` for a provider that is not on this machine (test
        identities have no business there), `oidc_no_acr` for one that is not told which level is needed (a password
        alone must not do: HSLF-FS 2016:40 ch. 3 s. 15)."""
        if not self.issuer:
            return "oidc_no_issuer" if self.client_id or self.client_secret else None
        here = _is_here(self.issuer)
        if here is None:
            return "oidc_bad_issuer"
        if urlsplit(self.issuer).scheme == "http" and not here:
            return "oidc_plain_http"
        if demo and not here:
            return "oidc_in_demo"
        if not self.client_id:
            return "oidc_no_client"
        if not self.client_secret:
            return "oidc_no_secret"
        return None if self.acr or here else "oidc_no_acr"


def _is_here(issuer: str) -> bool | None:
    """Whether an issuer is on this machine; None if it is no issuer (OpenID Connect Discovery 1.0 section 3)."""
    try:
        parts = urlsplit(issuer)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return None
    good = parts.scheme in {"http", "https"} and host and not (parts.query or parts.fragment or "@" in parts.netloc)
    if not good or not host or re.search(r"[\s\x00-\x1f#?]", issuer):
        return None
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def plain_http_elsewhere(url: str) -> bool:
    """Whether an address of the provider would send secrets in the open."""
    return _is_here(url.split("?")[0]) is not True and urlsplit(url).scheme != "https"
