"""Requests that a page of another site had a browser send, where they are let in all the same."""

from typing import Final

from starlette.types import Scope

WEBHOOKS: Final = "/hooks/"
"""Below it are operations whose clients prove by each request who they are."""
_KEY: Final = "onceflow.elsewhere"


def marked(scope: Scope) -> Scope:
    """Return a request of which its operation is to ask."""
    return {**scope, _KEY: True}


def from_elsewhere(scope: Scope) -> bool:
    """Whether a browser says that another site made it send a request."""
    return bool(scope.get(_KEY))
