"""What senders ask of a webhook as it is set up, meaning no instance."""

from typing import Any

import msgspec


class Greeting(msgspec.Struct, frozen=True):
    """A request that is answered and starts nothing; ``challenge`` is to be given back."""

    challenge: str | msgspec.UnsetType = msgspec.UNSET


class _Body(msgspec.Struct, frozen=True):
    type: Any = None
    challenge: Any = None


class _Request(msgspec.Struct, frozen=True):
    headers: dict[str, str]
    body: _Body


def greet(preset: str | None, request: bytes) -> Greeting | None:
    """Return the greeting that a request of this sender is, or None."""
    if preset not in ("github", "slack"):
        return None
    try:
        read = msgspec.json.decode(request, type=_Request)
    except msgspec.ValidationError:  # a body that is no object
        return None
    if preset == "github" and read.headers.get("x-github-event") == "ping":
        return Greeting()
    challenge = read.body.challenge
    if preset == "slack" and read.body.type == "url_verification" and isinstance(challenge, str):
        return Greeting(challenge)
    return None
