"""An error goes out as a page where a person's browser asks, else as problem details."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from .pages.render import render
from .problems import Problem, respond

HTML: Final = frozenset({"text/html", "application/xhtml+xml"})


def tell(request: Request, problem: Problem) -> Response:
    """Return the answer to a request that tells a problem."""
    if request.method not in ("GET", "HEAD"):
        return respond(problem)
    if wants_page(request.headers.get("accept", "")):
        answer = render("error.html", {"problem": problem}, problem.status)
        answer.headers.update(problem.headers)
    else:
        answer = respond(problem)
    answer.headers["Vary"] = "Accept"
    return answer


def wants_page(accept: str) -> bool:
    """Tell whether a header Accept names HTML, and nothing made of JSON before it.

    Browsers name it; programs that take anything (``*/*``) do not.
    """
    html = json = 0.0
    for item in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in item.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        if kind in HTML:
            html = max(html, quality)
        elif kind == "application/json" or kind.endswith("+json"):
            json = max(json, quality)
    return html > json
