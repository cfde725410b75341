"""/login and /logout: what a browser is known by is opened and closed here."""

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..accounts import cookies
from ..accounts.visitor import STRANGER, enter
from ..context import Context
from ..problems import Problem, problem_of
from ..requests import FORM, decode_text, read_body, require_media_type
from .page import see_other
from .render import render

MOST: int = 1 << 14
"""Bytes of the form."""


def way_back(wanted: str) -> str:
    """Return where to go on: a path of ours, and nothing that a browser takes for another site."""
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if ours and wanted.isprintable() else "/"


async def show_login(request: Request) -> Response:
    """Show the form; who is logged in is sent on."""
    try:
        context: Context = request.app.state.context
        wanted = way_back(request.query_params.get("to", "/"))
        known = not await context.admission.asks() or await context.admission.identify(request)
        return see_other(wanted) if known else _show(wanted)
    except Exception as error:  # the one place where an error becomes a page
        return _show("/", problem_of(error))


async def log_in(request: Request) -> Response:
    """Open a session for who knows the password."""
    context: Context = request.app.state.context
    wanted, name = "/", ""
    try:
        form = await _read(request)
        wanted, name = way_back(form.get("to", "/")), form.get("name", "").strip()
        secret = await context.logins.log_in(
            name, form.get("password", ""), context.admission.address(request)
        )
    except Exception as error:  # the one place where an error becomes a page
        return _show(wanted, problem_of(error), name)
    answer = see_other(wanted)
    encrypted = context.admission.is_encrypted(request)
    # Whoever sat at this browser before is logged out: what he bore is not to be found again.
    former = cookies.read(request, encrypted=encrypted)
    if former is not None:
        await context.logins.log_out(former)
    cookies.write(answer, secret, encrypted=encrypted)
    return answer


async def log_out(request: Request) -> Response:
    """Close the session, and have the browser forget it."""
    context: Context = request.app.state.context
    try:
        encrypted = context.admission.is_encrypted(request)
        visitor = await context.admission.identify(request) or STRANGER
        enter(visitor)
        if visitor.secret is not None:
            context.admission.check_form(request, await _read(request))
            await context.logins.log_out(visitor.secret)
    except Exception as error:  # the one place where an error becomes a page
        problem = problem_of(error)
        return render("error.html", {"problem": problem}, problem.status)
    answer = see_other("/login")
    cookies.remove(answer, encrypted=encrypted)
    return answer


def _show(wanted: str, problem: Problem | None = None, name: str = "") -> Response:
    enter(STRANGER)
    shown = {"wanted": wanted, "problem": problem, "name": name}
    answer = render("login.html", shown, problem.status if problem else 200)
    answer.headers.update(problem.headers if problem else {})
    return answer


async def _read(request: Request) -> dict[str, str]:
    require_media_type(request, (FORM,))
    text = decode_text(await read_body(request, MOST))
    return {name: texts[0] for name, texts in parse_qs(text, keep_blank_values=True).items()}


ROUTES = [
    Route("/login", show_login),
    Route("/login", log_in, methods=["POST"]),
    Route("/logout", log_out, methods=["POST"]),
]
