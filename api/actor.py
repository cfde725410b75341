"""Who makes a request, as the guards found it out."""

from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import Scope

_KEY: Final = "onceflow.actor"


def actor_of(request: HTTPConnection | Scope) -> str:
    """Return who makes a request: ``person ann``, ``key ci``; empty where nobody is known."""
    scope = request.scope if isinstance(request, HTTPConnection) else request
    return str(scope.get(_KEY, ""))


def made_by(scope: Scope, actor: str) -> Scope:
    """Return a request of which it is known who makes it."""
    return {**scope, _KEY: actor}
