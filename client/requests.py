"""What the clients over HTTP ask and are answered: requests, and what refusals of the API raise."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from ..engine.errors import (
    BadArgument,
    Fault,
    NotFound,
    OnceflowError,
    Refused,
    ServerError,
)
from .conversion import to_json
from .errors import Denied

T = TypeVar("T")

BATCH: Final = 1000
"""How many instances, dead letters or forms one request may name."""


class Request(NamedTuple):
    """A request; ``body`` is its text, of the type ``kind``."""

    method: str
    path: str
    query: Mapping[str, str | int] = {}
    body: bytes | None = None
    kind: str = "application/json"


class Answered(NamedTuple):
    """An answer of the API."""

    status: int
    body: bytes


class Refusal(msgspec.Struct):
    """What an answer tells that is no success; ``type`` is one of docs/api.md, or about:blank."""

    type: str = "about:blank"
    detail: str = ""
    faults: list[Fault] = []

    def __str__(self) -> str:
        return " ".join([self.detail, *map(str, self.faults)])


def read_answer(answer: Answered, as_type: type[T]) -> T:
    """Return an answer as a type. Raises the error that a refusal tells."""
    if answer.status not in range(200, 300):
        raise error_of(answer)
    try:
        return msgspec.json.decode(answer.body, type=as_type)
    except msgspec.MsgspecError as error:
        raise ServerError(
            f"what answered is no Onceflow API of this release: {error}",
            hint="check the address, and upgrade the older of the two",
        ) from error


def error_of(answer: Answered) -> OnceflowError:
    """Return what a refused request raises: the same errors as through SQL."""
    refusal = refusal_of(answer)
    match answer.status:
        case 401 | 403:
            return Denied(str(refusal))
        case 404:
            return NotFound(str(refusal))
        case 409:
            return Refused(str(refusal))
        case 400 | 413 | 415 | 422:
            return BadArgument(str(refusal))
        case status:
            return ServerError(f"the API answered {status}: {refusal}")


def refusal_of(answer: Answered) -> Refusal:
    """Return what an answer tells that is no success. Raises ServerError: it is not our API's."""
    try:
        return msgspec.json.decode(answer.body, type=Refusal)
    except msgspec.MsgspecError:
        raise ServerError(
            f"the server answered {answer.status}, and not as an Onceflow API does",
            hint="check the address, and the proxies between",
        ) from None


def list_of(path: str, query: Mapping[str, str | int | None], limit: int, cursor: str) -> Request:
    """Ask for a page of a list; what is None in the query is not asked."""
    given = {"limit": limit, **query} | ({"cursor": cursor} if cursor else {})
    return Request("GET", path, {k: v for k, v in given.items() if v is not None})


def post(path: str, content: Any) -> Request:
    """Post a body."""
    return Request("POST", path, {}, to_json(content))


def raw(value: Any) -> msgspec.Raw:
    """Return a value as JSON within a body."""
    return msgspec.Raw(to_json(value))
