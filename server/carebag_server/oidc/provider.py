"""The provider over HTTP: its address book, where to send the browser, and what its signed answer says.

Authorization code with PKCE S256, state and nonce (OpenID Connect Core 1.0; RFC 9700). Whatever is wrong with an answer
is a `Refused`, and a log line without content.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from carebag_server.oidc.settings import OidcSettings, plain_http_elsewhere
from carebag_server.refusals import Refused

log = logging.getLogger("carebag.hub")
ALGORITHMS = ["RS256", "PS256", "ES256"]
"""Never taken from the token or from the provider: neither `none` nor a secret shared with it signs anybody in."""
SKEW_S = 60
KEPT = timedelta(hours=1)
TIMEOUT_S = 10.0
_ADDRESSES = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What was sent along, and has to come back."""

    redirect_uri: str
    nonce: str
    verifier: str
    proved_after: datetime | None
    """A renewed proof: the person must have proved who they are after this."""


class Provider:
    """One provider. Called from threads, never from the event loop.

    Args:
        now: aware UTC.
    """

    def __init__(self, settings: OidcSettings, now: Callable[[], datetime]) -> None:
        self.settings, self._now = settings, now
        self._turn = threading.Lock()
        self._found: tuple[datetime, dict[str, Any], KeySet] | None = None

    def address(self, *, redirect_uri: str, state: str, nonce: str, verifier: str, renew: bool) -> str:
        """Where the browser goes.

        Raises:
            Refused: 503 `oidc_away`.
        """
        metadata, _ = self._metadata()
        more = {"prompt": "login", "max_age": "0"} if renew else {}
        if self.settings.acr:
            more["acr_values"] = " ".join(self.settings.acr)
        with self._client(metadata, redirect_uri) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier, **more
            )
        return str(url)

    def claims(self, code: str, expected: Expected) -> Mapping[str, Any]:
        """Exchange the code and check what comes: signature, issuer, audience, times, nonce, level, and when the
        person proved who they are.

        Raises:
            Refused: 401 `oidc_refused`, `oidc_weak` (another level than asked for), `oidc_not_renewed`; 503
                `oidc_away`.
        """
        metadata, keys = self._metadata()
        with self._client(metadata, expected.redirect_uri) as client:
            token = self._asked(
                lambda: client.fetch_token(metadata["token_endpoint"], code=code, code_verifier=expected.verifier)
            )
            claims = self._checked(token, keys, expected)
            if self.settings.acr and claims.get("acr") not in self.settings.acr:
                raise Refused(401, "oidc_weak")
            if expected.proved_after is not None:
                _require_renewed(claims, expected.proved_after)
            if "employeeHsaId" in claims or "userinfo_endpoint" not in metadata:
                return claims
            more = self._asked(lambda: client.get(metadata["userinfo_endpoint"]).raise_for_status().json())
        if not isinstance(more, dict) or more.get("sub") != claims["sub"]:
            raise _refused("userinfo of another subject")
        return {**more, **claims}

    def _checked(self, token: Any, keys: KeySet, expected: Expected) -> dict[str, Any]:
        said = token.get("id_token") if isinstance(token, dict) else None
        if not isinstance(said, str):
            raise _refused("no id token")
        try:
            return self._decoded(said, token, keys, expected)
        except InvalidKeyIdError:
            _, keys = self._metadata(anew=True)  # the provider has a new key
        except Exception as error:
            raise _refused(type(error).__name__) from None
        try:
            return self._decoded(said, token, keys, expected)
        except Exception as error:
            raise _refused(type(error).__name__) from None

    def _decoded(self, said: str, token: dict[str, Any], keys: KeySet, expected: Expected) -> dict[str, Any]:
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        signed = jwt.decode(said, key=keys, registry=registry)
        must = {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": self.settings.client_id},
        }
        params = {"nonce": expected.nonce, "client_id": self.settings.client_id, "access_token": token["access_token"]}
        claims = CodeIDToken(signed.claims, signed.header, must, params)
        claims.validate(now=int(self._now().timestamp()), leeway=SKEW_S)
        return dict(claims)

    def _client(self, metadata: dict[str, Any], redirect_uri: str) -> OAuth2Client:
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return OAuth2Client(
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret,
            token_endpoint_auth_method="client_secret_basic" if "client_secret_basic" in methods else methods[0],
            scope=self.settings.scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
            follow_redirects=False,
        )

    def _metadata(self, *, anew: bool = False) -> tuple[dict[str, Any], KeySet]:
        with self._turn:
            now = self._now()
            if self._found is None or anew or not timedelta(0) <= now - self._found[0] < KEPT:
                try:
                    self._found = (now, *self._fetched())
                except Exception as error:  # whatever is odd in what it says of itself
                    raise _away(error) from None
            return self._found[1:]

    def _fetched(self) -> tuple[dict[str, Any], KeySet]:
        with httpx2.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:
            at = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            metadata = client.get(at).raise_for_status().json()
            if metadata["issuer"] != self.settings.issuer:
                raise ValueError("another issuer")
            if any(plain_http_elsewhere(metadata[name]) for name in _ADDRESSES):
                raise ValueError("plain http")
            return metadata, KeySet.import_key_set(client.get(metadata["jwks_uri"]).raise_for_status().json())

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """A refusal of the provider is one of the sign-in; a provider that is not there is not."""
        try:
            return ask()
        except httpx2.HTTPStatusError as error:
            if error.response.status_code < 500:
                raise _refused("refused by the provider") from None
            raise _away(error) from None
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            raise _away(error) from None
        except Refused:
            raise
        except Exception as error:
            raise _refused(type(error).__name__) from None


def _require_renewed(claims: Mapping[str, Any], after: datetime) -> None:
    at = claims.get("auth_time")
    if not isinstance(at, int | float) or at < after.timestamp() - SKEW_S:
        raise Refused(401, "oidc_not_renewed")


def _refused(why: str) -> Refused:
    log.warning("what the provider answered is refused: %s", why)
    return Refused(401, "oidc_refused")


def _away(error: Exception) -> Refused:
    log.error("the provider cannot be used: %s", type(error).__name__)
    return Refused(503, "oidc_away")
