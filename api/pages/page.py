"""A page: a handler that reads and decides, a template that shows, and errors as pages too."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ...engine.accounts.roles import Role
from ...engine.secrets import Secrets
from ..accounts.admission import Roles
from ..context import Context
from ..database import Database
from ..problems import Fault, Problem, invalid, problem_of
from ..requests import read_form, read_parameters, refuse_unkept
from ..root import below
from .render import render

T = TypeVar("T")
Handler = Callable[["Visit"], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a page: its path, its query, and the form that it sent."""

    database: Database
    secrets: Secrets
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    form: Mapping[str, str]
    trace_url: str = ""
    """Where a trace is looked at, with ``{trace_id}``; empty: nowhere."""

    def given(self, *names: str) -> dict[str, str]:
        """Return what the query says of these; a field that was left empty was not given."""
        return {name: texts[0] for name, texts in self.query.items() if name in names and texts[0]}

    def read_query(self, kind: type[T]) -> T:
        """Read what the query says of a type's fields into that type. Raises Problem 422."""
        names = [field.encode_name for field in msgspec.structs.fields(cast(Any, kind))]
        return self.read(self.given(*names), kind)

    def read_form(self, kind: type[T]) -> T:
        """Read what the form says of a type's fields into that type. Raises Problem 422."""
        names = {field.encode_name for field in msgspec.structs.fields(cast(Any, kind))}
        return self.read({n: text for n, text in self.form.items() if n in names and text}, kind)

    def read(self, given: Mapping[str, str], kind: type[T]) -> T:
        """Read texts into a type. Raises Problem 422."""
        return read_parameters({name: [text] for name, text in given.items()}, kind, "query")


def unless_refused(read: Callable[[], T], otherwise: T) -> tuple[T, Problem | None]:
    """Return what a page shows by its filters, or what it shows with the reason why not.

    A filter that names nothing, or is written wrongly, is for the person who typed it to mend: the
    page keeps it.
    """
    try:
        return read(), None
    except Exception as error:
        problem = problem_of(error)
        if problem.status not in (404, 422):
            raise
        return otherwise, problem


def refusal_of(error: Exception) -> Problem:
    """Return what the page tells of whose form was refused. Raises what is our own fault."""
    problem = problem_of(error)
    if problem.status >= 500:
        raise error
    return problem


class PageRoute(Route):
    """The route of a page, and the least role that it takes."""

    def __init__(self, path: str, endpoint: Endpoint, method: str, roles: Roles) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.roles = roles


def page(path: str, handler: Handler, method: str = "GET", roles: Roles = Role.ADMIN) -> PageRoute:
    """Return the route of a page; its handler runs in a thread.

    What does not say which role it takes, takes the highest.
    """

    async def make(request: Request) -> Response:
        try:
            return await run_in_threadpool(handler, await _visit(request))
        except Exception as error:  # the one place where an error becomes a page
            return _tell(problem_of(error))

    async def endpoint(request: Request) -> Response:
        context: Context = request.app.state.context
        try:
            await context.admission.admit(request, roles, page=True)
        except Exception as error:
            problem = problem_of(error)
            context.live.leave(request)
            asked = request.method in ("GET", "HEAD")
            return to_login(request) if problem.status == 401 and asked else _tell(problem)
        if request.method == "POST":
            return await make(request)
        return await context.live.answer(request, partial(make, request))

    return PageRoute(path, endpoint, method, roles)


def _tell(problem: Problem) -> Response:
    return render("error.html", {"problem": problem}, problem.status)


def to_login(request: Request) -> Response:
    """Send the browser to the page where one logs in, and from there back to where it was."""
    path = below(request.scope["root_path"], request.scope["path"])
    query = request.url.query
    wanted = f"{path}?{query}" if query else path
    return see_other("/login" + ("" if wanted == "/" else "?" + urlencode({"to": wanted})))


async def _visit(request: Request) -> Visit:
    context: Context = request.app.state.context
    form: dict[str, str] = {}
    if request.method == "POST":
        form = await read_form(request)
        context.admission.check_form(request, form)
    query = {name: request.query_params.getlist(name) for name in request.query_params}
    path = request.path_params
    return Visit(context.database, context.secrets, path, query, form, context.trace_url)


def see_other(path: str) -> Response:
    """Send the browser on after a form, so that a reload does not send the form again."""
    return RedirectResponse(path, 303)


def typed_json(text: str, place: str) -> msgspec.Raw:
    """Return what was typed as JSON. Raises Problem 422 where it is none."""
    body = text.encode()
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise invalid([Fault(place, f"is not JSON: {error}")]) from error
    refuse_unkept(body, place)
    return msgspec.Raw(body)
