"""A provider of our own over real HTTP, which does right or wrong as told. It checks PKCE and signs anything."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.testclient import TestClient

from carebag_server.app import create_app
from carebag_server.oidc.claims import CARE
from carebag_server.oidc.settings import OidcSettings
from carebag_server.settings import Settings

HOME = "http://localhost:8470"
LOA3 = "http://id.sambi.se/loa/loa3"
CLIENT, SECRET = "carebag", "a-secret-of-32-characters-or-more"


class TestProvider:
    """What it says of people is `claims`; what it does wrong is changed by the tests."""

    __test__ = False

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.key, self.other_key = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("one", "two"))
        self.shown: list[Any] = [self.key]
        self.signs_with = self.key
        self.claims: dict[str, Any] = {
            "employeeHsaId": "SE0000000000-A2",
            "commissionHsaId": "SE0000000000-U2",
            "commissionPurpose": CARE,
            "healthCareProviderHsaId": "SE0000000000-V2",
            "acr": LOA3,
        }
        self.changes: dict[str, Any] = {}
        """Of the registered claims; None: leave out."""
        self.header = {"alg": "RS256", "kid": "one"}
        self.metadata_changes: dict[str, Any] = {}
        self.userinfo: dict[str, Any] | None = None
        self.status = 200
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def authorize(self, url: str) -> str:
        """The person legitimates; returns where the browser is sent back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?code={code}&state={query['state']}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        query = self.codes.pop(form["code"], None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        right = query is not None and authorization == f"Basic {basic}"
        right = right and query["code_challenge_method"] == "S256"
        right = right and query["code_challenge"] == challenge.decode().rstrip("=")
        if query is None or not right or form["redirect_uri"] != query["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "at", "token_type": "Bearer", "expires_in": 300, "id_token": self.id_token(query)}

    def id_token(self, query: dict[str, str]) -> str:
        now = int(self.clock().timestamp())
        registered = {"iss": self.issuer, "sub": "s1", "aud": CLIENT, "exp": now + 300, "iat": now, "auth_time": now}
        said = {**registered, "nonce": query["nonce"], **self.claims, **self.changes}
        said = {name: value for name, value in said.items() if value is not None}
        if self.header["alg"] == "none":
            part = [
                base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in (self.header, said)
            ]
            return ".".join([*part, ""])
        key = OctKey.import_key(SECRET) if self.header["alg"] == "HS256" else self.signs_with
        return jwt.encode(self.header, said, key, registry=jws.JWSRegistry(algorithms=["RS256", "HS256"]))

    def answer(self, path: str) -> tuple[int, Any]:
        self.asked.append(path)
        if self.status != 200:
            return self.status, {}
        if path == "/.well-known/openid-configuration":
            ends = {name: f"{self.issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            more = {} if self.userinfo is None else {"userinfo_endpoint": f"{self.issuer}/userinfo"}
            return 200, {"issuer": self.issuer, **ends, **more, **self.metadata_changes}
        if path == "/jwks_uri":
            return 200, {"keys": [key.as_dict(private=isinstance(key, OctKey)) for key in self.shown]}
        return (404, {}) if path != "/userinfo" else (200, self.userinfo)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(*provider.answer(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                provider.asked.append(self.path)
                self._say(*provider.token(form, self.headers.get("authorization", "")))

            def _say(self, status: int, body: Any) -> None:
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None: ...

        return Handler


@pytest.fixture
def provider(clock: Any) -> Iterator[TestProvider]:
    made = TestProvider(clock)
    yield made
    made.server.shutdown()
    made.server.server_close()


class OidcHub:
    """The demo's hub with a provider, and one browser that follows nobody's redirects by itself."""

    def __init__(self, small_hub: Any, provider: TestProvider, clock: Any) -> None:
        oidc = OidcSettings(issuer=provider.issuer, client_id=CLIENT, client_secret=SECRET, acr=(LOA3,))
        settings = Settings(
            database_url=small_hub.url,
            media_folder=small_hub.settings.media_folder,
            demo=True,
            origins=(HOME,),
            oidc=oidc,
        )
        self.provider = provider
        self.app = create_app(settings, clock)
        self.client = self.browser()
        self.database, self.actions, self.clock = small_hub.database, small_hub.actions, clock

    def browser(self) -> TestClient:
        return TestClient(self.app, base_url=HOME, client=("127.0.0.1", 50000), follow_redirects=False)

    def to_provider(self, path: str = "/api/oidc/start", client: TestClient | None = None) -> str:
        answer = (client or self.client).get(path)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def back(self, there: str) -> Any:
        """Legitimate there and come back."""
        return self.client.get(self.provider.authorize(there))

    def sign_in(self) -> Any:
        return self.back(self.to_provider())


@pytest.fixture
def oidc_hub(small_hub: Any, provider: TestProvider, clock: Any) -> Iterator[OidcHub]:
    made = OidcHub(small_hub, provider, clock)
    with made.client:
        yield made
