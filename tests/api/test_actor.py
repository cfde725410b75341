"""Who makes a request."""

from starlette.requests import Request
from starlette.types import Scope

from onceflow.api.actor import actor_of, note_actor

SCOPE: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}


def test_the_guards_say_who_makes_a_request() -> None:
    scope = dict(SCOPE)
    note_actor(scope, "person ann")
    assert actor_of(scope) == actor_of(Request(scope)) == "person ann"


def test_nobody_is_known_where_they_said_nothing() -> None:
    assert actor_of(SCOPE) == actor_of(Request(SCOPE)) == ""
