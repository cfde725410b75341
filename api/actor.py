"""Who makes a request, as the guards found it out."""

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from ..engine.calls import Actor, acting
from .hosts import Hosts

_KEY: Final = "onceflow.actor"


def actor_of(request: HTTPConnection | Scope) -> str:
    """Return who makes a request: ``person ann``, ``key ci``; empty where nobody is known."""
    scope = request.scope if isinstance(request, HTTPConnection) else request
    return str(scope.get(_KEY, ""))


def note_actor(scope: Scope, actor: str) -> None:
    """Let ``actor_of`` know who makes a request."""
    scope[_KEY] = actor


class Acting:
    """ASGI middleware by which what a request changes is told as done by who makes it.

    He is asked for only once something is changed: who it is may be found out after this.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return

        def find() -> Actor:
            return Actor(actor_of(scope), self._hosts.client(scope, Headers(scope=scope)))

        with acting(find):
            await self._app(scope, receive, send)
