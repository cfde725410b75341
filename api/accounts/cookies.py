"""The cookie by which a browser is known: a random id, and nothing else."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from .. import root

NAME: Final = "onceflow_session"
LASTS: Final = 7 * 24 * 3600
"""Seconds; the session itself may end before."""


def name_of(*, encrypted: bool) -> str:
    """Return the cookie's name; a browser lets nobody but this very host set one that begins so.

    Under a path of a host that others share that is not to be had: then nobody without TLS.
    """
    if not encrypted:
        return NAME
    return f"__Secure-{NAME}" if root.current() else f"__Host-{NAME}"


def read(request: Request, *, encrypted: bool) -> str | None:
    """Return what a browser bears."""
    return request.cookies.get(name_of(encrypted=encrypted)) or None


def write(response: Response, secret: str, *, encrypted: bool) -> None:
    """Have a browser bear a secret; no script reads it, and other sites' forms do not send it."""
    response.set_cookie(
        name_of(encrypted=encrypted),
        secret,
        max_age=LASTS,
        path=root.current() or "/",
        secure=encrypted,
        httponly=True,
        samesite="lax",
    )


def remove(response: Response, *, encrypted: bool) -> None:
    """Have a browser forget what it bears."""
    response.delete_cookie(
        name_of(encrypted=encrypted),
        path=root.current() or "/",
        secure=encrypted,
        httponly=True,
        samesite="lax",
    )
