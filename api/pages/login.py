"""/login and /logout: what a browser is known by is opened and closed here."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ..accounts import cookies
from ..accounts.oidc import Asked, Oidc
from ..accounts.visitor import STRANGER, enter
from ..context import Context
from ..problems import Problem, not_found, problem_of
from ..requests import read_form
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
        return see_other(wanted) if known else _show(wanted, provider=context.oidc is not None)
    except Exception as error:  # the one place where an error becomes a page
        return _show("/", problem_of(error))


async def log_in(request: Request) -> Response:
    """Open a session for who knows the password."""
    context: Context = request.app.state.context
    wanted, name = "/", ""
    try:
        form = await read_form(request, MOST)
        wanted, name = way_back(form.get("to", "/")), form.get("name", "").strip()
        secret = await context.logins.log_in(
            name, form.get("password", ""), context.admission.address(request)
        )
    except Exception as error:  # the one place where an error becomes a page
        return _show(wanted, problem_of(error), name, provider=context.oidc is not None)
    answer = see_other(wanted)
    encrypted = context.admission.is_encrypted(request)
    await _forget(request, context, encrypted)
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
            context.admission.check_form(request, await read_form(request, MOST))
            await context.logins.log_out(visitor.secret)
    except Exception as error:  # the one place where an error becomes a page
        problem = problem_of(error)
        return render("error.html", {"problem": problem}, problem.status)
    answer = see_other("/login")
    cookies.remove(answer, encrypted=encrypted)
    return answer


async def _forget(request: Request, context: Context, encrypted: bool) -> None:
    """Log out whoever sat at this browser before: what he bore is not to be found again."""
    former = cookies.read(request, encrypted=encrypted)
    if former is not None:
        await context.logins.log_out(former)


def _show(
    wanted: str, problem: Problem | None = None, name: str = "", *, provider: bool = False
) -> Response:
    enter(STRANGER)
    shown = {"wanted": wanted, "problem": problem, "name": name, "provider": provider}
    answer = render("login.html", shown, problem.status if problem else 200)
    answer.headers.update(problem.headers if problem else {})
    return answer


async def ask_provider(request: Request) -> Response:
    """Send the browser to the provider of identities."""
    context: Context = request.app.state.context
    wanted = way_back(request.query_params.get("to", "/"))
    try:
        oidc = _provider(context)
        place, asked = await to_thread.run_sync(oidc.begin, _returning(request), wanted)
    except Exception as error:  # the one place where an error becomes a page
        return _show(wanted, problem_of(error), provider=context.oidc is not None)
    answer = RedirectResponse(place, 303)
    encrypted = context.admission.is_encrypted(request)
    cookies.write(answer, _packed(asked), encrypted=encrypted, way=True)
    return answer


async def hear_provider(request: Request) -> Response:
    """Open a session for whom the provider vouches."""
    context: Context = request.app.state.context
    encrypted = context.admission.is_encrypted(request)
    asked = _unpacked(cookies.read(request, encrypted=encrypted, way=True))
    wanted = way_back(asked.wanted) if asked else "/"
    try:
        secret = await to_thread.run_sync(
            _provider(context).finish, dict(request.query_params), asked, _returning(request)
        )
        await _forget(request, context, encrypted)
        answer = see_other(wanted)
        cookies.write(answer, secret, encrypted=encrypted)
    except Exception as error:  # the one place where an error becomes a page
        answer = _show(wanted, problem_of(error), provider=context.oidc is not None)
    cookies.remove(answer, encrypted=encrypted, way=True)
    return answer


def _provider(context: Context) -> Oidc:
    if context.oidc is None:
        raise not_found("provider of identities: ONCEFLOW_OIDC_ISSUER names none")
    return context.oidc


def _returning(request: Request) -> str:
    """Return the address to which the provider sends a browser back: as this one calls us."""
    context: Context = request.app.state.context
    return context.admission.address_of(request, "/login/provider/return")


def _packed(asked: Asked) -> str:
    return urlsafe_b64encode(msgspec.json.encode(asked)).decode().rstrip("=")


def _unpacked(borne: str | None) -> Asked | None:
    try:
        text = urlsafe_b64decode(f"{borne or ''}{'=' * (-len(borne or '') % 4)}")
        return msgspec.json.decode(text, type=Asked)
    except ValueError:  # msgspec's is one too
        return None


ROUTES = [
    Route("/login/provider", ask_provider),
    Route("/login/provider/return", hear_provider),
    Route("/login", show_login),
    Route("/login", log_in, methods=["POST"]),
    Route("/logout", log_out, methods=["POST"]),
]
