"""Errors as RFC 9457 problem details: what they say and how they go out."""

import http
import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
import psycopg
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from ..engine import errors
from ..engine.redact import masked_json

log = logging.getLogger("onceflow.api")

MEDIA_TYPE = "application/problem+json"

MOST_FAULTS = 500

# The words of RFC 9110, which are the same on every version of Python.
PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong in a request."""

    place: Annotated[
        str,
        msgspec.Meta(
            description="Where: a JSON pointer into the body, such as `/input/customer`, "
            "or `query.NAME` or `header.NAME`."
        ),
    ]
    message: Annotated[str, msgspec.Meta(description="What is wrong, and what is allowed.")]


class ProblemDetails(msgspec.Struct):
    """An error, as RFC 9457 describes it."""

    type: Annotated[
        str,
        msgspec.Meta(
            description="`urn:onceflow:another-input`: the key or id of a start has started an "
            "instance with another input. Of all else `about:blank`: the status tells what it is."
        ),
    ]
    title: str
    status: int
    detail: Annotated[str, msgspec.Meta(description="What went wrong and what to do.")]
    faults: Annotated[
        list[Fault], msgspec.Meta(description="Everything that is wrong with the request.")
    ]
    instance: Annotated[
        str | msgspec.UnsetType,
        msgspec.Meta(description="Of an unexpected error: under what the server logged it."),
    ] = msgspec.UNSET


class Problem(Exception):
    """Raised anywhere while a request is handled; it goes out as problem details.

    ``instance`` names this one occurrence, where the log tells more of it; ``kind`` is its type,
    where a client does something else for it than its status says.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        instance: str | None = None,
        kind: str = "about:blank",
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = list(faults)
        self.headers = dict(headers or {})
        self.instance = instance
        self.kind = kind


ANOTHER_INPUT: Final = "urn:onceflow:another-input"
"""The type of the refusal of a key or id that has started an instance with another input."""


def invalid(
    faults: Sequence[Fault], what: str = "The request", kind: str = "about:blank"
) -> Problem:
    """Return the 422 that lists everything wrong with ``what`` (of very many, the first)."""
    count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
    listed = f", the first {MOST_FAULTS} of which are listed" if len(faults) > MOST_FAULTS else ""
    told = f"{what} has {count}{listed}: nothing was done."
    return Problem(422, told, faults[:MOST_FAULTS], kind=kind)


def not_found(what: str) -> Problem:
    """Return the 404 for a thing that is not there."""
    return Problem(404, f"There is no {what}.")


def phrase(status: int) -> str:
    """Return the words of an HTTP status."""
    return PHRASES.get(status) or http.HTTPStatus(status).phrase


def respond(problem: Problem) -> Response:
    """Return the answer that tells a problem."""
    details = ProblemDetails(
        type=problem.kind,
        title=phrase(problem.status),
        status=problem.status,
        detail=problem.detail,
        faults=problem.faults,
        instance=problem.instance or msgspec.UNSET,
    )
    body = masked_json(msgspec.json.encode(details))
    return Response(body, problem.status, problem.headers, MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """Return how an error that a request raised is told; what nobody foresaw is logged here."""
    match error:
        case Problem():
            return error
        case HTTPException():
            return _of_http(error)
        case ClientDisconnect():  # nobody is left to read the answer
            return Problem(400, "The client went away before its body had arrived.")
        case errors.OnceflowError():
            return _of_onceflow(error)
        case psycopg.Error():
            return _of_postgres(error)
        case _:
            return unexpected(error)


def unexpected(error: Exception) -> Problem:
    """Log an error with its traceback; return a 500 that tells nothing but the entry's name."""
    name = f"urn:uuid:{uuid.uuid4()}"
    log.error("unexpected error %s", name, exc_info=error)
    return Problem(
        500, f"Something went wrong on our side; the log has it as {name}.", instance=name
    )


def _of_http(error: HTTPException) -> Problem:
    details = {
        404: "There is nothing under this path; /openapi.json lists what there is.",
        405: "This path does not take this method; the header Allow lists those it takes.",
    }
    detail = details.get(error.status_code) or error.detail
    return Problem(error.status_code, detail, headers=error.headers)


def _of_onceflow(error: errors.OnceflowError) -> Problem:
    if isinstance(error, errors.DefinitionError):
        return invalid([Fault(f.place, f.message) for f in error.faults], "The definition")
    # The errors that SQL raises name what the caller gave; detail may be a JSON document.
    statuses: dict[type[Exception], int] = {
        errors.NotFound: 404,
        errors.Refused: 409,
        errors.BadArgument: 422,
        errors.ExpressionFailed: 422,
        errors.SchemaTooNew: 503,
        errors.ServerError: 503,
    }
    status = statuses.get(type(error))
    return unexpected(error) if status is None else Problem(status, str(error))


def _of_postgres(error: psycopg.Error) -> Problem:
    sqlstate = error.sqlstate or ""
    if isinstance(error, psycopg.DataError) or sqlstate.startswith("54"):
        # What jsonb cannot hold: NUL, lone surrogates, numbers beyond numeric, too deep nesting.
        reason = error.diag.message_primary or str(error)
        return Problem(422, f"The request holds a value that cannot be stored: {reason}.")
    if isinstance(error, psycopg.errors.CheckViolation):
        # A rule that was to be checked before: of use to the caller all the same.
        log.error("a check of the database refused a request", exc_info=error)
        rule = error.diag.constraint_name
        return Problem(422, f"The request holds a value that the database refuses ({rule}).")
    if sqlstate in ("3F000", "42P01", "42883"):
        log.error("the schema is missing or of an older release: %s", error)
        return unavailable("The database has no current schema: run `onceflow migrate`.")
    if isinstance(error, psycopg.OperationalError):
        log.warning("Postgres did not answer: %s", error)
        return unavailable("The database does not answer at the moment: try again.")
    return unexpected(error)


def unavailable(detail: str) -> Problem:
    """Return the 503 that asks to try again."""
    return Problem(503, detail, headers={"Retry-After": "1"})
