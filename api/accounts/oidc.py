"""Logging in by a provider of identities: OpenID Connect's code flow, with PKCE, state and nonce.

What has to come back with the answer is borne by the browser that asked, for ten minutes; nothing
is kept here. A token is taken where its signature, issuer, audience, time and nonce are right.
"""

import hmac
import logging
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import urlencode

import msgspec

from ...engine import calls
from ...engine.accounts.keys import digest_of, make_secret
from ...engine.accounts.provider import Provider
from ..database import Database
from ..problems import Problem

log = logging.getLogger("onceflow.api")

ALGORITHMS: Final = ["RS256", "PS256", "ES256", "EdDSA"]
"""Of signatures by a key that the provider alone has: nothing that our own secret could sign."""
TIMEOUT: Final = 10.0
LEEWAY: Final = 60
"""Seconds by which the provider's clock may differ from ours."""
KEPT: Final = 3600.0
"""Seconds for which it is believed what the provider said that it can."""


class Asked(msgspec.Struct, frozen=True):
    """What a browser bears between being sent to the provider and coming back."""

    state: str
    nonce: str
    verifier: str
    wanted: str


class Oidc:
    """Logs people in by what a provider says of them. Its calls block: they belong in a thread."""

    def __init__(self, database: Database, provider: Provider) -> None:

        self._database = database
        self._provider = provider
        self._metadata: dict[str, Any] = {}
        self._read_at = 0.0

    def begin(self, returning: str, wanted: str) -> tuple[str, Asked]:
        """Return where to send a browser, and what it is to bear. Raises Problem 502.

        ``returning`` is the address to which the provider sends it back.
        """
        from authlib.oauth2 import rfc7636

        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = Asked(state, nonce, verifier, wanted)
        query = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": returning,
            "scope": "openid profile email",
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": str(cast(Any, rfc7636).create_s256_code_challenge(asked.verifier)),
            "code_challenge_method": "S256",
        }
        endpoint = self._said("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", asked

    def finish(self, query: Mapping[str, str], asked: Asked | None, returning: str) -> str:
        """Return what the browser is to bear from now on.

        Raises Problem 401 for what was not asked for by this browser, or is not the provider's
        word; 403 for whom that gives no role, or who is disabled; 502.
        """
        state = query.get("state", "")
        if asked is None or not hmac.compare_digest(asked.state.encode(), state.encode()):
            raise Problem(401, "This login was not begun in this browser, or too long ago.")
        if "code" not in query:
            said = query.get("error", "nothing")[:200]
            raise Problem(401, f"The provider did not let you in: it said {said!r}.")
        claims = self._claims(self._redeem(query["code"], asked, returning), asked.nonce)
        return self._admit(claims)

    def _admit(self, claims: Mapping[str, Any]) -> str:
        role = self._provider.role_of(claims)
        name = _name_of(claims)
        if role is None:
            log.warning("refused: a login of %s, whom the provider gives no role of ours", name)
            raise Problem(403, f"The provider gives {name} no role here: ask who administers it.")
        subject = f"{claims['iss']}#{claims['sub']}"
        secret = make_secret()
        with self._database.connection() as conn:
            person = calls.admit_subject(conn, subject, name, role.word)
            opened = person is not None and calls.open_session(
                conn, digest_of(secret), person, subject=subject
            )
        if not opened:
            log.warning("refused: a login of %s, who is disabled", name)
            raise Problem(403, f"{name} may not log in here any more.")
        log.info("%s has logged in by the provider", person)
        return secret

    def _redeem(self, code: str, asked: Asked, returning: str) -> str:
        """Return the token that a code is given out for. Raises Problem 401, 502."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": returning,
            "code_verifier": asked.verifier,
        }
        login = (self._provider.client_id, self._provider.secret)
        answer = self._ask("POST", self._said("token_endpoint"), data=form, auth=login)
        token = answer.get("id_token")
        if not isinstance(token, str):
            log.warning("the provider has refused a code: %s", str(answer.get("error"))[:200])
            raise Problem(401, "The provider did not confirm this login: log in again.")
        return token

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """Return what a token says. Raises Problem 401 where it is not the provider's for us."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        ours = self._provider.client_id
        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self._provider.issuer},
            aud={"essential": True, "value": ours},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        keys = cast(Any, self._ask("GET", self._said("jwks_uri")))
        try:
            claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims
            registry.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("refused: a token of the provider: %s", error)
            raise Problem(401, "The provider's word is not valid: log in again.") from error
        audience: Any = claims["aud"]
        several = isinstance(audience, list) and len(cast("list[Any]", audience)) > 1
        if claims.get("azp", None if several else ours) != ours:
            raise Problem(401, "The provider's word is for somebody else: log in again.")
        return claims

    def _said(self, name: str) -> str:
        """Return one of the addresses of the provider. Raises Problem 502."""
        if not self._metadata or time.monotonic() - self._read_at > KEPT:
            issuer = self._provider.issuer
            place = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            found = self._ask("GET", place)
            if found.get("issuer") != issuer:
                raise _away(f"it calls itself {found.get('issuer')!r}, not {issuer!r}")
            self._metadata, self._read_at = found, time.monotonic()
        said = self._metadata.get(name)
        if not isinstance(said, str):
            raise _away(f"it tells no {name}")
        return said

    def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        import httpx2

        try:
            answer = httpx2.request(method, url, timeout=TIMEOUT, **more)
            found = msgspec.json.decode(answer.content, type=dict[str, Any])
        except (httpx2.HTTPError, httpx2.InvalidURL, msgspec.DecodeError) as error:
            raise _away(str(error)) from error
        return found


def _name_of(claims: Mapping[str, Any]) -> str:
    """Return what to call somebody, in letters that a name may have."""
    for claim in ("preferred_username", "email", "name", "sub"):
        said = re.sub(r"[^A-Za-z0-9._@+-]+", "-", str(claims.get(claim) or ""))
        if found := said.lstrip("._@+-")[:100]:
            return found
    return "somebody"


def _away(why: str) -> Problem:
    log.error("the provider of identities does not answer as it should: %s", why)
    return Problem(502, "The provider of identities does not answer: try again, or read the log.")
