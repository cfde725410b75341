"""The cookie by which a browser is known: a random id, and nothing else."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from .. import root

NAME: Final = "onceflow_session"
LASTS: Final = 7 * 24 * 3600
"""Seconds; the session itself may end before."""
WAY: Final = "onceflow_login"
"""What a browser bears on its way to the provider of identities and back, for ten minutes."""
WAY_LASTS: Final = 600


def name_of(*, encrypted: bool, way: bool = False) -> str:
    """Return the cookie's name; a browser lets nobody but this very host set one that begins so.

    Under a path of a host that others share that is not to be had: then nobody without TLS.
    """
    name = WAY if way else NAME
    if not encrypted:
        return name
    return f"__Secure-{name}" if root.current() else f"__Host-{name}"


def read(request: Request, *, encrypted: bool, way: bool = False) -> str | None:
    """Return what a browser bears."""
    return request.cookies.get(name_of(encrypted=encrypted, way=way)) or None


def write(response: Response, secret: str, *, encrypted: bool, way: bool = False) -> None:
    """Have a browser bear a secret; no script reads it, and other sites' forms do not send it."""
    response.set_cookie(
        name_of(encrypted=encrypted, way=way),
        secret,
        max_age=WAY_LASTS if way else LASTS,
        path=root.current() or "/",
        secure=encrypted,
        httponly=True,
        samesite="lax",
    )


def remove(response: Response, *, encrypted: bool, way: bool = False) -> None:
    """Have a browser forget what it bears."""
    response.delete_cookie(
        name_of(encrypted=encrypted, way=way),
        path=root.current() or "/",
        secure=encrypted,
        httponly=True,
        samesite="lax",
    )
