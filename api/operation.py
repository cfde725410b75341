"""An operation of the API: one declaration that makes its route and its part of /openapi.json."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

import msgspec
from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..engine.accounts.roles import Role
from ..engine.tracing import Trace, current_trace, read_trace
from .context import Context
from .elsewhere import from_elsewhere
from .problems import not_found, problem_of
from .requests import (
    BODY_LIMIT,
    decode_json,
    media_type,
    read_body,
    read_parameters,
    require_media_type,
)
from .spans import request_span
from .telling import tell

Query = TypeVar("Query")
Body = TypeVar("Body")
JSON = "application/json"

SHORT = 1 << 16
"""Bytes of a body that is read on the event loop itself."""


class Nothing(msgspec.Struct, frozen=True):
    """The parameters or the body of an operation that has none."""


@dataclass(frozen=True, slots=True)
class Document:
    """A definition as it came: its text, in one of several media types."""

    text: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request as it came, for an operation whose clients decide what they send.

    ``elsewhere``: a browser says that a page of another site had it send this.
    """

    body: bytes
    headers: Headers
    query: Sequence[tuple[str, str]]
    elsewhere: bool

    def headers_by_name(self) -> dict[str, list[str]]:
        """Return the values of each header, by its name in lower case."""
        found: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            found.setdefault(name, []).append(value)
        return found


@dataclass(frozen=True, slots=True)
class Call(Generic[Query, Body]):
    """One request of an operation, read and checked."""

    context: Context
    path: Mapping[str, str]
    query: Query
    body: Body
    headers: Any
    trace: Trace | None = None
    """The trace context that came with it."""

    def uuid(self, name: str, what: str) -> UUID:
        """Return a path parameter that is a UUID. Raises Problem 404 where it is none."""
        text = self.path[name]
        try:
            found = UUID(text)
        except ValueError:
            raise not_found(f"{what} {text!r}") from None
        if str(found) != text.lower():  # UUID() takes braces and prefixes too
            raise not_found(f"{what} {text!r}")
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler gives back: a status and what goes into the body."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Method and path, what comes in, what goes out.

    ``role``     the least role that it takes; None where nobody is asked who he is. What does not
                 say takes the highest.
    ``greets``   whether it tells more to who is known, where nobody is asked.
    ``handler``  takes a Call and returns an Answer (or the body of a 200). A plain function runs in
                 a thread; only what waits long is a coroutine, and it holds no connection.
    ``answers``  the type of the body by status; the problems that are common to all are added.
    ``body``     the type of the JSON body; Document where the handler reads a definition itself, in
                 one of ``media_types``; Delivery where it reads all of the request itself.
    ``heavy``    whether the handler computes long: few such run at once.
    ``problems`` the statuses of errors beside those that follow from the rest (see openapi.py).
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    handler: Callable[[Any], Any]
    answers: Mapping[int, Any]
    role: Role | None = Role.ADMIN
    description: str = ""
    query: type[Any] = Nothing
    headers: type[Any] = Nothing
    body: type[Any] = Nothing
    body_required: bool = True
    media_types: tuple[str, ...] = (JSON,)
    body_limit: int = BODY_LIMIT
    problems: tuple[int, ...] = ()
    heavy: bool = False
    greets: bool = False

    @property
    def takes_body(self) -> bool:
        """Whether the operation reads a body."""
        return self.body is not Nothing

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        context: Context = request.app.state.context
        call = await self.read(request, context)
        if inspect.iscoroutinefunction(self.handler):
            result: Any = await cast(Awaitable[Any], self.handler(call))
        else:
            limiter = context.heavy if self.heavy else None
            result = await to_thread.run_sync(self.handler, call, limiter=limiter)
        answer = result if isinstance(result, Answer) else Answer(200, result)
        body = msgspec.json.encode(answer.body)
        return Response(body, answer.status, dict(answer.headers), JSON)

    async def read(self, request: Request, context: Context) -> Call[Any, Any]:
        """Read and check everything that the request brings. Raises Problem."""
        path = cast("Mapping[str, str]", request.path_params)
        trace = current_trace() or read_trace(request.headers)
        for name, text in path.items():
            if "\0" in text:
                raise not_found(f"{name} with a NUL character")
        if self.body is Delivery:
            body = await self.read_body(request)
            return Call(context, path, Nothing(), body, Nothing(), trace)
        query_names = request.query_params.keys()
        query = {name: request.query_params.getlist(name) for name in query_names}
        known = [f.encode_name for f in msgspec.structs.fields(self.headers)]
        headers = {n: request.headers.getlist(n) for n in known if n in request.headers}
        return Call(
            context=context,
            path=path,
            query=read_parameters(query, self.query, "query"),
            headers=read_parameters(headers, self.headers, "header"),
            body=await self.read_body(request),
            trace=trace,
        )

    async def read_body(self, request: Request) -> Any:
        """Read and check the body. Raises Problem 400, 413, 415 or 422."""
        if not self.takes_body:
            return Nothing()
        text = await read_body(request, self.body_limit)
        if self.body is Delivery:
            query = request.query_params.multi_items()
            return Delivery(text, request.headers, query, from_elsewhere(request.scope))
        given = media_type(request.headers.get("content-type", ""))
        if not text and not given and not self.body_required:
            return self.body()
        kind = require_media_type(request, self.media_types)
        if self.body is Document:
            return Document(text, kind)
        if len(text) <= SHORT:
            return decode_json(text, self.body)
        return await to_thread.run_sync(decode_json, text, self.body)


def routes_of(operations: list[Operation]) -> list[Route]:
    """Return one route a path, so that a 405 names every method that the path takes."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    return [Route(path, _dispatch(of), methods=list(of)) for path, of in by_path.items()]


def _dispatch(of: Mapping[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        operation = of[method]
        with request_span(request, operation.path) as span:
            try:
                context: Context = request.app.state.context
                if operation.greets:
                    await context.admission.greet(request)
                else:
                    await context.admission.admit(request, operation.role)
                response = await operation(request)
            except Exception as error:  # the one place where an error becomes an answer
                response = tell(request, problem_of(error))
            span.answered(response.status_code)
            return response

    return endpoint
