"""The provider of identities by which people may log in, as the environment names it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from ..errors import SettingsError
from ..redact import keep_secret
from .roles import WORDS, Role


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider, and what its tokens say of roles.

    ``issuer``     its URL; what it can is told beneath it, at ``/.well-known/openid-configuration``
    ``client_id``, ``secret``  who we are to it
    ``claim``      where a token says what somebody is: a text, or a list of them
    ``roles``      the role of each of these; ``*`` is anybody whom the provider lets in
    """

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    claim: str
    roles: Mapping[str, Role]

    def role_of(self, claims: Mapping[str, object]) -> Role | None:
        """Return the highest role that a token gives, None where it gives none."""
        said = claims.get(self.claim)
        told = cast("list[object]", said) if isinstance(said, list) else [said]
        words = {"*", *map(str, told)}
        return max((role for word, role in self.roles.items() if word in words), default=None)


def read_provider(env: Mapping[str, str]) -> Provider | None:
    """Return the provider that the environment names, None where it names none.

    Raises SettingsError.
    """
    issuer = env.get("ONCEFLOW_OIDC_ISSUER", "").strip()
    if not issuer:
        return None
    if not issuer.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise SettingsError(f"ONCEFLOW_OIDC_ISSUER is {issuer!r}: give its URL, https://…")
    client = env.get("ONCEFLOW_OIDC_CLIENT_ID", "").strip()
    if not client:
        raise SettingsError(f"ONCEFLOW_OIDC_CLIENT_ID is not set: give who we are to {issuer}")
    secret = _secret(env.get("ONCEFLOW_OIDC_SECRET_FILE", ""))
    keep_secret(secret)
    claim = env.get("ONCEFLOW_OIDC_ROLE_CLAIM", "").strip() or "roles"
    return Provider(issuer, client, secret, claim, _roles(env.get("ONCEFLOW_OIDC_ROLES", "")))


def _secret(path: str) -> str:
    try:
        secret = Path(path).read_text(encoding="utf-8").strip() if path else ""
    except (OSError, ValueError) as error:
        raise SettingsError(f"ONCEFLOW_OIDC_SECRET_FILE cannot be read: {error}") from None
    if not secret:
        raise SettingsError("ONCEFLOW_OIDC_SECRET_FILE names no file with the secret of the client")
    return secret


def _roles(text: str) -> dict[str, Role]:
    found: dict[str, Role] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        word, _, role = item.rpartition("=")
        if not word or role not in WORDS:
            raise SettingsError(
                f"ONCEFLOW_OIDC_ROLES has {item!r}: give WORD=ROLE, several with commas between "
                f"them, of {', '.join(WORDS)}, such as onceflow-admins=admin,*=viewer"
            )
        found[word] = Role[role.upper()]
    if not found:
        raise SettingsError(
            "ONCEFLOW_OIDC_ROLES is not set: say who gets which role, such as "
            "onceflow-admins=admin,*=viewer"
        )
    return found
