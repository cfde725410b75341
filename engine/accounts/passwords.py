"""Passwords of people, as argon2id keeps them: 64 MiB and some 50 ms of a core each."""

import secrets
from functools import cache
from typing import Final

from ..errors import BadArgument

SHORTEST: Final = 10
LONGEST: Final = 500
"""Letters of a password."""


def hash_password(password: str) -> str:
    """Return what is kept of a password. Raises BadArgument where it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadArgument(
            f"a password of {len(password)} letters is not taken",
            hint=f"give {SHORTEST} to {LONGEST}",
        )
    return _hasher().hash(password.encode(errors="surrogatepass"))


def is_password(kept: str | None, password: str) -> bool:
    """Whether a password is the one that was kept.

    Where none was kept, as of a name that nobody has, it is held against one that nobody knows:
    the answer takes as long.
    """
    from argon2.exceptions import InvalidHashError, VerificationError

    given = password[: LONGEST + 1].encode(errors="surrogatepass")
    try:
        return _hasher().verify(kept or _nobodys(), given) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher():
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)


@cache
def _nobodys() -> str:
    return _hasher().hash(secrets.token_bytes(32))
