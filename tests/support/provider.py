"""An OpenID Connect provider on loopback: real HTTP, real signatures, and every lie that a test tells it to tell."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from django.test import Client
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT, SECRET = "turnkey", "the client's secret: %+&"
START = "/admin/provider/"


class Provider:
    """`says` are claims of the next tokens, over the honest ones; `None` leaves one out."""

    def __init__(self) -> None:
        self.says: dict[str, Any] = {}
        self.publishes: dict[str, Any] = {}
        self.fails: dict[str, int] = {}  # path -> status
        self.asked: list[str] = []
        self.wished: dict[str, str] = {}  # by Turnkey, of the last login
        self.key: ECKey | RSAKey | OctKey = ECKey.generate_key("P-256", {"kid": "first"})
        self.algorithm = "ES256"
        self.listed: list[ECKey | RSAKey | OctKey] = [self.key]
        self.basic = True
        self._codes: dict[str, dict[str, str]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(*outer._get(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(*outer._token(self.headers.get("Authorization", ""), body))

            def _answer(self, status: int, said: Any) -> None:
                content = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_port}/realms/house"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def new_key(self) -> None:
        """The provider signs with another key from now on, and lists that alone."""
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)})
        self.algorithm = "RS256"
        self.listed = [self.key]

    def sign_with_the_public_key(self) -> None:
        """What everybody may read, taken for a shared secret."""
        self.key = OctKey.import_key(json.dumps(self.key.as_dict(private=False)), {"kid": "first"})
        self.algorithm = "HS256"

    def approve(self, address: str, **changes: str) -> str:
        """What the person's browser does at the provider: they log in there, and come back. `address`: to which
        Turnkey sent them. Returns the path and query on which they come back."""
        parts = urlsplit(address)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.issuer}/authorize"
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert asked["code_challenge_method"] == "S256"
        self.wished = asked
        code = secrets.token_hex(8)
        self._codes[code] = asked
        back = urlsplit(asked["redirect_uri"])
        return f"{back.path}?{urlencode({'code': code, 'state': asked['state'], **changes})}"

    def _get(self, path: str) -> tuple[int, Any]:
        self.asked.append(path)
        if path in self.fails:
            return self.fails[path], {}
        if path.endswith("/.well-known/openid-configuration"):
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic" if self.basic else "client_secret_post"
                ],
                **self.publishes,
            }
        if path.endswith("/keys"):
            return 200, {"keys": [key.as_dict(private=False) for key in self.listed]}
        return 404, {}

    def _token(self, authorization: str, body: str) -> tuple[int, Any]:
        self.asked.append("token")
        if "token" in self.fails:
            return self.fails["token"], {}
        form = {name: values[0] for name, values in parse_qs(body).items()}
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if self.basic:
            known = authorization == "Basic " + base64.b64encode(_form_encoded().encode()).decode()
        else:
            known = form.get("client_secret") == SECRET
        if asked is None or not known:
            return 400, {"error": "invalid_grant"}
        if challenge.rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(asked["nonce"])}

    def _signed(self, nonce: str) -> str:
        now = int(timezone.now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "subject-1",
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "email": "Anna@Example.com",
            "email_verified": True,
            "preferred_username": "anna",
            "groups": ["front-desk"],
            **self.says,
        }
        header = {"alg": self.algorithm, "kid": self.key.kid}
        said = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(header, said, self.key, algorithms=[self.algorithm])


def _form_encoded() -> str:
    return f"{quote(CLIENT, safe='')}:{quote(SECRET, safe='')}"


def go(client: Client, provider: Provider, start: str = START, **changes: str) -> Any:
    """There and back."""
    return client.get(provider.approve(client.get(start)["Location"], **changes))
