"""The security headers that hub and kit put on every answer: pages load and reach their own origin, and nothing else.

Names and values after the Content Security Policy Level 3, and OWASP ASVS 5.0 V3.4.
"""

from collections.abc import Iterable

_POLICY = (
    "default-src 'self'; connect-src {}; media-src 'self' blob:; img-src 'self' blob: data:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SOCKETS = {"http": "ws", "https": "wss"}
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), microphone=(self), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def page_headers(origins: Iterable[str]) -> dict[str, str]:
    """Of a hub or a kit that browsers reach by these origins (`https://host:port`); names in small letters."""
    return {"content-security-policy": content_policy(origins), **_HEADERS}


def content_policy(origins: Iterable[str]) -> str:
    """No inline code, no foreign host. The own sockets are named one by one: not every browser counts them under
    `'self'`, and a bare `wss:` would let a page send what it shows anywhere.
    """
    parts = (origin.split("://", 1) for origin in sorted(origins))
    return _POLICY.format(" ".join(["'self'", *(f"{_SOCKETS[scheme]}://{place}" for scheme, place in parts)]))
