"""Keys of programs, and what browsers bear: 256 random bits, of which only the hash is kept."""

import hashlib
import secrets
from typing import Final

PREFIX: Final = "ofk_"
"""What a key begins with, so that whoever finds one knows what it opens."""


def make_key() -> str:
    """Return a new key."""
    return PREFIX + make_secret()


def make_secret() -> str:
    """Return 256 random bits as letters, digits, ``-`` and ``_``."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    """Return what is kept of a secret, and what it is looked for by.

    That takes no salt and no effort: of 256 random bits nobody has a list.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
