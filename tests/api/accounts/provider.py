"""A provider of identities: a real server, which signs what it says and checks what it is told."""

import base64
import hashlib
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

SECRET = "s3cret of the client"
CLIENT = "onceflow"


class Idp:
    """What the server knows, and what a test has it say."""

    def __init__(self) -> None:
        self.url = ""
        self.key = RSAKey.generate_key(2048, {"kid": "1"})
        self.signs: RSAKey | OctKey = self.key
        self.algorithm = "RS256"
        self.claims: dict[str, Any] = {}
        """What is said otherwise than usual; None is left out."""
        self.codes: dict[str, dict[str, str]] = {}

    def metadata(self) -> dict[str, str]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Log the person in, and return where to send the browser back."""
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        self.codes[code := f"code-{len(self.codes)}"] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def redeem(self, form: dict[str, str], login: str) -> tuple[int, dict[str, Any]]:
        """Give a code's token out, once, to whom it was made for."""
        asked = self.codes.pop(form["code"], None)
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or login != f"Basic {known}":
            return 400, {"error": "invalid_grant"}
        hashed = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).decode().rstrip("=")
        same = asked["redirect_uri"] == form["redirect_uri"]
        if challenge != asked["code_challenge"] or not same:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        usual = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "7",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "preferred_username": "Bob Smith",
            "roles": ["staff"],
        }
        claims = {n: v for n, v in (usual | self.claims).items() if v is not None}
        header = {"alg": self.algorithm, "kid": "1"}
        if self.algorithm == "none":
            parts = [json.dumps(part).encode() for part in (header, claims)]
            encoded = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]
            return 200, {"id_token": ".".join([*encoded, ""])}
        token = jwt.encode(header, claims, self.signs, algorithms=[self.algorithm])
        return 200, {"id_token": token, "access_token": "x", "token_type": "Bearer"}


@contextmanager
def running_idp() -> Generator[Idp]:
    """Run the provider."""
    idp = Idp()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path)
            if path.path == "/authorize":
                query = {name: texts[0] for name, texts in parse_qs(path.query).items()}
                self.send_response(302)
                self.send_header("Location", idp.authorize(query))
                self.end_headers()
            elif path.path == "/keys":
                self._say(200, KeySet([idp.key]).as_dict(private=False))
            else:
                self._say(200, idp.metadata())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: texts[0] for name, texts in parse_qs(body).items()}
            self._say(*idp.redeem(form, self.headers.get("Authorization", "")))

        def _say(self, status: int, said: Any) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        idp.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield idp
        finally:
            server.shutdown()
            thread.join()
